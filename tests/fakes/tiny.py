"""A whole predictor in small, made on the spot: a slice of the code book, a dozen terms, random trees, tiny taggers."""

import json
import random
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from model.candidates import Resolver
from model.codebook import CodeBook
from model.codebook.entries import Term, TermSource
from model.codebook.parts import read_manifest, read_part, write_parts
from model.codebook.postings import pack_postings
from model.confidence import Confidence, Tree
from model.decisions import judge
from model.document import Document
from model.experience import Experience, Taught
from model.features import in_order
from model.lexicon import Lexicon
from model.parts import (
    CODEBOOK,
    CONFIDENCE,
    ENCOUNTERS_TAGGER,
    LEARNT,
    REPORTS_TAGGER,
    TERMS,
    TOKENIZER,
    write_manifest,
)
from model.prediction import Policy
from model.predictor import BookCodes
from model.tagger import ENCOUNTER_LABELS, REPORT_LABELS, Floats, Tagger
from model.tokens import content_words, term_key
from model.train.building import write_terms
from model.understanding import Reader, lasting_conditions

WHOLE_BOOK = Path(__file__).parents[2] / "model" / "artifact" / "codebook"
CATEGORIES = frozenset(
    {
        "C34", "C50", "C78", "E03", "E11", "I10", "I11", "I34", "I50", "J18", "J45", "M25", "R05", "R07", "R50", "R91",
        "Z79", "Z80", "Z85",
    }
)  # fmt: skip  # of the slice; every edition, heading and term of them
WORDED = {
    "hypertension": "x:I10", "diabetes, type 2": "x:E11.9", "heart failure": "x:I50.9", "knee pain": "x:M25.56-",
    "pneumonia": "t:J18.9", "cough": "t:R05.9", "chest pain": "t:R07.9", "fever": "t:R50.9", "asthma": "x:J45.909",
    "metastasis of lung": "n:C78.0-", "lung mass": "x:R91.8", "hypothyroidism": "t:E03.9", "breast cancer": "h:C50.919",
    "mr": "A:I34.0",
}  # fmt: skip
# A word of no term that the taggers mark all the same.
MARKED_ALONE = "intermittent"
SAMPLE = (
    "ASSESSMENT\n\n1. Hypertension, stable. 2. Knee pain of the right side. Takes metformin. No chest pain or fever."
)
_SEED = 7
_MARKS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
_WIDTH = 8  # of an embedding
_ROUNDS = 6  # trees


def tiny_artifact(folder: Path, *, taggers: bool = True) -> Path:
    """Fills `folder` with an artifact that `Predictor.load` reads in a moment; the same bytes each time."""
    folder.mkdir(parents=True, exist_ok=True)
    tiny_codebook(folder / CODEBOOK)
    write_terms({term_key(content_words(words)): codes for words, codes in WORDED.items()}, folder / TERMS)
    tiny_experience().save(folder / LEARNT)
    if taggers:
        tiny_tokenizer().save(str(folder / TOKENIZER))
        tiny_network(folder / REPORTS_TAGGER, len(REPORT_LABELS))
        tiny_network(folder / ENCOUNTERS_TAGGER, len(ENCOUNTER_LABELS))
    _write_confidence(folder, taggers=taggers)
    write_manifest(folder, "tiny-predictor")
    return folder


def tiny_codebook(out: Path, categories: Iterable[str] = CATEGORIES) -> None:
    """The rows of some categories of the committed code book, packed as the whole is."""
    kept = frozenset(categories)
    write_parts(out, _slice(kept), {"editions": read_manifest(WHOLE_BOOK)["editions"]})


@lru_cache
def _slice(kept: frozenset[str]) -> dict[str, bytes]:
    manifest = read_manifest(WHOLE_BOOK)

    def lines(part: str, code_at: int) -> list[str]:
        rows = read_part(WHOLE_BOOK, manifest, part).decode().split("\n")
        return [row for row in rows if row.split("\t", code_at + 1)[code_at][:3] in kept]

    terms = lines("terms.tsv", 1)
    return {
        **pack_postings(_term(row) for row in terms),
        **{name: read_part(WHOLE_BOOK, manifest, name) for name in ("abbreviations.tsv", "synonyms.tsv", "notes.json")},
        "codes.tsv": "\n".join(lines("codes.tsv", 0)).encode(),
        "terms.tsv": "\n".join(terms).encode(),
    }


def _term(row: str) -> Term:
    source, code, text, path, modifiers, see = row.split("\t")
    levels = tuple(path.split("|")) if path else ()
    free = tuple(modifiers.split("|")) if modifiers else ()
    return Term(text or ", ".join(levels), code, TermSource(source), levels, free, see=see)


def tiny_experience() -> Experience:
    """Counts of a handful of notes that nobody wrote, one mention and one trigger learnt from them."""
    counts = {
        "hypertension|I10": Taught(9, 8, 1), "pain knee|M25.56-": Taught(4, 2, 0), "fever|R50.9": Taught(6, 1, 2),
    }  # fmt: skip
    codes = {"I10": Taught(9, 8, 1), "M25": Taught(4, 2, 0), "R50.9": Taught(6, 1, 2)}
    kinds = ("reports", "encounters")
    learnt = {term_key(["high", "pressure"]): "c:I10"}
    triggers = {term_key(["metformin"]): "u:Z79.84 u:E11.9"}
    return Experience(dict.fromkeys(kinds, counts), dict.fromkeys(kinds, codes), learnt, triggers)


