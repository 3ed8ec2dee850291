"""The faults of the table, and the forms of deployment that they strike."""

import resource
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Final

from fault_table import Fault
from real_site import RealSite

FORMS: Final[dict[str, Callable[[Path], RealSite]]] = {
    "hospital": lambda folder: RealSite(folder, hospital=True),
    "one host": lambda folder: RealSite(folder, hospital=False),
    "own clock": lambda folder: RealSite(folder, hospital=False, web_app="clocked_app:app"),
}


def nothing(_: RealSite) -> None:
    return None


def kill_web(site: RealSite) -> None:
    site.web.kill()


def start_web(site: RealSite) -> None:
    site.web.start()


def kill_a_web_process(site: RealSite) -> None:
    """gunicorn itself replaces it."""
    site.web.signal_one(signal.SIGKILL)


def kill_model(site: RealSite) -> None:
    """The child of the predictor that holds the model; the predictor replaces it."""
    site.predictor.signal_one(signal.SIGKILL)


def end_web(site: RealSite) -> None:
    """What is under way ends first, and would be cut off after 45 seconds."""
    assert site.web.wait() == 0, "web did not stop well"
    site.web.start()


def fill_disk(site: RealSite) -> None:
    """No file of the web processes grows any more, nor is an old one written beyond its first byte."""
    for member in site.web.family():
        resource.prlimit(member, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))


def empty_disk(site: RealSite) -> None:
    for member in site.web.family():
        resource.prlimit(member, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def set_clock(seconds: int) -> Callable[[RealSite], None]:
    def set_it(site: RealSite) -> None:
        site.clock_file.write_text(str(seconds))

    return set_it


def _database(number: signal.Signals) -> Callable[[RealSite], None]:
    return lambda site: site.database.process.signal_all(number)


NO_ANSWER: Final = "Chartside cannot be reached. Your last action was not saved"
NO_DATABASE: Final = "Chartside cannot reach its database. What you decided before is saved."
NO_SESSIONS: Final = "Chartside cannot reach its store of sessions. Your decisions are saved."
SESSION_OVER: Final = "Your session has ended. Your decisions are saved."

FAULTS: Final = (
    Fault("web killed", kill_web, start_web, says=NO_ANSWER),
    Fault("one web process killed", kill_a_web_process, nothing),
    Fault("web told to stop, and started", lambda s: s.web.terminate(), end_web),
    Fault("worker killed", lambda s: s.workers[0].kill(), lambda s: s.workers[0].start(), works=True),
    Fault("predictor killed", lambda s: s.predictor.kill(), lambda s: s.predictor.start(), works=True),
    Fault("model killed", kill_model, nothing, works=True),
    Fault(
        "database killed", lambda s: s.database.process.kill(), lambda s: s.database.process.start(), says=NO_DATABASE
    ),
    Fault("database frozen", _database(signal.SIGSTOP), _database(signal.SIGCONT), lasts=30.0),
    Fault("broker killed, restarted empty", lambda s: s.broker.stop(), lambda s: s.broker.start(), works=True),
    Fault(
        "sessions killed, restarted empty",
        lambda s: s.session_redis.stop(),
        lambda s: s.session_redis.start(),
        says=NO_SESSIONS,
    ),
    Fault("web killed", kill_web, start_web, "one host", says=NO_ANSWER),
    Fault("predictor killed", lambda s: s.predictor.kill(), lambda s: s.predictor.start(), "one host", works=True),
    Fault("disk full", fill_disk, empty_disk, "one host", says=NO_DATABASE),
    Fault("clock an hour ahead", set_clock(3600), set_clock(0), "own clock", says=SESSION_OVER),
    Fault("clock an hour behind", set_clock(-3600), set_clock(0), "own clock", works=True),
    Fault(
        "clock ahead, and web killed",
        lambda s: (set_clock(3600)(s), kill_web(s)),
        lambda s: (set_clock(0)(s), start_web(s)),
        "own clock",
    ),
    Fault("fifty people at once", nothing, nothing, "hospital", works=True, lasts=10.0, people=50),
    Fault("fifty people at once", nothing, nothing, "one host", works=True, lasts=10.0, people=50),
)
