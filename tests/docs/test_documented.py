"""A document that says what is not so is found out."""

from __future__ import annotations

import pytest

TREE = "treeward: 1\nname: x\ntree: {supervisor: x}\n"
FAULTY = "treeward: 1\nname: x\n"


def block(words, text):
    return f"```{words}\n{text}```\n"


TRUE = {
    "output": block("python", "print(1 + 1)\n") + block("text", "2\n"),
    "output with a gap": block("python", "print('it took 17 s')\n") + block("text", "it took ... s\n"),
    "a name from an earlier block": block("python", "x = 1\n") + "words\n" + block("python", "assert x\n"),
    "await": block("python", "import asyncio\nawait asyncio.sleep(3600)\n"),
    "a file": block("python", "# shop.py\nSIZE = 3\n") + block("python", "import shop\nassert shop.SIZE\n"),
    "a tree": block("yaml", TREE),
    "a faulty tree": block("yaml faulty", FAULTY) + block("text", "<text>:1:1: 'tree' is missing ...\n"),
    "a command": block("console", "$ echo hello\nhello\n"),
    "two commands": block("console", "$ echo a\na\n$ echo b\nb\n"),
    "a command on another day": block("console varying", "$ echo 12 March\n7 May\n"),
    "what made this environment": block("sh", "pip install . && true\n"),
    "another language": block("toml", "= ["),
}
FALSE = {
    "output": block("python", "print(1 + 1)\n") + block("text", "3\n"),
    "too little output": block("python", "print(1)\nprint(2)\n") + block("text", "1\n"),
    "an error": block("python", "1 / 0\n"),
    "a task left": block("python", "from asyncio import *\nx = create_task(sleep(9))\nawait sleep(1)\n"),
    "a faulty tree": block("yaml", FAULTY),
    "a tree that is not faulty": block("yaml faulty", TREE),
    "another fault": block("yaml faulty", FAULTY) + block("text", "<text>:1:1: 'name' is missing ...\n"),
    "a command": block("console", "$ echo hello\ngood-bye\n"),
    "attempts on another day": block("console varying", "$ echo a/b ok 1 0.5\na/b ok 2 0.5\n"),
    "a command that fails": block("sh", "false\n"),
}


@pytest.mark.realtime
@pytest.mark.parametrize("text", TRUE.values(), ids=list(TRUE))
def test_true(text, documented, tmp_path):
    """What a document shows and what happens are the same."""
    document = tmp_path / "document.md"
    document.write_text(text)
    documented(document)


@pytest.mark.realtime
@pytest.mark.parametrize("text", FALSE.values(), ids=list(FALSE))
def test_false(text, documented, tmp_path):
    """What a document shows and what happens are not the same."""
    document = tmp_path / "document.md"
    document.write_text(text)
    with pytest.raises((AssertionError, ZeroDivisionError)):
        documented(document)
