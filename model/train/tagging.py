"""Trains taggers: a small transformer that learns which words of a note are mentions, and of what kind."""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm
from transformers import AutoModelForTokenClassification

from model.train.marked import Example

_LIKE = 16  # batches whose windows are sorted by length together
_IGNORED = -100  # label of what is not to be learnt; the loss passes over it


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast a tagger learns; chosen on training notes."""

    epochs: int = 3
    rate: float = 2e-4
    head_rate: float = 1e-3
    size: int = 16  # windows of a batch
    warm: float = 0.06  # share of the steps with a rising rate
    seed: int = 7


def train_tagger(found: Sequence[Example], labels: int, start: Path, out: Path, schedule: Schedule, name: str) -> None:
    """Learns from `found` and writes weights as safetensors to `out`; `labels` counts 'outside'.

    The word embeddings stay as they are: a few hundred notes would only spoil those of the words they lack.
    """
    torch.manual_seed(schedule.seed)
    rng = random.Random(schedule.seed)  # noqa: S311 (order of the notes, not a secret)
    network = AutoModelForTokenClassification.from_pretrained(start, num_labels=labels, ignore_mismatched_sizes=True)
    network.base_model.embeddings.word_embeddings.weight.requires_grad = False
    head = [p for n, p in network.named_parameters() if n.startswith("classifier")]
    body = [p for n, p in network.named_parameters() if not n.startswith("classifier") and p.requires_grad]
    optimizer = torch.optim.AdamW(
        [{"params": body, "lr": schedule.rate}, {"params": head, "lr": schedule.head_rate}], weight_decay=0.01
    )
    steps = schedule.epochs * math.ceil(len(found) / schedule.size)
    slope = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _share(step, steps, schedule.warm))
    network.train()
    with tqdm(total=steps, desc=name, unit="step") as progress:
        for _ in range(schedule.epochs):
            for batch in batches(found, schedule.size, rng):
                ids, mask, wanted = collate(batch)
                logits = network(input_ids=ids, attention_mask=mask).logits
                loss = torch.nn.functional.cross_entropy(
                    logits.view(-1, labels), wanted.view(-1), ignore_index=_IGNORED
                )
                optimizer.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
                optimizer.step()
                slope.step()
                progress.update()
    network.eval()
    network.save_pretrained(out, safe_serialization=True)


def _share(step: int, steps: int, warm: float) -> float:
    """Of the full rate: rising at first, then falling to nearly nothing."""
    return min((step + 1) / (warm * steps), max(0.0, (steps - step) / steps) + 1e-3)


def batches(found: Sequence[Example], size: int, rng: random.Random) -> Iterator[list[Example]]:
    """Every example once, in random order, windows of like length together."""
    order = list(found)
    rng.shuffle(order)
    groups = [
        sorted(order[at : at + size * _LIKE], key=lambda e: len(e.ids)) for at in range(0, len(order), size * _LIKE)
    ]
    cut = [group[at : at + size] for group in groups for at in range(0, len(group), size)]
    rng.shuffle(cut)
    return iter(cut)


def collate(batch: Sequence[Example]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Ids, mask and wanted labels [windows, pieces], padded to the longest."""
    longest = max(len(e.ids) for e in batch)
    ids = np.zeros((len(batch), longest), np.int64)
    wanted = np.full((len(batch), longest), _IGNORED, np.int64)
    for row, example in enumerate(batch):
        ids[row, : len(example.ids)] = example.ids
        wanted[row, example.first : example.first + len(example.labels)] = example.labels
    mask = (np.arange(longest) < np.array([[len(e.ids)] for e in batch])).astype(np.int64)
    return torch.from_numpy(ids), torch.from_numpy(mask), torch.from_numpy(wanted)
