"""`make sbom`: all that Chartside is made of, as a CycloneDX file: what requirements.lock pins and what is vendored."""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "build" / "sbom.cdx.json"


def build_bill() -> dict[str, Any]:
    """The bill of the pinned packages by cyclonedx-py, and with them the scripts that lie in static/vendor."""
    command = [sys.executable, "-m", "cyclonedx_py", "requirements", "requirements.lock"]
    options = ["--pyproject", "pyproject.toml", "--mc-type", "application", "--output-reproducible", "--of", "JSON"]
    made = subprocess.run([*command, *options], cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S603 - our own words
    bill: dict[str, Any] = json.loads(made.stdout)
    bill["components"] += [_vendored(package) for package in json.loads(_manifest().read_text("utf-8"))]
    return bill


def _manifest() -> Path:
    return ROOT / "static" / "vendor" / "manifest.json"


def _vendored(package: dict[str, Any]) -> dict[str, Any]:
    name, version = package["name"], package["version"]
    files = [
        {"type": "file", "name": path, "hashes": [{"alg": "SHA-256", "content": digest}]}
        for path, digest in package["files"].items()
    ]
    return {
        "type": "library",
        "bom-ref": f"static/vendor/{name}",
        "name": name,
        "version": version,
        "purl": f"pkg:npm/{name.replace('@', '%40')}@{version}",
        "licenses": [{"license": {"name": package["licence"]}}],
        "components": files,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=FILE)
    out: Path = parser.parse_args().out
    bill = build_bill()
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(bill, indent=1) + "\n", "utf-8")
    print(f"{len(bill['components'])} components in {out}")  # noqa: T201 - a command prints


if __name__ == "__main__":
    main()
