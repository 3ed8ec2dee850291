"""Dates as people read them, the same in every country."""

from datetime import UTC, date, datetime


def show_date(day: date | None) -> str:
    """`4 Mar 2026`; nothing for no date."""
    return f"{day.day} {day:%b %Y}" if day else ""


def show_time(moment: datetime) -> str:
    """`4 Mar 2026, 16:05 UTC`."""
    there = moment.astimezone(UTC) if moment.tzinfo else moment
    return f"{show_date(there)}, {there:%H:%M} UTC"


def show_birth_date(birth_date: str | None, on: date | None) -> str:
    """`2 Apr 1961 (64 y)`, the age being that on the date of service; FHIR allows a year or a month alone."""
    if not birth_date:
        return ""
    try:
        born = date.fromisoformat(birth_date)
    except ValueError:
        return birth_date
    if on is None or on < born:
        return show_date(born)
    years = on.year - born.year - ((on.month, on.day) < (born.month, born.day))
    return f"{show_date(born)} ({years} y)"
