"""What of asyncio's loop there is nothing to simulate with: the network, processes, pipes, signals."""

from __future__ import annotations

import reprlib
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["IN_MEMORY", "NETWORK", "PROCESS", "refusing", "shortly"]

Loop = TypeVar("Loop", bound="type[Any]")

NETWORK = "Put a double in the place of the other side: a transport in memory, or httpx's MockTransport."
PROCESS = "Put a double in the place of the process."
IN_MEMORY = "Hand the data over in memory."

_METHODS = {
    NETWORK: (
        "create_connection create_server create_datagram_endpoint create_unix_connection create_unix_server "
        "connect_accepted_socket start_tls sendfile getaddrinfo getnameinfo sock_recv sock_recv_into sock_recvfrom "
        "sock_recvfrom_into sock_sendall sock_sendto sock_connect sock_accept sock_sendfile"
    ),
    PROCESS: "subprocess_exec subprocess_shell",
    IN_MEMORY: "connect_read_pipe connect_write_pipe add_reader add_writer",
}

_short = reprlib.Repr()
_short.maxstring = _short.maxother = 80


def shortly(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """Returns arguments as they would be written in a call, the long ones cut."""
    named = (f"{name}={_short.repr(value)}" for name, value in kwargs.items())
    return ", ".join([*map(_short.repr, args), *named])


def refusing(cls: Loop) -> Loop:
    """Makes those methods of a loop escapes: each calls `escape(wanted, instead)`. Signal handlers are never called."""
    cls.add_signal_handler = _nothing
    cls.remove_signal_handler = _nothing
    for instead, names in _METHODS.items():
        for name in names.split():
            setattr(cls, name, _refused(name, instead))
    return cls


def _refused(name: str, instead: str) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return self.escape(f"loop.{name}({shortly(args, kwargs)})", instead)

    method.__name__ = name
    method.__doc__ = "Is an escape."
    return method


def _nothing(self: Any, sig: int, *_: Any) -> bool:  # noqa: ARG001 - asyncio's
    """Says that there is a handler; no signal comes in a simulation."""
    return True
