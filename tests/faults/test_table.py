"""The short form of `make faults`: what strikes fastest, on both forms of deployment, while people decide."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from fault_list import FAULTS, FORMS
from fault_table import Fault, face
from postgresql_process import programs
from real_site import RealSite

BRIEF = {
    "one host": ("web killed", "predictor killed", "disk full"),
    "hospital": ("database killed", "broker killed", "sessions killed"),
}
CHOSEN = [fault for fault in FAULTS if fault.name.startswith(BRIEF.get(fault.form, ()))]


class Sites:
    """By form of deployment, each started when it is first wanted."""

    def __init__(self, closing: ExitStack) -> None:
        self._closing, self._running = closing, dict[str, RealSite]()

    def get(self, form: str) -> RealSite:
        if form not in self._running:
            folder = Path(self._closing.enter_context(TemporaryDirectory(prefix="chartside-faults-")))
            folder.chmod(0o755)  # the owner of PostgreSQL's folder passes through
            site = self._running[form] = FORMS[form](folder)
            self._closing.callback(site.close)
            site.start()
        return self._running[form]


@pytest.fixture(scope="module")
def sites() -> Iterator[Sites]:
    with ExitStack() as closing:
        yield Sites(closing)


@pytest.mark.parametrize(
    "fault", [pytest.param(f, id=f"{f.name}, {f.form}", marks=pytest.mark.xdist_group(f.form)) for f in CHOSEN]
)
@pytest.mark.timeout(600)
def test_what_a_fault_does_to_people_who_decide(sites: Sites, fault: Fault, need: Callable[[bool, str], None]) -> None:
    """Nothing they were told is lost, nothing is kept twice, the page says what is the matter, and they go on."""
    need(fault.form != "hospital" or programs() is not None, "PostgreSQL")
    assert face(sites.get(fault.form), fault, whole=False).complaints == ()
