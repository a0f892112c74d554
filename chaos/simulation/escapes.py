"""What code in a simulation must not do: each is refused in words, and ends the run."""

from __future__ import annotations

import _thread
import asyncio.selector_events
import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from .place import here
from .refused import NETWORK, PROCESS, shortly

if TYPE_CHECKING:
    from collections.abc import Callable

    from .patching import Patches

__all__ = ["patch_escapes"]

THREAD = "Start a threading.Thread: those are simulated."
LOOP = "Use asyncio.run in a thread: that is simulated."

_SOCKET_METHODS = ("bind", "connect", "connect_ex", "listen", "sendmsg", "sendto")
_SOCKET_FUNCTIONS = ("getaddrinfo", "gethostbyaddr", "gethostbyname", "gethostbyname_ex", "getnameinfo")
_PROCESS_FUNCTIONS = ("execv", "execve", "fork", "forkpty", "posix_spawn", "posix_spawnp", "system")
_THREAD_FUNCTIONS = ("start_joinable_thread", "start_new_thread")


def patch_escapes(patches: Patches) -> None:
    """Refuses sockets, processes, threads below `threading`, and event loops of the system's own."""
    for name in _SOCKET_METHODS:
        _refuse_method(patches, socket.socket, name, f"socket.{name}", NETWORK)
    for name in _SOCKET_FUNCTIONS:
        _refuse(patches, socket, name, NETWORK)
    _refuse_method(patches, subprocess.Popen, "__init__", "subprocess.Popen", PROCESS)
    for name in _PROCESS_FUNCTIONS:
        _refuse(patches, os, name, PROCESS)
    for name in _THREAD_FUNCTIONS:
        _refuse(patches, _thread, name, THREAD)
        if hasattr(_thread, name):
            patches.set(_thread, name, _refusing(getattr(_thread, name), f"_thread.{name}", THREAD, 0))
    _refuse_loops(patches)
    processes: Any = sys.modules.get("multiprocessing.process")
    if processes is not None:
        _refuse_method(patches, processes.BaseProcess, "start", "multiprocessing.Process.start", PROCESS)


def _refuse(patches: Patches, module: Any, name: str, instead: str) -> None:
    original = getattr(module, name, None)
    if original is not None:  # not every system has every one
        patches.everywhere(original, _refusing(original, f"{module.__name__}.{name}", instead, 0))


def _refuse_method(patches: Patches, owner: type, name: str, wanted: str, instead: str) -> None:
    patches.set(owner, name, _refusing(getattr(owner, name), wanted, instead, 1))


def _refusing(original: Any, wanted: str, instead: str, unnamed: int) -> Callable[..., Any]:
    """Returns a function that calls the original outside; in a simulation it says all but the `unnamed` arguments."""

    def call(*args: Any, **kwargs: Any) -> Any:
        place = here()
        if place is None:
            return original(*args, **kwargs)
        return place.loop.escape(f"{wanted}({shortly(args[unnamed:], kwargs)})", instead)

    return call


def _refuse_loops(patches: Patches) -> None:
    owner: Any = asyncio.selector_events.BaseSelectorEventLoop
    original = owner.__init__

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        place = here()
        if place is None:
            original(self, *args, **kwargs)
            return
        self._closed = True  # which its finalizer wants to know
        place.loop.escape(f"{type(self).__name__}({shortly(args, kwargs)})", LOOP)

    patches.set(owner, "__init__", init)
