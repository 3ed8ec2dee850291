"""`make faults`: each fault of the table struck while people work; fails where anything is lost or written twice.

python tests/bench/faults.py "web killed" "disk full"     # some of them, by the beginning of their names
"""

import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "fakes"))
from fault_list import FAULTS, FORMS
from fault_table import HEAD, Fault, Row, face


def rows_of(form: str, faults: Sequence[Fault], bar: "tqdm[None]") -> list[Row]:
    """On one site, one after the other: what one leaves behind is there when the next strikes."""
    found = []
    with tempfile.TemporaryDirectory(prefix="chartside-faults-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # the owner of PostgreSQL's folder passes through
        site = FORMS[form](folder)
        try:
            site.start()
            for fault in faults:
                bar.set_postfix_str(fault.name)
                found.append(face(site, fault))
                tqdm.write(found[-1].line())
                bar.update()
        finally:
            site.close()
    return found


def main(names: Sequence[str]) -> int:
    chosen = [fault for fault in FAULTS if not names or fault.name.startswith(tuple(names))]
    began, load = time.monotonic(), os.getloadavg()[0]
    with tqdm(total=len(chosen), unit=" faults") as bar:
        tqdm.write(HEAD)
        rows = [
            row
            for form in FORMS
            if (faults := [fault for fault in chosen if fault.form == form])
            for row in rows_of(form, faults, bar)
        ]
    broken = [row for row in rows if row.complaints]
    took = time.monotonic() - began
    print(f"{len(rows)} faults in {took:.0f} s (load average at the start: {load:.1f}); {len(broken)} broke a promise")
    return 1 if broken or not rows else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
