"""The whole application for the tests of what goes wrong: one site a worker, whole again after each test."""

from collections.abc import Iterator

import pytest
from whole_site import Site


@pytest.fixture(scope="session")
def _site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("site"))
    yield site
    site.close()


@pytest.fixture
def site(_site: Site) -> Iterator[Site]:
    """The app, the EHR and the predictor, running. Tests bring their own patients with `site.visit`."""
    yield _site
    _site.mend()
