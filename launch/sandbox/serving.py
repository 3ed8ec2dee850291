"""Serves the demonstration EHR on a port: for the command, and on a thread for tests."""

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server


class PortTaken(Exception):
    """Another program has the port; the message names the port and the setting."""


class _QuietHandler(WSGIRequestHandler):
    """Writes no access log: addresses hold ids of patients."""

    def log_request(self, code: Any = "-", size: Any = "-") -> None:
        return None


def check_port(port: int, setting: str) -> None:
    """Raises PortTaken when nothing can listen there."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise PortTaken(f"port {port} is taken; choose another with {setting}") from error


def find_free_port() -> int:
    """Finds a port that nothing listens on."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def read_whole(app: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    """The same WSGI app, which closes each answer's file before a byte is sent.

    Werkzeug's server leaves the file open where a browser drops the connection half-way.
    """

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        body = app(environ, start_response)
        try:
            return [b"".join(body)]
        finally:
            getattr(body, "close", lambda: None)()

    return answer


def make_sandbox_server(app: Flask, port: int) -> BaseWSGIServer:
    return make_server("127.0.0.1", port, read_whole(app), threaded=True, request_handler=_QuietHandler)


@contextmanager
def serve_in_thread(app: Flask, port: int) -> Iterator[BaseWSGIServer]:
    """Serves until the block ends."""
    server = make_sandbox_server(app, port)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
