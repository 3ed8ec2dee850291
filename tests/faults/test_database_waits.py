"""PostgreSQL where another process is frozen in the middle of a transaction."""

import pytest
import sqlalchemy as sa
from coding_bench import ANA
from sample_chart import key
from sqlalchemy.exc import OperationalError

from smartapp.audit import AuditLog, Entry, Kind
from smartapp.audit.log import lock
from smartapp.store import connect, migrate

VIEWED = Entry(Kind.VIEWED, {"page": "review"}, key("https://ehr.example/fhir"), ANA)


def test_a_frozen_process_keeps_nobody_waiting_for_long(postgresql_url: str) -> None:
    """What it has locked is not waited for beyond a limit: a page can say so, and later it works."""
    options = sa.make_url(postgresql_url).query["options"]
    url = sa.make_url(postgresql_url).update_query_dict({"options": f"{options} -c lock_timeout=200"})
    engine = connect(url.render_as_string(hide_password=False))
    migrate(engine)
    with engine.begin() as frozen:
        lock(frozen)
        with pytest.raises(OperationalError, match="lock timeout"):
            AuditLog(engine).record(VIEWED)
    AuditLog(engine).record(VIEWED)
    engine.dispose()


@pytest.mark.parametrize(
    ("setting", "value"),
    [("lock_timeout", "15s"), ("idle_in_transaction_session_timeout", "1min")],
)
def test_every_connection_has_its_limits(postgresql_url: str, setting: str, value: str) -> None:
    """Beside what the URL says: it names the schema."""
    engine = connect(postgresql_url)
    with engine.connect() as connection:
        assert connection.exec_driver_sql(f"SHOW {setting}").scalar() == value
        assert "chartside_test_" in str(connection.exec_driver_sql("SHOW search_path").scalar())
    engine.dispose()
