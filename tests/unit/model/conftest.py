"""The committed code book, read once for all tests of the model."""

from pathlib import Path

import pytest

from model.codebook import CodeBook

PACKED = Path(__file__).parents[3] / "model" / "artifact" / "codebook"


@pytest.fixture(scope="session")
def codebook() -> CodeBook:
    return CodeBook.load(PACKED)
