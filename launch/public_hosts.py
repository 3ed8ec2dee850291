"""For addresses that somebody typed: asks no host that is not on the public internet (server-side request forgery)."""

import ipaddress
import socket
from typing import Any
from urllib.parse import urlsplit

import requests
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool

from launch.transport import LimitedAdapter, Limits, SameOriginSession


class PrivateHost(Exception):
    """The name leads to an address of this machine or of a private network.

    None of requests' errors: urllib3 would take it for a broken connection and try again.
    """


class PublicSession(SameOriginSession):
    """Over https to public addresses only, by whatever name they go. Raises PrivateHost."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self.adapters.clear()
        self.mount("https://", _PublicAdapter(limits))


class _PublicAdapter(LimitedAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"https": _PublicPool}

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Looks the name up first, so that nothing is connected to; a connection looks again at where it came out."""
        parts = urlsplit(request.url or "")
        try:
            found = socket.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM)
        except OSError as error:
            raise requests.ConnectionError("the name is not known") from error
        for *_, address in found:
            _refuse_private(str(address[0]))
        return super().send(request, *args, **kwargs)


class _PublicConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        """The name may lead elsewhere than a moment ago (DNS rebinding): nothing has been sent yet."""
        connected = super()._new_conn()
        try:
            _refuse_private(str(connected.getpeername()[0]))
        except BaseException:
            connected.close()
            raise
        return connected


class _PublicPool(HTTPSConnectionPool):
    ConnectionCls = _PublicConnection


def _refuse_private(address: str) -> None:
    if not ipaddress.ip_address(address.partition("%")[0]).is_global:
        raise PrivateHost
