"""What a client sends: the eleven commands of GA. The beta's and translation's are in their files.

A field that was not set is left away on the wire, `event_id` included.
"""

from __future__ import annotations

from anyrealtime.events._base import Event
from anyrealtime.events.items import Item
from anyrealtime.events.response import ResponseCreateParams
from anyrealtime.events.session import AnySession


class SessionUpdate(Event, tag="session.update", frozen=True, kw_only=True, omit_defaults=True):
    """Change the session; what is absent stays. Answered by SessionUpdated."""

    session: AnySession


class InputAudioBufferAppend(
    Event, tag="input_audio_buffer.append", frozen=True, kw_only=True, omit_defaults=True, gc=False
):
    """Add audio, in the session's input format, to the buffer. Not answered."""

    audio: bytes


class InputAudioBufferCommit(
    Event, tag="input_audio_buffer.commit", frozen=True, kw_only=True, omit_defaults=True, gc=False
):
    """Make a user message of the buffer. Answered by InputAudioBufferCommitted."""


class InputAudioBufferClear(
    Event, tag="input_audio_buffer.clear", frozen=True, kw_only=True, omit_defaults=True, gc=False
):
    """Throw the buffer away. Answered by InputAudioBufferCleared."""


class OutputAudioBufferClear(
    Event, tag="output_audio_buffer.clear", frozen=True, kw_only=True, omit_defaults=True, gc=False
):
    """Stop what the server is playing (WebRTC and SIP). Answered by OutputAudioBufferCleared."""


class ConversationItemCreate(
    Event, tag="conversation.item.create", frozen=True, kw_only=True, omit_defaults=True
):
    """Add an item. Answered by ConversationItemAdded.

    Attributes:
        previous_item_id: after which item; "root" for the beginning, None for the end.
    """

    item: Item
    previous_item_id: str | None = None


class ConversationItemRetrieve(
    Event,
    tag="conversation.item.retrieve",
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    gc=False,
):
    """Ask for an item as the server has it, audio included. Answered by ConversationItemRetrieved."""

    item_id: str


class ConversationItemTruncate(
    Event,
    tag="conversation.item.truncate",
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    gc=False,
):
    """Forget what of the assistant's audio was not heard. Answered by ConversationItemTruncated.

    Attributes:
        audio_end_ms: how much was heard, from the beginning of the part.
    """

    item_id: str
    content_index: int
    audio_end_ms: int


class ConversationItemDelete(
    Event,
    tag="conversation.item.delete",
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    gc=False,
):
    """Take an item out of the conversation. Answered by ConversationItemDeleted."""

    item_id: str


class ResponseCreate(Event, tag="response.create", frozen=True, kw_only=True, omit_defaults=True):
    """Ask for a response. Answered by ResponseCreated, and in the end by ResponseDone."""

    response: ResponseCreateParams | None = None


class ResponseCancel(
    Event, tag="response.cancel", frozen=True, kw_only=True, omit_defaults=True, gc=False
):
    """Stop a response: the one named, or the one under way. Answered by its ResponseDone."""

    response_id: str | None = None
