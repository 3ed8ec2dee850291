"""Lines of a registration form, filled with the addresses and contacts of this deployment."""

from dataclasses import dataclass, replace

from smartapp.config import CONTACT_SETTINGS, Config

NAME = "Chartside"
SUMMARY = "Suggests billing codes with the words of the notes that prove each one; a person decides and signs."
DESCRIPTION = (
    "Chartside opens from an encounter in the EHR, reads that encounter's notes and suggests ICD-10-CM codes, each "
    "beside the words that prove it. The user accepts, rejects or adds codes and signs. What is signed is written to "
    "the chart as far as the EHR allows, read back, and shown on a receipt. It is a coding aid: it gives no medical "
    "advice and decides nothing by itself."
)


@dataclass(frozen=True, slots=True)
class Field:
    """One line of a form: what the form calls it, what to type, and why."""

    label: str
    values: tuple[str, ...]
    why: str = ""
    missing: str = ""  # the setting that would fill it; the value is a placeholder until then

    def because(self, why: str) -> "Field":
        """The same with another reason."""
        return replace(self, why=why)


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Site:
    """The addresses and contacts of this deployment, as fields of forms."""

    config: Config

    def url(self, path: str) -> str:
        return f"{self.config.public_url}/{path}"

    def page(self, name: str) -> str:
        """`privacy`, `terms` or `support`: the site's own page where there is one."""
        return getattr(self.config.contacts, f"{name}_url") or self.url(name)

    def contact(self, label: str, field: str, what: str) -> Field:
        said: str = getattr(self.config.contacts, field)
        return Field(label, (said or f"({what}: to be filled in)",), missing="" if said else CONTACT_SETTINGS[field])

    def launch(self, label: str) -> Field:
        return Field(label, (self.url("launch"),), "Where the EHR opens Chartside, with iss and launch.")

    def redirect(self, label: str) -> Field:
        return Field(label, (self.url("callback"),), "The only one; it must be registered letter by letter.")

    def jwks(self, label: str) -> Field:
        why = "Public keys in ES384 or RS384, two of them while keys are changed. Register the address, not the keys."
        return Field(label, (self.url("jwks.json"),), why)

    def text(self) -> tuple[Field, ...]:
        return (Field("Short description", (SUMMARY,)), Field("Description", (DESCRIPTION,)))

    def logo(self, label: str = "Logo") -> Field:
        return Field(label, (self.url("logo.png"), self.url("logo.svg")), "A square: PNG of 512 pixels, or SVG.")

    def support(self) -> tuple[Field, ...]:
        return (
            self.contact("Support e-mail", "email", "e-mail address"),
            self.contact("Support phone", "phone", "telephone number"),
            Field("Support URL", (self.page("support"),)),
        )

    def papers(self) -> tuple[Field, ...]:
        return (Field("Privacy policy", (self.page("privacy"),)), Field("Terms of use", (self.page("terms"),)))

    def organization(self, label: str) -> Field:
        return self.contact(label, "organization", "your organization")

    def hooks(self, label: str = "CDS Hooks service") -> Field:
        why = "Lists the services; where CDS Hooks are used, a card says how many codes are ready."
        return Field(label, (self.url("cds-services"),), why)
