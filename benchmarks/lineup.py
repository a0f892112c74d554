"""Who takes part: each peer, the module that has its programs, and the sizes that it can manage."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PEERS", "Peer"]


@dataclass(frozen=True)
class Peer:
    """One way to have actors, or to orchestrate agents. `sizes` are its own n for cases whose usual n it cannot reach.

    `needs` is a program that has to be installed; `venv` the environment of its own, a name of `environments.PINNED`.
    """

    name: str
    caption: str
    modules: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    needs: str | None = None
    venv: str | None = None

    @property
    def present(self) -> bool:
        """Whether the program that it needs is on this machine."""
        return self.needs is None or shutil.which(self.needs) is not None


_THREADS = {"spawn": 1_000, "memory": 1_000, "memory_used": 1_000}
_TASKS = {"tell": 20_000}
_PROCESSES = dict.fromkeys(("spawn", "memory"), 20) | {"tell": 20_000, "crash": 5}
_PROCESSES |= dict.fromkeys(("ask", "ask_async", "ask_timeout"), 2_000)
_SLOW = {"orchestrator": 300, "pipeline": 300, "kept": 500}
_DURABLE = {"orchestrator": 100, "pipeline": 100, "kept": 500}
_TREEWARD = tuple(f"treeward_{name}" for name in ("actors", "storms", "ways", "tasks", "orchestration"))

_ALL = (
    Peer("floor", "floor", ("floor", "floor_orchestration")),
    Peer("asyncio", "asyncio task + queue", ("asyncio_tasks", "asyncio_orchestration")),
    Peer("pykka", "pykka", ("pykka_threads",), sizes=_THREADS),
    Peer(
        "autogen-core",
        "autogen-core",
        ("autogen_actors", "autogen_orchestration"),
        sizes=_TASKS,
        venv="autogen-core",
    ),
    Peer("xoscar", "xoscar", ("xoscar_actors",), venv="xoscar"),
    Peer("ray", "Ray", ("ray_actors",), sizes=_PROCESSES, venv="ray"),
    Peer("erlang", "Erlang/OTP", ("erlang_otp",), needs="erlc"),
    Peer("erlang-1", "Erlang/OTP, 1 scheduler", ("erlang_otp",), {"BENCHMARK_SCHEDULERS": "1"}, needs="erlc"),
    Peer("langgraph", "LangGraph", ("langgraph_orchestration",), venv="langgraph"),
    Peer(
        "langgraph-saver",
        "LangGraph, InMemorySaver",
        ("langgraph_orchestration",),
        {"BENCHMARK_SAVER": "memory"},
        venv="langgraph",
    ),
    Peer("openai-agents", "openai-agents", ("openai_agents_orchestration",), venv="openai-agents"),
    Peer("pydantic-ai", "pydantic-ai", ("pydantic_ai_orchestration",), sizes=_SLOW, venv="pydantic-ai"),
    Peer("crewai", "CrewAI flow", ("crewai_orchestration",), venv="crewai"),
    Peer("google-adk", "Google ADK", ("google_adk_orchestration",), sizes=_SLOW, venv="google-adk"),
    Peer("dbos", "DBOS", ("dbos_orchestration",), sizes=_DURABLE, venv="dbos"),
    Peer("treeward", "Treeward", _TREEWARD),
)

PEERS = {peer.name: peer for peer in _ALL}
