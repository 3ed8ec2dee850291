"""Who we speak to. Guide page: App considerations; Client authentication; Backend services (TLS)."""

import socket
import ssl
import struct
import threading
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from launch.discovery import Discovery
from launch.ehrs import EHR
from launch.errors import DiscoveryFailed
from smartapp.errors import EHRUnavailable
from smartapp.fhir.client import FHIRClient


def discover(port, clock):
    """As every exchange of a launch: all go through the one transport."""
    with pytest.raises(DiscoveryFailed) as refused:
        Discovery(clock).read(EHR(f"https://127.0.0.1:{port}/fhir", "Fake EHR", "us"))
    return refused.value


def read_patient(port, clock):
    """As every exchange with the FHIR API, token and all."""
    base = f"https://127.0.0.1:{port}/fhir"
    client = FHIRClient(base, lambda refresh: "a-token", patient="p1", timeout=(1.0, 1.0), sleep=lambda _: None)
    with client, pytest.raises(EHRUnavailable) as refused:
        client.read("Patient", "p1")
    return refused.value


either = pytest.mark.parametrize("speak", [discover, read_patient])


@pytest.fixture
def self_signed(tmp_path):
    """A certificate that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "server.pem"
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(private + certificate.public_bytes(pem))
    return path


@pytest.mark.requirement("@230")
@pytest.mark.requirement("@318")
@pytest.mark.requirement("@232")
@pytest.mark.requirement("@1")
@either
def test_a_server_that_cannot_prove_itself_is_refused(self_signed, clock, speak):
    """The EHR's certificate is checked; nothing is sent to a server with one that nobody vouches for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed)
    received = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            for _ in range(3):  # the client may try again
                connection, _ = server.accept()
                try:
                    with context.wrap_socket(connection, server_side=True) as secure:
                        received.append(secure.recv(100))
                except OSError:
                    received.append(b"")

        threading.Thread(target=serve, daemon=True).start()
        speak(server.getsockname()[1], clock)
    assert received
    assert b"".join(received) == b""


def offered_versions(hello):
    """The TLS versions in a ClientHello's supported_versions (RFC 8446 4.2.1)."""
    place = 5 + 4 + 2 + 32  # record and handshake headers, legacy version, random
    place += 1 + hello[place]  # session id
    place += 2 + struct.unpack_from("!H", hello, place)[0]  # cipher suites
    place += 1 + hello[place]  # compression
    place += 2
    while place < len(hello):
        kind, length = struct.unpack_from("!HH", hello, place)
        if kind == 43:
            return set(struct.unpack_from(f"!{hello[place + 4] // 2}H", hello, place + 5))
        place += 4 + length
    return {struct.unpack_from("!H", hello, 9)[0]}


@pytest.mark.requirement("@230")
@pytest.mark.requirement("@318")
@pytest.mark.requirement("@232")
@either
def test_tls_1_2_is_the_oldest_that_we_offer(clock, speak):
    """What we say first on the wire offers TLS 1.2 and 1.3 and nothing older."""
    hellos = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            for _ in range(3):
                connection, _ = server.accept()
                with connection:
                    hellos.append(connection.recv(16384))

        threading.Thread(target=serve, daemon=True).start()
        speak(server.getsockname()[1], clock)
    assert offered_versions(hellos[0]) == {0x0303, 0x0304}