def known_words() -> list[str]:
    """Words that the taggers mark: those of the terms, and one that no term has."""
    words = {part for words in WORDED for part in words.replace(",", "").split()} - {"of", "type"}
    return sorted({*words, MARKED_ALONE})


def tiny_tokenizer() -> Tokenizer:
    """Word pieces: the known words whole, others by their letters; what is not in the Latin alphabet is unknown."""
    vocabulary = [*_MARKS, *_LETTERS, *(f"##{letter}" for letter in _LETTERS), *".,:;-/()"]
    pieces = {piece: n for n, piece in enumerate(dict.fromkeys([*vocabulary, *known_words()]))}
    tokenizer = Tokenizer(WordPiece(pieces, unk_token="[UNK]"))
    tokenizer.normalizer = BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    return tokenizer


def tiny_network(path: Path, labels: int) -> None:
    """Random embeddings times a random matrix, but that the known words lean to the labels and others to 'outside'."""
    tokenizer = tiny_tokenizer()
    numbers = np.random.default_rng(_SEED)
    embeddings = numbers.normal(0, 0.1, (tokenizer.get_vocab_size(), _WIDTH)).astype(np.float32)
    embeddings[:, 0] = -1
    embeddings[[tokenizer.token_to_id(word) for word in known_words()], 0] = 1
    weights = numbers.normal(0, 0.3, (_WIDTH, 1 + labels)).astype(np.float32)
    weights[0] = [-3, *[3] * labels]
    save_network(path, embeddings, weights)


def save_network(path: Path, embeddings: Floats, weights: Floats) -> None:
    """`input_ids`, `attention_mask` [windows, pieces] to logits [windows, pieces, labels]; 0 where the mask is 0."""
    shape = ["windows", "pieces"]
    nodes = [
        helper.make_node("Gather", ["embeddings", "input_ids"], ["embedded"]),
        helper.make_node("MatMul", ["embedded", "weights"], ["scores"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last"], ["column"]),
        helper.make_node("Mul", ["scores", "column"], ["logits"]),
    ]
    held = {"embeddings": embeddings, "weights": weights, "last": np.array([-1], np.int64)}
    _save(path, nodes, held, "logits", [*shape, weights.shape[1]])


def _save(
    path: Path, nodes: Sequence[onnx.NodeProto], held: dict[str, Any], output: str, shape: Sequence[str | int]
) -> None:
    """A network of `input_ids` and `attention_mask` [windows, pieces] to `output`; `held`: its tables."""
    graph = helper.make_graph(
        nodes,
        "tiny",
        [
            helper.make_tensor_value_info(name, TensorProto.INT64, ["windows", "pieces"])
            for name in ("input_ids", "attention_mask")
        ],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(value, name) for name, value in held.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made)
    path.write_bytes(made.SerializeToString())


def _write_confidence(folder: Path, *, taggers: bool) -> None:
    """Trees over every number by which a code is described, as the code describes it now."""
    experience = Experience.load(folder / LEARNT)
    lexicons = (Lexicon.load(folder / TERMS, experience.mentions), Lexicon(experience.triggers))
    reader = Reader(lexicons, Resolver(BookCodes(CodeBook.load(folder / CODEBOOK))), lasting_conditions())
    parts = {
        Policy.EXHAUSTIVE: (REPORTS_TAGGER, REPORT_LABELS),
        Policy.ENCOUNTER: (ENCOUNTERS_TAGGER, ENCOUNTER_LABELS),
    }
    plain = {}
    for policy, (network, labels) in parts.items():
        tag = Tagger.load(folder / TOKENIZER, folder / network, labels).tag if taggers else None
        judgement = judge(reader.read(Document("sample", SAMPLE), tag), policy, experience)
        names = sorted({name for weighed in judgement.weighed.values() for name in weighed.features})
        plain[policy.value] = random_confidence(names).to_json()
    ordered = in_order({"I10": dict.fromkeys(names, 0.0)}, {"I10": 0.5})["I10"]
    plain["first_listed"] = random_confidence(sorted(ordered)).to_json()
    (folder / CONFIDENCE).write_text(json.dumps(plain), encoding="utf-8")


def random_confidence(names: Sequence[str]) -> Confidence:
    """What is affirmed somewhere is likely, the rest is not; small random trees over all the features on top."""
    draw = random.Random(_SEED)
    affirmed = Tree((names.index("n_present"), -1, -1), (0.5, 0.0, 0.0), (1, 0, 0), (2, 0, 0), (0.0, -3.0, 2.0))
    trees = [affirmed, *(_random_tree(len(names), draw.random, draw.randrange) for _ in range(_ROUNDS))]
    return Confidence(tuple(names), 0.0, tuple(trees), ((0.0, 0.0), (1.0, 1.0)), 0.5)


def _random_tree(names: int, share: Callable[[], float], one_of: Callable[[int], int]) -> Tree:
    """Three questions, four leaves of at most 0.2 either way."""
    features = (one_of(names), one_of(names), one_of(names), -1, -1, -1, -1)
    thresholds = (share(), share(), share(), 0.0, 0.0, 0.0, 0.0)
    leaves = (round(0.4 * share() - 0.2, 3) for _ in range(4))
    return Tree(features, thresholds, (1, 3, 5, 0, 0, 0, 0), (2, 4, 6, 0, 0, 0, 0), (0.0, 0.0, 0.0, *leaves))
