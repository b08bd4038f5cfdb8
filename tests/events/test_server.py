"""Server events: what may be missing, and what may not."""

from __future__ import annotations

import msgspec
import pytest

from anyrealtime.events import (
    SERVER_EVENTS,
    ConversationItemAdded,
    ConversationItemCreated,
    InputAudioBufferDtmfEventReceived,
    InvalidEvent,
    decode_server,
)
from tests.events.frames import frame

# An event that lacks this says nothing at all.
PAYLOADS = {"item", "response", "session", "conversation", "error", "rate_limits", "delta"}


@pytest.mark.parametrize(("tag", "kind"), sorted(SERVER_EVENTS.items()))
def test_only_the_payload_is_required(tag: str, kind: type[msgspec.Struct]) -> None:
    required = {field.name for field in msgspec.structs.fields(kind) if field.required}
    assert required <= PAYLOADS
    bare = decode_server(frame({"type": tag}))
    assert isinstance(bare, InvalidEvent if required else kind)


@pytest.mark.parametrize(("tag", "kind"), sorted(SERVER_EVENTS.items()))
def test_all_the_rest_may_be_null(tag: str, kind: type[msgspec.Struct]) -> None:
    payloads: dict[str, object] = {"delta": "AAAA", "rate_limits": []}
    tree = {
        field.name: payloads.get(field.name, {}) if field.required else None
        for field in msgspec.structs.fields(kind)
    }
    assert type(decode_server(frame({**tree, "type": tag}))) is kind


def test_the_event_without_an_id() -> None:
    event = decode_server(
        b'{"type":"input_audio_buffer.dtmf_event_received","event":"9","received_at":1}'
    )
    assert event == InputAudioBufferDtmfEventReceived(event="9", received_at=1)
    assert event.event_id is None


def test_one_match_serves_both_names_of_an_added_item() -> None:
    assert issubclass(ConversationItemCreated, ConversationItemAdded)
