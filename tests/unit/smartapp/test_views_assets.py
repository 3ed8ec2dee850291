"""Styles and scripts on the wire."""

import gzip
import re

from fake_pages import Visitor


def test_styles_and_scripts_come_compressed_to_whoever_takes_it() -> None:
    """The same bytes either way; caches are told that there are two forms. Pages are never compressed."""
    visitor = Visitor()
    page = visitor.get("", **{"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in page.headers
    (address,) = re.findall(r'href="(/assets/\w+/css/tokens\.css)"', page.text)
    client = visitor.app.test_client()
    plain, packed = (
        client.get(address, buffered=True),
        client.get(address, buffered=True, headers={"Accept-Encoding": "gzip"}),
    )
    assert (plain.headers.get("Content-Encoding"), packed.headers["Content-Encoding"]) == (None, "gzip")
    assert gzip.decompress(packed.data) == plain.data
    assert plain.headers["Vary"] == packed.headers["Vary"] == "Accept-Encoding"
    assert "immutable" in packed.headers["Cache-Control"]
