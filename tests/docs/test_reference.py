"""The documents are whole: names, errors, keys and links are all there, and lead somewhere."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest

import treeward
import treeward.agents.errors
import treeward.agents.events
import treeward.runtime.system
import treeward.supervisors.errors
import treeward.supervisors.requests
import treeward.trees.problems
from treeward.runtime.errors import TreewardError
from treeward.runtime.telemetry import Event
from treeward.trees.schema import reference_markdown

CHECKOUT = Path(__file__).resolve().parents[2]
DOCS = sorted((CHECKOUT / "docs").glob("*.md"))
DOCUMENTS = [CHECKOUT / "README.md", CHECKOUT / "CHANGELOG.md", *DOCS]

FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
NOT_IN_ANCHORS = re.compile(r"[^\w\- ]")
DRAWN_ERROR = re.compile(r"^([│ ├└─]*)([A-Z]\w+)", re.MULTILINE)

RENEW = "from treeward.trees.schema import reference_markdown as made; print(made(), end='')"


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


def events_below(parent):
    """Yields the events that the rooms report."""
    for event in parent.__subclasses__():
        if re.fullmatch(r"treeward\.(runtime|supervisors|agents|trees)\.\w+", event.__module__):
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
        if re.fullmatch(r"treeward\.\w+\.(errors|problems)", error.__module__):
            yield error.__name__, parent.__name__
        yield from errors_below(error)
