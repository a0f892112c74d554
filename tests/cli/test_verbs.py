"""`treeward check`, `show`, `schema`, `new`, and what all verbs have in common."""

from __future__ import annotations

import json
import sys
from importlib.metadata import version

import pytest

from treeward.cli.new import tree_name
from treeward.trees import library
from treeward.trees.schema import json_schema

# --- the command itself -----------------------------------------------------------------------------


def test_version(call):
    """`--version` prints the version of the distribution."""
    result = call("--version")
    assert (result.exit_code, result.stdout) == (0, f"treeward {version('treeward')}\n")


@pytest.mark.parametrize("words", ["--help", "-h", "run --help", "check -h", "show -h", "schema -h", "new -h"])
def test_help(call, words):
    """Every verb explains itself on stdout."""
    result = call(*words.split())
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("Usage: treeward")


def test_without_a_verb_it_explains_itself(call):
    """Nothing to do is a mistake in usage; the help goes to stderr."""
    result = call()
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Commands:" in result.stderr


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["chek"], "treeward: no such command 'chek'"),
        (["check"], "treeward: missing argument 'TREE' (see treeward check --help)"),
        (["check", "a", "b"], "treeward: got unexpected extra argument"),
        (["--nope"], "treeward: no such option: --nope"),
        (["run", "support", "--nope"], "treeward: no such option: --nope"),
        (["run", "support", "--ask"], "treeward: option '--ask' requires an argument"),
        (["run", "support", "--ask", " "], "treeward: --ask is empty: expected a request"),
        (["run", "support", "--deadline", "soon"], "treeward: --deadline is 'soon': expected a duration"),
        (["run", "support", "--context", "plan"], "treeward: --context is 'plan': expected KEY=VALUE"),
        (["run", "support", "--seed", "x"], "treeward: invalid value for '--seed'"),
        (["run", "support", "--parallel", "0"], "treeward: invalid value for '--parallel'"),
        (["run", "support", "--log-level", "loud"], "treeward: invalid value for '--log-level'"),
        (["show", "support", "--format", "png"], "treeward: invalid value for '--format'"),
    ],
)
def test_mistakes_in_usage(call, words, line):
    """Each mistake in usage is one line on stderr, and exit code 2."""
    result = call(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(line)
    assert result.stderr.count("\n") == 1


# --- check ------------------------------------------------------------------------------------------


def test_check_says_what_is_fine(call, project):
    """A valid tree: its name, how many agents and supervisors, its fingerprint; exit code 0."""
    pool = (
        "- pool: crowd\n      size: 1200\n      child: {use: 'clerks:Clerk'}\n    - dynamic: more\n    - agent: clerk\n"
    )
    tree = project.write((project.directory / "tree.yaml").read_text().replace("- agent: clerk\n", pool))
    result = call("check", tree, "--allow", "clerks")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("office: valid, 1,202 agents, 4 supervisors, fingerprint ")
    assert len(result.stdout.split()[-1]) == 32


def test_check_tells_every_fault(call, tree):
    """Each fault is one line with its place, all of them at once; exit code 65."""
    text = tree.read_text()
    tree.write_text(text.replace("clerks:Sleeper", "clerks:Slepper").replace("backoff:", "bakoff:"))
    result = call("check", tree, "--allow", "clerks")
    assert (result.exit_code, result.stdout) == (65, "")
    first, second = result.stderr.splitlines()
    assert first.startswith(f"{tree}:6:3: 'bakoff' is not a key of a supervisor; expected one of supervisor, ")
    assert first.endswith("did you mean 'backoff'?")
    assert second.startswith(f"{tree}:13:16: the module 'clerks' has no class 'Slepper'; ")
    assert second.endswith("did you mean 'Sleeper'?")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", ":1:1: the file is empty"),
        (b"\xff\xfe\x00\x01", ":1:1: the file is not UTF-8"),
        (b"#" * 1_000_001, ": the file is too large"),
        (b"a: &a [*a]", ":1:8: the alias *a stands within what it stands for"),
        (b"[" * 1000, ":1:51: the nesting is too deep"),
        (b"treeward: 1\nname: x\ntree: {agent: a, use: rules}\n", ":3:7: the root of the tree is"),
        (b"a: !!python/object/apply:os.system [id]", "tag"),
    ],
)
@pytest.mark.parametrize("verb", ["check", "show", "run"])
def test_files_that_are_no_trees(call, tmp_path, verb, data, message):
    """Whatever is in the file: an invalid tree, in words, for every verb."""
    (tmp_path / "bad.yaml").write_bytes(data)
    result = call(verb, tmp_path / "bad.yaml")
    assert (result.exit_code, result.stdout) == (65, "")
    assert all("bad.yaml" in line for line in result.stderr.splitlines())
    assert message in result.stderr


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("suport", "treeward: there is no file 'suport'; expected a YAML file, or one of the library's trees: "),
        (".", "treeward: '.' is a directory; expected a YAML file"),
        ("", "treeward: there is no file ''"),
    ],
)
@pytest.mark.parametrize("verb", ["check", "show", "run"])
def test_files_that_are_not_there(call, tmp_path, monkeypatch, verb, name, line):
    """A tree that is not there is not valid; what is near is named."""
    monkeypatch.chdir(tmp_path)
    result = call(verb, name)
    assert (result.exit_code, result.stdout) == (65, "")
    assert result.stderr.startswith(line)
    assert result.stderr.count("\n") == 1


