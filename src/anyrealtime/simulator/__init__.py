"""A Realtime server that runs offline: the protocol's rules are real, the model is not.

    async with open_simulator() as simulator:
        ...  # point any Realtime client at simulator.url

The way of an event, from file to file:

    in     socket → _websocket.py (bytes → message) → _connection.py → _rules/_rulebook.py (whose
           business it is) → _rules/_session_commands.py, _input_buffer.py, _item_commands.py,
           _response_commands.py, _translation.py (what is legal, what is answered)
    out    → _rules/_beta.py, where that is spoken → _connection.py → _websocket.py → socket
    later  what takes time is an effect (_rules/_effects.py): _driving.py carries it out, and
           _answering.py lets a model answer, piece by piece, into _rules/_responses.py

    _rules/    what the protocol says, sans-I/O: grammar, sessions, items, responses, turns
    _models/   who answers: the seam, the default talker, Scripted, Echo, Replay
    _sound/    voices, recognisers, detectors of speech, interpreters
    _faults/   what goes wrong on demand; declared in faults.py

This package takes no rule from the client's side: `_protocol`, `_runtime` and `_transport` are
not imported here.
"""

from anyrealtime.simulator import faults
from anyrealtime.simulator._connection import SimulatedConnection
from anyrealtime.simulator._faults._text import parse_fault
from anyrealtime.simulator._journal import Frame
from anyrealtime.simulator._models._echo import Echo
from anyrealtime.simulator._models._expectations import Expect, ScriptMismatch
from anyrealtime.simulator._models._model import (
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
from anyrealtime.simulator._models._recording import (
    RecordedClose,
    RecordedFrame,
    RecordedSession,
    RecordingError,
    read_recording,
)
from anyrealtime.simulator._models._replay import Replay
from anyrealtime.simulator._models._script import Scripted, Turn
from anyrealtime.simulator._models._talker import default_model
from anyrealtime.simulator._options import SimulatorOptions
from anyrealtime.simulator._rules._admission import Dialect
from anyrealtime.simulator._rules._remote_tools import McpFailure, McpServers, RemoteTool
from anyrealtime.simulator._server import Simulator, open_simulator
from anyrealtime.simulator._socket import Socket, SocketMessage
from anyrealtime.simulator._sound._detectors import DetectorFactory, DetectorName, SpeechDetector
from anyrealtime.simulator._sound._interpreter import (
    Interpreter,
    Translation,
    TranslationFrame,
    default_interpreter,
)
from anyrealtime.simulator._sound._recognition import Recogniser, RecogniserName
from anyrealtime.simulator._sound._speech import speak
from anyrealtime.simulator._sound._voices import Voice, VoiceName
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
