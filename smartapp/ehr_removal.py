"""Takes an EHR off the list, and says beforehand what becomes of what hangs on it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from launch.ehr_file import read_ehr, remove_ehr
from launch.ehrs import EHR
from launch.launcher import Launcher
from launch.sessions import Session
from smartapp.audit import AuditLog, Entry, Kind
from smartapp.audit.events import hash_of
from smartapp.store import ReviewStore


@dataclass(frozen=True, slots=True)
class Leaving:
    """An EHR that is to be removed: how many are signed in from it, and what of their work is not at its end."""

    iss: str
    name: str
    key_files: tuple[str, ...]  # beside the list
    sessions: int
    unfinished: int  # encounters that were signed and are not all in their chart
    unsigned: int  # encounters that were begun and not signed

    def becomes(self) -> Iterator[str]:
        """What removing it brings about, a sentence each."""
        yield "Nothing of it is opened here any more, its calls of the CDS service are refused, nothing is sent to it."
        if self.sessions:
            they = "1 person is" if self.sessions == 1 else f"{self.sessions} people are"
            yield f"{they} signed in from it: their sessions end at once and their access is given back to the EHR."
        if self.unfinished:
            charts = "1 signed encounter is" if self.unfinished == 1 else f"{self.unfinished} signed encounters are"
            yield (
                f"{charts} not all in the chart yet: what is missing is not sent any more, and can be finished only "
                "after the EHR is added again under the same address. To finish first, keep it: Finish writing, on "
                "each receipt."
            )
        if self.unsigned:
            begun = "1 encounter was" if self.unsigned == 1 else f"{self.unsigned} encounters were"
            yield f"{begun} begun and not signed: what was decided is kept, and waits for the same."
        yield "Reviews, receipts and the audit log stay here; chartside purge takes old charts away as always."
        if self.key_files:
            files = ", ".join(self.key_files)
            yield f"Files of keys stay beside the list ({files}): delete them when no other EHR lists them."


@dataclass(frozen=True, slots=True)
class Removal:
    """Removes EHRs from the list at `path`, with all that a running application needs for it."""

    path: Path
    launcher: Launcher
    reviews: ReviewStore
    audit: AuditLog

    def look(self, iss: str) -> Leaving:
        """What hangs on the EHR, which may be one that cannot be used. Raises InvalidEHRFile where it is not listed."""
        iss = iss.removesuffix("/")
        table = read_ehr(self.path, iss)
        keys = table.get("private_keys", [])
        return Leaving(
            iss=iss,
            name=str(table.get("name") or iss),
            key_files=tuple(str(name) for name in keys) if isinstance(keys, list) else (),
            sessions=len(self._sessions(iss)),
            unfinished=self.reviews.count_unfinished(iss),
            unsigned=self.reviews.count_unsigned(iss),
        )

    def remove(self, iss: str, account: str = "") -> Leaving:
        """What hung on it; `account` says who, where that is by a command.

        First the list, so that nobody comes in behind; then the sessions end, each told to the log. Raises
        InvalidEHRFile and OSError, and has then removed nothing; SessionsUnavailable.
        """
        leaving, known = self.look(iss), self._known(iss.removesuffix("/"))
        sessions = self._sessions(leaving.iss)
        remove_ehr(self.path, leaving.iss)
        for session in sessions:
            end(session, self.launcher, self.audit, known, account)
        return leaving

    def _sessions(self, iss: str) -> list[Session]:
        return [session for session in self.launcher.live_sessions() if session.context.iss == iss]

    def _known(self, iss: str) -> EHR | None:
        return next((ehr for ehr in self.launcher.ehrs if ehr.iss == iss), None)


def end(session: Session, launcher: Launcher, audit: AuditLog, of: EHR | None = None, account: str = "") -> None:
    """Told first: what is done is never untold. `of` is its EHR, where that is on the list no more; `account` says who
    ended it, where that was by a command."""
    who = {"user": session.context.fhir_user, "ehr": session.context.iss, "launch": hash_of(session.key)}
    who |= {"account": account} if account else {}
    audit.record(Entry(Kind.SESSION, who))
    launcher.dismiss(session, of)
