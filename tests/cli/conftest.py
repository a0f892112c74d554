"""What the tests of the command line share: trees on disk, and the program in this process and in others."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from treeward.cli.app import app

CLERKS = Path(__file__).with_name("clerks.py")
LIMIT = 30  # seconds that a process may take

TREE = """
treeward: 1
name: office
tree:
  supervisor: office
  backoff: none
  children:
    - agent: clerk
      use: clerks:Clerk
    - supervisor: archive
      children:
        - agent: sleeper
          use: clerks:Sleeper
entry: clerk
"""


@pytest.fixture
def call(monkeypatch):
    """Runs the program in this process: `call("check", "tree.yaml")`; the result has stdout, stderr and exit_code."""
    monkeypatch.setattr(sys, "path", list(sys.path))

    def run(*words, said=None):
        return CliRunner().invoke(app, [str(word) for word in words], input=said, prog_name="treeward")

    return run


@dataclass
class Project:
    """A directory with `clerks.py` and trees."""

    directory: Path

    def write(self, text, name="tree.yaml"):
        path = self.directory / name
        path.write_text(text)
        return path

    def with_child(self, use, *, name="tree.yaml", supervisor="", **fields):
        """Writes a tree with one child below a supervisor below the root; `fields` are the child's own."""
        child = json.dumps({"agent": "child", "use": f"clerks:{use}", **fields})
        middle = f"intensity: {{restarts: 1, within: 60s}}\n      backoff: none\n      {supervisor}"
        return self.write(
            "treeward: 1\nname: office\ntree:\n  supervisor: office\n  intensity: {restarts: 1, within: 60s}\n"
            f"  backoff: none\n  children:\n    - supervisor: middle\n      {middle}\n      children: [{child}]\n",
            name,
        )


@pytest.fixture
def project(tmp_path):
    """A directory with `clerks.py` and a tree whose entry is a `Clerk`."""
    shutil.copy(CLERKS, tmp_path / "clerks.py")
    project = Project(tmp_path)
    project.write(TREE)
    return project


@pytest.fixture
def tree(project):
    """The file of that tree."""
    return project.directory / "tree.yaml"


@dataclass
class Process:
    """The program in a process of its own."""

    popen: subprocess.Popen

    def read_log(self, event):
        """Reads stderr up to the log line of that event, and returns it: that is how a test waits for a fact."""
        for line in self.popen.stderr:
            if event in line:
                return json.loads(line)
        raise AssertionError(f"{event} was not logged")

    def say(self, line):
        self.popen.stdin.write(line + "\n")
        self.popen.stdin.flush()

    def end(self):
        """Waits for the end; returns exit code, stdout and stderr."""
        out, err = self.popen.communicate(timeout=LIMIT)
        return self.popen.returncode, out, err


@pytest.fixture
def start(tmp_path):
    """Starts the program in a process: `start("run", tree, stdin=subprocess.PIPE)`; it ends with the test."""
    begun = []

    def begin(*words, stdin=subprocess.PIPE, **more):
        command = [sys.executable, "-m", "treeward", *map(str, words)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
        environment = {**os.environ, "PYTHONWARNINGS": "default", "NO_COLOR": "1"}
        popen = subprocess.Popen(command, stdin=stdin, text=True, cwd=tmp_path, env=environment, **pipes)
        begun.append(popen)
        return Process(popen)

    yield begin
    for popen in begun:
        popen.kill()
        popen.wait()
        for pipe in (popen.stdin, popen.stdout, popen.stderr):
            if pipe is not None:
                pipe.close()
