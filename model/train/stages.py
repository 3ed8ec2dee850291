"""Steps of a training run that take long: each is done once, and again only when what it rests on has changed."""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_DONE = "done.json"


@dataclass(frozen=True, slots=True)
class Work:
    """A folder of finished stages; a run that was broken off goes on behind the last of them."""

    folder: Path

    def stage(self, name: str, rests_on: Any, make: Callable[[Path], None]) -> Path:
        """The folder that `make` filled. `rests_on`: JSON values that tell one input from another."""
        folder = self.folder / name
        key = hashlib.sha256(json.dumps(rests_on, sort_keys=True).encode()).hexdigest()
        done = folder / _DONE
        if done.is_file() and json.loads(done.read_text(encoding="utf-8")) == key:
            return folder
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        make(folder)
        done.write_text(json.dumps(key), encoding="utf-8")
        return folder
