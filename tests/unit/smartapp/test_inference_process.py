"""The life of the predictor's process: started, stopped, killed, started twice."""

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from fake_predictor import REVISION
from predictor_process import Child

from model.document import Document
from model.prediction import Policy
from smartapp.errors import PredictorUnavailable

KEYS = (Fernet.generate_key().decode(),)
DOCUMENT = Document("e1", "Essential hypertension, stable.")
ENCOUNTER = Policy.ENCOUNTER


@pytest.fixture(scope="module")
def child(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Child]:
    child = Child(tmp_path_factory.mktemp("predictor") / "run" / "predictor.sock", KEYS[0]).until_ready()
    yield child
    child.end()


def test_stopping_and_what_a_kill_leaves_behind(tmp_path: Path) -> None:
    """A killed process leaves its socket, which the next one replaces; SIGTERM ends that one cleanly."""
    path = tmp_path / "predictor.sock"
    killed = Child(path, KEYS[0]).until_ready()
    killed.process.kill()
    killed.process.communicate()
    assert path.exists()
    with pytest.raises(PredictorUnavailable, match="not running"):
        killed.client.predict(DOCUMENT, ENCOUNTER)
    heir = Child(path, KEYS[0]).until_ready()
    assert heir.client.predict(DOCUMENT, ENCOUNTER).codes
    assert heir.end() == ""
    assert (heir.process.returncode, path.exists()) == (0, False)


def test_a_stop_lets_predictions_end(tmp_path: Path) -> None:
    """SIGTERM at work: who asked before is answered, who asks then is not, and the process goes with 0."""
    child = Child(tmp_path / "predictor.sock", KEYS[0]).until_ready()
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(child.client.predict, Document("s", "be slow. Essential hypertension."), ENCOUNTER)
        while not child.client.waiting():
            time.sleep(0.01)
        child.process.send_signal(signal.SIGTERM)
        assert asked.result(timeout=20).codes
    with pytest.raises(PredictorUnavailable):
        child.client.predict(DOCUMENT, ENCOUNTER)
    assert child.process.wait(20) == 0
    child.process.communicate()


def test_a_second_predictor_does_not_push_the_first_aside(child: Child) -> None:
    """Started twice by mistake, the second one says so and ends."""
    second = Child(child.path, KEYS[0])
    assert "already listens" in second.process.communicate(timeout=20)[1].decode()
    assert second.process.returncode != 0
    assert child.client.revision() == REVISION


def test_killed_in_the_middle_of_a_prediction(tmp_path: Path) -> None:
    """A process that dies at work is noticed at once, not after the time-out."""
    child = Child(tmp_path / "predictor.sock", KEYS[0]).until_ready()
    threading.Timer(0.3, child.process.kill).start()
    begun = time.monotonic()
    with pytest.raises(PredictorUnavailable, match="stopped before"):
        child.client.predict(Document("s", "be slow"), ENCOUNTER)
    assert time.monotonic() - begun < 2
    child.process.communicate()


def test_the_web_process_loads_no_model() -> None:
    """Importing the whole web application loads the code book and the predictor's values, not the predictor."""
    script = "import sys, smartapp.coding, smartapp.views; sys.exit('model.predictor' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], env=os.environ).returncode == 0


def test_the_socket_is_its_owners(child: Child) -> None:
    """Other users of the machine can neither reach the socket nor its folder."""
    assert stat.S_IMODE(child.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(child.path.parent.stat().st_mode) == 0o700
