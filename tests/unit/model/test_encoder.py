"""Phrases and wordings as vectors."""

from pathlib import Path

import numpy as np
import pytest
from tiny import tiny_encoder, tiny_tokenizer

from model.encoder import Encoder, Meanings

WORDINGS = [("J45.909", "asthma"), ("I10", "hypertension"), ("J45.909", "asthma cough"), ("M25.56", "knee pain")]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    folder = tmp_path_factory.mktemp("encoder")
    tiny_tokenizer().save(str(folder / "tokenizer.json"))
    tiny_encoder(folder / "encoder.onnx")
    return Encoder.load(folder / "tokenizer.json", folder / "encoder.onnx")


def test_vectors_are_of_length_one_and_the_same_alone_and_together(encoder: Encoder) -> None:
    """Longer phrases beside it change nothing: what is filled up is not read."""
    phrases = ["hypertension", "pain of the right knee at night", "asthma"]
    together = encoder(phrases)
    assert np.linalg.norm(together, axis=1) == pytest.approx(np.ones(3), abs=1e-5)
    assert together == pytest.approx(np.concatenate([encoder([phrase]) for phrase in phrases]), abs=1e-6)


def test_a_long_phrase_is_cut(encoder: Encoder) -> None:
    assert encoder(["asthma " * 24]) == pytest.approx(encoder(["asthma " * 24 + "pain " * 5000]))


def test_a_code_is_as_close_as_its_closest_wording(encoder: Encoder) -> None:
    found = Meanings.of(WORDINGS, encoder)
    close = dict(zip(found.codes, found.close(encoder(["cough asthma"])[0]).tolist(), strict=True))
    assert list(close) == ["I10", "J45.909", "M25.56"]
    assert close["J45.909"] == pytest.approx(1, abs=1e-5) and close["I10"] < 0.9


def test_meanings_are_read_nearly_as_they_were_written(encoder: Encoder, tmp_path: Path) -> None:
    """Vectors are kept in 8 bits; the same wordings give the same bytes."""
    found = Meanings.of(WORDINGS, encoder)
    found.save(tmp_path / "a.npz")
    Meanings.of(reversed(WORDINGS), encoder).save(tmp_path / "b.npz")
    read = Meanings.load(tmp_path / "a.npz")
    assert read.codes == found.codes and read.starts.tolist() == found.starts.tolist()
    assert read.vectors == pytest.approx(found.vectors, abs=0.5 / 127)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
