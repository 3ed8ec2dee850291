"""The predictor in its own process: asked over a socket, and refused in time when it cannot answer."""

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date
from multiprocessing.connection import Client
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from fake_predictor import REVISION, FakePredictor
from predictor_process import Child
from threads import together

from model.document import Document, Setting
from model.prediction import Policy, Prediction
from smartapp.errors import PredictorUnavailable
from smartapp.inference import QUEUE, PredictorClient, PredictorServer, authkey_from, listen

KEYS = (Fernet.generate_key().decode(),)
DOCUMENT = Document("e1", "Essential hypertension, stable.", Setting.INPATIENT, date(2026, 3, 2))
ENCOUNTER = Policy.ENCOUNTER


@pytest.fixture(scope="module")
def child(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Child]:
    child = Child(tmp_path_factory.mktemp("predictor") / "run" / "predictor.sock", KEYS[0]).until_ready()
    yield child
    child.end()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Callable[[FakePredictor], Path]]:
    """Serves a predictor from a thread of the test's own process."""
    stop, threads = threading.Event(), []

    def start(predictor: FakePredictor) -> Path:
        path = tmp_path / "p.sock"
        listener = listen(path)

        def run() -> None:
            with listener:
                PredictorServer(predictor, authkey_from(KEYS)).run(listener, stop)

        threads.append(threading.Thread(target=run))
        threads[-1].start()
        return path

    yield start
    stop.set()
    for thread in threads:
        thread.join()


def test_the_whole_prediction_arrives(child: Child) -> None:
    """What the predictor says arrives as it would from a call in the same process."""
    assert child.client.predict(DOCUMENT, ENCOUNTER) == FakePredictor().predict(DOCUMENT, ENCOUNTER)


def test_the_document_arrives_whole(served: Callable[[FakePredictor], Path]) -> None:
    """Setting, date of service, policy and every character reach the predictor, half a surrogate pair too."""
    asked: list[tuple[Document, Policy]] = []

    class Listens(FakePredictor):
        def predict(self, document: Document, policy: Policy) -> Prediction:
            asked.append((document, policy))
            return super().predict(document, policy)

    odd = Document("é", "Naïve \U0001f9ea\x00\f \ud83d end", Setting.ED, date(2025, 10, 1))
    client = PredictorClient(served(Listens()), KEYS)
    client.predict(odd, Policy.EXHAUSTIVE)
    client.predict(Document("e2", "No date."), ENCOUNTER)
    assert asked == [(odd, Policy.EXHAUSTIVE), (Document("e2", "No date."), ENCOUNTER)]


def test_a_long_document(child: Child) -> None:
    """200,000 characters are no trouble."""
    text = "Noted. " * 28_570 + "Essential hypertension."
    prediction = child.client.predict(Document("long", text), ENCOUNTER)
    assert prediction.codes[0].evidence[0].span.start > 199_000


def test_health(child: Child) -> None:
    """A ping tells the revision that is loaded, during a prediction too."""
    slow = threading.Thread(target=child.client.predict, args=(Document("s", "be slow"), ENCOUNTER))
    slow.start()
    time.sleep(0.2)
    begun = time.monotonic()
    assert child.client.revision() == REVISION
    assert time.monotonic() - begun < 1
    slow.join()


def test_nobody_is_there(tmp_path: Path) -> None:
    """Without a process the refusal is immediate."""
    with pytest.raises(PredictorUnavailable, match="not running"):
        PredictorClient(tmp_path / "none.sock", KEYS).predict(DOCUMENT, ENCOUNTER)


def test_too_slow(child: Child) -> None:
    """A prediction that takes longer than the time-out is given up, and the next one works."""
    with pytest.raises(PredictorUnavailable, match="in time"):
        PredictorClient(child.path, KEYS, timeout=0.3).predict(Document("s", "be slow"), ENCOUNTER)
    assert child.client.predict(DOCUMENT, ENCOUNTER).codes


def test_a_failure_says_nothing_of_the_text(
    served: Callable[[FakePredictor], Path], caplog: pytest.LogCaptureFixture
) -> None:
    """An error in the predictor is a refusal; the log has its type and place and no word of the document."""
    client = PredictorClient(served(FakePredictor()), KEYS)
    with caplog.at_level(logging.DEBUG), pytest.raises(PredictorUnavailable) as refused:
        client.predict(Document("c", "Mr. Canary will fail"), ENCOUNTER)
    assert "RuntimeError at" in caplog.text and "fake_predictor.py" in caplog.text
    assert "Canary" not in caplog.text + str(refused.value)
    assert client.predict(DOCUMENT, ENCOUNTER).codes


