"""The keys with which we prove who we are: SMART App Launch 2.2, "Client authentication: asymmetric"."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

ALGORITHMS = ("ES384", "RS384")  # every server must take both


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key of ours, with the algorithm SMART wants for its type ("Client authentication: asymmetric")."""

    key: RSAKey | ECKey
    alg: str

    @classmethod
    def load(cls, path: Path) -> "SigningKey":
        """Raises OSError, and ValueError in words that quote nothing of the key."""
        return cls.from_pem(path.read_bytes())

    @classmethod
    def from_pem(cls, pem: bytes) -> "SigningKey":
        """Raises ValueError."""
        for kind, alg in ((ECKey, "ES384"), (RSAKey, "RS384")):
            try:
                key = kind.import_key(pem)
            except (JoseError, ValueError, TypeError):
                continue
            fits = key.curve_name == "P-384" if isinstance(key, ECKey) else key.raw_value.key_size >= 2048
            if not key.is_private or not fits:
                break
            key.ensure_kid()
            return cls(key, alg)
        raise ValueError("is not a private key for ES384 (P-384) or RS384 (RSA of 2048 bits or more), in PEM")

    @property
    def kid(self) -> str:
        return str(self.key.kid)

    def public_jwk(self) -> dict[str, Any]:
        return {**self.key.as_dict(private=False), "use": "sig", "alg": self.alg}


def create_pem(alg: str) -> str:
    """A new private key for one of ALGORITHMS, in PEM."""
    key = ECKey.generate_key("P-384") if alg == "ES384" else RSAKey.generate_key(3072)
    return key.as_pem(private=True).decode("ascii")
