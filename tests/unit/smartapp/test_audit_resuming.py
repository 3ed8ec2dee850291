"""The audit log after a restore, on every kind of database: what a backup lacks is told, and the log goes on."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from audit_bench import AuditBench
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy import text

from smartapp.audit import Kind
from smartapp.audit.account import account
from smartapp.audit.checkpoint import AuditKeys, public_pem
from smartapp.audit.resuming import resume
from smartapp.store import connect, migrate
from smartapp.store.backup import backup, restore


@pytest.fixture
def bench(database_url: str, tmp_path: Path) -> Iterator[AuditBench]:
    bench = AuditBench(database_url, tmp_path)
    yield bench
    bench.close()


def go_back(bench: AuditBench, file: Path) -> AuditBench:
    """The same Chartside with its database as in the file: an empty one is filled."""
    if bench.engine.dialect.name == "sqlite":
        url = f"sqlite:///{bench.folder / 'restored.db'}"
    else:
        url = bench.url
        with bench.engine.begin() as connection:
            schema = connection.execute(text("SELECT current_schema()")).scalar_one()
            connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
            connection.execute(text(f"CREATE SCHEMA {schema}"))
    bench.engine.dispose()
    engine = connect(url)
    restore(engine, file)
    migrate(engine)
    engine.dispose()
    return AuditBench(url, bench.folder)


def test_a_backup_as_new_as_the_log(bench: AuditBench) -> None:
    """Nothing is lost: the checkpoints stay, the restore is told and signed."""
    bench.add(3)
    bench.sign_off()
    backup(bench.engine, bench.folder / "backup")
    restored = go_back(bench, bench.folder / "backup")
    resumed = resume(restored.notary, "ana")
    assert (resumed.events, resumed.signed, resumed.lost, resumed.aside) == (4, 4, 0, None)
    verdict = restored.verify()
    assert (verdict.intact, verdict.size, verdict.signed) == (True, 5, 5)
    restored.close()


def test_an_older_backup(bench: AuditBench) -> None:
    """What was signed since is cut off, rightly seen by verify; resuming keeps the proof of it and goes on."""
    bench.add(3)
    bench.sign_off()
    backup(bench.engine, bench.folder / "backup")
    bench.add(2)
    bench.sign_off()
    roots = [bench.keys.open(note or "").root.hex() for _, note in bench.file.read()]
    restored = go_back(bench, bench.folder / "backup")
    assert any("the end was cut off" in str(found) for found in restored.verify().breaks)
    resumed = resume(restored.notary, "ana")
    assert (resumed.events, resumed.signed, resumed.lost) == (4, 7, 3)
    assert resumed.aside
    assert [restored.keys.open(note or "").size for _, note in type(restored.file)(resumed.aside).read()] == [4, 7]
    told = restored.events()[-1]
    assert told.kind is Kind.RESTORE
    assert told.what == {"events": 4, "signed_before": 7, "root_before": roots[-1], "account": "ana"}
    assert restored.verify().intact
    restored.add(1)
    restored.sign_off()
    verdict = restored.verify()
    assert (verdict.intact, verdict.signed) == (True, 7)
    restored.close()


def test_a_lost_key(bench: AuditBench) -> None:
    """A new private key above the old public one in the file: what the old one signed verifies, the new one signs."""
    bench.sign_off()
    backup(bench.engine, bench.folder / "backup")
    old = public_pem(bench.keys.public)
    new = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (bench.folder / "audit-key.pem").write_bytes(new + old.encode())
    restored = go_back(bench, bench.folder / "backup")
    resume(restored.notary, "ana")
    assert restored.verify().intact
    known = AuditKeys.load(bench.folder / "audit-key.pem").public
    assert [raw_signer(restored, note, known) for _, note in restored.file.read()] == [1, 0]
    restored.close()


def raw_signer(bench: AuditBench, note: str | None, known: tuple[object, ...]) -> int:
    """Which of the keys of the file signed the checkpoint."""
    for number, key in enumerate(known):
        try:
            AuditKeys(None, (key,)).open(note or "")  # type: ignore[arg-type]
        except Exception:
            continue
        return number
    raise AssertionError("no key of the file signed it")


def test_a_second_restore_is_told_as_well(bench: AuditBench) -> None:
    bench.sign_off()
    for _ in range(2):
        resume(bench.notary, "ana")
    assert [event.what["signed_before"] for event in bench.events() if event.kind is Kind.RESTORE] == [1, 2]
    assert bench.verify().intact


def test_an_account_has_a_name_or_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """Containers run under numbers that no file of names knows."""
    assert account()

    def unknown() -> str:
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr("getpass.getuser", unknown)
    monkeypatch.setattr("os.getuid", lambda: 4711)
    assert account() == "uid 4711"
