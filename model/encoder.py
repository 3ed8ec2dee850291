"""A small transformer that turns phrases into vectors, and the wordings of codes as such vectors."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from model.tagger import Integers, Network

Small = NDArray[np.float32]


class Pieces(Protocol):
    """Numbers of the word pieces of a phrase, the marks of beginning and end among them."""

    @property
    def ids(self) -> list[int]: ...


class Tokenizer(Protocol):
    """As much of `tokenizers.Tokenizer` as is asked here."""

    def encode_batch(self, input: list[str]) -> Sequence[Pieces]: ...


LONGEST = 24  # pieces of a phrase
_BATCH = 64  # phrases
_THREADS = 1  # one phrase is too little work for two
_SCALE = 127.0


class Encoder:
    """Phrases that mean the same get vectors that lie close. Safe to share between threads."""

    def __init__(self, pieces: Tokenizer, network: Network) -> None:
        self._pieces = pieces
        self._network = network

    @classmethod
    def load(cls, tokenizer: Path, network: Path, threads: int = _THREADS) -> "Encoder":
        """Reads the files that training wrote; raises the errors of `tokenizers` and ONNX Runtime for others."""
        import onnxruntime
        import tokenizers

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        pieces = tokenizers.Tokenizer.from_file(str(tokenizer))
        pieces.enable_truncation(LONGEST)
        return cls(pieces, onnxruntime.InferenceSession(str(network), options, providers=["CPUExecutionProvider"]))

    def __call__(self, phrases: Sequence[str]) -> Small:
        """[phrases, width], each of length 1."""
        encoded = [one.ids for one in self._pieces.encode_batch(list(phrases))]
        order = sorted(range(len(encoded)), key=lambda at: len(encoded[at]))  # of like length together: less padding
        found = [self._read([encoded[at] for at in order[n : n + _BATCH]]) for n in range(0, len(order), _BATCH)]
        back: Integers = np.empty(len(order), np.int64)
        back[order] = np.arange(len(order))
        return np.asarray(np.concatenate(found)[back])

    def _read(self, rows: Sequence[Sequence[int]]) -> Small:
        longest = max(map(len, rows))
        ids: Integers = np.zeros((len(rows), longest), np.int64)
        for at, row in enumerate(rows):
            ids[at, : len(row)] = row
        mask: Integers = (np.arange(longest) < np.array([[len(row)] for row in rows])).astype(np.int64)
        vectors: Small = self._network.run(None, {"input_ids": ids, "attention_mask": mask})[0]
        return vectors


@dataclass(frozen=True)
class Meanings:
    """The wordings of codes as vectors: those of `codes[i]` are vectors[starts[i]:starts[i + 1]]."""

    codes: tuple[str, ...]
    starts: Integers
    vectors: Small

    @classmethod
    def of(cls, wordings: Iterable[tuple[str, str]], encoder: Callable[[Sequence[str]], Small]) -> "Meanings":
        """`wordings`: (code, words)."""
        ordered = sorted(wordings)
        codes = sorted({code for code, _ in ordered})
        counts = np.unique([code for code, _ in ordered], return_counts=True)[1]
        starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return cls(tuple(codes), starts, encoder([words for _, words in ordered]))

    def close(self, vector: Small) -> Small:
        """Of every code: how close the closest of its wordings lies, -1..1."""
        return np.asarray(np.maximum.reduceat(self.vectors @ vector, self.starts[:-1]))

    def save(self, path: Path) -> None:
        """One file of arrays with 8-bit vectors; the same bytes each time."""
        with path.open("wb") as file:
            np.savez_compressed(
                file, allow_pickle=False, vectors=np.round(self.vectors * _SCALE).astype(np.int8),
                counts=np.diff(self.starts).astype(np.int32),
                codes=np.frombuffer("\n".join(self.codes).encode(), dtype=np.uint8),
            )  # fmt: skip

    @classmethod
    def load(cls, path: Path) -> "Meanings":
        """Reads what `save` wrote; raises OSError, KeyError or ValueError for another file."""
        with np.load(path, allow_pickle=False) as file:
            vectors = file["vectors"].astype(np.float32) / np.float32(_SCALE)
            starts = np.concatenate([[0], np.cumsum(file["counts"], dtype=np.int64)])
            return cls(tuple(file["codes"].tobytes().decode().split("\n")), starts, vectors)
