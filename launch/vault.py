"""Seals what must not be readable in the database: tokens, launch context, PHI columns."""

from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class BrokenSeal(Exception):
    """Sealed with a key we no longer have, or changed since; the content is lost."""


class Vault:
    """Authenticated encryption with rotating keys: the first seals, all open."""

    def __init__(self, keys: Sequence[str]) -> None:
        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        except ValueError:  # its words quote the key
            raise ValueError("a secret key is not a Fernet key, or there is none") from None

    def seal(self, plain: bytes) -> bytes:
        return self._fernet.encrypt(plain)

    def open(self, sealed: bytes) -> bytes:
        """Raises BrokenSeal."""
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken:
            raise BrokenSeal("sealed with an unknown key, or changed") from None
