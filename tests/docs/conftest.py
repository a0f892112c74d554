"""How the documents' examples run: one document's blocks, in their order, in a directory of their own.

    python              executed; with `await` in it, on an event loop in virtual time
    python realtime     the same, on an event loop in real time
    python, yaml        with a file's name as a comment in the first line: that file, to be imported or loaded
    yaml                loaded, if it is a tree, a supervisor or an agent, or a fault plan; what it names in Python is
                        looked for only if the document has files of Python
    yaml faulty         the same, and refused
    text                right after one of those: what it prints, or what is wrong with it
    console             behind each `$` a command for the shell, and below it what that prints, on stdout and on
                        stderr, but for the lines of the log
    console varying     the same, whatever the numbers and dates are
    sh                  commands for the shell that succeed
    any other           not run

In what is shown, `...` stands for any text. Names and values live on from block to block of a document.
"""

from __future__ import annotations

import ast
import asyncio
import calendar
import contextlib
import importlib
import inspect
import io
import itertools
import os
import re
import subprocess
import sys
import types
from pathlib import Path
from typing import NamedTuple

import pytest

from treeward.agents.tools import FUNCTIONS
from treeward.chaos.plans.plan_file import load_plan
from treeward.chaos.simulation.simulate import simulate
from treeward.trees.load import load_tree
from treeward.trees.problems import TreeError

CHECKOUT = Path(__file__).resolve().parents[2]
MODULE = "example"  # what a document's blocks are, as a Python module
SHELL_TIMEOUT = 30  # seconds

