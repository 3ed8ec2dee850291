"""A browser that drops the connection leaves no file of the server open."""

import io
from pathlib import Path

import pytest
from werkzeug.test import create_environ
from werkzeug.wsgi import FileWrapper

from launch.sandbox.serving import read_whole


def test_the_file_is_closed_before_a_byte_is_sent(tmp_path: Path) -> None:
    path = tmp_path / "icon.svg"
    path.write_bytes(b"<svg/>")
    file = path.open("rb")
    body = read_whole(lambda environ, start_response: FileWrapper(file))(create_environ(), lambda *said: None)
    assert file.closed
    assert list(body) == [b"<svg/>"]


def test_the_file_is_closed_where_reading_it_fails() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError("disk")

    file = Broken()
    with pytest.raises(OSError, match="disk"):
        read_whole(lambda environ, start_response: FileWrapper(file))(create_environ(), lambda *said: None)
    assert file.closed
