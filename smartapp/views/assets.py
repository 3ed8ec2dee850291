"""Static files under an address that changes with their content, so that browsers may keep them for ever."""

import hashlib
from pathlib import Path

from flask import Flask, Response, send_from_directory, url_for


def digest_of(folder: Path) -> str:
    """One digest for the folder: modules and style sheets name each other by relative addresses."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def register(app: Flask, folder: Path) -> None:
    """Adds `/assets/<digest>/<name>`, and `asset(name)` for templates."""
    current = digest_of(folder)

    def asset(digest: str, name: str) -> Response:
        response = send_from_directory(folder, name)
        # A page from before an update still gets its styles, but must not keep the new file under the old name.
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if digest == current else "no-cache"
        return response

    app.add_url_rule("/assets/<digest>/<path:name>", "asset", asset)
    app.jinja_env.globals["asset"] = lambda name: url_for("asset", digest=current, name=name)
