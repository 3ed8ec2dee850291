"""What the audit log promises: nothing is done untold, and nothing told is changed unseen."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from audit_bench import ANA, KEY, AuditBench
from sqlalchemy.exc import DBAPIError
from threads import together

from smartapp.audit import AuditLog, Entry, Kind
from smartapp.audit.checkpoint import AuditKeys, public_pem
from smartapp.audit.notary import EVERY
from smartapp.audit.proof import NotProven, check, prove
from smartapp.audit.verify import MOST


@pytest.fixture
def anywhere(database_url: str, tmp_path: Path) -> Iterator[AuditBench]:
    """On every kind of database."""
    bench = AuditBench(database_url, tmp_path)
    yield bench
    bench.close()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[AuditBench]:
    bench = AuditBench(f"sqlite:///{tmp_path / 'chartside.db'}", tmp_path)
    yield bench
    bench.close()


def said(bench: AuditBench) -> str:
    return "\n".join(map(str, bench.verify().breaks))


def test_an_event_says_who_what_when_and_after_which(anywhere: AuditBench) -> None:
    """References and hashes; the person's name is not in it."""
    anywhere.add(2)
    first, second = anywhere.events()
    assert (first.sequence, first.kind, first.ehr, first.patient) == (1, Kind.VIEWED, KEY.iss, "Patient/p1")
    assert (first.encounter, first.user, first.launch) == ("Encounter/e1", "Practitioner/ana", ANA.launch)
    assert first.at == anywhere.clock()
    assert second.what == {"page": "review 1"}
    assert anywhere.verify().intact


def test_what_is_taken_back_is_not_told(anywhere: AuditBench) -> None:
    """The event is in the transaction of what it tells."""
    with pytest.raises(RuntimeError), anywhere.log.recording() as recording:
        recording.tell(Entry(Kind.VIEWED, {}, KEY, ANA))
        raise RuntimeError
    assert anywhere.events() == []


def test_what_cannot_be_told_is_not_done(anywhere: AuditBench) -> None:
    """An event that cannot be written takes its transaction back."""
    with pytest.raises(TypeError), anywhere.log.recording() as recording:
        recording.session.execute(sa.text("INSERT INTO admin_session VALUES ('a', 'b', 1, 1)"))
        recording.tell(Entry(Kind.ADMIN, {"share": 0.5}))
    with anywhere.engine.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM admin_session")).scalar() == 0


@pytest.mark.parametrize("table", ["audit_event", "audit_checkpoint"])
@pytest.mark.parametrize("change", ["DELETE FROM {}", "UPDATE {} SET {}"])
def test_the_database_refuses_changes(anywhere: AuditBench, table: str, change: str) -> None:
    anywhere.sign_off()
    column = "hash = 'x'" if table == "audit_event" else "note = 'x'"
    with pytest.raises(DBAPIError, match="append-only"), anywhere.engine.begin() as connection:
        connection.execute(sa.text(change.format(table, column)))


def test_writers_at_the_same_moment_make_one_chain(anywhere: AuditBench) -> None:
    """Each with connections of its own; checkpoints among them."""
    benches = [AuditBench(anywhere.url, anywhere.folder) for _ in range(4)]

    def write(bench: AuditBench) -> None:
        bench.add(6)
        bench.sign_off()

    assert together(write, benches) == [None] * 4
    for bench in benches:
        bench.close()
    verdict = anywhere.verify()
    assert (verdict.size, verdict.signed, verdict.breaks) == (28, 28, ())


def test_processes_at_the_same_moment_make_one_chain(anywhere: AuditBench) -> None:
    script = (
        "import sys; from pathlib import Path; from audit_bench import AuditBench\n"
        "bench = AuditBench(sys.argv[1], Path(sys.argv[2])); bench.add(10); bench.sign_off(); bench.close()"
    )
    command = [sys.executable, "-c", script, anywhere.url, str(anywhere.folder)]
    paths = {"PYTHONPATH": ":".join(sys.path)}
    running = [subprocess.Popen(command, env=paths) for _ in range(2)]
    assert [process.wait(60) for process in running] == [0, 0]
    verdict = anywhere.verify()
    assert (verdict.size, verdict.signed, verdict.breaks) == (22, 22, ())


