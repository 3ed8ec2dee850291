"""Several things at the same moment."""

import threading
from collections.abc import Callable, Sequence
from typing import Any


def together(act: Callable[[Any], Any], subjects: Sequence[Any]) -> list[Any]:
    """Does the act on all subjects at once; results, or errors, in their order."""
    gate, results = threading.Barrier(len(subjects)), [None] * len(subjects)

    def run(place: int) -> None:
        gate.wait()
        try:
            results[place] = act(subjects[place])
        except Exception as error:
            results[place] = error

    threads = [threading.Thread(target=run, args=(n,)) for n in range(len(subjects))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
