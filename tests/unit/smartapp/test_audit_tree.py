"""Merkle trees, checkpoints and the canonical spelling: known answers, and what holds for all values."""

import hashlib
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from threads import together

from smartapp.audit.checkpoint import AuditKeys, BadCheckpoint, BadKey, Checkpoint, public_pem
from smartapp.audit.events import canonical
from smartapp.audit.merkle import EMPTY, Tree, is_included, leaf_hash, path, root_of

# The leaves and roots of the reference tests of Certificate Transparency (RFC 6962).
LEAVES = [bytes.fromhex(x) for x in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"
)]  # fmt: skip
ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}
AT = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
)


def keys(private: Ed25519PrivateKey | None = None) -> AuditKeys:
    private = private or Ed25519PrivateKey.generate()
    return AuditKeys(private, (private.public_key(),))


@pytest.mark.parametrize("size", ROOTS)
def test_roots_are_those_of_rfc_6962(size: int) -> None:
    assert root_of(map(leaf_hash, LEAVES[:size])).hex() == ROOTS[size]


def test_the_root_of_nothing() -> None:
    assert Tree().root() == EMPTY == hashlib.sha256().digest()


@settings(deadline=None)
@given(st.integers(1, 70), st.data())
def test_every_leaf_is_proven_and_no_other(size: int, data: st.DataObject) -> None:
    """RFC 6962, 2.1.1: the path proves this leaf at this place under this root, and nothing else."""
    leaves = [leaf_hash(bytes([n])) for n in range(size)]
    place = data.draw(st.integers(0, size - 1))
    proof, root = path(place, size, leaves.__getitem__), root_of(leaves)
    assert is_included(leaves[place], place, size, proof, root)
    assert not is_included(leaf_hash(b"another"), place, size, proof, root)
    assert not is_included(leaves[place], place, size, proof, leaf_hash(b"another"))
    assert not is_included(leaves[place], place, size, [*proof, root], root)
    assert not is_included(leaves[place], size, size, proof, root)
    if proof:
        assert not is_included(leaves[place], place, size, proof[1:], root)
        assert not is_included(leaves[place], place ^ 1, size, proof, root)


@settings(deadline=None)
@given(st.integers(0, 200))
def test_a_tree_goes_on_from_its_peaks(size: int) -> None:
    """What a checkpoint keeps is enough to grow the same tree."""
    whole, first = Tree(), Tree()
    for n in range(size):
        whole.add(leaf_hash(bytes([n])))
        if n < size // 2:
            first.add(leaf_hash(bytes([n])))
    again = Tree(first.size, first.peaks)
    for n in range(size // 2, size):
        again.add(leaf_hash(bytes([n])))
    assert again.root() == whole.root()


@settings(deadline=None)
@given(PLAIN)
def test_the_spelling_is_that_of_rfc_8785(value: object) -> None:
    assert canonical(value).encode() == rfc8785.dumps(value)


@pytest.mark.parametrize("value", [0.5, 2**53, {1: 2}, b"x", {"at": AT}])
def test_what_has_no_plain_spelling_is_refused(value: object) -> None:
    """Fractions, numbers that not every reader keeps, what is no JSON."""
    with pytest.raises((TypeError, ValueError, AttributeError)):
        canonical({"value": value} if not isinstance(value, dict) else value)


def test_half_a_character_does_not_stop_the_log() -> None:
    assert canonical({"note": "a\ud800b"}) == '{"note":"a?b"}'


def test_a_checkpoint_is_a_signed_note() -> None:
    """C2SP signed-note: text, empty line, em dash, name, base64 of four bytes of the key's hash and the signature."""
    mine, checkpoint = keys(), Checkpoint("codes.example/audit", 3, bytes.fromhex(ROOTS[3]), AT)
    note = mine.sign(checkpoint)
    assert note.startswith("codes.example/audit\n3\nrra8/idLcKFPsGel")
    assert "\n\n— codes.example/audit " in note
    assert mine.open(note) == checkpoint


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("\n3\n", "\n4\n", "has a wrong signature"),
        ("2026", "2025", "has a wrong signature"),
        ("— codes.example/audit", "— other.example/audit", "is signed with a key that is not ours"),
        ("\n\n", "\n", "is not a checkpoint"),
        ("— codes.example/audit ", "— codes.example/audit !", "is not a checkpoint"),
    ],
)
def test_a_changed_checkpoint_is_refused(old: str, new: str, why: str) -> None:
    mine = keys()
    note = mine.sign(Checkpoint("codes.example/audit", 3, bytes.fromhex(ROOTS[3]), AT))
    with pytest.raises(BadCheckpoint, match=why):
        mine.open(note.replace(old, new, 1))


def test_a_checkpoint_of_somebody_else_is_refused() -> None:
    note = keys().sign(Checkpoint("codes.example/audit", 3, bytes(32), AT))
    with pytest.raises(BadCheckpoint, match="not ours"):
        keys().open(note)


def test_the_key_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    """Processes that start together have the same key; nobody else may read it."""
    file = tmp_path / "state" / "audit-key.pem"
    made = together(lambda _: AuditKeys.load_or_make(file).public[0].public_bytes_raw(), range(4))
    assert len(set(made)) == 1
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [f.name for f in file.parent.iterdir()] == [file.name]


def test_a_new_key_goes_before_the_old_one(tmp_path: Path) -> None:
    """The first key of the file signs; the others, private or public, go on verifying what they signed."""
    old, new = tmp_path / "old.pem", tmp_path / "new.pem"
    note = AuditKeys.load_or_make(old).sign(Checkpoint("o/a", 1, bytes(32), AT))
    first = AuditKeys.load_or_make(new)
    new.write_text(new.read_text() + public_pem(AuditKeys.load(old).public))
    both = AuditKeys.load_or_make(new)
    assert both.open(note).size == 1
    assert first.open(both.sign(Checkpoint("o/a", 2, bytes(32), AT))).size == 2


@pytest.mark.parametrize("pem", ["", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_another_file_is_no_key(tmp_path: Path, pem: str) -> None:
    file = tmp_path / "key.pem"
    file.write_text(pem)
    with pytest.raises(BadKey, match=r"key\.pem"):
        AuditKeys.load_or_make(file)


def test_a_public_key_does_not_sign(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_text(public_pem(keys().public))
    with pytest.raises(BadKey, match="no private key"):
        AuditKeys.load_or_make(file)
