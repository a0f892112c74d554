"""What these tests share: a package of actors that trees may name, and trees in which something is wrong."""

import json
import sys

import jsonschema
import pytest

from treeward.trees.load import load_tree
from treeward.trees.problems import TreeError
from treeward.trees.schema import json_schema
from treeward.trees.source import read_source

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


def polite(output, task):
    return "please" in output


def of_our_bank(error):
    return "transient" if isinstance(error, OSError) else None


from os.path import join
from subprocess import Popen, run
from treeward.runtime.errors import describe


VALUE = 7
'''

CLERKS = """
from treeward.agents.agent import Agent


class Clerk(Agent):
    async def handle(self, task):
        return {"amount": 7}


class Rules(Agent):
    async def handle(self, task):
        return "by the rules"
"""


@pytest.fixture
def actors(tmp_path, monkeypatch):
    """The name of an importable package `zoo` with the modules `zoo.actors` and `zoo.clerks`, and some that fail."""
    package = tmp_path / "packages" / "zoo"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "actors.py").write_text(ACTORS)
    (package / "clerks.py").write_text(CLERKS)
    (package / "raises.py").write_text("raise ValueError('no database')")
    (package / "exits.py").write_text("raise SystemExit(3)")
    (package / "needs.py").write_text("import zoo_dependency_that_is_missing")
    (package / "syntax.py").write_text("def")
    monkeypatch.syspath_prepend(str(package.parent))
    yield "zoo"
    for name in [name for name in sys.modules if name.partition(".")[0] == "zoo"]:
        del sys.modules[name]


POLICIES = (
    "policies: {retry: {llm: {times: 3}}, breaker: {llm: {}}, budget: {daily: {cost: 5}}, recovery: {careful: [retry]},"
    " judges: {refund: [{confidence: 0.5}]}, health: {strict: {errors: 0.5}}, loops: {tight: {visits: 1}}}\n"
)


@pytest.fixture
def in_agent():
    """Makes a tree in which an agent says something; its first line is the file's 13th, its first column the 7th."""

    def make(lines, use="x"):
        others = ["- {agent: b, use: x}", "- {agent: desk, use: x}", "- {supervisor: s}", "- {dynamic: d}"]
        said = "  " + lines.replace("\n", "\n      ")
        children = "\n    ".join([*others, f"- agent: a\n      use: {use}", said])
        return f"treeward: 1\nname: x\n{POLICIES}tree:\n  supervisor: root\n  children:\n    {children}\n"

    return make


@pytest.fixture
def faults():
    """Says what is wrong with a tree, a line each, without the name of its file."""

    def said(text, environ=None, **options):
        options.setdefault("check_classes", False)
        with pytest.raises(TreeError) as caught:
            load_tree(text, environ=environ or {}, **options)
        return [line.removeprefix("<text>:") for line in str(caught.value).split("\n")]

    return said


@pytest.fixture(scope="session")
def validator():
    """The JSON Schema, as an editor uses it."""
    return jsonschema.Draft7Validator(json_schema())


@pytest.fixture
def as_an_editor_sees_it():
    """Makes plain data of a document, without expanding what comes from the environment."""

    def read(text):
        top, problems = read_source(text.replace("${", "$${"), "f", {})
        assert problems == []
        return json.loads(json.dumps(top))

    return read
