"""What we offer (CDS Hooks 2.0, "Discovery")."""

from typing import Any

# One id for all hooks: what a later hook answers replaces what an earlier one said ("Update stale guidance").
SERVICE = "codes-to-review"
HOOKS = {
    "patient-view": "When a chart is opened",
    "order-sign": "When orders are signed",
    "encounter-discharge": "When the patient is discharged",
}
# Asked for only because it says whether the encounter is the patient's and can be coded; each hook has the token.
ENCOUNTER = "encounter"
PREFETCH = {ENCOUNTER: "Encounter/{{context.encounterId}}"}


def services() -> list[dict[str, Any]]:
    """The entries of the discovery endpoint, one a hook."""
    return [
        {
            "id": SERVICE,
            "hook": hook,
            "title": "Chartside: codes to review",
            "description": f"{when}, says how many diagnosis codes of the encounter wait for a person's review, and "
            "offers those that a person has signed.",
            "prefetch": PREFETCH,
        }
        for hook, when in HOOKS.items()
    ]
