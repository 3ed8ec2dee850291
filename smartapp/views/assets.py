"""Static files under an address that changes with their content, so that browsers may keep them for ever."""

import gzip
import hashlib
from functools import lru_cache
from pathlib import Path

from flask import Flask, Response, request, send_from_directory, url_for

# Pages and the answers to forms are sent as they are, however long: they hold the token of the forms beside words that
# somebody else may choose (notes, searches), and compressed, their length would tell of the token (BREACH,
# https://breachattack.com). JSON is small or for machines. A proxy in front should compress no more than this.
COMPRESSED = frozenset({".css", ".js", ".svg"})


def digest_of(folder: Path) -> str:
    """One digest for the folder: modules and style sheets name each other by relative addresses."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


@lru_cache(maxsize=128)
def _packed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def register(app: Flask, folder: Path) -> None:
    """Adds `/assets/<digest>/<name>`, and `asset(name)` for templates."""
    current = digest_of(folder)

    def asset(digest: str, name: str) -> Response:
        response = send_from_directory(folder, name)
        if Path(name).suffix in COMPRESSED:
            response.vary.add("Accept-Encoding")
            if response.status_code == 200 and request.accept_encodings["gzip"]:
                response.direct_passthrough = False
                response.set_data(_packed(response.get_data()))
                response.headers["Content-Encoding"] = "gzip"
                del response.headers["ETag"]  # it names the bytes that were not sent
        # A page from before an update still gets its styles, but must not keep the new file under the old name.
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if digest == current else "no-cache"
        return response

    app.add_url_rule("/assets/<digest>/<path:name>", "asset", asset)
    app.jinja_env.globals["asset"] = lambda name: url_for("asset", digest=current, name=name)
