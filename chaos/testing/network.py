"""A guard: a test that must not reach another machine does not, and hears so in words.

It stands in `socket.socket` and in the look-up of names, for the whole process, as long as it is up. This machine is
let through: Unix sockets, and addresses such as 127.0.0.1. What a subprocess does, or code that makes its own system
calls (uvloop), is not seen.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

__all__ = ["NetworkGuard", "NetworkRefused", "Offline"]

_CALLS = ("connect", "connect_ex", "sendto", "sendmsg")
_LOOKUPS = ("getaddrinfo", "gethostbyname", "gethostbyname_ex")
_LOCAL_NAMES = frozenset({"", "localhost", "localhost.localdomain", "ip6-localhost"})

_ADVICE = (
    "put a double in its place (httpx.MockTransport, a local server), or mark the test with "
    "@pytest.mark.network if it is meant to"
)


GUARD = pytest.StashKey["NetworkGuard"]()


class NetworkRefused(RuntimeError):
    """A guarded test has reached for another machine. No OSError, so that no retry takes it for a bad line."""


class NetworkGuard:
    """See the module. `refused` says what has been refused: a test whose code swallows the error fails all the same."""

    def __init__(self) -> None:
        self.refused: list[str] = []

    @contextlib.contextmanager
    def up(self) -> Iterator[NetworkGuard]:
        """Guards, within the block."""
        with contextlib.ExitStack() as undo:
            for name in _CALLS:
                undo.callback(_put_back, name, socket.socket.__dict__.get(name))
                setattr(socket.socket, name, self._guarded(name))
            for name in _LOOKUPS:
                undo.callback(setattr, socket, name, getattr(socket, name))
                setattr(socket, name, self._guarded_lookup(getattr(socket, name)))
            yield self

    def check(self) -> None:
        """Raises `NetworkRefused` if something has been refused."""
        if self.refused:
            raise NetworkRefused(f"this test has reached for the network: {'; '.join(self.refused)}")

    def _guarded(self, name: str) -> Callable[..., Any]:
        original = getattr(socket.socket, name)

        def call(sock: socket.socket, *args: Any) -> Any:
            address = _address(name, args)
            if sock.family in (socket.AF_INET, socket.AF_INET6) and isinstance(address, tuple):
                self._look_at(str(address[0]), f"{name} to {address[0]} port {address[1]}")
            return original(sock, *args)

        return call

    def _guarded_lookup(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def look_up(host: Any, *args: Any, **options: Any) -> Any:
            name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
            if name is not None:  # a number too: whoever asks for it is about to connect, and has no socket open yet
                self._look_at(str(name), f"look-up of {name}")
            return original(host, *args, **options)

        return look_up

    def _look_at(self, host: str, what: str) -> None:
        if _is_local(host):
            return
        self.refused.append(what)
        raise NetworkRefused(f"this test reaches for the network ({what}), and is guarded: {_ADVICE}")


class Offline:
    """A plugin of pytest's that guards every test which is not marked `network`."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Guards a test, its fixtures included."""
        if item.get_closest_marker("network") is not None:
            return (yield)
        with NetworkGuard().up() as guard:
            item.stash[GUARD] = guard
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Fails a test that has swallowed what it was told."""
        result = yield
        if (guard := item.stash.get(GUARD, None)) is not None:
            guard.check()
        return result


def _put_back(name: str, own: Any) -> None:
    """Restores what the class had of its own; most of it, it only inherits."""
    if own is None:
        delattr(socket.socket, name)
    else:
        setattr(socket.socket, name, own)


def _address(name: str, args: tuple[Any, ...]) -> Any:
    """Returns the address in the arguments of a call, None if it has none: what is connected was looked at before."""
    if name == "sendmsg":
        return args[3] if len(args) > 3 else None
    return args[-1] if args else None


def _is_local(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host.lower() in _LOCAL_NAMES
    return address.is_loopback or address.is_unspecified
