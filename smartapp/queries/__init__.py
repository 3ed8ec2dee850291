"""Queries to the physician: a question about what the notes leave open, asked without leading to an answer.

Practice of AHIMA and ACDIS, "Guidelines for Achieving a Compliant Query Practice" (2022 update): clinical indicators
with their source, open or multiple choice with `other` and `unable to determine`, yes or no for few purposes only, and
never a word about payment or quality measures. Frozen values and pure functions.
"""

from smartapp.queries.checking import Finding, check
from smartapp.queries.drafting import draft_of
from smartapp.queries.values import (
    GROUNDS,
    OTHER,
    UNABLE,
    Form,
    Ground,
    Indicator,
    Query,
    QueryState,
    Recipient,
    Wording,
)
from smartapp.queries.wording import TITLE, write_query

__all__ = [
    "GROUNDS",
    "OTHER",
    "TITLE",
    "UNABLE",
    "Finding",
    "Form",
    "Ground",
    "Indicator",
    "Query",
    "QueryState",
    "Recipient",
    "Wording",
    "check",
    "draft_of",
    "write_query",
]
