"""What a client event is given before it leaves."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from anyrealtime import ConfigurationError
from anyrealtime._protocol._answers import TAG, item_id
from anyrealtime._protocol._commands import Commands
from anyrealtime.events import (
    ClientEvent,
    ConversationItemCreate,
    InputAudioBufferAppend,
    Message,
    Response,
    ResponseCreate,
    ResponseCreateParams,
    ResponseDone,
    UnknownEvent,
    UnknownObject,
)


def test_an_event_is_given_an_id_and_keeps_its_own() -> None:
    commands = Commands("x", "ga")
    assert commands.prepare(ResponseCreate()).event_id == "evt_x_1"
    assert commands.prepare(ResponseCreate()).event_id == "evt_x_2"
    assert commands.prepare(ResponseCreate(event_id="mine")).event_id == "mine"


def test_a_vendors_own_event_is_sent_as_it_is() -> None:
    event = UnknownEvent("vendor.event", b'{"type":"vendor.event"}')
    assert Commands("x", "beta").prepare(event) is event


@pytest.mark.parametrize("wrong", [ResponseDone(response=Response()), {}])
def test_what_is_no_client_event_is_refused(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"not {type(wrong).__name__}"):
        Commands("x", "ga").prepare(wrong)


def test_each_event_is_shown_as_the_program_means_it_but_for_audio() -> None:
    shown: list[ClientEvent] = []
    commands = Commands("x", "beta", shown.append)
    commands.prepare(InputAudioBufferAppend(audio=b"\0\0"))
    params = ResponseCreateParams(output_modalities=["text"])
    sent = commands.prepare(ResponseCreate(response=params))
    assert shown == [ResponseCreate(event_id="evt_x_2", response=params)]
    assert sent != shown[0]  # in the beta's words


@pytest.mark.parametrize(
    "item", [Message(role="user"), UnknownObject({"type": "vendor", "by": "them"})]
)
def test_an_item_that_is_waited_for_gets_a_name_of_ours(item: Any) -> None:
    event = Commands("x", "ga").prepare_request(ConversationItemCreate(item=item))
    assert isinstance(event, ConversationItemCreate)
    assert item_id(event.item) == "item_x_1"
    if isinstance(item, UnknownObject):
        assert event.item == UnknownObject({"type": "vendor", "by": "them", "id": "item_x_1"})
    else:
        assert event.item == replace(item, id="item_x_1")


@pytest.mark.parametrize(
    "item", [Message(id="mine", role="user"), UnknownObject({"type": "vendor", "id": "mine"})]
)
def test_an_item_keeps_the_name_it_has(item: Any) -> None:
    event = Commands("x", "ga").prepare_request(ConversationItemCreate(item=item))
    assert isinstance(event, ConversationItemCreate)
    assert event.item == item


@pytest.mark.parametrize(
    ("params", "kept"),
    [
        (None, {}),
        (ResponseCreateParams(), {}),
        (ResponseCreateParams(metadata=None), {}),
        (ResponseCreateParams(metadata={"theirs": "x", TAG: "of another response"}), {"theirs": "x"}),
    ],
)  # fmt: skip
def test_a_response_that_is_waited_for_carries_a_tag(
    params: ResponseCreateParams | None, kept: dict[str, str]
) -> None:
    event = Commands("x", "ga").prepare_request(ResponseCreate(response=params))
    assert isinstance(event, ResponseCreate)
    assert event.response is not None
    assert event.response.metadata == {**kept, TAG: "tag_x_1"}


def test_ids_fit_what_servers_take() -> None:
    commands = Commands("0123abcd", "ga")
    ids = [commands.new_id("item") for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert max(map(len, ids)) <= 32
