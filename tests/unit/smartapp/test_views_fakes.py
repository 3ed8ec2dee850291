"""The fakes that the pages are tested with answer to the same calls as what they stand for."""

import inspect
from dataclasses import fields

from fake_coding import FakeCoding, FakeSummary
from fake_pages import FakeLauncher
from fake_work import FakeAsking, FakeWorklist

from launch.launcher import Launcher
from smartapp.asking import Asking
from smartapp.coding import Coding, Summary
from smartapp.store import WorklistStore


def methods(kind: type) -> dict[str, list[str]]:
    """The public methods with the names of their parameters."""
    found = inspect.getmembers(kind, inspect.isfunction)
    return {name: list(inspect.signature(f).parameters) for name, f in found if not name.startswith("_")}


def test_fake_coding_has_the_methods_of_coding() -> None:
    """Every use case is there, with the same parameters in the same order."""
    assert methods(FakeCoding) == methods(Coding)
    assert [f.name for f in fields(FakeSummary)] == [f.name for f in fields(Summary)]


def test_fakes_of_queries_and_worklist_have_their_methods() -> None:
    """With the same parameters in the same order; the clock of the fake is a method."""
    assert methods(FakeAsking) == methods(Asking) | {"clock": ["self"]}
    assert methods(FakeWorklist) == methods(WorklistStore)


def test_fake_launcher_has_methods_of_launcher() -> None:
    """What the pages call of the launcher has the same parameters in both."""
    real = methods(Launcher)
    assert {name: real[name] for name in methods(FakeLauncher)} == methods(FakeLauncher)
