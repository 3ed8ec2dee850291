"""Trains the encoder: wordings of one code come to lie close, those of its siblings apart."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from tqdm import tqdm
from transformers import AutoModel

from model.encoder import LONGEST
from model.train.encoder_texts import Wording, as_said, batches, relations

_WIDTH = 128  # of a vector
_PARTS = 8  # of a batch, by length, so that little is spent on padding
_KEPT = 25  # steps after which the state is written
_NEVER = -1e4  # score of what must not be picked


@dataclass(frozen=True, slots=True)
class Lessons:
    """How long and how fast the encoder learns."""

    steps: int = 350
    size: int = 256  # wordings of a batch
    rate: float = 2e-4
    head_rate: float = 1e-3
    sharpness: float = 20.0  # likenesses are multiplied by it
    warm: float = 0.05  # share of the steps with a rising rate
    seed: int = 7


class Network(torch.nn.Module):  # type: ignore[misc]  # torch tells mypy nothing
    """Phrases to vectors of length 1: the mean of the pieces, turned into fewer directions."""

    def __init__(self, weights: Path) -> None:
        """`weights`: a folder of pretrained ones. The word embeddings stay as they are, which saves time."""
        super().__init__()
        self.body = AutoModel.from_pretrained(
            weights, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, attn_implementation="eager"
        )
        self.body.embeddings.word_embeddings.weight.requires_grad = False
        self.head = torch.nn.Linear(self.body.config.hidden_size, _WIDTH, bias=False)
        torch.nn.init.orthogonal_(self.head.weight)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        hidden = self.body(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        share = attention_mask.unsqueeze(-1).to(hidden.dtype)
        mean = (hidden * share).sum(1) / share.sum(1)
        return torch.nn.functional.normalize(self.head(mean).float(), dim=-1)


class Course:
    """A network, what teaches it, and how far it has come; `state` lets a run that was broken off go on."""

    def __init__(self, network: Network, lessons: Lessons, state: Path) -> None:
        groups = [
            {"params": [p for p in network.body.parameters() if p.requires_grad], "lr": lessons.rate},
            {"params": [network.head.weight], "lr": lessons.head_rate},
        ]
        self._parts: dict[str, Any] = {"network": network}
        self._parts["optimizer"] = torch.optim.AdamW(groups, weight_decay=0.01)
        self._parts["slope"] = torch.optim.lr_scheduler.LambdaLR(
            self._parts["optimizer"], lambda step: _share(step, lessons)
        )
        self._state = state
        self.done = 0
        if state.is_file():
            held = torch.load(state, weights_only=True)
            self.done = held.pop("done")
            for name, part in self._parts.items():
                part.load_state_dict(held[name])

    def step(self, loss: torch.Tensor) -> None:
        self._parts["optimizer"].zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._parts["network"].parameters(), 1.0)
        self._parts["optimizer"].step()
        self._parts["slope"].step()
        self.done += 1
        if self.done % _KEPT == 0:
            held = {name: part.state_dict() for name, part in self._parts.items()}
            partial = self._state.with_suffix(".partial")
            torch.save({"done": self.done, **held}, partial)
            partial.replace(self._state)


def train_encoder(
    every: Sequence[Wording], short: Mapping[str, str], start: Path, tokenizer: Path, state: Path, lessons: Lessons
) -> Network:
    """`short`: words -> their abbreviation; `state`: a file of this training alone, gone when it is through."""
    torch.manual_seed(lessons.seed)
    network = Network(start)
    pieces = Tokenizer.from_file(str(tokenizer))
    pieces.enable_truncation(LONGEST)
    course = Course(network, lessons, state)
    network.train()
    with tqdm(total=lessons.steps, initial=course.done, desc="encoder", unit="step") as progress:
        for batch in islice(_endless(every, lessons), course.done, lessons.steps):
            rng = random.Random(f"{lessons.seed}-{course.done}")  # noqa: S311 (wordings, not secrets)
            vectors = _vectors(network, pieces, [as_said(one, short, rng) for one in batch])
            loss = likeness_loss(vectors, [one.code for one in batch], lessons.sharpness)
            course.step(loss)
            progress.set_postfix(loss=f"{float(loss.detach()):.3f}", refresh=False)
            progress.update()
    state.unlink(missing_ok=True)
    return network


def likeness_loss(vectors: torch.Tensor, codes: Sequence[str], sharpness: float) -> torch.Tensor:
    """How badly each wording picks the others of its code among all of the batch.

    A code and a heading above it are neither alike nor unlike.
    """
    same, related = (torch.from_numpy(table) for table in relations(codes))
    itself = torch.eye(len(codes), dtype=torch.bool)
    scores = (vectors @ vectors.T * sharpness).masked_fill((related & ~same) | itself, _NEVER)
    likely = torch.log_softmax(scores, dim=1)
    others = same & ~itself
    number = others.sum(1)
    return -((likely * others).sum(1)[number > 0] / number[number > 0]).mean()


def _vectors(network: Network, pieces: Tokenizer, texts: Sequence[str]) -> torch.Tensor:
    encoded = [one.ids for one in pieces.encode_batch(list(texts))]
    order = sorted(range(len(texts)), key=lambda at: (len(encoded[at]), at))
    size = -(-len(order) // _PARTS)
    found = []
    for first in range(0, len(order), size):
        rows = [encoded[at] for at in order[first : first + size]]
        longest = max(map(len, rows))
        ids = torch.tensor([row + [0] * (longest - len(row)) for row in rows])
        mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
        # A quarter faster where the processor has it, several times slower where it has not.
        with torch.autocast("cpu", torch.bfloat16, enabled=torch.ops.mkldnn._is_mkldnn_bf16_supported()):
            found.append(network(ids, mask))
    back = torch.empty(len(order), dtype=torch.long)
    back[torch.tensor(order)] = torch.arange(len(order))
    return torch.cat(found)[back]


def _endless(every: Sequence[Wording], lessons: Lessons) -> Iterator[list[Wording]]:
    rng = random.Random(lessons.seed)  # noqa: S311 (order, not secrets)
    while True:
        yield from batches(every, lessons.size, rng)


def _share(step: int, lessons: Lessons) -> float:
    """Of the full rate: rising at first, then falling to nearly nothing."""
    rising = (step + 1) / (lessons.warm * lessons.steps)
    return min(rising, max(0.0, (lessons.steps - step) / lessons.steps) + 1e-3)
