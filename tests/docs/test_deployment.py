"""The Procfile, the examples for Compose and Kubernetes, and what docs/deployment.md promises of them."""

import re
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import redis
import yaml  # type: ignore[import-untyped]
from check_jsonschema.cli import main as check_jsonschema
from click.testing import CliRunner
from cryptography.fernet import Fernet
from redis_process import RedisProcess

from launch.context import LaunchContext
from launch.redis_sessions import RedisSessionStore
from launch.sessions import Session, Tokens
from launch.vault import Vault
from smartapp.assembly import STOP_WITHIN
from smartapp.cli import main
from smartapp.config import HERE, Rates
from smartapp.inference import LAST_PREDICTIONS_SECONDS
from smartapp.queueing import ChartQueue
from smartapp.views.limits import Limits
from smartapp.worker import STOP_WITHIN as WORKER_STOPS_WITHIN

COMPOSE, KUBERNETES = HERE / "deploy" / "compose.yaml", HERE / "deploy" / "kubernetes.yaml"
PAGE = (HERE / "docs" / "deployment.md").read_text("utf-8")
PROCFILE = dict(line.split(": ", 1) for line in (HERE / "Procfile").read_text("utf-8").splitlines())
GRACEFUL = int(re.findall(r"^graceful_timeout = (\d+)", (HERE / "deploy" / "gunicorn.py").read_text(), re.MULTILINE)[0])
VERSION = tomllib.loads((HERE / "pyproject.toml").read_text("utf-8"))["project"]["version"]


def compose() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(COMPOSE.read_text("utf-8"))
    return read


def objects() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(KUBERNETES.read_text("utf-8")))


def pod() -> dict[str, Any]:
    """Of the deployment."""
    spec: dict[str, Any] = next(o for o in objects() if o["kind"] == "Deployment")["spec"]["template"]["spec"]
    return spec


