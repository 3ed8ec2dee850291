"""Numbers in addresses."""

from typing import Any

from werkzeug.routing import IntegerConverter, Map

LARGEST = 2**63 - 1  # of a column of either database; what is beyond it leads nowhere


class Number(IntegerConverter):
    """`<int:name>`: 404 for a number that no row can have."""

    def __init__(self, map: Map, *args: Any, **more: Any) -> None:
        super().__init__(map, *args, **{"max": LARGEST, **more})
