"""A package of actors that trees in these tests may name, and that is no part of the product."""

import sys

import pytest

ACTORS = '''
from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pykka
from annotated_types import Ge
from pydantic import BaseModel, field_validator

from treeward.runtime.actor import Actor

if TYPE_CHECKING:
    from collections.abc import Callable
    from nowhere import Unknown


class Plain(Actor):
    """Takes nothing."""


class NoActor:
    pass


class Old(pykka.ThreadingActor):
    def __init__(self, size: int):
        super().__init__()


class Desk(Actor):
    def __init__(
        self,
        database: str,
        *,
        limit: float = 1.0,
        mode: Literal["fast", "slow"] = "fast",
        tags: list[str] = (),
    ):
        self.given = (database, limit, mode, tags)


class Open(Actor):
    def __init__(self, first: int = 0, **rest: Any):
        self.given = (first, rest)


class Odd(Actor):
    def __init__(self, known: int, unknown: Unknown = None, untyped=None):
        pass


class Line(BaseModel):
    amount: int
    text: str = ""


class Parts(Actor):
    imports = ("sort",)

    def __init__(self, first: int = 0, **parts: Callable[..., Any]):
        pass


class Nested(Actor):
    def __init__(self, lines: list[Line]):
        self.lines = lines


class Broken(BaseModel):
    text: str

    @field_validator("text")
    @classmethod
    def check(cls, text):
        return {}[text]


class Checked(Actor):
    class Settings(Broken):
        pass


class Strange(Actor):
    def __init__(
        self,
        line: Broken = None,
        actor: NoActor = None,
        late: list["Nowhere"] = None,
        amount: Annotated[int, Ge(1)] = 1,
    ):
        pass


class Configured(Actor):
    class Settings(BaseModel):
        model: str
        retries: int = 3

    def __init__(self, settings: Settings):
        self.settings = settings


class Strict(Actor):
    class Settings(BaseModel, extra="forbid"):
        model: str
        retries: int = 3

    def __init__(self, model: str, retries: int):
        self.given = (model, retries)


class Abstract(pykka.Actor):
    pass


def factory():
    return Plain


from os.path import join
from subprocess import Popen, run
from treeward.runtime.errors import describe


VALUE = 7
'''


@pytest.fixture
def actors(tmp_path, monkeypatch):
    """The name of an importable package `zoo` with the module `zoo.actors`, and some modules that fail."""
    package = tmp_path / "packages" / "zoo"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "actors.py").write_text(ACTORS)
    (package / "raises.py").write_text("raise ValueError('no database')")
    (package / "exits.py").write_text("raise SystemExit(3)")
    (package / "needs.py").write_text("import zoo_dependency_that_is_missing")
    (package / "syntax.py").write_text("def")
    monkeypatch.syspath_prepend(str(package.parent))
    yield "zoo"
    for name in [name for name in sys.modules if name.partition(".")[0] == "zoo"]:
        del sys.modules[name]
