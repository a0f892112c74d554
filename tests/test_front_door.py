"""What `from treeward import ...` offers, and when it is imported."""

from __future__ import annotations

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import treeward

SOURCE = ast.parse(Path(treeward.__file__).read_text())


def declared():
    """Returns the imports that type checkers and editors see, as {name: module}."""
    block = next(node for node in SOURCE.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    return {alias.name: node.module for node in imports for alias in node.names}


def test_all_is_what_the_imports_say():
    """The names for type checkers, those for the running program and `__all__` are the same."""
    assert declared() == treeward._MODULES
    assert sorted({*declared(), "__version__"}) == treeward.__all__


@pytest.mark.parametrize("name", [name for name in treeward.__all__ if name != "__version__"])
def test_a_name_is_that_of_its_module(name):
    """Each name is the object that its module defines, and not one that it has only imported."""
    home = f"treeward.{declared()[name]}"
    value = getattr(importlib.import_module(home), name)
    assert getattr(treeward, name) is value
    if inspect.isclass(value) or inspect.isfunction(value):
        assert value.__module__ == home


def test_a_name_that_is_not_there():
    """A name that is not offered is an ordinary error."""
    with pytest.raises(AttributeError, match="module 'treeward' has no attribute 'Nonsense'"):
        treeward.Nonsense  # noqa: B018 - the look-up is what is tested


def test_dir_lists_what_is_offered():
    """`dir()` and completion show the names, also before they are imported."""
    assert set(treeward.__all__) <= set(dir(treeward))


WHAT_COMES = """
import sys
import treeward
print(*sorted(name for name in sys.modules if name.split(".")[0] in {"treeward", "typer", "rich", "yaml", "pydantic"}))
treeward.Runtime
print(*sorted(name for name in sys.modules if name.split(".")[0] == "typer" or name.startswith("treeward.cli")))
"""


@pytest.mark.realtime
def test_nothing_is_imported_before_it_is_asked_for():
    """`import treeward` imports nothing else; a runtime comes without the command line."""
    ended = subprocess.run([sys.executable, "-c", WHAT_COMES], capture_output=True, text=True, check=True, timeout=30)
    assert ended.stdout.splitlines() == ["treeward", ""]


def test_a_star_import_brings_everything():
    """`from treeward import *` brings the names of `__all__`."""
    names = {}
    exec("from treeward import *", names)
    assert set(treeward.__all__) <= set(names)
