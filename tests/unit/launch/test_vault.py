"""Sealing."""

import pytest
from cryptography.fernet import Fernet

from launch.vault import BrokenSeal, Vault

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def test_what_is_sealed_can_be_opened_and_not_read():
    """The seal hides the content and gives it back."""
    sealed = Vault([NEW]).seal(b"a note")
    assert b"a note" not in sealed
    assert Vault([NEW]).open(sealed) == b"a note"


def test_two_seals_of_one_content_differ():
    """Equal content cannot be recognised in the database."""
    vault = Vault([NEW])
    assert vault.seal(b"same") != vault.seal(b"same")


def test_an_old_key_still_opens_and_the_first_seals():
    """Keys rotate: the new one goes first, the old one stays until nothing needs it."""
    sealed = Vault([OLD]).seal(b"x")
    both = Vault([NEW, OLD])
    assert both.open(sealed) == b"x"
    assert Vault([NEW]).open(both.seal(b"y")) == b"y"


def test_an_unknown_key_opens_nothing():
    """A key that was taken away leaves its seals closed."""
    with pytest.raises(BrokenSeal):
        Vault([NEW]).open(Vault([OLD]).seal(b"x"))


@pytest.mark.parametrize("place", [0, 20, -1])
def test_a_changed_seal_is_not_opened(place):
    """One changed byte, wherever it is, is found."""
    vault = Vault([NEW])
    sealed = bytearray(vault.seal(b"a note"))
    sealed[place] ^= 1
    with pytest.raises(BrokenSeal):
        vault.open(bytes(sealed))


@pytest.mark.parametrize("keys", [[], ["short"], [NEW, "not a key"], [NEW + "é"]])
def test_a_key_that_is_none_is_refused_without_being_quoted(keys):
    """The application does not start on a bad key, and the message does not print it."""
    with pytest.raises(ValueError, match="Fernet key") as refused:
        Vault(keys)
    assert "short" not in str(refused.value)
