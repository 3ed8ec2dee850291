"""gunicorn with the settings that we deploy: what is under way ends well, and a restart keeps nobody waiting."""

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from launch.sandbox.serving import find_free_port
from smartapp.config import HERE


class Served:
    """gunicorn as the Procfile has it, around an application that waits as long as a test wants."""

    def __init__(self, folder: Path, processes: int = 1) -> None:
        self.folder, self.port, self.log = folder, find_free_port(), folder / "log"
        words = ["gunicorn", "--config", "deploy/gunicorn.py", "--bind", f"127.0.0.1:{self.port}", "slow_app:app"]
        said = next(line for line in (HERE / "Procfile").read_text().splitlines() if line.startswith("web: "))
        assert said.split()[1:4] == words[:3]
        environ = os.environ | {"SLOW_APP": str(folder), "PYTHONPATH": str(HERE / "tests" / "fakes")}
        environ |= {"TMPDIR": str(folder), "WEB_CONCURRENCY": str(processes)}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([sys.executable, "-m", *words], cwd=HERE, env=environ, stderr=log)
        self._threads = ThreadPoolExecutor(4)
        wait_for(self._answers)

    def get(self, path: str = "/") -> str:
        """The number of the process that answered."""
        return requests.get(f"http://127.0.0.1:{self.port}{path}", timeout=60).text

    def begin(self, name: str) -> "Future[str]":
        """A request that ends with `end`; it is under way when this returns."""
        answer = self._threads.submit(self.get, f"/slow/{name}")
        wait_for((self.folder / f"{name}.begun").exists)
        return answer

    def end(self, name: str) -> None:
        (self.folder / name).touch()

    def children(self) -> set[str]:
        """Its processes that answer; the kernel may give all requests of a while to one of them."""
        here = self.process.pid
        return set(Path(f"/proc/{here}/task/{here}/children").read_text().split())

    @staticmethod
    def parent_of(process: str) -> int:
        """The gunicorn that started it."""
        status = Path(f"/proc/{process}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("PPid:")).split()[1])

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            return bool(self.get())
        except requests.ConnectionError:
            return False

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._threads.shutdown()


def wait_for(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.05)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    served = Served(tmp_path)
    yield served
    served.close()


def test_a_stop_lets_what_is_under_way_end(served: Served) -> None:
    """SIGTERM: the answer under way arrives whole; then the process goes, leaves nothing, and all it logged is JSON."""
    answer = served.begin("one")
    served.process.send_signal(signal.SIGTERM)
    wait_for(lambda: "Handling signal" in served.log.read_text())
    assert served.process.poll() is None
    served.end("one")
    assert answer.result(timeout=60).isdecimal()
    assert served.process.wait(60) == 0
    assert list(served.folder.glob("chartside-metrics-*")) == []
    for line in served.log.read_text().splitlines():
        assert json.loads(line)["logger"] == "gunicorn.error"


def test_the_work_goes_on_without_the_browser(served: Served) -> None:
    """Whoever signs may leave the page: the connection is gone in the middle, and the request runs to its end."""
    with socket.create_connection(("127.0.0.1", served.port)) as browser:
        browser.sendall(b"POST /slow/left HTTP/1.1\r\nHost: chartside\r\nContent-Length: 0\r\n\r\n")
        wait_for((served.folder / "left.begun").exists)
        browser.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # reset, as by a closed window
    before = served.get()
    assert not (served.folder / "left.ended").exists()
    served.end("left")
    wait_for((served.folder / "left.ended").exists)
    assert served.get() == before  # and the process goes on


def test_a_restart_without_a_gap(served: Served) -> None:
    """SIGHUP: new processes take over, no request in between fails, and the old one ends what it has begun."""
    before = served.get()
    answer = served.begin("two")
    served.process.send_signal(signal.SIGHUP)
    wait_for(lambda: served.get() != before)  # every one of these requests is answered, or get raises
    served.end("two")
    assert answer.result(timeout=60) == before


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Served]:
    served = Served(tmp_path, processes=2)
    wait_for(lambda: len(served.children()) == 2)  # the first answers before the second is begun
    yield served
    served.close()


class Askers:
    """Several that ask without a pause while a block runs; any answer that does not come fails the test."""

    def __init__(self, served: Served) -> None:
        self._served, self._over, self.answered = served, threading.Event(), 0

    def __enter__(self) -> "Askers":
        self._threads = ThreadPoolExecutor(4)
        self._asking = [self._threads.submit(self._ask) for _ in range(4)]
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._threads.shutdown()
        for asking in self._asking:
            self.answered += asking.result()

    def _ask(self) -> int:
        answered = 0
        while not self._over.is_set():
            assert self._served.get().isdecimal()
            answered += 1
        return answered


def test_two_processes_are_replaced_under_load(pair: Served) -> None:
    """SIGHUP with requests in flight on both processes: every one is answered, and then both processes are new."""
    before = pair.children()
    slow = [pair.begin(name) for name in ("one", "two", "three")]
    with Askers(pair) as askers:
        pair.process.send_signal(signal.SIGHUP)
        wait_for(lambda: before.isdisjoint(pair.get() for _ in range(20)))
    for name, answer in zip(("one", "two", "three"), slow, strict=True):
        pair.end(name)
        assert answer.result(timeout=60) in before
    assert askers.answered > 0


def test_a_new_version_takes_over_under_load(pair: Served) -> None:
    """SIGUSR2 starts a second gunicorn on the same port, SIGTERM then ends the first: no request fails on the way."""
    before = pair.children()
    slow = pair.begin("one")
    with Askers(pair) as askers:
        pair.process.send_signal(signal.SIGUSR2)
        wait_for(lambda: not before.issuperset(pair.get() for _ in range(20)))
        pair.process.send_signal(signal.SIGTERM)
        wait_for(lambda: before.isdisjoint(pair.get() for _ in range(20)))
        pair.end("one")
        assert slow.result(timeout=60) in before
        assert pair.process.wait(60) == 0
    assert askers.answered > 0
    os.kill(pair.parent_of(pair.get()), signal.SIGTERM)


def test_settings_that_are_missing_end_it(tmp_path: Path) -> None:
    """All are named at once, and gunicorn does not try again for ever."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("CHARTSIDE_")}
    words = ["gunicorn", "--config", "deploy/gunicorn.py", "--bind", "127.0.0.1:0", "smartapp.wsgi:app"]
    ended = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=HERE, env=environ | {"TMPDIR": str(tmp_path)}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert ended.returncode != 0
    for name in ("CHARTSIDE_PUBLIC_URL", "CHARTSIDE_SECRET_KEYS", "CHARTSIDE_EHRS"):
        assert f"{name} is not set" in ended.stderr
