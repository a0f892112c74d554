"""The documents are whole: names, errors, keys and links are all there, and lead somewhere."""

from __future__ import annotations

import ast
import importlib
import logging
import pkgutil
import re
import sys
from pathlib import Path

import pytest

import treeward
from treeward.runtime.errors import TreewardError
from treeward.runtime.telemetry import Event
from treeward.trees.reference import reference_markdown

CHECKOUT = Path(__file__).resolve().parents[2]
DOCS = sorted((CHECKOUT / "docs").glob("*.md"))
DOCUMENTS = [CHECKOUT / "README.md", CHECKOUT / "CHANGELOG.md", *DOCS]
ROOMS = ("runtime", "supervisors", "agents", "trees", "chaos")
EXAMPLES = "treeward.trees.library."  # trees that come with Treeward, and what is theirs alone

FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
NOT_IN_ANCHORS = re.compile(r"[^\w\- ]")
DRAWN_ERROR = re.compile(r"^([│ ├└─]*)([A-Z]\w+)", re.MULTILINE)


def modules():
    """Imports all that the rooms are made of, and returns the modules' names."""
    rooms = [importlib.import_module(f"treeward.{room}") for room in ROOMS]
    found = [each.name for room in rooms for each in pkgutil.walk_packages(room.__path__, f"{room.__name__}.")]
    names = frozenset(name for name in found if not name.startswith(EXAMPLES))
    for name in names:
        importlib.import_module(name)
    return names


MODULES = modules()

RENEW = "from treeward.trees.reference import reference_markdown as made; print(made(), end='')"


def prose(document):
    """Returns a document without its fenced blocks."""
    return FENCED.sub("", document.read_text())


def anchors(document):
    """Returns the anchors that GitHub gives the document's headings."""
    titles = HEADING.findall(prose(document))
    return {NOT_IN_ANCHORS.sub("", title.lower()).replace(" ", "-") for title in titles}


def targets(document):
    """Returns what a document links to in this repository."""
    return [target for target in LINK.findall(prose(document)) if "://" not in target]


LINKS = [
    pytest.param(document, target, id=f"{document.name}-{target}")
    for document in DOCUMENTS
    for target in dict.fromkeys(targets(document))
]


@pytest.mark.parametrize(("document", "target"), LINKS)
def test_links_lead_somewhere(document, target):
    """A link within the repository names a file that is there, and a heading that is in it."""
    name, _, anchor = target.partition("#")
    file = document.parent / name if name else document
    assert file.exists()
    assert not anchor or anchor in anchors(file)


@pytest.mark.parametrize("document", DOCS, ids=lambda path: path.name)
def test_documents_can_be_found(document):
    """Each document is linked from the README, or from another document."""
    others = [other for other in DOCUMENTS if other != document]
    linked = {other.parent / target.partition("#")[0] for other in others for target in targets(other)}
    assert document in {path.resolve() for path in linked}


@pytest.mark.parametrize("name", [name for name in treeward.__all__ if not name.startswith("__")])
def test_public_names_are_documented(name):
    """Each name that `import treeward` offers stands in the README or in a document."""
    word = re.compile(rf"\b{name}\b")
    assert any(word.search(document.read_text()) for document in (CHECKOUT / "README.md", *DOCS))


def test_events_are_documented():
    """docs/embedding.md has a line for every event, with its level."""
    rows = re.findall(r"^\| (`.*`) \|.*\| (\w+) \|$", (CHECKOUT / "docs" / "embedding.md").read_text(), re.MULTILINE)
    documented = {(name, level) for names, level in rows for name in re.findall(r"`([a-z]+\.[a-z_]+)`", names)}
    assert documented == {(event.name, logging.getLevelName(event.level).lower()) for event in events_below(Event)}


def test_events_are_told():
    """Each event is reported somewhere in the rooms: there is none that never comes."""
    sources = [ast.parse(Path(sys.modules[name].__file__).read_text()) for name in MODULES]
    used = {node.id for source in sources for node in ast.walk(source) if isinstance(node, ast.Name)}
    assert {event.__name__ for event in events_below(Event)} <= used


def events_below(parent):
    """Yields the events that the rooms report, wherever in them they are declared."""
    for event in parent.__subclasses__():
        if event.__module__ in MODULES:
            yield event
        yield from events_below(event)


def test_yaml_reference_is_that_of_the_schema():
    """docs/yaml.md is what the schema says."""
    renewal = f'python -c "{RENEW}" > docs/yaml.md'
    assert (CHECKOUT / "docs" / "yaml.md").read_text() == reference_markdown(), f"renew it: {renewal}"


def test_error_tree_is_that_of_the_classes():
    """docs/errors.md draws every error of the four rooms where it belongs, and no other."""
    beside = {("TreewardError", None), ("ValueError", None), ("InvalidSpec", "ValueError")}
    assert set(drawn_errors()) == set(errors_below(TreewardError)) | beside


def drawn_errors():
    """Yields the errors that docs/errors.md draws, each with the one that it hangs on."""
    path = []
    drawing = FENCED.search((CHECKOUT / "docs" / "errors.md").read_text())[0]
    for lead, name in DRAWN_ERROR.findall(drawing):
        del path[len(lead) // 4 :]
        yield name, path[-1] if path else None
        path.append(name)


def errors_below(parent):
    """Yields the errors of the rooms' own files of errors, each with the one that it is derived from."""
    for error in parent.__subclasses__():
        if error.__module__ in MODULES and error.__module__.endswith(("errors", "problems")):
            yield error.__name__, parent.__name__
        yield from errors_below(error)
