"""A small transformer that says of every word whether it belongs to a mention, and of what kind."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from model.reading import Reading
from model.windows import Tokenizer, Window, windows

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]
Bools = NDArray[np.bool_]
_BATCH = 16  # windows
_THREADS = 2
REPORT_LABELS = ("begin", "inside")  # of a mention annotated in a case report
ENCOUNTER_LABELS = ("core", "acceptable", "trap")  # words quoted for codes of the claim, for others, for none


class Network(Protocol):
    """An ONNX Runtime session: `input_ids`, `attention_mask` [windows, pieces] to logits [windows, pieces, labels]."""

    def run(self, output_names: None, input_feed: dict[str, Any]) -> Sequence[Any]: ...


@dataclass(frozen=True, slots=True)
class Marks:
    """What the tagger says of one mention: means over its words."""

    inside: float  # belongs to a mention of any kind
    least: float  # the same of the least likely word
    labels: tuple[tuple[str, float], ...]  # of each kind
    cover: float  # its share of the words that are marked in one run with it


@dataclass(frozen=True)
class Tags:
    """Probabilities [tokens of the reading, 1 + labels]; the first column is 'outside'."""

    labels: tuple[str, ...]
    values: Floats

    @cached_property
    def marked(self) -> Bools:
        """Tokens that rather belong to a mention than not."""
        marked: Bools = self.values[:, 0] < 0.5
        return marked

    def runs(self) -> Iterator[tuple[int, int]]:
        """Marked tokens in a row, first to last, half-open."""
        edges = np.flatnonzero(np.diff(np.concatenate(([False], self.marked, [False])).astype(np.int8)))
        return zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)

    def of(self, tokens: Sequence[int]) -> Marks:
        """`tokens`: the places of a mention's words, rising."""
        values = self.values[list(tokens)]
        inside = 1 - values[:, 0]
        first, last = tokens[0], tokens[-1] + 1
        while first > 0 and self.marked[first - 1]:
            first -= 1
        while last < len(self.marked) and self.marked[last]:
            last += 1
        means = tuple(zip(self.labels, values[:, 1:].mean(axis=0).tolist(), strict=True))
        return Marks(float(inside.mean()), float(inside.min()), means, len(tokens) / (last - first))


class Tagger:
    """Reads a document once; safe to share between threads."""

    def __init__(self, tokenizer: Tokenizer, network: Network, labels: Sequence[str]) -> None:
        """`labels`: kinds of mentions, in the order of the network's columns after 'outside'."""
        self._labels = tuple(labels)
        self._tokenizer = tokenizer
        self._network = network

    @classmethod
    def load(cls, tokenizer: Path, network: Path, labels: Sequence[str], threads: int = _THREADS) -> "Tagger":
        """`threads`: of one reading; 0 leaves it to the library."""
        import onnxruntime
        import tokenizers

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        session = onnxruntime.InferenceSession(str(network), options, providers=["CPUExecutionProvider"])
        return cls(tokenizers.Tokenizer.from_file(str(tokenizer)), session, labels)

    def tag(self, reading: Reading) -> Tags:
        pieces: dict[int, tuple[int, tuple[int, int], Floats]] = {}  # by number: room, span, probabilities
        for batch in _batches(windows(self._tokenizer, reading.text, reading.sections)):
            for window, probabilities in zip(batch, self._read(batch), strict=True):
                for at, span in enumerate(window.spans):
                    room = min(at, len(window.spans) - 1 - at)
                    number = window.number + at
                    if number not in pieces or pieces[number][0] < room:
                        pieces[number] = (room, span, probabilities[window.first + at])
        ordered = [pieces[number][1:] for number in sorted(pieces)]
        return tags_of_words(reading, ordered, self._labels)

    def _read(self, batch: Sequence[Window]) -> Floats:
        """Probabilities [windows, pieces, labels]."""
        longest = max(len(w.ids) for w in batch)
        ids: Integers = np.zeros((len(batch), longest), np.int64)
        for row, window in enumerate(batch):
            ids[row, : len(window.ids)] = window.ids
        mask: Integers = (np.arange(longest) < np.array([[len(w.ids)] for w in batch])).astype(np.int64)
        return softmax(self._network.run(None, {"input_ids": ids, "attention_mask": mask})[0])


def softmax(logits: Floats) -> Floats:
    powers: Floats = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares: Floats = powers / powers.sum(axis=-1, keepdims=True)
    return shares


def tags_of_words(reading: Reading, pieces: Sequence[tuple[tuple[int, int], Floats]], labels: tuple[str, ...]) -> Tags:
    """Each word has the mean of its pieces; what no piece covers is outside. `pieces` are in the order of the text."""
    values: Floats = np.zeros((len(reading.tokens), 1 + len(labels)), np.float32)
    values[:, 0] = 1.0
    at = 0
    for number, token in enumerate(reading.tokens):
        while at < len(pieces) and pieces[at][0][1] <= token.start:
            at += 1
        covering = []
        following = at
        while following < len(pieces) and pieces[following][0][0] < token.end:
            covering.append(pieces[following][1])
            following += 1
        if covering:
            values[number] = np.mean(covering, axis=0)
    return Tags(labels, values)


def _batches(found: Iterable[Window]) -> Iterable[list[Window]]:
    """Windows of like length together, so that little is spent on padding."""
    ordered = sorted(found, key=lambda w: len(w.ids))
    return (ordered[at : at + _BATCH] for at in range(0, len(ordered), _BATCH))
