"""The living tree on a terminal: a real terminal, with the program at its other end."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import shlex
import signal
import struct
import sys
import termios
import time

import pytest

pytestmark = pytest.mark.realtime

LIMIT = 20.0
READY = "/help"


class Screen:
    """A terminal of 100 times 30 with `treeward run` in it."""

    def __init__(self, words, directory, shell="", kind="xterm-256color"):
        command = [sys.executable, "-m", "treeward", *map(str, words)]
        if shell:
            command = ["/bin/sh", "-c", shell.format(shlex.join(command))]
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.chdir(directory)
            os.execve(command[0], command, {**os.environ, "TERM": kind, "COLUMNS": "", "LINES": ""})
        self.resize(30, 100)
        self.seen = ""
        self.code = None

    def resize(self, lines, columns):
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def type(self, text):
        os.write(self.terminal, text.encode())

    def wait_for(self, pattern):
        """Reads until the pattern is on the screen, after what was waited for before; returns the match."""
        end = time.monotonic() + LIMIT
        while not (found := re.search(pattern, plain(self.seen))):
            if time.monotonic() > end or not self._read():
                raise AssertionError(f"{pattern!r} is not in {plain(self.seen)!r}")
        self.seen = plain(self.seen)[found.end() :]
        return found

    def _read(self):
        if not select.select([self.terminal], [], [], LIMIT)[0]:
            return False
        try:
            data = os.read(self.terminal, 65_536)
        except OSError:  # the program has ended
            return False
        self.seen += data.decode(errors="replace")
        return bool(data)

    def end(self):
        """Waits for the end; returns the exit code and what was shown last."""
        while self._read():
            pass
        self.code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.code, plain(self.seen)

    def echoes(self):
        """Tells whether the terminal is as a shell has it: what is typed shows, and comes by the line."""
        mode = termios.tcgetattr(self.terminal)[3]
        return bool(mode & termios.ECHO) and bool(mode & termios.ICANON)


def plain(text):
    """Returns what is to be read on a screen, without colours and movements."""
    return re.sub(r"\x1b\[[0-?]*[ -/]*[@-~]", "", text).replace("\r\n", "\n")


@pytest.fixture
def screen(tree):
    """Starts a screen with the tree of the clerk: `screen("--deadline", "5s")`."""
    begun = []

    def begin(*words, file=tree, **more):
        begun.append(Screen(["run", file, "--allow", "clerks", *words], tree.parent, **more))
        return begun[-1]

    yield begin
    for one in begun:
        if one.code is None:
            os.kill(one.pid, signal.SIGKILL)
            os.waitpid(one.pid, 0)
        os.close(one.terminal)


@pytest.fixture
def live(screen):
    """The screen of a daemon that is ready."""
    running = screen()
    running.wait_for(READY)
    return running


def test_it_shows_the_living_tree(screen):
    """Every actor with its state, and a line to type in."""
    shown = screen().wait_for(r"(?s)actor.*> ")[0]
    for name in ("office", "clerk", "archive", "sleeper"):
        assert re.search(rf"{name} +● running +1 +\n", shown)


def test_a_request_is_typed_and_answered(live):
    """What is typed shows as it is typed; Enter gives it to the entry; the answer stands above the tree."""
    live.type("hel")
    live.wait_for("> hel")
    live.type("lo\r")
    shown = live.wait_for(r"(?s)> hello\ndone: hello\nagent .*office/clerk +ok +1 .*\n> ")[0]
    assert shown.count("done: hello") == 2  # the answer, and who said it


def test_one_sees_what_is_in_hand(live):
    """While a task is in hand, one sees where, since when, and how many requests wait; one can go on typing."""
    live.type("wait 1.5\rsecond\r")
    live.wait_for(r"(?s)1 waiting.*clerk +● running +1 +[0-9a-f]{8} 0\.[3-9] s")
    live.type("typed meanwhile")
    live.wait_for(r"[0-9a-f]{8} 1\.\d s(?s:.*)> typed meanwhile")
    live.wait_for("waited 1.5")
    live.wait_for("done: second")
    live.wait_for("> typed meanwhile")


def test_one_sees_a_crash_and_a_restart(live):
    """An agent that dies and comes back: its life, its restarts, why its last life ended; the log is above the tree."""
    live.type("crash badly\r")
    live.wait_for("child.restarting")
    live.wait_for("dead_letter: ValueError: badly")
    live.wait_for(r"clerk +● running +3 +2 +ValueError: badly")


def test_an_answer_cannot_give_the_terminal_orders(live):
    """What an agent says is shown, not obeyed."""
    live.type("evil\r")
    end = time.monotonic() + LIMIT
    while "before after" not in live.seen and time.monotonic() < end:
        live._read()
    assert "\x1b]0;title" not in live.seen
    assert "\x1b[2J" not in live.seen


def test_what_an_agent_prints_does_not_spoil_the_tree(live):
    """Printed lines go above the tree, as answers do."""
    live.type("print\r")
    assert live.wait_for(r"(?s)printed by the agent\n(.*)sleeper")[1].count("clerk")


def test_commands(live):
    """`/help` explains, `/tree` prints the tree, and a command that there is not is told."""
    live.type("/help\r")
    live.wait_for("Type a request, and Enter")
    live.type("/tree\r")
    live.wait_for(r"(?s)sleeper.*sleeper")
    live.type("/nope now\r")
    live.wait_for("/nope now: there is no such command")


@pytest.fixture
def office(screen, project):
    """The screen of a daemon with a desk."""
    tree = """
