"""Processes of a real site that can be killed as `kill -9` does, and started again with the same settings."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path


class RealProcess:
    """One entry of the Procfile, or a server beside it; whoever starts it may be killed, and it goes, too."""

    def __init__(
        self, name: str, command: Sequence[str | Path], environ: Mapping[str, str], folder: Path,
        ready: Callable[["RealProcess"], bool],
    ) -> None:  # fmt: skip
        self.name, self.log = name, folder / f"{name}.log"
        self._command, self._environ, self._ready = command, dict(environ), ready
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it is ready."""
        self.begin()
        self.until_ready()

    def begin(self) -> None:
        self._from = self.log.stat().st_size if self.log.exists() else 0
        command = ["setpriv", "--pdeathsig", "KILL", "--", *self._command]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, env=os.environ | self._environ, stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    def until_ready(self) -> None:
        deadline = time.monotonic() + 120
        while not self._ready(self):
            assert self._process and self._process.poll() is None, f"{self.name} ended:\n{self.last_words()}"
            assert time.monotonic() < deadline, f"{self.name} does not come up:\n{self.last_words()}"
            time.sleep(0.05)

    def said(self) -> str:
        """What it wrote since it was started last."""
        return self.log.read_bytes()[self._from :].decode(errors="replace")

    def last_words(self) -> str:
        return "\n".join(self.said().splitlines()[-15:])

    def family(self) -> list[int]:
        """The ids of it and of all that it has started, those last that started others."""
        if self._process is None or self._process.poll() is not None:
            return []
        parents = {int(entry.name): parent for entry in Path("/proc").iterdir() if (parent := _parent(entry))}
        found = [self._process.pid]
        for member in found:
            found += [child for child, parent in parents.items() if parent == member]
        return found[::-1]

    def signal_all(self, number: signal.Signals) -> None:
        for member in self.family():
            with contextlib.suppress(ProcessLookupError):
                os.kill(member, number)

    def signal_one(self, number: signal.Signals) -> None:
        """The one of them that was started last."""
        os.kill(self.family()[0], number)

    def kill(self) -> None:
        """kill -9 of every process of it."""
        if self._process is not None:
            self.signal_all(signal.SIGKILL)
            self._process.wait()

    def terminate(self) -> None:
        """SIGTERM to the first of them, as whoever stops a service does."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        """The code with which it goes."""
        assert self._process is not None
        return self._process.wait(60)

    def memory(self) -> float:
        """MiB that only they use, together."""
        return sum(_private(member) for member in self.family()) / 1024

    def processor_seconds(self) -> float:
        """That they have worked since they were started; those that have ended do not count."""
        return sum(_worked(member) for member in self.family()) / os.sysconf("SC_CLK_TCK")


def _parent(entry: Path) -> int | None:
    """Of a process in /proc; proc_pid_stat(5): its name, in brackets, may hold anything."""
    try:
        return int((entry / "stat").read_text().rpartition(")")[2].split()[1]) if entry.name.isdecimal() else None
    except OSError:
        return None


def _worked(process: int) -> int:
    """Clock ticks (proc_pid_stat(5): utime and stime)."""
    try:
        return sum(map(int, Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11:13]))
    except OSError:
        return 0


def _private(process: int) -> int:
    """KiB."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))


def python(*words: str | Path) -> list[str | Path]:
    return [sys.executable, *words]
