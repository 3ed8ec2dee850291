"""Sign-offs and corrections while the EHR fails at random: nothing twice, nothing lost, each ends in a state that is
true."""

from collections import Counter
from pathlib import Path

import pytest
from signed_chart import complaints
from signing_at_random import Office

RUNS, BLOCKS = 200, 4  # `tests/bench/signoffs.py` does more


@pytest.mark.parametrize("block", range(BLOCKS))
def test_signing_at_random(tmp_path: Path, block: int) -> None:
    """Whatever the EHR does, pressing Finish writing often enough ends it truthfully."""
    office, size = Office(tmp_path), RUNS // BLOCKS
    try:
        ended = [office.sign_off(seed) for seed in range(block * size, (block + 1) * size)]
    finally:
        office.close()
    assert [complaint for one in ended for complaint in complaints(one)] == []
    faults = Counter(fault.partition(":")[0] for one in ended for fault in one.ehr.met)
    assert len(faults) >= 16, faults  # they did happen
    assert len({one.review.status for one in ended}) >= 2
    assert {len(one.review.corrections) for one in ended} == {0, 1, 2}
