"""The fiscal year that a citation names: the year of the date of service."""

from dataclasses import replace

from model.prediction import FiredRule

READ = "FY2026"  # the Guidelines, index and tabular notes against which the sections of the rules were read


def in_year(rule: FiredRule, year: str) -> FiredRule:
    """The rule cited for `year` ('FY2027'); of a year whose text was not read it says whose sections it has."""
    if year == READ:
        return rule
    first, read, rest = rule.citation.partition(READ)
    return replace(rule, citation=f"{first}{year} (sections as in {READ}){rest.replace(READ, year)}" if read else first)
