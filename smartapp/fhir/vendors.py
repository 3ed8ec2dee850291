"""What is known of vendors beside their CapabilityStatements: facts with their sources, from `vendors.toml`."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

# How a vendor wants things sent; `vendors.toml` may use no other words.
TWO_CODINGS = "two-codings"  # of a Condition: one selected by the user, one not
IN_ORDER = "in-order"  # created in the order of the claim, which is then the order in the chart
IF_MATCH = "if-match"  # on every change
ONE_ATTACHMENT = "one-attachment"  # a document in one format only
ONE_AT_A_TIME = "one-at-a-time"  # never two requests about one encounter at once
SEARCH_FIRST = "search-first"  # what is there already is made again if it is sent again
OID_SYSTEM = "oid-system"  # a suggested diagnosis names ICD-10-CM by its OID
PATCH_TESTS = "patch-tests"  # a patch must test what it changes: If-Match is not looked at
ASKED = frozenset(
    {TWO_CODINGS, IN_ORDER, IF_MATCH, ONE_ATTACHMENT, ONE_AT_A_TIME, SEARCH_FIRST, OID_SYSTEM, PATCH_TESTS}
)


@dataclass(frozen=True, slots=True)
class Fact:
    """One sentence about a vendor's EHR, where it stands, and what it changes."""

    says: str
    source: str
    closes: tuple[str, ...] = ()
    suggests: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        unknown = set(self.asks) - ASKED
        if unknown or not self.says or not self.source:
            raise ValueError(f"vendors.toml: {self.says[:60]!r} has no source, or asks for {sorted(unknown)}")


@dataclass(frozen=True, slots=True)
class Vendor:
    """Whose EHR it is; of a generic one nothing is known."""

    name: str
    facts: tuple[Fact, ...] = ()

    def closed(self, offer: str) -> str | None:
        """Why an offer like `Condition.create` is not made use of, though advertised."""
        return next((fact.says for fact in self.facts if offer in fact.closes), None)

    def suggests(self, type: str) -> bool:
        """Whether the EHR makes resources of the type when its user accepts a CDS Hooks suggestion."""
        return any(type in fact.suggests for fact in self.facts)

    def asks(self, way: str) -> bool:
        """Whether it wants things sent in this way."""
        return any(way in fact.asks for fact in self.facts)


GENERIC = Vendor("the EHR")


@cache
def _vendors() -> Mapping[str, Vendor]:
    tables = tomllib.loads((Path(__file__).parent / "vendors.toml").read_text("utf-8"))
    return {name: _vendor(table) for name, table in tables.items()}


def _vendor(table: Mapping[str, Any]) -> Vendor:
    lists = ("closes", "suggests", "asks")
    facts = (fact | {name: tuple(fact.get(name, ())) for name in lists} for fact in table["fact"])
    return Vendor(table["name"], tuple(Fact(**fact) for fact in facts))


def vendor(name: str) -> Vendor:
    """By its name in `ehrs.toml`; one without facts for those we know nothing of."""
    return _vendors().get(name, GENERIC)
