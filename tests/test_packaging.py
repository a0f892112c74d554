"""What is installed: every package and nothing else, quickly imported, with honest exports."""

from __future__ import annotations

import ast
import importlib
import re
import statistics
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

import treeward

CHECKOUT = Path(__file__).resolve().parent.parent
INSTALLED = Path(treeward.__file__).parent
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
PACKAGES = PROJECT["tool"]["setuptools"]["packages"]
NOT_INSTALLED = {".venv", "benchmarks", "build", "dist", "docs", "tests", "venv"}
IMPORT_LIMIT = 0.3  # seconds; the median of three, without the start of the interpreter


def folder(package, root=CHECKOUT):
    return root.joinpath(*package.split(".")[1:])


def modules(root):
    return {str(path.relative_to(root)) for package in PACKAGES for path in folder(package, root).glob("*.py")}


def sources():
    return sorted(path for package in PACKAGES for path in folder(package).glob("*.py"))


# --- the packages -----------------------------------------------------------------------------------


def test_every_package_is_listed():
    """Each folder with an `__init__.py` is in pyproject.toml's list of packages, and the other way round."""
    found = {path.parent.relative_to(CHECKOUT).parts for path in CHECKOUT.rglob("__init__.py")}
    ours = {parts for parts in found if not NOT_INSTALLED.intersection(parts) and not hidden(parts)}
    assert sorted(".".join(("treeward", *parts)) for parts in ours) == sorted(PACKAGES)


def hidden(parts):
    return any(part.startswith(".") for part in parts)


def test_every_folder_with_code_is_a_package():
    """No module lies in a folder that nobody installs."""
    homeless = {path for path in CHECKOUT.rglob("*.py") if not (path.parent / "__init__.py").exists()}
    relative = {path.relative_to(CHECKOUT) for path in homeless}
    assert {p for p in relative if not NOT_INSTALLED.intersection(p.parts) and not is_data(p)} == set()


def is_data(path):
    return hidden(path.parts) or "templates" in path.parts


def test_the_installed_modules_are_those_of_the_checkout():
    """What is tested is what the checkout holds: nothing stale from an earlier build, nothing missing."""
    assert modules(INSTALLED) == modules(CHECKOUT), "install again, after removing build/"


@pytest.mark.parametrize("name", ["tests", "docs", "benchmarks", "build"])
def test_the_installed_package_is_code_only(name):
    """An installed package holds neither tests nor documents; an editable one is the checkout itself."""
    assert INSTALLED == CHECKOUT or not (INSTALLED / name).exists()


def test_data_files_are_installed():
    """The files that the code reads beside itself, and the mark for type checkers, come along."""
    data = {path.relative_to(CHECKOUT) for package in PACKAGES for path in data_files(folder(package))}
    assert {path for path in data if not (INSTALLED / path).exists()} == set()
    assert (INSTALLED / "py.typed").exists()


def data_files(room):
    if room == CHECKOUT:
        return []
    beside = [path for path in room.iterdir() if path.is_file() and path.suffix not in {".py", ".md"}]
    templates = [path for path in room.glob("templates/**/*") if path.is_file() and path.suffix != ".pyc"]
    return beside + templates


def test_the_version_is_said_once():
    """`treeward.__version__` is that of the installed distribution, and is written in pyproject.toml."""
    assert treeward.__version__ == version("treeward") == PROJECT["project"]["version"]


# --- the import -------------------------------------------------------------------------------------

ALLOWED = {"annotated_types", "platformdirs", "pydantic", "pydantic_core", "pykka", "structlog", "tenacity"}
ALLOWED |= {"treeward", "typing_extensions", "typing_inspection", "yaml", "_yaml"}

IMPORTED = """
import sys
before = set(sys.modules)
import treeward
names = {name.partition(".")[0] for name in set(sys.modules) - before}
print(*sorted(names - set(sys.stdlib_module_names) - {"__mp_main__"}))
"""

TIMED = """
import time
began = time.perf_counter()
import treeward
print(time.perf_counter() - began)
"""


def python(code):
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30, cwd="/").stdout


def test_the_import_pulls_in_no_extra():
    """`import treeward` brings its own libraries, but neither an extra nor those of the command line."""
    assert set(python(IMPORTED).split()) - ALLOWED == set()


def test_the_import_is_quick():
    """`import treeward` takes less than 0.3 s."""
    assert statistics.median(float(python(TIMED)) for _ in range(3)) < IMPORT_LIMIT


def test_the_import_starts_nothing():
    """`import treeward` starts no thread and leaves the host's logging and signals alone."""
    code = """
import logging, signal, threading
before = (list(logging.root.handlers), [signal.getsignal(number) for number in signal.valid_signals()])
import treeward
after = (list(logging.root.handlers), [signal.getsignal(number) for number in signal.valid_signals()])
print(threading.active_count(), before == after)
"""
    assert python(code).split() == ["1", "True"]


# --- the exports ------------------------------------------------------------------------------------


@pytest.mark.parametrize("package", PACKAGES)
def test_exports_are_sorted_and_there(package):
    """`__all__` of each package is sorted, says nothing twice, and each of its names can be had."""
    module = importlib.import_module(package)
    names = list(getattr(module, "__all__", []))
    assert names == sorted(set(names))
    assert [name for name in names if not hasattr(module, name)] == []


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_every_module_says_what_it_is(path):
    """Each file has a caption as its docstring."""
    assert ast.get_docstring(ast.parse(path.read_text()))


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_nothing_pickles(path):
    """No module uses pickle, or what pickles on its behalf: what crosses a ref serialises as JSON."""
    assert {"pickle", "marshal", "shelve", "dill", "cloudpickle"}.isdisjoint(imports(path))


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_the_package_imports_itself_relatively(path):
    """An absolute import would take another Treeward that is installed, and go around the order of the rooms."""
    assert "treeward" not in imports(path)


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module.partition(".")[0]


DISTRIBUTIONS = {"pydantic_core": "pydantic", "time_machine": "time-machine", "yaml": "pyyaml"}  # by their imports


def test_dependencies_are_used():
    """Each required distribution is imported somewhere, and what is imported is required, or is in an extra."""
    required = {name(line) for line in PROJECT["project"]["dependencies"]}
    extras = {name(line) for lines in PROJECT["project"]["optional-dependencies"].values() for line in lines}
    used = {found for path in sources() for found in imports(path)} - set(sys.stdlib_module_names)
    assert {DISTRIBUTIONS.get(found, found) for found in used} - extras == required


def name(requirement):
    return re.match(r"[\w-]+", requirement)[0].lower()


# --- the tests --------------------------------------------------------------------------------------


def test_every_test_has_a_sentence():
    """The names and docstrings of the tests are the specification."""
    silent = [
        f"{path.name}:{node.lineno} {node.name}"
        for path in sorted((CHECKOUT / "tests").rglob("test_*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if node.name.startswith("test_") and not ast.get_docstring(node)
    ]
    assert silent == []
