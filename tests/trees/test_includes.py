"""Files that include files."""

# ruff: noqa: E501 - a row of a table is one line

import pytest

from treeward.trees.load import load_tree
from treeward.trees.problems import TreeError


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Writes files into the working directory, and loads the one named main.yaml."""
    monkeypatch.chdir(tmp_path)

    def load(**texts):
        for name, text in texts.items():
            path = tmp_path / f"{name.replace('__', '/')}.yaml"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        return load_tree("main.yaml", check_classes=False, environ={"FILE": "part.yaml", "KEY": "hunter2"})

    return load


def main(*children, head=""):
    lines = "".join(f"    - {child}\n" for child in children)
    return f"treeward: 1\nname: main\n{head}tree:\n  supervisor: main\n  children:\n{lines}"


PART = "treeward: 1\nname: part\ntree:\n  supervisor: part\n  children:\n    - {agent: a, use: x}\nentry: a\n"


def faults(files, **texts):
    with pytest.raises(TreeError) as caught:
        files(**texts)
    return str(caught.value).split("\n")


def test_a_file_s_tree_becomes_a_subtree(files):
    """The included root is a child like any other; its file's name and entry are left behind."""
    tree = files(main=main("include: part.yaml", "{agent: b, use: x}"), part=PART)
    assert [path for path, _ in tree.walk()] == ["main", "main/part", "main/part/a", "main/b"]
    assert (tree.name, tree.entry) == ("main", None)


def test_a_subtree_may_have_another_id(files):
    """With `as`, one file can be included twice."""
    tree = files(main=main("{include: part.yaml, as: left}", "{include: ./part.yaml, as: right}"), part=PART)
    assert [child.id for child in tree.tree.children] == ["left", "right"]


def test_a_written_out_tree_is_the_same(files):
    """A tree of several files equals the one in which all is written out, and has its fingerprint."""
    whole = files(main=main("{supervisor: part, children: [{agent: a, use: x}]}"))
    assert files(main=main("include: part.yaml"), part=PART) == whole


def test_the_root_may_be_included(files):
    """A file may be no more than another one's tree under another name."""
    tree = files(main="treeward: 1\nname: main\ntree: {include: part.yaml, as: top}\nentry: a\n", part=PART)
    assert (tree.name, tree.entry_path) == ("main", "top/a")


def test_paths_are_relative_to_the_including_file(files):
    """Wherever the files lie, each finds its neighbours."""
    deeper = main("include: ../part.yaml").replace("main", "deeper")
    tree = files(main=main("include: sub/deeper.yaml"), sub__deeper=deeper, part=PART)
    assert [path for path, _ in tree.walk()][-1] == "main/deeper/part/a"


def test_the_file_may_come_from_the_environment(files):
    """The name of a file is a text like others."""
    assert files(main=main('include: "${FILE}"'), part=PART).tree.children[0].id == "part"


def test_each_file_has_its_own_policies(files):
    """A name means what the file says in which it stands."""
    policies = "policies: {backoff: {slow: {initial: %s}}}\n"
    part = PART.replace("tree:\n  supervisor: part\n", policies % "2s" + "tree:\n  supervisor: part\n  backoff: slow\n")
    tree = files(
        main=main("include: part.yaml", head=policies % "1s").replace("  children", "  backoff: slow\n  children"),
        part=part,
    )
    assert (tree.tree.backoff.initial, tree.tree.children[0].backoff.initial) == (1.0, 2.0)


def test_secrets_of_included_files_do_not_show(files):
    """What comes from the environment is marked, whichever file names it."""
    tree = files(main=main("include: part.yaml"), part=PART.replace("use: x", "use: x, with: {k: '${KEY}'}"))
    assert tree.tree.children[0].children[0].with_ == {"k": "hunter2"}
    assert "hunter2" not in repr(tree)


CHAIN = {f"f{i}": main(f"include: f{i + 1}.yaml").replace("main", f"f{i}") for i in range(10)}

