"""Whether a worker lives, as it says itself."""

from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Any, cast

import dramatiq
import requests

from launch.sandbox.serving import find_free_port
from smartapp.worker import is_alive, serve_pages


@dataclass
class Running:
    """Dramatiq's worker with threads of a test's own."""

    workers: list[Thread] = field(default_factory=list)
    consumers: dict[str, Thread] = field(default_factory=dict)

    def alive(self) -> bool:
        return is_alive(cast(dramatiq.Worker, self))


def waiting(over: Event) -> Thread:
    thread = Thread(target=over.wait, args=(20,), daemon=True)
    thread.start()
    return thread


def test_alive_while_each_thread_is() -> None:
    """One that takes messages and one that works on them; without any it never began."""
    over, soon = Event(), Event()
    running = Running([waiting(over)], {"charts": waiting(soon)})
    assert running.alive()
    soon.set()
    running.consumers["charts"].join()
    assert not running.alive()
    over.set()
    assert not Running().alive()


def test_pages_say_so() -> None:
    """200, or 503 where a thread has ended: then it is started again."""
    port, lives = find_free_port(), [True]
    serve_pages(port, lambda: lives[0])

    def ask() -> tuple[int, Any]:
        answer = requests.get(f"http://127.0.0.1:{port}/healthz", timeout=10)
        return answer.status_code, answer.json()

    assert ask() == (200, {"status": "ok"})
    lives[0] = False
    assert ask() == (503, {"status": "a thread has ended"})
