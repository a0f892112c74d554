"""What the tests of the support tree share: books with known customers, at a known moment."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime

import pytest

from treeward.runtime.entropy import Entropy
from treeward.trees.library.support.records import Origin
from treeward.trees.library.support.seed import open_store

NOW = datetime(2026, 11, 20, 15, 30, tzinfo=UTC).timestamp()
TODAY = date(2026, 11, 20)


def rng(seed=1):
    return Entropy(seed).stream("support")


@pytest.fixture
def open_books(tmp_path):
    """Opens the books of this test, any number of times: each call is a connection of its own."""
    opened = []

    def books(name="support.db", now=NOW, seed=1):
        opened.append(open_store(tmp_path / name, now=now, rng=rng(seed)))
        return opened[-1]

    yield books
    for store in opened:
        store.close()


@pytest.fixture
def store(open_books):
    """The books as they are on 20 November 2026."""
    return open_books()


@pytest.fixture
def origin():
    """Makes the origin of an effect: `origin()` a new one each time, `origin("a")` always that one."""
    numbers = itertools.count(1)

    def made(key=None, request=None, at=NOW):
        word = key or f"request-{next(numbers)}"
        return Origin(word, request or word, "billing", at)

    return made
