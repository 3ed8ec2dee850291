"""A signed review taken up again, and what the EHR then holds, for the tests of corrections."""

from coding_bench import ANA, BEN, Bench

from smartapp.reviews import Action, Review, ReviewStatus


def signed(bench: Bench, *codes: str) -> Review:
    review = bench.ready()
    for code in codes or ("I10", "E11.9"):
        review = bench.coding.decide(bench.key, review.version, Action.ADD, code, None, ANA)
    return sign(bench, review)


def sign(bench: Bench, review: Review) -> Review:
    bench.clock.forward(60)
    return bench.coding.sign_off(bench.key, review.version, ANA, bench.client)


def taken_up(bench: Bench, review: Review, reason: str = "wrong-code") -> Review:
    bench.clock.forward(3600)
    bench.coding.correct(bench.key, review.version, reason, BEN, bench.client)
    return bench.until(ReviewStatus.READY)


def decided(bench: Bench, review: Review, *acts: tuple[Action, str]) -> Review:
    for action, code in acts:
        review = bench.coding.decide(bench.key, review.version, action, code, None, ANA)
    return review


def outcomes(review: Review) -> dict[str, str]:
    return {line.purpose: line.outcome for line in review.receipt}


def listed(bench: Bench) -> list[tuple[str, int]]:
    """The encounter's diagnoses by their codes, with their ranks."""
    entries = bench.server.get("Encounter/e1").get("diagnosis", [])
    conditions = (bench.server.get(e["condition"]["reference"].partition("/_history")[0]) for e in entries)
    names = [c["code"]["coding"][0]["code"] for c in conditions]
    return [(name, e["rank"]) for name, e in zip(names, entries, strict=True)]


def valid(bench: Bench) -> set[str]:
    found = bench.server.all("Condition")
    void = {c["id"] for c in found if c["verificationStatus"]["coding"][0]["code"] == "entered-in-error"}
    return {c["code"]["coding"][0]["code"] for c in found if c["id"] not in void}


def replace_id(condition: dict[str, object], id: str) -> dict[str, object]:
    code = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "Z99.9", "display": "Other"}]}
    return {k: v for k, v in condition.items() if k != "identifier"} | {"id": id, "code": code}
