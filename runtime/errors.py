"""What can go wrong, by the reaction that is wanted.

    TreewardError
    ├── ActorError                 something about one actor; carries its `path`
    │   ├── ActorCrashed           it died while it had your message: `incarnation`, `cause`
    │   ├── ActorStopped           it takes no messages: `reason` (also `pykka.ActorDeadError`)
    │   ├── AskTimeout             no reply within `seconds` (also `pykka.Timeout`, `TimeoutError`)
    │   ├── MailboxFull            a bounded mailbox refused the message: `capacity`
    │   ├── StartFailed            a start did not reach its end: `cause`
    │   └── NameTaken              another living actor has the name: `name`, `owner`
    ├── WouldBlock                 a blocking call on the event loop that it waits for
    ├── SystemClosed               the actor system has ended, or has not begun
    ├── UnknownLetter              there is no such dead letter: `letter`, `nearest`
    ├── CannotRedrive              a dead letter cannot be given again: `letter`
    ├── supervisors.errors.SupervisionError ...
    └── trees.problems.TreeError ...

Every error carries its data as attributes, and a message that says what was given, what was expected, and how
to mend it.
"""

from __future__ import annotations

import pykka

__all__ = [
    "ActorCrashed",
    "ActorError",
    "ActorStopped",
    "AskTimeout",
    "CannotRedrive",
    "MailboxFull",
    "NameTaken",
    "StartFailed",
    "SystemClosed",
    "TreewardError",
    "UnknownLetter",
    "WouldBlock",
    "describe",
]


def describe(error: BaseException) -> str:
    """Returns an error as one line: its class and its message, if it has one."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _shown(cause: object) -> str:
    return describe(cause) if isinstance(cause, BaseException) else str(cause)


class TreewardError(Exception):
    """The base of every error that Treeward raises on its own account."""


class ActorError(TreewardError):
    """An error about one actor, named by its `path`."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.path = path


class ActorCrashed(ActorError):
    """The incarnation that had the message died of `cause` before it replied."""

    def __init__(self, path: str, incarnation: int, cause: object) -> None:
        super().__init__(path, f"{path} (incarnation {incarnation}) crashed: {_shown(cause)}")
        self.incarnation = incarnation
        self.cause = cause


class ActorStopped(ActorError, pykka.ActorDeadError):
    """The actor does not take messages any more, or ended before it came to this one."""

    def __init__(self, path: str, reason: object = None) -> None:
        why = "" if reason is None else f" ({_shown(reason)})"
        super().__init__(path, f"{path} is stopped{why}: it takes no messages")
        self.reason = reason


class AskTimeout(ActorError, pykka.Timeout, TimeoutError):
    """No reply came within the `seconds` that the caller gave."""

    def __init__(self, path: str, seconds: float) -> None:
        super().__init__(path, f"{path} did not reply within {seconds:g} s")
        self.seconds = seconds


class MailboxFull(ActorError):
    """A bounded mailbox has no room, and its policy is to say so."""

    def __init__(self, path: str, capacity: int, mend: str = "send less, or declare another policy") -> None:
        super().__init__(path, f"the mailbox of {path} is full ({capacity} messages): {mend}")
        self.capacity = capacity


class StartFailed(ActorError):
    """An incarnation's constructor or `on_start` raised, ran out of time, or was ended meanwhile."""

    def __init__(self, path: str, cause: object) -> None:
        super().__init__(path, f"{path} did not start: {_shown(cause)}")
        self.cause = cause


class NameTaken(ActorError):
    """Another living actor has registered the name."""

    def __init__(self, path: str, name: str, owner: str) -> None:
        super().__init__(path, f"the name {name!r} is taken by {owner}: choose another, or stop it first")
        self.name = name
        self.owner = owner


class WouldBlock(TreewardError):
    """A blocking call on the very event loop that would have to produce the result."""

    def __init__(self, call: str) -> None:
        super().__init__(f"{call} would block the event loop that it waits for: `await` it, or use a thread")


class SystemClosed(TreewardError):
    """The actor system has ended, or has not been entered yet."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the runtime {name!r} is not running: use it inside its `with` block")


class UnknownLetter(TreewardError):
    """There is no dead letter of that id, or not any more."""

    def __init__(self, letter: str, nearest: tuple[str, ...] = (), *, was_there: bool = False) -> None:
        if was_there:
            mend = "it was redriven or purged, or made room for later ones"
        else:
            mend = f"did you mean {' or '.join(nearest)}?" if nearest else "list them to see their ids"
        super().__init__(f"there is no dead letter {letter!r}: {mend}")
        self.letter = letter
        self.nearest = nearest


class CannotRedrive(TreewardError):
    """A dead letter cannot be given to its recipient again; it stays where it is."""

    def __init__(self, letter: str, why: str) -> None:
        super().__init__(f"{letter} cannot be redriven: {why}; purge it if nobody needs it")
        self.letter = letter