BLOCK = re.compile(r"^```(\w*)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"# (?P<file>[\w./-]+\.(?:py|yaml))\n")
VARIABLE = re.compile(r"\$\{(\w+)\}")
LOGGED = re.compile(r'^\{"timestamp": .*\n', re.MULTILINE)
ATTEMPTS = re.compile(r"(\S+/\S+ +\w+ +\d+|)(.*)")
VARYING = re.compile(rf"\d+(?:,\d{{3}})*|{'|'.join(calendar.month_name[1:])}")
DONE_BEFORE = re.compile(r"pip install|pytest( -n auto)?$")  # it has made the environment of this test, or is its run

WHOLE_TREE = re.compile(r"^treeward:", re.MULTILINE)
PLAN = re.compile(r"^faults:", re.MULTILINE)
SUPERVISOR = re.compile(r"^supervisor:", re.MULTILINE)
AGENT = re.compile(r"^agent:", re.MULTILINE)


# --- documents --------------------------------------------------------------------------------------


class Block(NamedTuple):
    """A fenced block: its language, the words behind that, its text, and the line where the text begins."""

    language: str
    words: str
    text: str
    line: int

    @property
    def file(self):
        """The name of the file that the block is, or None."""
        named = NAMED.match(self.text)
        return named["file"] if named and self.language in ("python", "yaml") else None


def blocks_of(document):
    """Returns the fenced blocks of a document."""
    text = document.read_text()
    return [
        Block(found[1], found[2].strip(), found[3], text.count("\n", 0, found.start()) + 2)
        for found in BLOCK.finditer(text)
    ]


def commands_of(text):
    """Yields each command of a console block with what it prints."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        yield command, shown


def in_a_tree(text):
    """Returns the text of a tree that has this in it; None for YAML that is no tree."""
    if WHOLE_TREE.search(text):
        return text
    inside = "".join(f"    {line}" for line in text.splitlines(keepends=True))
    if SUPERVISOR.search(text):
        return f"treeward: 1\nname: example\ntree:\n{inside}"
    if AGENT.search(text):
        listed = f"  - {inside.lstrip()}"
        return f"treeward: 1\nname: example\ntree:\n  supervisor: example\n  children:\n{listed}"
    return None


# --- what is shown ----------------------------------------------------------------------------------


def assert_shown(actual, shown, where):
    """Compares what came with what a document shows."""
    pattern = ".*?".join(re.escape(part) for part in neat(shown).split("..."))
    matches = re.fullmatch(pattern, neat(actual), re.DOTALL)
    assert matches, f"{where} shows\n{shown}\nand what came is\n{actual}"


def neat(text):
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def constant(text):
    """Returns a text without what changes from day to day; how many attempts somebody needed stays."""
    lines = [ATTEMPTS.match(line).groups() for line in text.splitlines()]
    return "\n".join(re.sub(" +", " ", kept + VARYING.sub("0", rest)) for kept, rest in lines)


# --- the run ----------------------------------------------------------------------------------------


class Documented:
    """Runs a document's blocks in the working directory: `run_x` those of the language x."""

    def __init__(self, document):
        self.document = document
        self.module = types.ModuleType(MODULE)
        self.allowed = set()

    def run(self):
        blocks = blocks_of(self.document)
        for block, after in itertools.zip_longest(blocks, blocks[1:]):
            run = getattr(self, f"run_{block.language}", None)
            if run is not None:
                run(block, after.text if after is not None and after.language == "text" else None)

    def where(self, block):
        """Returns where a block stands, as an editor understands it."""
        return f"{self.document.name}:{block.line}"

    def run_python(self, block, shown):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            if block.file is None:
                self.execute(block)
            else:
                self.import_file(block)
        if shown is not None:
            assert_shown(printed.getvalue(), shown, self.where(block))

    def import_file(self, block):
        module = ".".join(written(block).with_suffix("").parts)
        self.allowed.add(module.partition(".")[0])
        importlib.invalidate_caches()
        sys.modules.pop(module, None)  # another test may have a module of that name
        importlib.import_module(module)

    def execute(self, block):
        source = "\n" * (block.line - 1) + block.text  # so that a traceback shows the document's own line
        code = compile(source, str(self.document), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        if not code.co_flags & inspect.CO_COROUTINE:
            exec(code, vars(self.module))
            return
        run = asyncio.run if block.words == "realtime" else simulated
        run(without_leftovers(eval(code, vars(self.module)), self.where(block)))

    def run_yaml(self, block, shown):
        source = in_a_tree(block.text) if block.file is None else written(block)
        problems = "" if source is None else self.problems_of(source, block.text)
        assert bool(problems) is (block.words == "faulty"), f"{self.where(block)}: {problems}"
        if problems and shown is not None:
            assert_shown(problems, shown, self.where(block))

    def problems_of(self, source, text):
        environ = os.environ | dict.fromkeys(VARIABLE.findall(text), "1")
        try:
            if PLAN.search(text):
                load_plan(source, allow=self.allowed, environ=environ, check_names=bool(self.allowed))
            else:
                load_tree(source, allow=self.allowed, environ=environ, check_classes=bool(self.allowed))
        except TreeError as error:
            return str(error)
        return ""

    def run_console(self, block, _):
        same = constant if block.words == "varying" else str
        for command, shown in commands_of(block.text):
            done = shell(command)
            if done is not None:
                actual = LOGGED.sub("", done.stdout)
                assert_shown(same(actual), same(shown), f"{self.where(block)} $ {command}")

    def run_sh(self, block, _):
        for command in block.text.splitlines():
            done = shell(command)
            assert done is None or done.returncode == 0, f"{self.where(block)} $ {command}\n{done.stdout}"


def written(block):
    """Writes a block to its file, and returns that."""
    path = Path(block.file)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(block.text)
    return path


def simulated(coroutine):
    """Runs a coroutine in virtual time, as the coroutine tests are."""
    simulate(lambda: coroutine, policy="fifo").result()


async def without_leftovers(coroutine, where):
    """Runs a block, and says which tasks it left."""
    await coroutine
    await asyncio.sleep(0)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert not left, f"{where} left {left}"


def shell(command):
    """Runs a command where `treeward` is that of this environment; None if all of it has been done before."""
    left = " && ".join(part for part in command.split(" && ") if not DONE_BEFORE.match(part))
    if not left:
        return None
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-c", left],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=SHELL_TIMEOUT,
        check=False,
        env=os.environ | {"COLUMNS": "110", "PATH": path},
    )


@pytest.fixture
def documented(tmp_path, monkeypatch):
    """Runs the blocks of a document; the modules that they import and the tools that they make go with them."""
    workplace = tmp_path / "work"
    workplace.mkdir()
    monkeypatch.chdir(workplace)
    monkeypatch.syspath_prepend(str(workplace))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    functions = dict(FUNCTIONS)

    def run(document):
        documented = Documented(document)
        monkeypatch.setitem(sys.modules, MODULE, documented.module)
        documented.run()

    yield run
    for name in list(sys.modules):
        if str(workplace) in (getattr(sys.modules[name], "__file__", None) or ""):
            del sys.modules[name]
    FUNCTIONS.clear()
    FUNCTIONS.update(functions)
