"""The argument TREE: a file, or the name of a tree that comes with Treeward."""

from __future__ import annotations

import sys

import pytest

from treeward.cli.tree import loaded, path_of
from treeward.trees import library
from treeward.trees.problems import TreeError


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """A working directory and a module path of the test's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return tmp_path


def test_the_library_has_the_support_tree():
    """A name of the library is the file of that tree, and each of its trees is valid."""
    assert "support" in library.names()
    assert path_of("support") == library.find("support")
    assert [loaded(name).name for name in library.names()] == library.names()


@pytest.mark.parametrize("name", ["nosuch", "", "..", "support/", "support/tree.yaml", "__pycache__"])
def test_other_names_are_none(name):
    """What is no name of a tree finds nothing, whatever path it would make."""
    assert library.find(name) is None


def test_a_file_goes_before_the_library(elsewhere):
    """A file may be called as a tree of the library; it is what the user sees."""
    (elsewhere / "support").write_text("treeward: 1")
    assert path_of("support").read_text() == "treeward: 1"


def test_the_library_goes_before_a_directory(elsewhere):
    """A directory is no tree: one that happens to be called like a library tree is not in its way."""
    (elsewhere / "support").mkdir()
    assert path_of("support") == library.find("support")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("suport", "there is no file 'suport'; expected a YAML file, or one of the library's trees: "),
        ("suport", "did you mean 'support'?"),
        ("no/such.yaml", "there is no file 'no/such.yaml'"),
        ("", "there is no file ''"),
        ("a\nb", r"there is no file 'a\nb'"),
        ("dir", "'dir' is a directory; expected a YAML file; did you mean 'dir/tree.yaml'?"),
        (".", "'.' is a directory; expected a YAML file"),
        ("x" * 5000, "there is no file"),
    ],
)
def test_what_is_no_tree(elsewhere, name, message):
    """What is neither file nor name is an invalid tree; the message says what is near."""
    (elsewhere / "dir").mkdir()
    (elsewhere / "dir" / "tree.yaml").touch()
    with pytest.raises(TreeError) as refused:
        path_of(name)
    assert message in str(refused.value)


def test_a_module_beside_the_tree_is_found_if_it_is_allowed(tree):
    """`--allow NAME` finds NAME beside the tree's file: its directory goes to the head of the module path."""
    assert loaded(str(tree), ["clerks"]).name == "office"
    assert sys.path[0] == str(tree.parent)


@pytest.mark.parametrize("allow", [[], ["json"], [""], ["clerks_of_another"]])
def test_the_directory_stays_off_the_module_path_otherwise(tree, allow):
    """A tree's directory is on the module path only where an allowed module lies in it."""
    with pytest.raises(TreeError, match="not allowed"):
        loaded(str(tree), allow)
    assert str(tree.parent) not in sys.path


def test_a_tree_can_be_read_without_its_classes(tree):
    """Where nothing is to be imported, nothing has to be allowed."""
    assert loaded(str(tree), classes=False).name == "office"
    assert str(tree.parent) not in sys.path
