"""Lets go of what was read of a chart once its review is over for long enough."""

from datetime import datetime

from sqlalchemy import ColumnElement, Engine, and_, delete, func, null, select, update

from smartapp.reviews import ReviewStatus
from smartapp.store.tables import LookRow, ReviewRow


def count_old(engine: Engine, before: datetime) -> int:
    """How many charts `forget_charts` would let go."""
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(ReviewRow).where(_is_old(before))).scalar_one()


def forget_charts(engine: Engine, before: datetime) -> int:
    """Removes chart and prediction of every finished review that did not change since; gives their number.

    Decisions, attestation, receipt and the audit log stay: they name the chart, and hold nothing of its words.
    """
    with engine.begin() as connection:
        old = select(ReviewRow.id).where(_is_old(before))
        connection.execute(delete(LookRow).where(LookRow.review_id.in_(old)))
        emptied = {"chart": null(), "prediction": null(), "failure": null()}
        return connection.execute(update(ReviewRow).where(_is_old(before)).values(**emptied)).rowcount


def _is_old(before: datetime) -> ColumnElement[bool]:
    """Whoever holds a review still works on it."""
    finished = ReviewRow.status == ReviewStatus.WRITTEN.value
    return and_(finished, ReviewRow.claim.is_(None), ReviewRow.chart.is_not(None), ReviewRow.changed_at < before)
