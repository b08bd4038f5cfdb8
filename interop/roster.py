"""Who meets whom: the clients and servers of others, their versions, and what is played.

A client's script is in `clients`; a server's tests are in the `test_` file of its name. What a
counterpart cannot do, or does in its own way, is noted here and printed under the table.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

Step: TypeAlias = Literal["text", "function", "error", "cancel", "vad", "interruption"]

STEPS: Final[Mapping[Step, str]] = {
    "text": "text",
    "function": "function call",
    "error": "error",
    "cancel": "cancel",
    "vad": "audio turn",
    "interruption": "interruption",
}
SIMULATOR: Final = "our simulator"


@dataclass(frozen=True, slots=True, eq=False)
class Client:
    """A client that others wrote, and how it is pointed at the simulator.

    Attributes:
        title: as the table names it.
        script: the name of its file in `clients`.
        variant: which of its classes or dialects the script is to use.
        packages: what pip or npm installs for it, pinned.
        node: whether they are npm's.
        address: what it takes: the base URL of an SDK, the endpoint, or the server's root.
        dialect: what it speaks.
        tls: whether it dials nothing but wss.
        lacks: the steps it cannot play, and why.
        notes: what it does in its own way, by step.
    """

    title: str
    script: str
    variant: str
    packages: tuple[str, ...]
    node: bool = False
    address: Literal["base", "endpoint", "root"] = "endpoint"
    dialect: Literal["ga", "beta"] = "ga"
    tls: bool = False
    lacks: Mapping[Step, str] = field(default_factory=dict[Step, str])
    notes: Mapping[Step, str] = field(default_factory=dict[Step, str])

    @property
    def slug(self) -> str:
        """A name for files and test ids."""
        version = re.split("[=@]", self.packages[0])[-1]
        return f"{self.script}-{version}-{self.variant}"


def _openai_python(variant: str, *, what: str) -> Client:
    return Client(
        f"openai-python 3.54.0, {what}",
        "openai_python",
        variant,
        ("openai[realtime]==3.54.0",),
        address="base",
        dialect="beta" if variant.startswith("beta") else "ga",
    )


def _openai_node(version: str, *, node: str, variant: str, what: str) -> Client:
    runtime = () if node == "20" else ("node@22.23.3",)
    return Client(
        f"openai-node {version}, {what}",
        "openai_node",
        variant,
        (f"openai@{version}", "ws@8.23.0", *runtime),
        node=True,
        address="base",
        tls=True,
    )


_AGENTS_JS: Final = ("@openai/agents-realtime@0.20.0", "@openai/agents@0.20.0", "zod@4")

CLIENTS: Final = (
    _openai_python("ga", what="async"),
    _openai_python("ga-sync", what="sync"),
    _openai_python("beta", what="`beta.realtime`, async"),
    _openai_python("beta-sync", what="`beta.realtime`, sync"),
    _openai_node("7.57.0", node="22", variant="ws", what="`OpenAIRealtimeWS`"),
    _openai_node("7.57.0", node="22", variant="websocket", what="`OpenAIRealtimeWebSocket`"),
    _openai_node("6.49.0", node="20", variant="ws", what="`OpenAIRealtimeWS`"),
    _openai_node("6.49.0", node="20", variant="websocket", what="`OpenAIRealtimeWebSocket`"),
    Client(
        "openai-agents 0.24.0 (Python)",
        "openai_agents",
        "ga",
        ("openai-agents[realtime]==0.24.0",),
    ),
    Client("@openai/agents-realtime 0.20.0", "openai_agents_js", "ga", _AGENTS_JS, node=True),
    Client(
        "livekit-plugins-openai 1.8.9",
        "livekit_openai",
        "ga",
        ("livekit-plugins-openai==1.8.9",),
        address="base",
    ),
    Client(
        "pipecat-ai 1.14.0",
        "pipecat_openai",
        "ga",
        ("pipecat-ai[openai,websockets-base]==1.14.0",),
    ),
    Client(
        "azure-ai-voicelive 1.3.1",
        "azure_voicelive",
        "beta",
        ("azure-ai-voicelive[aiohttp]==1.3.1", "anyio"),
        address="root",
        dialect="beta",
    ),
    Client(
        "openai-realtime-api 1.0.8",
        "openai_realtime_api",
        "beta",
        ("openai-realtime-api@1.0.8",),
        node=True,
        dialect="beta",
    ),
)


@dataclass(frozen=True, slots=True, eq=False)
class Server:
    """A server that others wrote.

    Attributes:
        title: as the table names it.
        packages: what pip or npm installs for it, pinned.
        lacks: the steps it cannot play, and why.
        notes: what it does in its own way, by step.
    """

    title: str
    packages: tuple[str, ...]
    lacks: Mapping[Step, str]
    notes: Mapping[Step, str] = field(default_factory=dict[Step, str])


_NOT_HEARD: Final = "What is appended is not listened to: the answer goes on to its end."
_GOES_ON: Final = "It goes on to the end, then sends an event of its own, `response.cancelled`."
_COMMITTED: Final = "Audio that is committed is transcribed, in a transcription session."

AIMOCK: Final = Server(
    "aimock 1.43.0",
    ("@copilotkit/aimock@1.43.0",),
    lacks={"interruption": _NOT_HEARD},
    notes={"cancel": _GOES_ON, "vad": _COMMITTED},
)
OLD_AIMOCK: Final = Server(
    "aimock 1.42.1",
    ("@copilotkit/aimock@1.42.1",),
    lacks={"interruption": _NOT_HEARD},
    notes={
        "error": (
            "As published it computes a wrong Sec-WebSocket-Accept, and our client refuses it. "
            "The other steps are played in GA and in beta with that one constant mended."
        ),
        "cancel": _GOES_ON,
        "vad": _COMMITTED,
    },
)
FAKEAI: Final = Server(
    "FakeAI 0.3.2",
    ("fakeai==0.3.2", "pillow", "websockets"),
    lacks={
        "function": "It calls no functions.",
        "cancel": "It reads the cancel when it has said all of it, and answers with an `error`.",
        "interruption": "It reads nothing while it answers.",
    },
    notes={
        "vad": (
            "Speech begins with the third append, whatever is in it, and ends with the commit. "
            "The answer is text: one in audio ends in an `error`."
        )
    },
)
SERVERS: Final[Mapping[str, Server]] = {
    "aimock": AIMOCK,
    "strict_aimock": AIMOCK,
    "locked_aimock": AIMOCK,
    "old_aimock": OLD_AIMOCK,
    "wrong_aimock": OLD_AIMOCK,
    "fakeai": FAKEAI,
}
"""By the fixture that starts it."""

STACKS: Final[Mapping[tuple[str, str], str]] = {
    ("asyncio", "anyio"): "asyncio",
    ("trio", "anyio"): "Trio",
    ("trio", "trio-websocket"): "Trio, trio-websocket",
}
"""The ways our client connects, by backend and transport."""
