"""A Redis of the test's own, that can be stopped and started again on its port; it forgets everything then."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from launch.sandbox.serving import find_free_port


class RedisProcess:
    """`url` stays the same however often it is started."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, find_free_port()
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self.start()

    def start(self) -> None:
        command = [
            "redis-server",
            "--port",
            str(self._port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--dir",
            self._folder,
        ]
        self._process = subprocess.Popen(command, cwd=self._folder, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while True:
            try:
                with redis.Redis.from_url(self.url) as client:
                    client.ping()
                return
            except redis.RedisError:
                assert time.monotonic() < deadline and self._process.poll() is None
                time.sleep(0.05)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    @contextmanager
    def down(self) -> Iterator[None]:
        self.stop()
        try:
            yield
        finally:
            self.start()

    def everything(self) -> bytes:
        """All keys and values."""
        with redis.Redis.from_url(self.url) as client:
            return b"\n".join(key + b" " + (_value(client, key) or b"") for key in client.scan_iter())


def _value(client: "redis.Redis[bytes]", key: bytes) -> bytes:
    kind = client.type(key)
    if kind == b"hash":
        return b" ".join(word for pair in client.hgetall(key).items() for word in pair)
    if kind == b"list":
        return b" ".join(client.lrange(key, 0, -1))
    return b""
