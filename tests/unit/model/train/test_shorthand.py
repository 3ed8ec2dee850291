"""Which shorthand of the search becomes a term of the predictor."""

from pathlib import Path

from model.train.shorthand import read_shorthand


def test_a_drug_proves_no_disease(tmp_path: Path) -> None:
    """In a search it may stand for the disease; in a note it does not."""
    path = tmp_path / "synonyms.tsv"
    path.write_text(
        "# remark\nlisinopril\tessential hypertension\nacid reflux\tgastroesophageal reflux\n", encoding="utf-8"
    )
    assert [short for short, _ in read_shorthand(path)] == [["acid", "reflux"]]