REFUSED = {
    "a file that is missing": (
        {"main": main("include: gone.yaml")},
        ["main.yaml:6:16: there is no file 'gone.yaml' to include"],
    ),
    "a directory": ({"main": main("include: .")}, ["main.yaml:6:16: there is no file '.' to include"]),
    "an absolute path": (
        {"main": main("include: /dev/zero")},
        ["main.yaml:6:16: the include '/dev/zero' is absolute; expected a path relative to this file"],
    ),
    "no file": ({"main": main("include: ''")}, ["main.yaml:6:16: include is ''; expected text that is not empty"]),
    "a null byte": ({"main": main('include: "a\\0b"')}, ["main.yaml:6:16: there is no file 'a\\x00b' to include"]),
    "an unknown key": (
        {"main": main("{include: part.yaml, with: {}}"), "part": PART},
        ["main.yaml:6:28: 'with' is not a key of an include; expected one of include, as"],
    ),
    "a bad id": (
        {"main": main("{include: part.yaml, as: A}"), "part": PART},
        ["main.yaml:6:32: as is 'A'; expected a lower-case letter, then lower-case letters, digits, '-' or '_'"],
    ),
    "the same id twice": (
        {"main": main("include: part.yaml", "include: part.yaml"), "part": PART},
        ["main.yaml:7:7: the id 'part' is given to two children of main; expected an id that no sibling has"],
    ),
    "a circle of one": (
        {"main": main("include: main.yaml")},
        ["main.yaml:6:16: the includes go in a circle: main.yaml -> main.yaml"],
    ),
    "a circle of three": (
        {"main": main("include: a.yaml"), "a": main("include: b.yaml"), "b": main("include: ./a.yaml")},
        ["b.yaml:6:16: the includes go in a circle: a.yaml -> b.yaml -> a.yaml"],
    ),
    "a long chain": (
        {"main": main("include: f0.yaml"), **CHAIN},
        ["f8.yaml:6:16: the includes are too many; expected at most 100, and 10 in a row"],
    ),
    "an empty file": (
        {"main": main("include: part.yaml"), "part": ""},
        ["part.yaml:1:1: the file is empty; expected a mapping with the keys treeward, name and tree"],
    ),
    "a file that is no YAML": (
        {"main": main("include: part.yaml"), "part": "["},
        ["part.yaml:1:2: this is not YAML: "],
    ),
    "faults in both files": (
        {"main": main("{agent: B, use: x}", "include: part.yaml"), "part": PART.replace("use: x", "use: 7, foo: 1")},
        [
            "main.yaml:6:15: agent is 'B'; expected a lower-case letter, ",
            "part.yaml:6:23: use is 7; expected text",
            "part.yaml:6:26: 'foo' is not a key of an agent; expected ",
        ],
    ),
    "faults beside the tree": (
        {"main": main("include: part.yaml"), "part": PART.replace("treeward: 1", "treward: 1").replace("entry: a", "entry: b")},
        [
            "part.yaml:1:1: 'treward' is not a key of a tree; expected one of treeward, name, policies, tree, entry, chaos; did you mean 'treeward'?",
            "part.yaml:1:1: 'treeward' is missing in a tree; ",
            "part.yaml:7:8: the entry 'b' is not in the tree; ",
        ],
    ),
    "no tree": (
        {"main": main("include: part.yaml"), "part": "treeward: 1\nname: part\n"},
        ["part.yaml:1:1: 'tree' is missing in a tree; "],
    ),
    "a tree that is an agent": (
        {"main": main("include: part.yaml"), "part": "treeward: 1\nname: part\ntree: {agent: a, use: x}\n"},
        ["part.yaml:3:7: the root of the tree is agent; expected a supervisor"],
    ),
    "another file's policy": (
        {
            "main": main("include: part.yaml", head="policies: {backoff: {slow: {}}}\n"),
            "part": PART.replace("  children", "  backoff: slow\n  children"),
        },
        ["part.yaml:5:12: 'slow' is not the name of a policy for backoff; "],
    ),
    "an entry that could be in a missing file": (
        {"main": main("include: gone.yaml") + "entry: a\n"},
        ["main.yaml:6:16: there is no file 'gone.yaml' to include"],
    ),
    "a missing root": (
        {"main": "treeward: 1\nname: main\ntree: {include: gone.yaml}\n"},
        ["main.yaml:3:17: there is no file 'gone.yaml' to include"],
    ),
    "an include as the child of a pool": (
        {"main": main("{pool: p, size: 1, child: {include: part.yaml}}"), "part": PART},
        [
            "main.yaml:6:33: 'use' is missing in a child of a pool or a dynamic supervisor; ",
            "main.yaml:6:34: 'include' is not a key of a child of a pool or a dynamic supervisor; ",
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("texts", "begins"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_and_how(files, texts, begins):
    """Each fault points into the file in which it is, and all files' faults come at once."""
    lines = faults(files, **texts)
    assert [line[: len(begin)] for line, begin in zip(lines, begins, strict=True)] == begins


def test_a_tree_of_includes_is_not_endless(files):
    """Files that include others again and again end at the limit, not with the memory."""
    texts = {f"f{i}": main(*[f"{{include: f{i + 1}.yaml, as: c{j}}}" for j in range(9)]) for i in range(8)}
    (line, *_) = faults(files, main=main("include: f0.yaml"), **texts, f8=PART)
    assert "the includes are too many; expected at most 100, and 10 in a row" in line


def test_all_files_together_are_not_too_large(files, monkeypatch):
    """The files of a tree have a limit together, counted as often as they are included."""
    monkeypatch.setattr("treeward.trees.files.MAX_TOTAL", 350)
    twice = main("{include: part.yaml, as: a}", "{include: part.yaml, as: b}")
    assert files(main=twice, part=PART).name == "main"
    thrice = main(*[f"{{include: part.yaml, as: {name}}}" for name in "abc"])
    assert faults(files, main=thrice, part=PART) == [
        "part.yaml: the files together are too large; expected at most 350 characters"
    ]


def test_a_file_that_cannot_be_read(files):
    """What the system says about a file stands at its include."""
    long = "x" * 300
    assert faults(files, main=main(f"include: {long}")) == [
        f"main.yaml:6:16: the include '{'x' * 59}...' cannot be read: File name too long"
    ]


def test_a_link_that_leads_round_is_no_file(files, tmp_path):
    """A loop of symbolic links is a file that is not there."""
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    assert faults(files, main=main("include: loop.yaml")) == ["main.yaml:6:16: there is no file 'loop.yaml' to include"]


def test_supervisors_are_not_nested_for_ever_over_files(files):
    """The limit on nesting holds for all files together."""
    nested = "".join(f"{'  ' * (2 * i)}- supervisor: s\n{'  ' * (2 * i + 1)}children:\n" for i in range(9))
    texts = {}
    for i in range(8):
        body = "".join(f"    {line}\n" for line in f"{nested}{'  ' * 18}- include: f{i + 1}.yaml".split("\n"))
        texts[f"f{i}"] = f"treeward: 1\nname: x\ntree:\n  supervisor: s\n  children:\n{body}"
    lines = faults(files, main=main("include: f0.yaml"), **texts, f8=PART)
    assert any("the supervisors are nested too deep; expected at most 50 levels" in line for line in lines)
