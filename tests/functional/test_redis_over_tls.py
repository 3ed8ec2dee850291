"""Redis behind TLS: whoever cannot prove to be the host of the address is sent nothing."""

import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from site_browser import eventually

from launch.errors import SessionsUnavailable
from launch.redis_sessions import RedisSessionStore
from launch.sandbox.serving import find_free_port
from launch.vault import Vault
from smartapp.attending import QueueUnavailable
from smartapp.config import Rates
from smartapp.queueing import ChartQueue
from smartapp.views.limits import Limits


def certificate(folder: Path, address: str) -> Path:
    """For that address, with its key; its own authority."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Redis")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / "redis.pem"
    path.write_bytes(private + made.public_bytes(pem))
    return path


@contextmanager
def running(folder: Path, proof: Path) -> Iterator[str]:
    """The address of a Redis that speaks nothing but TLS."""
    port = find_free_port()
    words = ["--tls-cert-file", proof, "--tls-key-file", proof, "--tls-ca-cert-file", proof, "--tls-auth-clients", "no"]
    command = ["redis-server", "--port", "0", "--tls-port", str(port), "--bind", "127.0.0.1", "--save", "", *words]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)

    def listens() -> bool:
        with socket.socket() as caller:
            return caller.connect_ex(("127.0.0.1", port)) == 0

    try:
        eventually(listens)
        yield f"rediss://127.0.0.1:{port}/0"
    finally:
        process.kill()
        process.wait()


def sessions(url: str) -> RedisSessionStore:
    return RedisSessionStore(url, Vault([Fernet.generate_key().decode()]))


@pytest.fixture(autouse=True)
def has_redis(need: Callable[[bool, str], None]) -> None:
    need(shutil.which("redis-server") is not None, "Redis")


def test_a_server_with_the_proof_that_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Sessions, queue and limits go there, by an authority of the hospital's own."""
    proof = certificate(tmp_path, "127.0.0.1")
    with running(tmp_path, proof) as url:
        url += f"?ssl_ca_certs={proof}"
        assert ChartQueue(url).workers() == 0
        assert sessions(url).get("k") is None
        Limits(Rates(), url).count_launch("k")
        assert "by each process for itself" not in caplog.text


@pytest.mark.parametrize(("address", "named"), [("127.0.0.1", False), ("192.0.2.7", True)])
def test_a_server_that_cannot_prove_itself(tmp_path: Path, address: str, named: bool) -> None:
    """One for which nobody vouches, and one whose proof is of another address, are as good as away."""
    proof = certificate(tmp_path, address)
    with running(tmp_path, proof) as url:
        url += f"?ssl_ca_certs={proof}" if named else ""
        with pytest.raises(QueueUnavailable):
            ChartQueue(url).workers()
        with pytest.raises(SessionsUnavailable):
            sessions(url).get("k")