treeward: 1
name: office
tree:
  supervisor: office
  backoff: none
  children:
    - {agent: desk, use: desk, with: {database: desk.db}, dispatcher: thread}
    - {agent: clerk, use: "clerks:Clerk", handles: [work]}
    - {agent: chief, use: "clerks:Chief"}
entry: chief
"""
    running = screen("--parallel", "2", file=project.write(tree, "office.yaml"))
    running.wait_for(READY)
    return running


def test_a_case_is_announced_and_answered(office):
    """A case that is opened is one line; `/desk` lists it, shows it, and has it answered."""
    office.type("human help\r")
    office.wait_for(r"case-1 waits for a person: ask a person \(/desk case-1\)\n")
    office.wait_for(r"needs_human: .*case-1")
    office.type("/desk\r")
    office.wait_for("> /desk\n")
    office.wait_for(r"case +state +since +from +reason +request *\ncase-1 +open +\ds +office/clerk +ask a ")
    office.type("/desk case-1\r")
    office.wait_for(r"case-1, open, opened \ds ago\nrequest +human help *\nreason +ask a person")
    office.type("/desk answer case-1 Yes, do.\r")
    office.wait_for("> /desk answer case-1 Yes, do.\n")
    office.wait_for("case-1 is answered\n")
    office.type("/desk\r")
    office.wait_for("no case waits for a person")
    office.type("/desk case-1\r")
    office.wait_for(r"answered +Yes, do. \(\S+\)")


def test_a_case_is_returned(office):
    """A case that is returned goes to the agent that had it; one sees when it is done."""
    office.type("mind the date\r")
    office.wait_for("case-1 waits for a person: too odd")
    office.type("/desk return case-1 it is May\r")
    office.wait_for("case-1 is returned: office/clerk tries again")
    office.wait_for(r"case-1 was answered by office/clerk \(/desk case-1\)")
    office.type("/desk case-1\r")
    office.wait_for(r"answered +minded: it is May \(office/clerk\)")


def test_the_desk_while_a_task_runs(office):
    """Commands are obeyed while tasks are in hand, and while one types on."""
    office.type("human help\rwait 3\r")
    office.wait_for("case-1 waits for a person")
    office.wait_for(r"clerk +● running +1 +[0-9a-f]{8} 0\.\d s")
    office.type("/desk drop case-1 not ours\r")
    office.wait_for("case-1 is dropped")
    office.type("/dlq\r")
    office.wait_for("no dead letters")
    office.type("typed meanwhile")
    office.wait_for("waited 3")
    office.wait_for("> typed meanwhile")


def test_mistakes_with_commands_are_told(office):
    """A mistake is said in one line, and changes nothing."""
    for typed, said in (
        ("/desk answer case-1", "the text is missing: expected /desk answer ID TEXT"),
        ("/desk case-9", "there is no case 'case-9': list the cases to see their ids"),
        ("/dlq redrive", r"the id is missing: expected /dlq redrive ID \| all"),
        ("/dlq show dl-1", "there is no dead letter 'dl-1'"),
        ("/desktop", "/desktop: there is no such command; /help lists them"),
    ):
        office.type(f"{typed}\r")
        office.wait_for(said)
    office.type("/help\r")
    office.wait_for(
        r"(?s)/desk answer ID TEXT.*/desk return ID NOTE.*/desk drop ID REASON.*/dlq redrive ID.*/dlq purge ID"
    )


def test_dead_letters(office):
    """`/dlq` lists the dead letters, shows one, has it redriven, and throws the others away."""
    office.type("lose hello\rlose crash again\rlose third\r")
    for _ in range(3):
        office.wait_for("lost\n")
    office.type("/dlq\r")
    office.wait_for(r"3 dead letters; so far 3 poison\n(?s:.*)dl-1 +\ds +poison +office/clerk +task +hello")
    office.type("/dlq show dl-1\r")
    office.wait_for(r"dl-1, poison, \ds ago\nfor +office/clerk *\nkind +task *\ncontent +hello")
    office.type("/dlq redrive dl-1\r")
    office.wait_for("dl-1 is given to office/clerk again\n")
    office.wait_for("dl-1: done: hello\n")
    office.type("/dlq redrive dl-2\r")
    office.wait_for("dl-2: dead_letter: ValueError: again\n")
    office.type("/dlq purge all\r")
    office.wait_for("2 dead letters thrown away")
    office.type("/dlq\r")
    office.wait_for("no dead letters; so far 4 poison")


def test_the_end_waits_for_what_a_command_has_begun(office):
    """`/quit` lets a redriven message come to its end."""
    office.type("lose wait 1\r")
    office.wait_for("lost\n")
    office.type("/dlq redrive dl-1\r/quit\r")
    office.wait_for("dl-1: waited 1\n")
    assert office.end()[0] == 0


@pytest.mark.parametrize("keys", ["/quit\r", "/exit\r", "\x04"])
def test_the_end(live, keys):
    """`/quit`, and Ctrl-D on an empty line, finish what is in hand and end; the terminal is as it was."""
    assert not live.echoes()
    live.type(f"wait 0.3\rhello\r{keys}")
    live.wait_for("waited 0.3")
    code, shown = live.end()
    assert (code, "done: hello" in shown) == (0, True)


def test_ctrl_c(live):
    """Ctrl-C finishes what is in hand, says what was not begun, and ends with 130."""
    live.type("wait 1\rnever begun\r")
    live.wait_for(r"[0-9a-f]{8} 0\.\d s")
    live.type("\x03")
    live.wait_for("finishing what is in hand; once more stops it at once")
    code, shown = live.end()
    assert code == 130
    assert "waited 1\n" in shown
    assert "not begun: never begun\n" in shown
    assert shown.endswith("treeward: interrupted\n")


def test_ctrl_c_twice(live):
    """The second Ctrl-C ends it at once, and the terminal is as it was."""
    live.type("wait 600\r")
    live.wait_for(r"[0-9a-f]{8} 0\.\d s")
    live.type("\x03")
    live.wait_for("finishing what is in hand")
    live.type("\x03")
    code, shown = live.end()
    assert code == 130
    assert shown.endswith("\ntreeward: interrupted again, stopped at once\n")
    assert live.echoes()


def test_the_terminal_is_given_back(live):
    """At the end, what is typed shows again, the cursor is there, and a paste is no paste any more."""
    live.type("/quit\r")
    while live._read():
        pass
    assert "\x1b[?25h" in live.seen
    assert "\x1b[?2004l" in live.seen
    assert live.echoes()
    assert live.end()[0] == 0


def test_ctrl_z(screen):
    """Ctrl-Z puts it aside, with the terminal as the shell has it; when it is taken up again, so is the drawing."""
    shell = screen(shell="set -m; {}; echo put aside $?; read line; fg; echo taken up")
    shell.wait_for(READY)
    assert not shell.echoes()
    shell.type("\x1a")
    shell.wait_for("put aside")
    assert shell.echoes()
    shell.type("\n")
    shell.wait_for(READY)
    assert not shell.echoes()
    shell.type("hello\r")
    shell.wait_for("done: hello")
    shell.type("/quit\r")
    shell.wait_for("taken up")
    assert shell.end()[0] == 0


def test_a_window_of_another_size(live):
    """When the window changes its size, it is drawn anew, and fits."""
    live.resize(6, 40)
    os.kill(live.pid, signal.SIGWINCH)
    live.wait_for(r"actor +state +in hand +\n.*\n\.\.\. and 3 more\n> ")
    live.resize(30, 100)
    os.kill(live.pid, signal.SIGWINCH)
    live.wait_for(r"(?s)actor.*sleeper.*\n> ")


def test_a_terminal_that_is_gone(live):
    """When the terminal is closed, so is the daemon: nobody is left to ask."""
    live.type("hello\r")
    live.wait_for("done: hello")
    os.close(live.terminal)
    live.terminal = os.open(os.devnull, os.O_RDONLY)
    live.code = os.waitstatus_to_exitcode(os.waitpid(live.pid, 0)[1])
    assert live.code == -signal.SIGHUP


def test_the_root_gives_up(screen, project):
    """When the root supervisor gives up, the drawing goes, and one line says which child it was, and why."""
    code, shown = screen(file=project.with_child("Ill")).end()
    assert code == 70
    assert shown.splitlines()[-1].startswith("treeward: the root supervisor 'office' gave up: child 'middle' needed")


def test_a_tree_without_an_entry_is_shown(screen, tree):
    """A tree that takes no tasks is shown too, until it is told to stop; who asks is told."""
    tree.write_text(tree.read_text().replace("entry: clerk\n", ""))
    running = screen()
    running.wait_for(READY)
    running.type("hello\r")
    running.wait_for("the tree has no entry")
    running.type("/quit\r")
    assert running.end()[0] == 0


def test_a_terminal_that_cannot_draw(screen):
    """On a terminal that only prints lines, requests are typed and answered without a drawing."""
    running = screen(kind="dumb")
    running.type("hello\r")
    running.wait_for(r"> hello\ndone: hello\nagent")
    running.type("\x04")
    assert running.end()[0] == 0


def test_json_on_a_terminal(screen):
    """Who wants JSON gets JSON, also on a terminal: no drawing, one line for each line that is typed."""
    running = screen("--json", "--log-level", "error")
    running.type("hello\r")
    running.wait_for('"output": "done: hello"')
    running.type("\x04")
    code, shown = running.end()
    assert (code, "actor" in shown) == (0, False)
