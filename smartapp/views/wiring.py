"""What the pages need from the rest, handed over once when the application is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from flask import current_app

if TYPE_CHECKING:  # the pages only hold these; whoever makes the application brings them
    from launch.context import LaunchContext
    from launch.ehrs import TrustedEHRs
    from launch.launcher import Launcher
    from launch.sessions import Session
    from smartapp.asking import Asking
    from smartapp.coding import Coding
    from smartapp.config import Config
    from smartapp.fhir.client import FHIRClient
    from smartapp.store import WorklistStore

EXTENSION = "chartside"


@dataclass(frozen=True, slots=True)
class Wiring:
    """The collaborators of the pages: `app.extensions["chartside"]`."""

    coding: Coding
    asking: Asking
    worklist: WorklistStore
    launcher: Launcher
    client_for: Callable[[Session], FHIRClient]
    ehrs: TrustedEHRs
    config: Config
    page_for: Callable[[LaunchContext], str] = lambda _: "review.show"  # where a launch goes on


def wiring() -> Wiring:
    """The collaborators of the running application."""
    return cast(Wiring, current_app.extensions[EXTENSION])
