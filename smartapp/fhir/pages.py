"""Pages of a search: the matches on them, what the EHR says beside them, and where the next one lies."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from smartapp.errors import EHRRefused
from smartapp.fhir.answers import issue_words
from smartapp.fhir.elements import items, words
from smartapp.fhir.references import Resource, is_id, resolve

# https://hl7.org/fhir/R4/valueset-bundle-type.html without searchset; some servers leave the type out.
_NO_ANSWERS = frozenset({
    "document", "message", "transaction", "transaction-response", "batch", "batch-response", "history", "collection",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Matches:
    """What a search brought; `missing` says in words why it is not all there is."""

    resources: tuple[Resource, ...] = ()  # each id once, as it came last
    missing: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()  # of the EHR, in its words

    def __add__(self, later: "Matches") -> "Matches":
        by_id = {r["id"]: r for r in (*self.resources, *later.resources)}
        return Matches(
            tuple(by_id.values()), _each_once(self.missing, later.missing), _each_once(self.warnings, later.warnings)
        )

    def kept(self, keep: Callable[[Resource], bool]) -> "Matches":
        """With only the resources that are to be kept."""
        return Matches(tuple(filter(keep, self.resources)), self.missing, self.warnings)


def read_page(bundle: Resource, type: str, patient: str) -> Matches:
    """One page. The EHR's words stand without the patient's id. Raises EHRRefused for a Bundle that is no answer."""
    if words(bundle, "type") in _NO_ANSWERS:
        raise EHRRefused(f"The EHR answered a search for {type} with a Bundle of another kind.")
    found = tuple(r for r in _resources(bundle) if r.get("resourceType") == type and is_id(r.get("id")))
    outcomes = [r for r in _resources(bundle) if r.get("resourceType") == "OperationOutcome"]
    said = [issue for outcome in outcomes for issue in items(outcome, "issue")]
    errors = issue_words((i for i in said if i.get("severity") in ("error", "fatal")), patient)
    missing = (f"The EHR left something out of the list of {type}. It says: {'; '.join(errors)}",) if errors else ()
    return Matches(found, missing, issue_words((i for i in said if i.get("severity") == "warning"), patient))


def next_page(base: str, bundle: Resource) -> str | None:
    """The address of the next page; raises EHRRefused when it lies on another host."""
    url = next((link.get("url") for link in items(bundle, "link") if link.get("relation") == "next"), None)
    if url is None:
        return None
    inside = resolve(base, str(url))
    if inside is None:
        raise EHRRefused("The EHR's next page lies on another host, so the list is not complete.")
    return inside


def _resources(bundle: Resource) -> Iterator[Resource]:
    return (entry["resource"] for entry in items(bundle, "entry") if isinstance(entry.get("resource"), dict))


def _each_once(first: tuple[str, ...], then: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *then)))
