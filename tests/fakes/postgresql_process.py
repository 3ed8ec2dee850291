"""A PostgreSQL of the test's own on a port and a folder of its own, that can be killed and started again."""

import os
import shutil
import subprocess
from pathlib import Path

import psycopg
from real_process import RealProcess

from launch.sandbox.serving import find_free_port


def programs() -> Path | None:
    """Where the newest installed PostgreSQL has its programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    return found[-1].parent if found else None


class PostgreSQLProcess:
    """`url` stays the same however often it is started; what it confirmed is on disk."""

    def __init__(self, folder: Path) -> None:
        where = programs()
        assert where, "PostgreSQL is not installed"
        port, data = find_free_port(), folder / "data"
        self._as_owner: list[str | Path] = []
        folder.mkdir()
        if os.geteuid() == 0:  # which PostgreSQL refuses to run as
            shutil.chown(folder, "postgres")
            self._as_owner = [
                "setpriv",
                "--reuid",
                "postgres",
                "--regid",
                "postgres",
                "--init-groups",
                "--pdeathsig",
                "KILL",
            ]
        self._run(where / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync")
        self.url = f"postgresql+psycopg://postgres@127.0.0.1:{port}/postgres"
        command = [*self._as_owner, where / "postgres", "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", folder]
        self.process = RealProcess("postgresql", command, {"LC_ALL": "C"}, folder, self._answers)

    def _run(self, *command: str | Path) -> None:
        done = subprocess.run([*self._as_owner, *command], cwd="/", capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def _answers(self, _: RealProcess) -> bool:
        try:
            with psycopg.connect(self.url.replace("+psycopg", ""), connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False
