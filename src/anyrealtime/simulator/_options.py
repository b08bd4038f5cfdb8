"""What a simulator was told when it was opened, as its connections see it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypedDict

from anyrealtime.errors import ConfigurationError
from anyrealtime.simulator._models._model import Model
from anyrealtime.simulator._rules._admission import Dialect, Door
from anyrealtime.simulator._rules._remote_tools import McpServers
from anyrealtime.simulator._sound._detectors import DetectorFactory, DetectorName
from anyrealtime.simulator._sound._interpreter import Interpreter
from anyrealtime.simulator._sound._recognition import Recogniser, RecogniserName
from anyrealtime.simulator._sound._voices import Voice, VoiceName
from anyrealtime.simulator._watch import Watch
from anyrealtime.simulator.faults import Fault


class SimulatorOptions(TypedDict, total=False):
    """The arguments of `open_simulator` that do not concern its listening socket.

    What opens a simulator in some other way takes them, and hands them on.
    """

    model: Model
    voice: VoiceName | Voice
    recogniser: RecogniserName | Recogniser
    detector: DetectorName | DetectorFactory
    interpreter: Interpreter
    mcp: McpServers
    pace: float
    words_per_delta: int | None
    dialect: Dialect
    api_key: str | None
    models: Collection[str] | None
    session_seconds: float
    obfuscation: bool
    extras: bool
    tokens_per_minute: int | None
    faults: Iterable[Fault]
    fault_seed: int
    admin: bool
    record: bool
    watch: Watch | None
    max_unsent_bytes: int
    close_timeout: float


def check_names(options: SimulatorOptions) -> None:
    """Raise TypeError for what is no option of a simulator whose socket is not the caller's."""
    if unknown := options.keys() - SimulatorOptions.__annotations__.keys():
        known = ", ".join(SimulatorOptions.__annotations__)
        raise TypeError(f"{min(unknown)!r} is no option here; the options are {known}")


@dataclass(slots=True, kw_only=True, repr=False)
class Options:
    """See `open_simulator`, whose arguments these are. The model may be changed later."""

    model: Model
    voice: Voice
    recogniser: Recogniser
    detector: DetectorFactory
    interpreter: Interpreter
    mcp: McpServers
    pace: float
    words_per_delta: int | None
    door: Door
    session_seconds: float
    obfuscation: bool
    extras: bool
    tokens_per_minute: int | None
    admin: bool
    record: bool
    watch: Watch | None
    max_message_bytes: int
    max_unsent_bytes: int
    close_timeout: float

    def __post_init__(self) -> None:
        """Refuse what makes no sense, before anything listens."""
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if value is not None and value < least:
                raise ConfigurationError(f"{name} must be at least {least}, not {value!r}")
        for label, tools in self.mcp.items():
            for name, count in Counter(tool.name for tool in tools).items():
                if count > 1:
                    raise ConfigurationError(
                        f"mcp: the server {label!r} has {count} tools {name!r}"
                    )


_LEAST: Final[Mapping[str, int]] = {
    "pace": 0,
    "words_per_delta": 1,
    "session_seconds": 0,
    "tokens_per_minute": 1,
    "max_message_bytes": 1,
    "max_unsent_bytes": 0,
    "close_timeout": 0,
}
