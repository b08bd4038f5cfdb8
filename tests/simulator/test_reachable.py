"""Nothing of the protocol is out of reach: how the simulator is made to send each server event,
and that it acts on each client event. Every payload is held against its published schema.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import partial
from typing import TypeAlias

import pytest

from anyrealtime.events import CLIENT_EVENTS, SERVER_EVENTS
from anyrealtime.simulator._rules._remote_tools import McpFailure, RemoteTool
from anyrealtime.simulator._rules._session import Kind
from tests.simulator.driver import Driver, call, finish, mcp_call
from tests.simulator.schemas import PROTOCOL, Dialect, Json, Schema, validators
from tests.simulator.sounds import silence, tone

Scenario: TypeAlias = Callable[[Dialect], list[Json]]

TEXT: Json = {"modalities": ["text"]}
TRANSCRIPTION = "conversation.item.input_audio_transcription"
DOCS = {"docs": [RemoteTool(name="search", call=lambda _: "found")]}
WORD: Json = {
    "type": "message",
    "role": "user",
    "content": [{"type": "input_text", "text": "Hi"}],
}


def session(driver: Driver, ga: Json, beta: Json) -> list[Json]:
    """Update the session in the words of its dialect."""
    if driver.rules.opening.beta:
        return driver.tell("session.update", session=beta)
    return driver.tell("session.update", session={"type": "realtime", **ga})


def mute(driver: Driver) -> None:
    """Have answers written instead of spoken."""
    session(driver, {"output_modalities": ["text"]}, {"modalities": ["text"]})


# What a client does, and what it is told


def opened(dialect: Dialect) -> list[Json]:
    driver = Driver(dialect=dialect, extras=True)
    return driver.opening + session(driver, {}, {})


def opened_to_transcribe(_: Dialect) -> list[Json]:
    driver = Driver(dialect="beta", kind="transcription")
    return driver.opening + driver.tell("transcription_session.update", session={})


def mistaken(dialect: Dialect) -> list[Json]:
    return Driver(dialect=dialect).tell("nonsense")


def items(dialect: Dialect) -> list[Json]:
    driver = Driver(dialect=dialect)
    events = driver.tell("conversation.item.create", item={"id": "mine", **WORD})
    events += driver.tell("conversation.item.retrieve", item_id="mine")
    return events + driver.tell("conversation.item.delete", item_id="mine")


def spoken(dialect: Dialect) -> list[Json]:
    driver = Driver(dialect=dialect)
    events = driver.answer("Hello there.")
    [response] = [event["response"] for event in events if event["type"] == "response.done"]
    item_id = response["output"][0]["id"]
    return events + driver.tell(
        "conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=10
    )


def written(dialect: Dialect) -> list[Json]:
    driver = Driver(dialect=dialect)
    mute(driver)
    return driver.answer("Hello there.")


def function_called(dialect: Dialect) -> list[Json]:
    driver = Driver(dialect=dialect)
    run, events = driver.start()
    finish(call(run, "look", '{"at": 1}'))
    run.complete()
    return events + driver.take()


def server_called(_: Dialect, outcome: str | McpFailure, *, label: str = "docs") -> list[Json]:
    driver = Driver(servers=DOCS)
    tool = {"type": "mcp", "server_label": label, "require_approval": "never"}
    events = driver.tell("session.update", session={"type": "realtime", "tools": [tool]})
    run, started = driver.start()
    mcp_call(run, label, "search", '{"q": 1}')
    run.complete()
    events += started + driver.take()
    for effect in driver.tool_calls:
        driver.rules.mcp.finish(effect.call, outcome)
    return events + driver.take()


def heard(dialect: Dialect, *, model: str = "gpt-4o-transcribe") -> list[Json]:
    driver = Driver(dialect=dialect)
    driver.words = "One. Two."
    audio = {"input": {"transcription": {"model": model}}}
    session(driver, {"audio": audio}, {"input_audio_transcription": {"model": model}})
    return driver.hear(silence(500) + tone(500) + silence(500))


def misheard(dialect: Dialect) -> list[Json]:
    driver = Driver(dialect=dialect)
    audio = driver.hear(silence(500) + tone(500) + silence(500))
    [added] = [event for event in audio if event["type"] == "input_audio_buffer.committed"]
    entry = driver.started[-1].context[-1]
    assert entry.id == added["item_id"]
    driver.rules.transcription.failed(entry, "server_error", None, "It was too loud.")
    return driver.take()


def cleared(dialect: Dialect) -> list[Json]:
    return Driver(dialect=dialect).tell("input_audio_buffer.clear")


def silent(_: Dialect) -> list[Json]:
    driver = Driver()
    detection = {"type": "server_vad", "idle_timeout_ms": 5_000}
    audio = {"input": {"turn_detection": detection}}
    driver.tell("session.update", session={"type": "realtime", "audio": audio})
    driver.answer("Hello.")
    driver.ring()
    driver.hear(silence(6_000))
    return driver.ring()


def watched(dialect: Dialect) -> list[Json]:
    driver = Driver(dialect=dialect, sideband=True)
    return driver.answer("Hello.") + driver.tell("output_audio_buffer.clear")


def key_pressed(_: Dialect) -> list[Json]:
    driver = Driver(sideband=True)
    driver.rules.press("5", 1_700_000_000)
    return driver.take()


def translated(_: Dialect) -> list[Json]:
    driver = Driver(kind="translation")
    audio = {"input": {"transcription": {"model": "m"}}}
    events = driver.opening + driver.tell("session.update", session={"audio": audio})
    sound = base64.b64encode(tone(200)).decode()
    events += driver.tell("session.input_audio_buffer.append", audio=sound)
    return events + driver.tell("session.close") + driver.tell("nonsense")


COMMON: dict[str, Scenario] = {
    "error": mistaken,
    "session.created": opened,
    "session.updated": opened,
    "conversation.created": opened,
    "conversation.item.retrieved": items,
    "conversation.item.deleted": items,
    "conversation.item.truncated": spoken,
    f"{TRANSCRIPTION}.delta": heard,
    f"{TRANSCRIPTION}.completed": heard,
    f"{TRANSCRIPTION}.failed": misheard,
    "input_audio_buffer.committed": heard,
    "input_audio_buffer.cleared": cleared,
    "input_audio_buffer.speech_started": heard,
    "input_audio_buffer.speech_stopped": heard,
    "output_audio_buffer.started": watched,
    "output_audio_buffer.stopped": watched,
    "output_audio_buffer.cleared": watched,
    "response.created": spoken,
    "response.done": spoken,
    "response.output_item.added": spoken,
    "response.output_item.done": spoken,
    "response.content_part.added": spoken,
    "response.content_part.done": spoken,
    "response.function_call_arguments.delta": function_called,
    "response.function_call_arguments.done": function_called,
    "rate_limits.updated": spoken,
}
REACHED: dict[Schema, dict[str, Scenario]] = {
    "ga": {
        **COMMON,
        "conversation.item.added": items,
        "conversation.item.done": items,
        f"{TRANSCRIPTION}.segment": partial(heard, model="gpt-4o-transcribe-diarize"),
        "input_audio_buffer.timeout_triggered": silent,
        "input_audio_buffer.dtmf_event_received": key_pressed,
        "response.output_text.delta": written,
        "response.output_text.done": written,
        "response.output_audio.delta": spoken,
        "response.output_audio.done": spoken,
        "response.output_audio_transcript.delta": spoken,
        "response.output_audio_transcript.done": spoken,
        "mcp_list_tools.in_progress": partial(server_called, outcome="found"),
        "mcp_list_tools.completed": partial(server_called, outcome="found"),
        "mcp_list_tools.failed": partial(server_called, outcome="", label="nowhere"),
        "response.mcp_call_arguments.delta": partial(server_called, outcome="found"),
        "response.mcp_call_arguments.done": partial(server_called, outcome="found"),
        "response.mcp_call.in_progress": partial(server_called, outcome="found"),
        "response.mcp_call.completed": partial(server_called, outcome="found"),
        "response.mcp_call.failed": partial(server_called, outcome=McpFailure("gone")),
    },
    "beta": {
        **COMMON,
        "conversation.item.created": items,
        "response.text.delta": written,
        "response.text.done": written,
        "response.audio.delta": spoken,
        "response.audio.done": spoken,
        "response.audio_transcript.delta": spoken,
        "response.audio_transcript.done": spoken,
        "transcription_session.created": opened_to_transcribe,
        "transcription_session.updated": opened_to_transcribe,
    },
    "ga_translation": dict.fromkeys(
        [
            "error",
            "session.created",
            "session.updated",
            "session.closed",
            "session.input_transcript.delta",
            "session.output_transcript.delta",
            "session.output_audio.delta",
        ],
        translated,
    ),
}
# One that only another vendor sends: `SimulatedConnection.send` does, whatever it is.
VENDORS = {f"{TRANSCRIPTION}.updated"}
# GA declares it for compatibility and no service was seen to send it there.
UNSENT = {"conversation.item.created"}


@pytest.mark.parametrize(
    ("schema", "kind"), [(schema, kind) for schema in REACHED for kind in REACHED[schema]]
)
def test_every_server_event_is_reachable(schema: Schema, kind: str) -> None:
    events = REACHED[schema][kind]("beta" if schema == "beta" else "ga")
    assert kind in {event["type"] for event in events}


def test_no_event_of_the_vocabulary_was_forgotten() -> None:
    reached = {kind for known in REACHED.values() for kind in known}
    assert reached == set(SERVER_EVENTS) - VENDORS


@pytest.mark.skipif(not PROTOCOL.exists(), reason="no schemas at hand")
@pytest.mark.parametrize("schema", REACHED)
def test_no_event_of_a_schema_was_forgotten(schema: Schema) -> None:
    unsent: set[str] = UNSENT if schema == "ga" else set()
    later: set[str] = {"transcription_session.created"} if schema == "beta" else set()
    assert set(REACHED[schema]) == set(validators(schema)) - unsent | later


# What a client may send, where, and what it is answered first


def fields_of(kind: str, driver: Driver) -> Json:
    """What a client event says in a session that has seen something."""
    sound = base64.b64encode(tone(200)).decode()
    if kind.endswith("append"):
        return {"audio": sound}
    if kind.endswith("session.update"):
        return {"session": {"type": "realtime"} if kind == "session.update" else {}}
    match kind:
        case "conversation.item.create":
            return {"item": WORD}
        case "conversation.item.retrieve" | "conversation.item.delete":
            return {"item_id": driver.say("Hi")["id"]}
        case "conversation.item.truncate":
            [added] = [
                event for event in driver.answer("Hi.") if "output_item.added" in event["type"]
            ]
            return {"item_id": added["item"]["id"], "content_index": 0, "audio_end_ms": 10}
        case "input_audio_buffer.commit":
            driver.hear(silence(200))
        case "response.cancel":
            driver.start()
        case _:
            pass
    return {}


ANSWERS: list[tuple[str, Callable[[], Driver], str]] = [
    ("session.update", Driver, "session.updated"),
    (
        "transcription_session.update",
        partial(Driver, dialect="beta", kind="transcription"),
        "transcription_session.updated",
    ),
    ("input_audio_buffer.append", Driver, "input_audio_buffer.speech_started"),
    ("input_audio_buffer.commit", Driver, "input_audio_buffer.committed"),
    ("input_audio_buffer.clear", Driver, "input_audio_buffer.cleared"),
    ("output_audio_buffer.clear", partial(Driver, sideband=True), "output_audio_buffer.cleared"),
    ("conversation.item.create", Driver, "conversation.item.added"),
    ("conversation.item.retrieve", Driver, "conversation.item.retrieved"),
    ("conversation.item.truncate", Driver, "conversation.item.truncated"),
    ("conversation.item.delete", Driver, "conversation.item.deleted"),
    ("response.create", Driver, "response.created"),
    ("response.cancel", Driver, "response.done"),
    (
        "session.input_audio_buffer.append",
        partial(Driver, kind="translation"),
        "session.output_transcript.delta",
    ),
    ("session.close", partial(Driver, kind="translation"), "session.closed"),
]


@pytest.mark.parametrize(
    ("kind", "open_session", "answer"), ANSWERS, ids=[kind for kind, _, _ in ANSWERS]
)
def test_every_client_event_is_handled(
    kind: str, open_session: Callable[[], Driver], answer: str
) -> None:
    driver = open_session()
    events = driver.tell(kind, **fields_of(kind, driver))
    assert events[0]["type"] == answer


def test_no_client_event_was_forgotten() -> None:
    assert {kind for kind, _, _ in ANSWERS} == set(CLIENT_EVENTS)


@pytest.mark.parametrize("kind", sorted(CLIENT_EVENTS))
@pytest.mark.parametrize("where", ["conversation", "transcription", "translation"])
def test_what_has_no_place_in_a_session_is_refused_as_such(kind: str, where: Kind) -> None:
    driver = Driver(kind=where)
    answers = driver.tell(kind, event_id="evt_1")
    errors = [event["error"] for event in answers if event["type"] == "error"]
    misplaced = any(error["param"] == "type" for error in errors)
    assert misplaced == (kind not in PLACES[where])


LISTENING = {kind for kind in CLIENT_EVENTS if kind.startswith(("conversation.", "input_audio_"))}
PLACES: dict[Kind, set[str]] = {
    "conversation": {"session.update", "response.create", "response.cancel"} | LISTENING,
    "transcription": {"session.update"} | LISTENING,
    "translation": {"session.update", "session.input_audio_buffer.append", "session.close"},
}
