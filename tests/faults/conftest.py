"""The whole application, for faults of what it runs on."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis_process import RedisProcess
from whole_site import Site


@pytest.fixture(scope="module")
def _site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("site"))
    yield site
    site.close()


@pytest.fixture
def site(_site: Site) -> Iterator[Site]:
    yield _site
    _site.mend()


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisProcess]:
    running = RedisProcess(tmp_path)
    yield running
    running.stop()
