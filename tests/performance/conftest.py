"""What the tests of the programs that measure share."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def module(monkeypatch):
    """Imports a module of benchmarks/, which is not installed."""
    monkeypatch.syspath_prepend(str(CHECKOUT))
    return lambda name: importlib.import_module(f"benchmarks.{name}")
