"""What is said to aimock, of either version: turns of text and speech, and what comes back."""

from __future__ import annotations

from anyrealtime import Connection
from anyrealtime.events import (
    AudioConfig,
    AudioInput,
    AudioTranscription,
    ConversationItemCreate,
    ConversationItemInputAudioTranscriptionCompleted,
    FunctionTool,
    InputAudioBufferAppend,
    InputAudioBufferCommit,
    InputAudioBufferCommitted,
    InputText,
    Message,
    ResponseCreate,
    ResponseDone,
    ResponseOutputTextDelta,
    ServerEvent,
    ServerVad,
    Session,
    TranscriptionSession,
)
from anyrealtime.simulator import speak
from interop.transports import TransportName, connect, kinds, receive_until

HELLO = "Hello there! How can I help you today?"
WEATHER = FunctionTool(
    name="get_weather",
    description="The weather of a city.",
    parameters={"type": "object", "properties": {"city": {"type": "string"}}},
)
OPENING = ["session.created", "session.updated"]
TEXT_TURN = [
    "response.created",
    "response.output_item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
    "conversation.item.done",
    "response.done",
]


async def say(connection: Connection, text: str, item_id: str | None = None) -> None:
    """Send a user's message."""
    item = Message(id=item_id, role="user", content=[InputText(text=text)])
    await connection.send(ConversationItemCreate(item=item))


async def ask(connection: Connection, text: str) -> tuple[list[ServerEvent], ResponseDone]:
    """Send a user's message and receive up to the end of the response to it."""
    await say(connection, text)
    await connection.send(ResponseCreate())
    return await receive_until(connection, ResponseDone)


def speech() -> list[bytes]:
    """Somebody says something and is silent then, in pieces of 100 ms."""
    sound = speak("What is the weather like in Paris today") + bytes(72_000)
    return [sound[at : at + 4800] for at in range(0, len(sound), 4800)]


def text_of(events: list[ServerEvent]) -> str:
    """What the deltas say together."""
    return "".join(event.delta for event in events if isinstance(event, ResponseOutputTextDelta))


async def transcribe(base_url: str, transport: TransportName) -> None:
    """Commit audio in a transcription session and receive what was said."""
    session = TranscriptionSession(
        audio=AudioConfig(input=AudioInput(transcription=AudioTranscription(model="whisper-1")))
    )
    async with connect(base_url, transport, session=session, intent="transcription") as connection:
        assert isinstance(connection.session.current, TranscriptionSession)
        await connection.send(InputAudioBufferAppend(audio=bytes(4800)))
        await connection.send(InputAudioBufferCommit())
        events, completed = await receive_until(
            connection, ConversationItemInputAudioTranscriptionCompleted
        )
        assert completed.transcript == "good morning"
        [committed] = [event for event in events if isinstance(event, InputAudioBufferCommitted)]
        assert not committed.item_id  # aimock leaves it out


async def speak_over(base_url: str, transport: TransportName) -> None:
    """Speak while the answer comes: what is appended is not listened to."""
    detect = Session(audio=AudioConfig(input=AudioInput(turn_detection=ServerVad())))
    async with connect(base_url, transport, session=detect) as connection:
        await say(connection, "slowly")
        await connection.send(ResponseCreate())
        await receive_until(connection, ResponseOutputTextDelta)
        for piece in speech():
            await connection.send(InputAudioBufferAppend(audio=piece))
        events, done = await receive_until(connection, ResponseDone)
        assert done.response.status == "completed"
        assert "input_audio_buffer.speech_started" not in kinds(events)