def test_checkpoints_come_with_sign_offs_and_every_so_many_events(bench: AuditBench) -> None:
    """And each is in the second place, for its owner's eyes only."""
    bench.add(3)
    bench.sign_off()
    bench.log.record(*[Entry(Kind.NOTE, {}, KEY)] * EVERY)
    assert bench.sizes() == [4, EVERY + 4]
    kept = [json.loads(line)["size"] for line in bench.file.path.read_text().splitlines()]
    assert kept == bench.sizes()
    assert bench.file.path.stat().st_mode & 0o777 == 0o600


def test_where_the_second_place_is_away_nothing_stops(bench: AuditBench, caplog: pytest.LogCaptureFixture) -> None:
    """What was signed meanwhile is brought there with the next checkpoint."""
    bench.file.path.mkdir()
    bench.sign_off()
    assert "no checkpoint of the audit log was made" in caplog.text
    bench.file.path.rmdir()
    bench.sign_off()
    assert [number for number, _ in bench.file.read()] == [1, 2]
    assert bench.verify().intact


def test_a_line_that_a_power_cut_has_torn_is_written_again(bench: AuditBench) -> None:
    bench.sign_off()
    whole = bench.file.path.read_bytes()
    bench.file.path.write_bytes(whole[:-20])
    bench.sign_off()
    assert bench.file.path.read_bytes().startswith(whole)
    assert bench.verify().intact


def filled(bench: AuditBench) -> AuditBench:
    """Ten events, a sign-off, nine events, a sign-off, four events."""
    for events in (10, 9):
        bench.add(events)
        bench.sign_off()
    bench.add(4)
    assert bench.verify().intact
    return bench


@pytest.mark.parametrize(
    ("statements", "told"),
    [
        (["UPDATE audit_event SET event = replace(event, 'ana', 'eve') WHERE sequence = 5"], "event 5: was changed"),
        (["UPDATE audit_event SET event = replace(event, 'ana', 'eve') WHERE sequence = 25"], "event 25: was changed"),
        (["UPDATE audit_event SET event = 'x' WHERE sequence = 5"], "event 5: was changed"),
        (["UPDATE audit_event SET patient = 'p2' WHERE sequence = 5"], "event 5: was changed: it is filed"),
        (["UPDATE audit_event SET kind = 'x' WHERE sequence = 5"], "event 5: was changed: it is filed"),
        (["DELETE FROM audit_event WHERE sequence = 5"], "event 5: is missing"),
        (["DELETE FROM audit_event WHERE sequence = 1"], "event 1: is missing"),
        (["DELETE FROM audit_event WHERE sequence IN (5, 6)"], "event 5: and all up to event 6 are missing"),
        (
            ["DELETE FROM audit_event WHERE sequence = 5"]
            + [f"UPDATE audit_event SET sequence = {n - 1} WHERE sequence = {n}" for n in range(6, 26)],
            "event 5: was moved: it was written as event 6",
        ),
        (
            [f"UPDATE audit_event SET sequence = {to} WHERE sequence = {n}" for n, to in ((5, 99), (6, 5), (99, 6))],
            "event 5: was moved: it was written as event 6",
        ),
        (
            [f"UPDATE audit_event SET sequence = {n + 1} WHERE sequence = {n}" for n in range(25, 4, -1)]
            + ["INSERT INTO audit_event SELECT 5, kind, iss, patient, encounter, event, hash FROM audit_event"
               " WHERE sequence = 4"],
            "event 5: was moved: it was written as event 4",
        ),
        (["DELETE FROM audit_event WHERE sequence > 15"], "event 16: the log ends here, but 21 events were signed"),
        (["DELETE FROM audit_event"], "event 1: the log ends here, but 21 events were signed"),
    ],
)  # fmt: skip
def test_tampering_is_seen_and_where(bench: AuditBench, statements: list[str], told: str) -> None:
    """Editing, deleting, reordering, inserting, cutting off."""
    filled(bench).tamper(*statements)
    assert told in said(bench)


def test_a_truncation_is_seen_though_the_database_forgets_its_checkpoints(bench: AuditBench) -> None:
    """By those in the second place."""
    filled(bench).tamper("DELETE FROM audit_event WHERE sequence > 15", "DELETE FROM audit_checkpoint WHERE size > 15")
    assert "event 16: the log ends here, but 21 events were signed" in said(bench)


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows.pop(14),
        lambda rows: rows.insert(14, rows[2]),
        lambda rows: rows.reverse(),
        lambda rows: rows[14].update(event=rows[14]["event"].replace("ana", "eve")),
    ],
)
def test_a_chain_that_was_made_anew_is_seen(bench: AuditBench, change: object) -> None:
    """Whoever writes the whole chain again has no key for the roots."""
    filled(bench).forge(change)  # type: ignore[arg-type]
    assert "are not those that were signed on 2026-03-02 at 17:00:00 UTC" in said(bench)


