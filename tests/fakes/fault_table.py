"""Faults of what Chartside runs on, each met by people in the middle of their work, and what became of it."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event

import sqlalchemy as sa
from fault_people import Person, until
from real_site import RealSite

from smartapp.audit import Kind
from smartapp.audit.log import events
from smartapp.audit.verify import verify_log
from smartapp.store.tables import DecisionRow

Act = Callable[[RealSite], None]
COMES_BACK_WITHIN = 120.0  # seconds; a review whose process has died is taken over after twenty
WORKS_WITHIN = 60.0  # as long as a machine busy with other things may take for a page
AT_ONCE = 6  # people who begin their day at one moment


@dataclass(frozen=True, slots=True)
class Fault:
    name: str
    strike: Act
    mend: Act
    form: str = "hospital"  # as `fault_list.FORMS` names it
    works: bool = False  # coding by hand goes on while it lasts
    says: str = ""  # what people must read, whatever they do
    lasts: float = 2.0  # seconds
    people: int = 3


@dataclass(frozen=True, slots=True)
class Row:
    """What became of it: a line of the table."""

    fault: Fault
    saw: tuple[str, ...]
    lost: int
    doubled: int
    recovered: float | None  # seconds from the mending until everybody went on
    complaints: tuple[str, ...]

    def line(self) -> str:
        back = f"{self.recovered:6.1f} s" if self.recovered is not None else "   never"
        first, *more = self.saw or ("(nothing of it)",)
        head = f"{self.fault.name:40} {self.fault.form:10} {self.lost:4} {self.doubled:7} {back}  {first}"
        rest = [" " * 74 + words for words in more] + [f"  BROKEN: {complaint}" for complaint in self.complaints]
        return "\n".join([head, *rest])


HEAD = f"{'fault':40} {'form':10} {'lost':>4} {'doubled':>7} {'back in':>8}  what people saw"


def face(site: RealSite, fault: Fault, whole: bool = True) -> Row:
    """People decide, and where `whole` one signs and one has a chart read, when the fault strikes."""
    with ThreadPoolExecutor(AT_ONCE) as threads:
        hand, signer, *people = threads.map(lambda _: Person(site).begin(), range(fault.people + 2))
    reader, over, complaints = Person(site), Event(), list[str]()
    with ThreadPoolExecutor(fault.people + 2) as threads:
        work = [threads.submit(person.keeps_deciding, over) for person in people]
        with _slow_ehr(site) as at_work:
            if whole:
                for act, asked in zip((reader.reads, signer.signs), at_work, strict=True):
                    work.append(threads.submit(act))
                    assert asked.wait(60), "nobody asks the EHR"
            fault.strike(site)
            struck = time.monotonic()
        if fault.works and not until(hand.codes_by_hand, WORKS_WITHIN):
            complaints.append("coding by hand did not go on")
        time.sleep(max(0.0, fault.lasts - (time.monotonic() - struck)))
        fault.mend(site)
        mended = time.monotonic()
        back = all(until(lambda p=person: p.told_at > mended, COMES_BACK_WITHIN) for person in people)
        over.set()
        for done in work:
            done.result()
    if whole:
        back &= until(reader.reads, COMES_BACK_WITHIN) and until(signer.signs, COMES_BACK_WITHIN)
    recovered = time.monotonic() - mended
    complaints += [] if back else ["somebody could not go on"]
    complaints += _record(site)
    everybody = [hand, signer, *people] + [reader] * whole
    lost, doubled = sum(p.lost() for p in everybody), sum(p.doubled() for p in everybody)
    complaints += [f"{lost} lost"] * bool(lost) + [f"{doubled} doubled"] * bool(doubled)
    saw = tuple(dict.fromkeys(words for person in everybody for words in person.saw))
    if fault.says not in " ".join(saw):
        complaints.append(f"no page said: {fault.says}")
    return Row(fault, saw, lost, doubled, recovered if back else None, tuple(complaints))


@contextmanager
def _slow_ehr(site: RealSite) -> Iterator[tuple[Event, Event]]:
    """The EHR keeps a reader and a writer waiting while the block runs; the events tell that they have asked."""
    over, reads, writes = Event(), Event(), Event()
    asked_by = {("GET", "DocumentReference"): reads, ("POST", "Condition"): writes}

    def wait(method: str, path: str) -> None:
        if asked := asked_by.get((method, path.partition("/")[0])):
            asked.set()
            over.wait(60)

    site.faults.fhir = wait
    try:
        yield reads, writes
    finally:
        site.faults.fhir = None
        over.set()


def _record(site: RealSite) -> list[str]:
    """What is wrong with the audit log: it is intact and tells of each decision once."""
    verdict = verify_log(site.engine, site.notary.keys, site.notary.file)
    with site.engine.connect() as connection:
        decided = connection.execute(sa.select(sa.func.count()).select_from(DecisionRow)).scalar_one()
        of_decisions = sa.select(sa.func.count()).where(events.c.kind == Kind.DECISION.value)
        told = connection.execute(of_decisions.select_from(events)).scalar_one()
    wrong = [f"the audit log: {found}" for found in verdict.breaks]
    return wrong + [f"{decided} decisions, and the audit log tells of {told}"] * (decided != told)
