"""`make audit`: asks the database of known weaknesses (OSV) about every pinned package.

0 when none is known; 1 when one is. A machine that cannot reach the database has audited nothing: that is said, and is
no failure, because nothing was found out; with --must-reach it is one, and 2. 3 where pip-audit itself fails.
"""

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CANNOT = "NOT AUDITED: the database of known weaknesses (api.osv.dev) cannot be reached from here, so nothing is known."
# The last line of pip-audit where nobody answers: its own words, or the error that it lets through.
AWAY = re.compile(
    r"ERROR:pip_audit\._cli:Tip: your network may be blocking|pip_audit\._service\.interface\.ServiceError"
    r"|requests\.exceptions\.(?!JSONDecodeError)"
)
BROKEN = "NOT AUDITED: pip-audit itself failed, so nothing is known:"
# A weakness that does not reach us, by its id, with the reason; `pip-audit --ignore-vuln`.
REASONED: dict[str, str] = {}


def ask(lock: Path) -> tuple[int, str]:
    """Exit status and what to print."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(lock), "--no-deps", "--disable-pip"]
    command += ["--vulnerability-service", "osv", "--format", "json", "--progress-spinner", "off"]
    command += [word for id in REASONED for word in ("--ignore-vuln", id)]
    asked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    return judge(asked.stdout, asked.stderr)


def judge(said: str, complained: str) -> tuple[int, str]:
    """Of pip-audit's report, or why there is none; a package that was passed over has not been audited either."""
    try:
        packages = json.loads(said)["dependencies"]
    except (ValueError, KeyError, TypeError):
        last = complained.strip().rpartition("\n")[2]
        return (2, CANNOT) if AWAY.match(last) else (3, f"{BROKEN} {last}")
    if not packages:
        return 3, "NOT AUDITED: the report names no package, so nothing is known."
    passed_over = [package["name"] for package in packages if "skip_reason" in package]
    if passed_over:
        return 2, f"NOT AUDITED: {', '.join(passed_over)}"
    found = [(p, weakness) for p in packages for weakness in p["vulns"]]
    lines = [f"{p['name']} {p['version']}: {w['id']}, mended in {w['fix_versions'] or 'nothing yet'}" for p, w in found]
    return (1, "\n".join(lines)) if found else (0, f"no known weakness in {len(packages)} packages")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--must-reach", action="store_true", help="fail, too, where nothing could be asked")
    status, words = ask(ROOT / "requirements.lock")
    print(words)  # noqa: T201 - a command prints
    sys.exit(0 if status == 2 and not parser.parse_args().must_reach else status)


if __name__ == "__main__":
    main()