def test_busy(served: Callable[[FakePredictor], Path]) -> None:
    """Beyond the queue's length a prediction is refused at once; those in the queue are answered one at a time."""
    hold, at_once, most = threading.Event(), [0], [0]

    class Slow(FakePredictor):
        def predict(self, document: Document, policy: Policy) -> Prediction:
            at_once[0] += 1
            most[0] = max(most[0], at_once[0])
            hold.wait(10)
            at_once[0] -= 1
            return super().predict(document, policy)

    client = PredictorClient(served(Slow()), KEYS, timeout=10)

    def ask(_: int) -> Prediction:
        try:
            return client.predict(DOCUMENT, ENCOUNTER)
        except PredictorUnavailable:
            hold.set()  # refused while all the others still wait
            raise

    answers = together(ask, list(range(QUEUE + 1)))
    refused = [a for a in answers if not isinstance(a, Prediction)]
    assert len(refused) == 1 and "busy" in str(refused[0])
    assert most == [1]


def test_whoever_no_longer_waits_is_passed_over(served: Callable[[FakePredictor], Path]) -> None:
    """A question whose asker has given up while it queued is not worked on."""
    hold, asked = threading.Event(), []

    class Slow(FakePredictor):
        def predict(self, document: Document, policy: Policy) -> Prediction:
            asked.append(document.id)
            hold.wait(10)
            return super().predict(document, policy)

    path = served(Slow())
    patient = PredictorClient(path, KEYS, timeout=10)
    first = threading.Thread(target=patient.predict, args=(Document("first", "x"), ENCOUNTER))
    first.start()
    while not asked:
        time.sleep(0.01)
    with pytest.raises(PredictorUnavailable):
        PredictorClient(path, KEYS, timeout=0.2).predict(Document("gave up", "x"), ENCOUNTER)
    hold.set()
    first.join()
    patient.predict(Document("last", "x"), ENCOUNTER)
    assert asked == ["first", "last"]


def test_other_keys(child: Child) -> None:
    """A process with other secret keys is not let in, and does not let in."""
    with pytest.raises(PredictorUnavailable, match="other secret keys"):
        PredictorClient(child.path, [Fernet.generate_key().decode()]).predict(DOCUMENT, ENCOUNTER)


def test_an_impostor_is_told_nothing(tmp_path: Path) -> None:
    """A server that cannot prove that it has the keys never receives the document."""
    heard: list[bytes] = []
    path = tmp_path / "false.sock"
    listener = listen(path)

    def pretend() -> None:
        caller, _ = listener.accept()
        with caller, suppress(OSError):  # the client hangs up
            caller.sendall(b"\x00\x00\x00\x1f#CHALLENGE#" + b"0" * 20)
            caller.settimeout(1)
            while chunk := caller.recv(65536):
                heard.append(chunk)
                caller.sendall(b"\x00\x00\x00\x09#WELCOME#" + b"\x00\x00\x00\x10" + b"0" * 16)

    thread = threading.Thread(target=pretend)
    thread.start()
    with pytest.raises(PredictorUnavailable):
        PredictorClient(path, KEYS, timeout=1).predict(DOCUMENT, ENCOUNTER)
    thread.join()
    listener.close()
    assert heard and b"hypertension" not in b"".join(heard)


def test_nonsense_from_the_other_end(tmp_path: Path) -> None:
    """A server that speaks another protocol, or hangs up, is a refusal and no crash."""
    path = tmp_path / "odd.sock"
    listener = listen(path)
    for said in (b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x00\x00\x00\x02{}"):

        def answer(said: bytes = said) -> None:
            caller, _ = listener.accept()
            with caller:
                caller.sendall(said)

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(PredictorUnavailable):
            PredictorClient(path, KEYS, timeout=1).predict(DOCUMENT, ENCOUNTER)
        thread.join()
    listener.close()


def test_a_mute_caller_holds_nobody_up(child: Child) -> None:
    """Callers that connect and say nothing, or nonsense, do not keep others from being answered."""
    with socket.socket(socket.AF_UNIX) as mute, socket.socket(socket.AF_UNIX) as rude:
        mute.connect(str(child.path))
        rude.connect(str(child.path))
        rude.sendall(b"\xff" * 64)
        assert child.client.predict(DOCUMENT, ENCOUNTER).codes


def test_questions_that_make_no_sense(child: Child) -> None:
    """A peer with the key that asks nonsense is hung up on; the process lives."""
    for question in (b"no json", b"[]", b'{"do": "predict"}', b'{"do": "predict", "document": {}, "policy": "x"}'):
        with Client(str(child.path), authkey=authkey_from(KEYS)) as wire:
            wire.send_bytes(question)
            with pytest.raises((EOFError, OSError)):
                wire.recv_bytes()
    assert child.client.revision() == REVISION


def test_an_answer_about_another_text(served: Callable[[FakePredictor], Path]) -> None:
    """An answer that is not about the document that was asked about is not used."""

    class Confused(FakePredictor):
        def predict(self, document: Document, policy: Policy) -> Prediction:
            return super().predict(Document(document.id, "Former smoker"), policy)

    with pytest.raises(PredictorUnavailable, match="another text"):
        PredictorClient(served(Confused()), KEYS).predict(DOCUMENT, ENCOUNTER)
