"""An app in processes of its own, for the browser of a whole site, which otherwise has the app in its own process."""

import http.client
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

from site_browser import APP
from werkzeug.test import Client, TestResponse

from launch.launcher import Launcher

HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "date", "server"})


class RemoteApp:
    """Answers by sending each request to the port, as a hospital's proxy does. Raises OSError where nobody answers."""

    def __init__(self, port: int, launcher: Launcher, patience: float = 60.0) -> None:
        """`launcher` on the same store of sessions: a test knows by it whose chart is open."""
        self._port, self._patience = port, patience
        self.extensions = {"chartside": SimpleNamespace(launcher=launcher)}

    def test_client(self, use_cookies: bool = True) -> Client:
        return Client(self, TestResponse, use_cookies=use_cookies)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["PATH_INFO"] + (f"?{environ['QUERY_STRING']}" if environ["QUERY_STRING"] else "")
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        names = {name: f"HTTP_{name.upper().replace('-', '_')}" for name in ("Cookie", "HX-Request", "HX-Trigger")}
        headers = {name: environ[key] for name, key in names.items() if key in environ} | {
            "Host": APP.removeprefix("http://")
        }
        if body:
            headers["Content-Type"] = environ["CONTENT_TYPE"]
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=self._patience)
        try:
            connection.request(environ["REQUEST_METHOD"], path, body or None, headers)
            answer = connection.getresponse()
            said = answer.read()
        except http.client.HTTPException as broken:
            raise ConnectionError(type(broken).__name__) from None
        finally:
            connection.close()
        kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in HOP_BY_HOP]
        start_response(f"{answer.status} {answer.reason}", kept)
        return [said]
