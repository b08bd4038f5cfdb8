"""A Realtime server that runs offline: the protocol's rules are real, the model is not.

    async with open_simulator() as simulator:
        ...  # point any Realtime client at simulator.url

The way of an event: socket -> `_websocket` (bytes -> message) -> `_connection` -> `_rules`
(reads it) -> `_rules_session`, `_rules_input`, `_rules_items`, `_rules_responses` or
`_rules_translation` (what is legal, what is answered), which use `_grammar` (what may be said
at all), `_session`, `_conversation`, `_responses` and `_output`; `_beta` translates at their
edge. What takes time is an effect (`_effects`) that `_driving` carries out; what becomes
of it is told to `_rules_mcp` and `_rules_transcription`. `_turns` finds turns in what the
caller says, with a detector (`_detectors`). `_answering` asks a `Model` (`_model`, `_talker`),
has its words spoken by a `Voice` (`_voices`, `_speech`) and those of the caller made out by a
`Recogniser` (`_recognition`). What goes wrong on demand is declared in `faults`, decided in
`_fault_plan` and done in `_websocket`. This package takes no rule from the client's side:
`_protocol`, `_runtime` and `_transport` are not imported here.
"""

from anyrealtime.simulator import faults
from anyrealtime.simulator._admission import Dialect
from anyrealtime.simulator._connection import SimulatedConnection
from anyrealtime.simulator._detectors import DetectorFactory, DetectorName, SpeechDetector
from anyrealtime.simulator._echo import Echo
from anyrealtime.simulator._expectations import Expect, ScriptMismatch
from anyrealtime.simulator._fault_text import parse_fault
from anyrealtime.simulator._interpreter import (
    Interpreter,
    Translation,
    TranslationFrame,
    default_interpreter,
)
from anyrealtime.simulator._journal import Frame
from anyrealtime.simulator._mcp import McpFailure, McpServers, RemoteTool
from anyrealtime.simulator._model import (
    ContentFiltered,
    FunctionCallRequest,
    McpCallRequest,
    Model,
    ModelFailure,
    ModelRequest,
    NewMessage,
    Said,
    Thought,
    Transcript,
)
from anyrealtime.simulator._options import SimulatorOptions
from anyrealtime.simulator._recognition import Recogniser, RecogniserName
from anyrealtime.simulator._recording import (
    RecordedClose,
    RecordedFrame,
    RecordedSession,
    RecordingError,
    read_recording,
)
from anyrealtime.simulator._replay import Replay
from anyrealtime.simulator._script import Scripted, Turn
from anyrealtime.simulator._server import Simulator, open_simulator
from anyrealtime.simulator._socket import Socket, SocketMessage
from anyrealtime.simulator._speech import speak
from anyrealtime.simulator._talker import default_model
from anyrealtime.simulator._voices import Voice, VoiceName
from anyrealtime.simulator._watch import Notice, Watch

__all__ = [
    "ContentFiltered",
    "DetectorFactory",
    "DetectorName",
    "Dialect",
    "Echo",
    "Expect",
    "Frame",
    "FunctionCallRequest",
    "Interpreter",
    "McpCallRequest",
    "McpFailure",
    "McpServers",
    "Model",
    "ModelFailure",
    "ModelRequest",
    "NewMessage",
    "Notice",
    "Recogniser",
    "RecogniserName",
    "RecordedClose",
    "RecordedFrame",
    "RecordedSession",
    "RecordingError",
    "RemoteTool",
    "Replay",
    "Said",
    "ScriptMismatch",
    "Scripted",
    "SimulatedConnection",
    "Simulator",
    "SimulatorOptions",
    "Socket",
    "SocketMessage",
    "SpeechDetector",
    "Thought",
    "Transcript",
    "Translation",
    "TranslationFrame",
    "Turn",
    "Voice",
    "VoiceName",
    "Watch",
    "default_interpreter",
    "default_model",
    "faults",
    "open_simulator",
    "parse_fault",
    "read_recording",
    "speak",
]