def test_nothing_is_signed_on_top_of_a_forged_tree(bench: AuditBench, caplog: pytest.LogCaptureFixture) -> None:
    filled(bench).tamper("""UPDATE audit_checkpoint SET peaks = replace(peaks, substr(peaks, 3, 8), '00000000')""")
    bench.sign_off()
    assert "BrokenLog" in caplog.text
    assert bench.sizes() == [11, 21]


def test_a_lost_second_place_is_seen(bench: AuditBench) -> None:
    filled(bench).file.path.unlink()
    assert "the checkpoint file is empty or gone" in said(bench)


def test_a_checkpoint_taken_out_of_the_second_place_is_seen(bench: AuditBench) -> None:
    lines = filled(bench).file.path.read_text().splitlines(keepends=True)
    bench.file.path.write_text("".join(lines[1:]))
    assert "the checkpoint of 11 events is missing from the checkpoint file" in said(bench)


def test_a_checkpoint_signed_by_somebody_else_is_seen(bench: AuditBench) -> None:
    filled(bench)
    (bench.folder / "audit-key.pem").unlink()
    bench.keys = AuditKeys.load_or_make(bench.folder / "audit-key.pem")
    assert "line 1 of the checkpoint file is signed with a key that is not ours" in said(bench)


def test_a_log_that_nobody_signs_is_seen(bench: AuditBench) -> None:
    """A checkpoint is due every so many events."""
    AuditLog(bench.engine).record(*[Entry(Kind.NOTE, {}, KEY)] * 2 * EVERY)
    assert "event 1: no checkpoint from here on" in said(bench)


def test_the_story_of_a_ruin_is_short(bench: AuditBench) -> None:
    bench.add(3 * MOST)
    bench.tamper("UPDATE audit_event SET hash = 'x'")
    assert len(bench.verify().breaks) == MOST


def test_a_proof_needs_nothing_but_the_public_key(bench: AuditBench, tmp_path: Path) -> None:
    filled(bench)
    public = tmp_path / "public.pem"
    public.write_text(public_pem(bench.keys.public))
    for sequence in (1, 11, 12, 21):
        proof = json.loads(json.dumps(prove(bench.engine, sequence)))
        assert check(proof, AuditKeys.load(public)).sequence == sequence


def test_a_proof_is_of_this_event_only(bench: AuditBench) -> None:
    proof = prove(filled(bench).engine, 7)
    other = prove(bench.engine, 8)
    for forged in (
        proof | {"event": proof["event"].replace("ana", "eve")},
        proof | {"event": other["event"]},
        proof | {"path": other["path"]},
        proof | {"checkpoint": proof["checkpoint"].replace("\n11\n", "\n12\n")},
        {},
        proof | {"path": "nothing"},
    ):
        with pytest.raises(NotProven):
            check(forged, bench.keys)


def test_before_a_checkpoint_there_is_no_proof(bench: AuditBench) -> None:
    with pytest.raises(NotProven, match="event 25 is under no checkpoint yet"):
        prove(filled(bench).engine, 25)


def test_a_broken_log_proves_nothing(bench: AuditBench) -> None:
    filled(bench).tamper("DELETE FROM audit_event WHERE sequence = 3")
    with pytest.raises(NotProven, match="audit verify"):
        prove(bench.engine, 7)


def test_a_setting_is_told_when_it_changes(anywhere: AuditBench) -> None:
    """Whoever starts again with the same settings says nothing new."""
    for idle in (15, 15, 20):
        anywhere.log.record_setting("configuration", {"idle_minutes": idle, "hosts": ("a",)})
    anywhere.log.record_setting("ehrs", {"https://ehr.example/fhir": {"scopes": ("openid",)}})
    told = [(event.what["name"], event.what["changed"]) for event in anywhere.events()]
    assert told == [
        ("configuration", ["hosts", "idle_minutes"]), ("configuration", ["idle_minutes"]),
        ("ehrs", ["https://ehr.example/fhir"]),
    ]  # fmt: skip
