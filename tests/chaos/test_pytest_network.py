"""The guard of the network: other machines are out of reach, this one is not, and a refusal is in words."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading

import pytest

from treeward.chaos.testing import NetworkGuard, NetworkRefused

pytestmark = pytest.mark.realtime

ELSEWHERE = ("192.0.2.1", 9)  # RFC 5737: nobody's


@contextlib.contextmanager
def guarded():
    """A guard whose refusals are looked at in the block."""
    with NetworkGuard().up() as guard:
        yield guard


def connect(family, address, call="connect"):
    with socket.socket(family) as sock:
        sock.settimeout(0.01)
        getattr(sock, call)(address)


def send(address, *flags):
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.sendto(b"x", *flags, address)


def send_message(address):
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.sendmsg([b"x"], [], 0, address)


@pytest.mark.parametrize(
    ("reach", "what"),
    [
        (lambda: connect(socket.AF_INET, ELSEWHERE), "connect to 192.0.2.1 port 9"),
        (lambda: connect(socket.AF_INET6, ("2001:db8::1", 9, 0, 0)), "connect to 2001:db8::1 port 9"),
        (lambda: connect(socket.AF_INET, ("example.org", 80)), "connect to example.org port 80"),
        (lambda: connect(socket.AF_INET, ELSEWHERE, "connect_ex"), "connect_ex to 192.0.2.1 port 9"),
        (lambda: socket.create_connection(ELSEWHERE, timeout=0.01), "look-up of 192.0.2.1"),
        (lambda: socket.create_connection(("example.org", 80), timeout=0.01), "look-up of example.org"),
        (lambda: socket.getaddrinfo("example.org", 80), "look-up of example.org"),
        (lambda: socket.getaddrinfo(b"example.org", 80), "look-up of example.org"),
        (lambda: socket.gethostbyname("example.org"), "look-up of example.org"),
        (lambda: send(ELSEWHERE), "sendto to 192.0.2.1 port 9"),
        (lambda: send(ELSEWHERE, 0), "sendto to 192.0.2.1 port 9"),
        (lambda: send_message(ELSEWHERE), "sendmsg to 192.0.2.1 port 9"),
    ],
)
def test_other_machines_are_refused(reach, what):
    """What was tried is said, and noted; it is no OSError, which a retry would take for a bad line."""
    with guarded() as guard, pytest.raises(NetworkRefused) as refused:
        reach()
    assert f"this test reaches for the network ({what}), and is guarded: put a double in its place" in str(
        refused.value
    )
    assert guard.refused == [what]
    assert not isinstance(refused.value, OSError)


async def test_an_event_loop_is_guarded_too():
    """asyncio's connections and look-ups come by the guard."""
    loop = asyncio.get_running_loop()
    with guarded() as guard:
        for host in ("192.0.2.1", "example.org"):
            with pytest.raises(NetworkRefused):
                await loop.create_connection(asyncio.Protocol, host, 9)
        with socket.socket() as sock:
            sock.setblocking(False)
            with pytest.raises(NetworkRefused):
                await loop.sock_connect(sock, ELSEWHERE)
    assert guard.refused == ["connect to 192.0.2.1 port 9", "look-up of example.org", "connect to 192.0.2.1 port 9"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.8.9.1"])
def test_this_machine_is_let_through(host):
    """A server of the test's own can be reached, by its address and by its name."""
    with socket.create_server(("", 0)) as server, guarded() as guard:
        thread = threading.Thread(target=lambda: server.accept()[0].close())
        thread.start()
        with socket.create_connection((host, server.getsockname()[1]), timeout=5) as sock:
            assert sock.recv(1) == b""
        thread.join()
    assert guard.refused == []


def test_unix_sockets_are_let_through(tmp_path):
    """They lead nowhere else."""
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client, guarded():
        server.bind(str(tmp_path / "s"))
        server.listen()
        client.connect(str(tmp_path / "s"))


def test_everything_is_given_back():
    """After the block the socket module is as it was before, inside of another guard too."""
    before = {name: socket.socket.__dict__.get(name) for name in ("connect", "connect_ex", "sendto", "sendmsg")}
    lookups = socket.getaddrinfo, socket.gethostbyname, socket.gethostbyname_ex
    with guarded(), guarded() as inner, pytest.raises(NetworkRefused):
        socket.gethostbyname("example.org")
    assert inner.refused == ["look-up of example.org"]
    assert before == {name: socket.socket.__dict__.get(name) for name in before}
    assert lookups == (socket.getaddrinfo, socket.gethostbyname, socket.gethostbyname_ex)


def test_the_fixture_guards_a_test(no_network):
    """A refusal that was expected is taken out of the list."""
    with pytest.raises(NetworkRefused):
        socket.gethostbyname("example.org")
    no_network.refused.clear()


TESTS = """
import socket, pytest

def reach():
    try:
        socket.create_connection(("192.0.2.1", 9), timeout=0.01)
    except OSError:
        return "tried"

def test_loud():
    reach()

def test_swallowed():
    try:
        reach()
    except Exception:
        pass

@pytest.fixture
def fixture():
    reach()

def test_with_fixture(fixture): pass

@pytest.mark.network
def test_marked():
    assert reach() == "tried"

def test_without(): pass

def test_asked_for(no_network):
    try:
        reach()
    except Exception:
        pass
"""


@pytest.mark.parametrize(("options", "ini"), [(["--no-network"], ""), ([], "no_network = true"), ([], "")])
def test_a_session_is_guarded_if_asked_for(pytester, options, ini):
    """By an option, or in the configuration, all tests but the marked ones; otherwise those that use the fixture."""
    pytester.makeini(f"[pytest]\naddopts = --strict-markers -p no:asyncio\n{ini}\n")
    pytester.makepyfile(test_it=TESTS)
    done = pytester.runpytest_subprocess("-rA", *options, timeout=50)
    guards = bool(options or ini)
    expected = {"passed": 3, "failed": 2, "errors": 2} if guards else {"passed": 6, "errors": 1}
    assert done.parseoutcomes() == expected, done.stdout.str()
    done.stdout.fnmatch_lines(["*NetworkRefused: this test has reached for the network: look-up of 192.0.2.1"])
