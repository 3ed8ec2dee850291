"""What a tagger says of words: from probabilities of pieces to marks of mentions."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import known_words, save_network, tiny_network, tiny_tokenizer

from model.document import NOTE_BREAK
from model.reading import Reading
from model.tagger import Tagger, Tags, softmax, tags_of_words
from model.windows import LENGTH

LABELS = ("core", "trap")
OUTSIDE, CORE, TRAP = np.array([0.8, 0.1, 0.1]), np.array([0.2, 0.7, 0.1]), np.array([0.4, 0.0, 0.6])


def tags(*rows: Sequence[float]) -> Tags:
    return Tags(LABELS, np.array(rows, np.float32).reshape(-1, 3))


def test_marks_of_a_mention() -> None:
    """Means over its words, the least likely of them, and its share of the run that it stands in."""
    marks = tags(OUTSIDE, CORE, TRAP, CORE, OUTSIDE).of((1, 2))
    assert marks.inside == pytest.approx(0.7)  # (0.8 + 0.6) / 2
    assert marks.least == pytest.approx(0.6)
    assert [label for label, _ in marks.labels] == ["core", "trap"]
    assert [p for _, p in marks.labels] == pytest.approx([0.35, 0.35])
    assert marks.cover == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("places", "cover"),
    [((1,), 1 / 2), ((1, 2), 1.0), ((0, 1), 2 / 3), ((4,), 1.0), ((1, 4), 2 / 4), ((2, 3), 2 / 4), ((0,), 1 / 3)],
)  # fmt: skip
def test_cover(places: tuple[int, ...], cover: float) -> None:
    """The run reaches as far as marked words stand beside the mention; its own words and those between count always."""
    assert tags(OUTSIDE, CORE, CORE, OUTSIDE, CORE).of(places).cover == pytest.approx(cover)


@pytest.mark.parametrize(
    ("rows", "runs"),
    [
        ((), []), ((OUTSIDE,), []), ((CORE,), [(0, 1)]), ((CORE, TRAP, OUTSIDE, TRAP), [(0, 2), (3, 4)]),
        ((OUTSIDE, CORE, CORE, OUTSIDE, OUTSIDE), [(1, 3)]), (([0.5, 0.25, 0.25],), []),
    ],
)  # fmt: skip
def test_runs(rows: Sequence[Sequence[float]], runs: list[tuple[int, int]]) -> None:
    """Words in a row that rather belong to a mention than not, half-open; even odds are not enough."""
    assert list(tags(*rows).runs()) == runs


def test_words_have_the_mean_of_their_pieces() -> None:
    """Two pieces of a word count alike, one piece over two words counts for both, and what no piece covers is out."""
    reading = Reading("cardio myopathy of x1, old")
    assert [reading.text[t.start : t.end] for t in reading.tokens] == ["cardio", "myopathy", "of", "x1", ",", "old"]
    pieces = [
        ((0, 4), CORE), ((4, 6), TRAP), ((7, 18), CORE), ((19, 20), TRAP), ((20, 21), TRAP), ((21, 22), OUTSIDE),
    ]  # fmt: skip
    found = tags_of_words(reading, [(span, row.astype(np.float32)) for span, row in pieces], LABELS)
    expected = [(CORE + TRAP) / 2, CORE, CORE, TRAP, OUTSIDE, [1.0, 0.0, 0.0]]
    assert found.labels == LABELS
    np.testing.assert_allclose(found.values, expected, rtol=1e-6)


def test_a_text_without_words() -> None:
    """Nothing is marked where there is nothing, or no piece."""
    assert tags_of_words(Reading(""), [], LABELS).values.shape == (0, 3)
    assert not tags_of_words(Reading("fever and cough"), [], LABELS).marked.any()


def test_softmax_of_great_scores() -> None:
    """Shares add up to one and are exact also where the powers would be too great."""
    shares = softmax(np.array([[1000.0, 1000.0], [0.0, np.log(3.0)], [-1000.0, 0.0]], np.float32))
    np.testing.assert_allclose(shares, [[0.5, 0.5], [0.25, 0.75], [0.0, 1.0]], atol=1e-6)


class Plain:
    """Stands in for an ONNX Runtime session: the arithmetic of the tiny network, written with numpy."""

    def __init__(self, embeddings: Any, weights: Any) -> None:
        self._scores = embeddings @ weights
        self.shapes: list[tuple[int, ...]] = []

    def run(self, output_names: None, input_feed: dict[str, Any]) -> list[Any]:
        assert set(input_feed) == {"input_ids", "attention_mask"}
        ids, mask = input_feed["input_ids"], input_feed["attention_mask"]
        assert ids.dtype == mask.dtype == np.int64 and ids.shape == mask.shape
        self.shapes.append(ids.shape)
        return [self._scores[ids] * mask[..., None]]


@pytest.fixture(scope="module")
def numbers() -> tuple[Any, Any]:
    random = np.random.default_rng(3)
    embeddings = random.normal(size=(tiny_tokenizer().get_vocab_size(), 4)).astype(np.float32)
    return embeddings, random.normal(size=(4, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def served(numbers: tuple[Any, Any], tmp_path_factory: pytest.TempPathFactory) -> Tagger:
    """The same network as ONNX Runtime reads it."""
    folder = tmp_path_factory.mktemp("tagger")
    tiny_tokenizer().save(str(folder / "tokenizer.json"))
    save_network(folder / "tagger.onnx", *numbers)
    return Tagger.load(folder / "tokenizer.json", folder / "tagger.onnx", LABELS)


TEXTS = st.text(max_size=120) | st.lists(st.sampled_from(["fever ", "Plan:\n", "a1, ", "\f", "ü "]), max_size=400).map(
    "".join
)


@given(TEXTS)
@settings(deadline=None)
def test_the_stand_in_does_as_onnx_runtime_does(served: Tagger, numbers: tuple[Any, Any], text: str) -> None:
    """Both give every word the same tags, whatever the text, however its windows are filled up to one length."""
    reading = Reading(text)
    plain = Tagger(tiny_tokenizer(), Plain(*numbers), LABELS).tag(reading)
    found = served.tag(reading)
    assert found.values.shape == (len(reading.tokens), 3)
    np.testing.assert_allclose(found.values, plain.values, atol=1e-5)
    np.testing.assert_allclose(found.values.sum(axis=1), 1, atol=1e-5)


def test_a_batch_is_not_too_large(numbers: tuple[Any, Any]) -> None:
    """A long text is read in several batches, windows of like length together."""
    network = Plain(*numbers)
    Tagger(tiny_tokenizer(), network, LABELS).tag(Reading(NOTE_BREAK.join(["fever " * 100] * 20 + ["cough"] * 20)))
    assert [shape[0] for shape in network.shapes] == [16, 16, 8]
    assert network.shapes[0][1] < network.shapes[-1][1] <= LENGTH


class FirstWindow:
    """Marks everything in the window that begins with the letter a, and nothing elsewhere."""

    def run(self, output_names: None, input_feed: dict[str, Any]) -> list[Any]:
        begins = input_feed["input_ids"][:, 1] == tiny_tokenizer().token_to_id("a")
        scores = np.where(begins[:, None], 5.0, -5.0) * np.ones(input_feed["input_ids"].shape)
        return [np.stack([-scores, scores, scores], axis=-1).astype(np.float32)]


def test_a_piece_counts_where_more_stands_around_it() -> None:
    """Of 200 pieces the windows hold 0..125 and 94..199: up to 109 the first has more on both sides, then the other."""
    tagger = Tagger(tiny_tokenizer(), FirstWindow(), LABELS)
    assert list(tagger.tag(Reading("a " + "b " * 199)).runs()) == [(0, 110)]


def test_known_words_are_marked(tmp_path: Path) -> None:
    """The tiny taggers that other tests rest on mark the words they are to mark, and no others."""
    tiny_tokenizer().save(str(tmp_path / "tokenizer.json"))
    tiny_network(tmp_path / "tagger.onnx", len(LABELS))
    tagger = Tagger.load(tmp_path / "tokenizer.json", tmp_path / "tagger.onnx", LABELS)
    reading = Reading(" then ".join(known_words()))
    words = [reading.text[t.start : t.end] for t in reading.tokens]
    assert {w for w, marked in zip(words, tagger.tag(reading).marked, strict=True) if marked} == set(known_words())


def test_half_a_character_is_read(served: Tagger) -> None:
    """A broken note is tagged like any other."""
    assert served.tag(Reading("fever \ud800 cough")).values.shape == (2, 3)