def test_a_module_that_cannot_be_imported(call, project):
    """What a module raises when it is imported is a fault of the tree that names it; also where it wants to exit."""
    (project.directory / "broken_clerks.py").write_text("import sys\nsys.exit('not today')\n")
    tree = project.directory / "tree.yaml"
    tree.write_text(tree.read_text().replace("clerks:Clerk", "broken_clerks:Clerk"))
    result = call("check", tree, "--allow", "broken_clerks", "--allow", "clerks")
    assert result.exit_code == 65
    assert "the module 'broken_clerks' cannot be imported: SystemExit: not today" in result.stderr


def test_control_characters_of_a_tree_are_not_shown(call, tree):
    """A tree cannot give the terminal orders by its name, nor by what is wrong with it."""
    tree.write_text(tree.read_text().replace("name: office", 'name: "of\\e[2Jfice\\n!"'))
    assert call("check", tree, "--allow", "clerks").stdout.startswith("office !: valid")
    for form in ("text", "mermaid", "dot", "json"):
        assert "\x1b" not in call("show", tree, "--format", form).stdout


# --- show and schema --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "begins"),
    [("text", "office  one_for_one"), ("mermaid", "flowchart TD\n"), ("dot", 'digraph "office" {\n'), ("json", "{\n")],
)
def test_show_draws_the_tree(call, tree, form, begins):
    """The declared tree in each of the forms; nothing is imported for it."""
    result = call("show", tree, "--format", form)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(begins)
    assert "clerk" in result.stdout


def test_show_draws_text_if_nothing_is_said(call, tree):
    """Text is what is wanted most often."""
    assert call("show", tree).stdout == call("show", tree, "--format", "text").stdout


@pytest.mark.parametrize("form", ["text", "mermaid", "dot", "json"])
def test_show_hides_what_comes_from_the_environment(call, tree, monkeypatch, form):
    """A secret from the environment stands as the reference that was written for it."""
    monkeypatch.setenv("OFFICE_KEY", "s3cret")
    tree.write_text(
        tree.read_text().replace("use: clerks:Clerk", 'use: clerks:Clerk\n      with: {key: "${OFFICE_KEY}"}')
    )
    result = call("show", tree, "--format", form)
    assert result.exit_code == 0
    assert "s3cret" not in result.stdout


def test_the_json_of_a_tree_is_json(call, tree):
    """What `show --format json` prints can be read by machines."""
    shown = json.loads(call("show", tree, "--format", "json").stdout)
    assert (shown["name"], shown["entry"]) == ("office", "office/clerk")


def test_schema(call):
    """`schema` prints the JSON Schema of the YAML."""
    result = call("schema")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == json_schema()


@pytest.mark.parametrize("name", library.names())
def test_the_trees_of_the_library_are_valid(call, name):
    """Each tree that comes with Treeward can be named without its path, and needs no permission for its own classes."""
    assert call("check", name).exit_code == 0
    assert call("show", name).exit_code == 0


# --- new --------------------------------------------------------------------------------------------


def test_new_makes_a_project(call, tmp_path):
    """A tree, an agent, a test, and a README that says how to use them; stdout lists them."""
    result = call("new", tmp_path / "Round Trip 2")
    assert (result.exit_code, result.stderr) == (0, "")
    files = sorted(path.name for path in (tmp_path / "Round Trip 2").iterdir())
    assert files == ["README.md", "greeter.py", "test_greeter.py", "tree.yaml"]
    assert all(str(tmp_path / "Round Trip 2" / file) in result.stdout for file in files)
    made = {path.name: path.read_text() for path in (tmp_path / "Round Trip 2").iterdir()}
    assert not [name for name, text in made.items() if "{{" in text]
    assert "supervisor: round-trip-2\n" in made["tree.yaml"]


def test_what_new_makes_is_valid(call, tmp_path):
    """The tree of a new project passes `check`, with its module allowed."""
    call("new", tmp_path / "made")
    sys.modules.pop("greeter", None)
    result = call("check", tmp_path / "made" / "tree.yaml", "--allow", "greeter")
    assert result.exit_code == 0
    assert result.stdout.startswith("made: valid, 1 agent, 1 supervisor, ")


def test_new_takes_an_empty_directory(call, tmp_path):
    """A directory may be there, if it is empty."""
    (tmp_path / "made").mkdir()
    assert call("new", tmp_path / "made").exit_code == 0


@pytest.mark.parametrize("what", ["a file in it", "a file", "a link to nothing"])
def test_new_overwrites_nothing(call, tmp_path, what):
    """What is there stays as it is: `new` refuses in one line."""
    made = tmp_path / "made"
    if what == "a file in it":
        made.mkdir()
        (made / ".hidden").touch()
    elif what == "a file":
        made.touch()
    else:
        made.symlink_to(tmp_path / "nothing")
    result = call("new", made)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"treeward: {made} is no")
    assert result.stderr.count("\n") == 1


def test_new_says_why_it_could_not_write(call, tmp_path):
    """Where a directory cannot be made, that is said in one line, with the name."""
    (tmp_path / "file").touch()
    result = call("new", tmp_path / "file" / "made")
    assert result.exit_code == 1
    assert result.stderr == f"treeward: {tmp_path / 'file' / 'made'}: Not a directory\n"


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("support", "support"),
        ("My Project", "my-project"),
        ("2nd try", "tree-2nd-try"),
        ("under_score-", "under_score"),
        ("äöü", "tree"),
        ("", "tree"),
        ("...", "tree"),
        ("ǅ", "tree"),
    ],
)
def test_tree_names(word, name):
    """A directory's name becomes a name that a tree and a supervisor may have."""
    assert tree_name(word) == name
