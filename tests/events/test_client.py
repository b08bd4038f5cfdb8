"""Commands, byte for byte: a field that was not given is not sent."""

from __future__ import annotations

import pytest

from anyrealtime.events import (
    ClientEvent,
    ConversationItemCreate,
    ConversationItemDelete,
    ConversationItemRetrieve,
    ConversationItemTruncate,
    InputAudioBufferAppend,
    InputAudioBufferClear,
    InputAudioBufferCommit,
    InvalidEvent,
    ItemReference,
    OutputAudioBufferClear,
    ResponseCancel,
    decode_client,
    encode,
)


@pytest.mark.parametrize(
    ("event", "frame"),
    [
        (
            InputAudioBufferAppend(event_id="e", audio=b"\x00"),
            b'{"type":"input_audio_buffer.append","event_id":"e","audio":"AA=="}',
        ),
        (InputAudioBufferCommit(), b'{"type":"input_audio_buffer.commit"}'),
        (InputAudioBufferClear(), b'{"type":"input_audio_buffer.clear"}'),
        (OutputAudioBufferClear(), b'{"type":"output_audio_buffer.clear"}'),
        (
            ConversationItemTruncate(item_id="i", content_index=0, audio_end_ms=0),
            b'{"type":"conversation.item.truncate","item_id":"i","content_index":0,"audio_end_ms":0}',
        ),
        (
            ConversationItemRetrieve(item_id="i"),
            b'{"type":"conversation.item.retrieve","item_id":"i"}',
        ),
        (
            ConversationItemDelete(item_id="i"),
            b'{"type":"conversation.item.delete","item_id":"i"}',
        ),
        (ResponseCancel(), b'{"type":"response.cancel"}'),
        (ResponseCancel(response_id="r"), b'{"type":"response.cancel","response_id":"r"}'),
        (
            ConversationItemCreate(item=ItemReference(id="i"), previous_item_id="root"),
            b'{"type":"conversation.item.create","item":{"type":"item_reference","id":"i"},"previous_item_id":"root"}',
        ),
    ],
    ids=lambda case: getattr(case, "type", ""),
)
def test_on_the_wire(event: ClientEvent, frame: bytes) -> None:
    assert encode(event) == frame
    assert decode_client(frame) == event


@pytest.mark.parametrize(
    "frame",
    [
        b'{"type":"input_audio_buffer.append"}',
        b'{"type":"input_audio_buffer.append","audio":"not base64!"}',
        b'{"type":"conversation.item.create"}',
        b'{"type":"conversation.item.truncate","item_id":"i","content_index":0}',
        b'{"type":"session.update"}',
        b'{"type":"response.create","response":"now"}',
    ],
)
def test_a_command_without_its_payload(frame: bytes) -> None:
    assert isinstance(decode_client(frame), InvalidEvent)
