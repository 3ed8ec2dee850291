"""Settings that come from files, as secrets are mounted."""

from pathlib import Path

from smartapp.config import with_files


def test_a_setting_comes_from_the_file_that_is_named(tmp_path: Path) -> None:
    """Without the line's end; other names that end so are left alone."""
    (tmp_path / "keys").write_text("a-key\n")
    complaints: list[str] = []
    read = with_files({"CHARTSIDE_SECRET_KEYS_FILE": str(tmp_path / "keys"), "OTHER_FILE": "/nowhere"}, complaints)
    assert read["CHARTSIDE_SECRET_KEYS"] == "a-key"
    assert "OTHER" not in read
    assert complaints == []


def test_a_setting_that_is_given_twice_is_told(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("a-key")
    complaints: list[str] = []
    with_files({"CHARTSIDE_X": "one", "CHARTSIDE_X_FILE": str(tmp_path / "keys")}, complaints)
    assert complaints == ["CHARTSIDE_X and CHARTSIDE_X_FILE are both set; set one of them"]


def test_a_file_that_cannot_be_read_is_told_once(tmp_path: Path) -> None:
    """By its name and why; the setting is not called missing, too."""
    complaints: list[str] = []
    read = with_files({"CHARTSIDE_X_FILE": str(tmp_path / "gone")}, complaints)
    assert complaints == [f"CHARTSIDE_X_FILE: {tmp_path / 'gone'} cannot be read (FileNotFoundError)"]
    assert read["CHARTSIDE_X"]


def test_a_file_of_bytes_that_are_no_text_is_told(tmp_path: Path) -> None:
    """Without what is in it."""
    (tmp_path / "keys").write_bytes(b"\xff\xfe secret")
    complaints: list[str] = []
    with_files({"CHARTSIDE_X_FILE": str(tmp_path / "keys")}, complaints)
    assert complaints == [f"CHARTSIDE_X_FILE: {tmp_path / 'keys'} cannot be read (UnicodeDecodeError)"]