def containers(pod: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for container in [*pod.get("initContainers", ()), *pod["containers"]]:
        yield container["name"], container


def seconds(said: str) -> int:
    return int(said.removesuffix("s"))


def is_compose(file: Path) -> bool:
    return CliRunner().invoke(check_jsonschema, ["--builtin-schema", "vendor.compose-spec", str(file)]).exit_code == 0


def test_compose_is_what_compose_reads(tmp_path: Path) -> None:
    """By the schema of the Compose Specification, which notices a word that there is not."""
    assert is_compose(COMPOSE)
    wrong = tmp_path / "compose.yaml"
    wrong.write_text(COMPOSE.read_text("utf-8").replace("stop_grace_period", "stop_grace_time"))
    assert not is_compose(wrong)


def test_kubernetes_is_what_kubernetes_reads() -> None:
    """By the schemas of its API, strictly."""
    for one in objects():
        kubernetes_validate.validate(one, "1.37", strict=True)
    wrong = objects()[0] | {"speck": {}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, "1.37", strict=True)


def test_every_process_is_everywhere() -> None:
    """What the Procfile runs, Compose and Kubernetes run with the same words; each of our commands is there."""
    assert set(PROCFILE) == {"release", "web", "worker", "predictor"}
    services, pods = compose()["services"], dict(containers(pod()))
    assert set(PROCFILE) == set(services) == set(pods)
    for name, words in PROCFILE.items():
        if name == "web":  # what the image itself runs
            said = re.findall(r"^CMD (\[.+\])$", (HERE / "deploy" / "Dockerfile").read_text("utf-8"), re.MULTILINE)
            assert yaml.safe_load(said[0]) == words.split()
            assert "command" not in services[name] and "args" not in pods[name]
        else:
            assert services[name]["command"] == words
            assert " ".join(pods[name]["args"]) == words
            assert CliRunner().invoke(main, [words.split()[1], "--help"]).exit_code == 0


def test_the_image_is_of_this_version() -> None:
    images = set(re.findall(r"chartside:(\d\S*)", COMPOSE.read_text() + KUBERNETES.read_text()))
    assert images == {VERSION}


def test_secrets_of_the_host_come_into_no_image_and_no_commit() -> None:
    """Each file beside the Compose file that it reads: settings, secret keys, EHRs with their keys."""
    said, web = compose(), compose()["services"]["web"]
    files = {web["env_file"], *(secret["file"] for secret in said["secrets"].values())}
    files |= {volume.partition(":")[0].removeprefix("./") for volume in web["volumes"] if volume.startswith("./")}
    assert len(files) == 3
    for name in (".dockerignore", ".gitignore"):
        ignored = {line.rstrip("/") for line in (HERE / name).read_text("utf-8").splitlines()}
        assert {f"deploy/{file}" for file in files} <= ignored, name


def test_probes_ask_a_port_that_there_is() -> None:
    """Of their own container, for an address that answers there."""
    for name, container in containers(pod()):
        ports = {port["name"] for port in container.get("ports", ())}
        for kind in ("livenessProbe", "readinessProbe", "startupProbe"):
            asked = container.get(kind, {}).get("httpGet")
            assert asked is None or asked["port"] in ports, (name, kind)
    probed = {name for name, container in containers(pod()) if "livenessProbe" in container}
    assert probed == {"web", "worker"}


def test_all_pods_sign_the_audit_log_with_one_key() -> None:
    """Whoever writes to the log has the same key and keeps its checkpoints where they outlive the pod."""
    spec = pod()
    kept = {v["name"] for v in spec["volumes"] if "persistentVolumeClaim" in v}
    shared = {v["name"] for v in spec["volumes"] if "secret" in v}
    for name in ("web", "worker"):
        container = dict(containers(spec))[name]
        mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
        key = Path(next(e["value"] for e in container["env"] if e["name"] == "CHARTSIDE_AUDIT_KEY"))
        assert mounts[str(key.parent)] in shared
        assert mounts["/var/lib/chartside"] in kept
    assert "audit:/var/lib/chartside" in compose()["services"]["web"]["volumes"]
    dockerfile = (HERE / "deploy" / "Dockerfile").read_text("utf-8")
    assert "CHARTSIDE_AUDIT_CHECKPOINTS=/var/lib/chartside/" in dockerfile


def test_a_stop_leaves_time_to_end() -> None:
    """Nobody is killed before what it has begun can end, and the predictor is there for as long as it is asked."""
    assert STOP_WITHIN < GRACEFUL
    services, spec = compose()["services"], pod()
    before = int(dict(containers(spec))["web"]["lifecycle"]["preStop"]["exec"]["command"][1])
    stays = int(dict(containers(spec))["predictor"]["lifecycle"]["preStop"]["exec"]["command"][1])
    longest = max(before + GRACEFUL, WORKER_STOPS_WITHIN / 1000)
    assert stays >= longest
    assert spec["terminationGracePeriodSeconds"] >= stays + LAST_PREDICTIONS_SECONDS
    assert seconds(services["web"]["stop_grace_period"]) > GRACEFUL
    assert seconds(services["worker"]["stop_grace_period"]) > WORKER_STOPS_WITHIN / 1000
    assert seconds(services["predictor"]["stop_grace_period"]) > LAST_PREDICTIONS_SECONDS
    for name in ("web", "worker"):  # Compose stops what depends on it first
        assert "predictor" in services[name]["depends_on"]


def test_the_redis_user_of_the_page_suffices(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """With the rights that the page names, and none besides: sessions, queue, workers and limits work in Redis."""
    rights = re.findall(r"`(~chartside:\S+ [^`]+)`", PAGE)[0].split()
    running = RedisProcess(tmp_path)
    try:
        with redis.Redis.from_url(running.url) as admin:
            admin.execute_command("ACL", "SETUSER", "chartside", "on", ">pw", *rights)  # type: ignore[no-untyped-call]
        url = running.url.replace("redis://", "redis://chartside:pw@")
        now = datetime.now(UTC)
        context = LaunchContext("https://ehr.example", "EHR", "p", "e", "Practitioner/1", "Dr X", ("launch",))
        session = Session("k" * 43, "b" * 43, context, Tokens("a", "r", now + timedelta(minutes=5)), now, now)
        sessions = RedisSessionStore(url, Vault([Fernet.generate_key().decode()]))
        sessions.put(session)
        sessions.touch(session.key, now)
        assert [found.key for found in sessions.every()] == [session.key]
        assert sessions.claim_refresh(session.key, now, now + timedelta(seconds=9))
        sessions.release_refresh(session.key)
        sessions.remove(session.key)
        queue = ChartQueue(url)
        queue.beat("w1")
        queue.put("k" * 43)
        queue.put("k" * 43, timedelta(minutes=1))
        assert (queue.length(), queue.workers()) == (2, 1)
        queue.leave("w1")
        limits = Limits(Rates(), url)
        limits.count_launch("k" * 43)
        assert "by each process for itself" not in caplog.text
    finally:
        running.stop()
