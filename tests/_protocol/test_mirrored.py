"""What the items of the mirror say: growing, finished, heard, retrieved, truncated."""

from __future__ import annotations

import pytest

from anyrealtime._protocol._changes import (
    ItemAdded,
    ItemChanged,
    ItemDelta,
    ItemDone,
    ItemTruncated,
)
from anyrealtime.events import (
    Audio,
    FunctionCall,
    InputAudio,
    McpCall,
    McpListTools,
    Message,
    OutputAudio,
    OutputText,
    Text,
    UnknownObject,
)
from tests._protocol.mirrors import (
    HEARD,
    Played,
    calling,
    delta,
    made,
    making,
    response,
    spoken,
    user,
)
from tests._protocol.recorded import Tree


@pytest.fixture
def played() -> Played:
    return Played()


# What the model makes


def test_text_grows(played: Played) -> None:
    played.added(making("a"))
    assert played("response.output_text.delta", **delta("a", "He")) == [ItemDelta("a", 0, "He")]
    played("response.output_text.delta", **delta("a", "llo"))
    played("response.output_audio_transcript.delta", **delta("a", "spoken", 1))
    assert played.content() == [OutputText(text="Hello"), OutputAudio(transcript="spoken")]


def test_the_beta_has_its_own_parts(played: Played) -> None:
    played("conversation.item.created", item=making("a"))
    played("response.text.delta", **delta("a", "He"))
    played("response.audio_transcript.delta", **delta("a", "Hi", 1))
    assert played.content() == [Text(text="He"), Audio(transcript="Hi")]


def test_a_part_that_is_there_is_filled(played: Played) -> None:
    played.added(making("a") | {"content": [{"type": "text", "text": ""}, {"type": "odd"}]})
    played("response.output_text.delta", **delta("a", "He"))
    played("response.output_text.delta", **delta("a", "lost", 1))
    played("response.output_text.delta", **delta("a", "far", 10**9))
    played("response.output_text.delta", **delta("a", "before", -1))
    assert played.content() == [
        Text(text="He"),
        UnknownObject(type="odd"),
        OutputText(text="before"),
        OutputText(text="far"),
    ]


def test_two_items_at_once_do_not_mix(played: Played) -> None:
    played.added(making("a"))
    played.added(calling("b", name="f", call_id="c"), "a")
    for piece in ("one ", "two"):
        played("response.output_text.delta", **delta("a", piece))
        played("response.function_call_arguments.delta", item_id="b", delta=piece)
    text, call = played.mirror.items
    assert isinstance(text, Message)
    assert text.content == [OutputText(text="one two")]
    assert isinstance(call, FunctionCall)
    assert call.arguments == "one two"


def test_the_whole_text_replaces_the_pieces(played: Played) -> None:
    played.added(making("a"))
    played("response.output_text.delta", **delta("a", "Helo"))
    done = {"item_id": "a", "content_index": 0, "text": "Hello"}
    (changed,) = played("response.output_text.done", **done)
    assert changed == ItemChanged(played.only())
    assert played("response.output_text.done", **done) == []
    assert played("response.output_text.delta", **delta("a", " late")) == []
    assert played.content() == [OutputText(text="Hello")]


def test_a_whole_text_that_says_nothing_new_changes_nothing(played: Played) -> None:
    played.added(making("a"))
    played("response.output_text.delta", **delta("a", "Hello"))
    assert played("response.output_text.done", item_id="a", text="Hello") == []
    played("response.output_audio_transcript.delta", **delta("a", "Hi", 1))
    assert played("response.output_audio_transcript.done", item_id="a", content_index=1) == []
    assert played.content() == [OutputText(text="Hello"), OutputAudio(transcript="Hi")]


def test_the_whole_text_alone_is_enough(played: Played) -> None:
    played.added(making("a"))
    played("response.audio_transcript.done", item_id="a", content_index=0, transcript="Hi")
    assert played.content() == [Audio(transcript="Hi")]


def test_the_finished_item_is_the_last_word(played: Played) -> None:
    played.added(making("a"))
    played("response.output_audio_transcript.delta", **delta("a", "Helo"))
    final = made("a", {"type": "output_audio", "transcript": "Hello."})
    (done,) = played("conversation.item.done", item=final)
    assert done == ItemDone(played.only())
    assert played("response.output_item.done", item=final) == []
    assert played("response.done", **response(final, conversation_id="conv_1")) == []
    for late in ("response.output_audio_transcript.delta", "response.output_text.delta"):
        assert played(late, **delta("a", "late")) == []
    assert played("response.output_audio_transcript.done", item_id="a", transcript="late") == []
    assert played.content() == [OutputAudio(transcript="Hello.")]


def test_a_finished_item_without_contents_keeps_what_came(played: Played) -> None:
    # xAI: only `response.done` says it all
    played.added(making("a"))
    played("response.output_audio_transcript.delta", **delta("a", "Hello"))
    bare: Tree = {"id": "a", "type": "message", "role": "assistant", "status": "completed"}
    (done,) = played("response.output_item.done", item=bare)
    assert done == ItemDone(
        Message(
            id="a", role="assistant", status="completed", content=[OutputAudio(transcript="Hello")]
        )
    )
    whole = made("a", {"type": "audio", "transcript": "Hello"})
    assert played("response.done", **response(whole)) == [ItemChanged(played.only())]
    assert played.content() == [Audio(transcript="Hello")]


def test_contents_told_early_are_not_lost_at_the_end(played: Played) -> None:
    played.added(making("a") | {"content": [{"type": "output_text", "text": "Hello"}]})
    played("response.output_item.done", item=made("a"))
    assert played.content() == [OutputText(text="Hello")]
    played.added(calling("b", call_id="c", name="f", arguments="{}"))
    played("response.output_item.done", item=calling("b", status="completed"))
    assert played.mirror.get("b") == FunctionCall(
        id="b", status="completed", call_id="c", name="f", arguments="{}"
    )


def test_a_part_left_empty_at_the_end_keeps_what_came(played: Played) -> None:
    played.added(making("a"))
    played("response.output_text.delta", **delta("a", "Hello"))
    played("conversation.item.done", item=made("a", {"type": "output_text", "text": ""}))
    played("response.output_text.delta", **delta("a", "again"))
    assert played.content() == [OutputText(text="Hello")]


def test_a_cut_off_item_says_so(played: Played) -> None:
    played.added(making("a"))
    played("response.output_text.delta", **delta("a", "Hel"))
    played("response.output_item.done", item=made("a", status="incomplete"))
    item = played.only()
    assert isinstance(item, Message)
    assert (item.status, item.content) == ("incomplete", [OutputText(text="Hel")])


def test_the_arguments_of_a_call(played: Played) -> None:
    played.added(calling("a"))
    arguments = {"item_id": "a", "delta": '{"x":'}
    assert played("response.function_call_arguments.delta", **arguments) == [
        ItemDelta("a", None, '{"x":')
    ]
    done = {"item_id": "a", "call_id": "c", "name": "f", "arguments": '{"x": 1}'}
    assert played("response.function_call_arguments.done", **done) == [ItemChanged(played.only())]
    assert played("response.function_call_arguments.delta", **arguments) == []
    call = FunctionCall(id="a", status="in_progress", call_id="c", name="f", arguments='{"x": 1}')
    assert played.only() == call
    (finished,) = played("response.output_item.done", item=calling("a", status="completed"))
    assert finished == ItemDone(
        FunctionCall(id="a", status="completed", call_id="c", name="f", arguments='{"x": 1}')
    )
    final = calling("a", call_id="c", name="f", arguments="{}", status="completed")
    played("conversation.item.done", item=final)
    assert played("response.function_call_arguments.delta", **arguments) == []
    assert played("response.function_call_arguments.done", **done) == []
    item = played.only()
    assert isinstance(item, FunctionCall)
    assert item.arguments == "{}"


def test_the_arguments_of_an_mcp_call(played: Played) -> None:
    played.added({"id": "a", "type": "mcp_call", "name": "f", "server_label": "s"})
    played("response.mcp_call_arguments.delta", item_id="a", delta="{")
    assert played.only() == McpCall(id="a", name="f", server_label="s", arguments="{")
    played("response.mcp_call_arguments.done", item_id="a", arguments="{}")
    assert played.only() == McpCall(id="a", name="f", server_label="s", arguments="{}")


def test_pieces_that_do_not_fit_the_item_change_nothing(played: Played) -> None:
    tools: Tree = {"id": "a", "type": "mcp_list_tools", "server_label": "s"}
    played.added(tools)
    played("response.output_text.delta", **delta("a", "?"))
    played("response.function_call_arguments.delta", item_id="a", delta="?")
    played("response.function_call_arguments.done", item_id="a", call_id="c", arguments="?")
    assert played.only() == McpListTools(id="a", server_label="s")


@pytest.mark.parametrize(
    ("type_", "fields"),
    [
        ("response.output_text.delta", {"delta": "x"}),
        ("response.output_text.done", {"text": "x"}),
        ("response.output_audio_transcript.done", {"transcript": "x"}),
        ("response.function_call_arguments.delta", {"delta": "x"}),
        ("response.function_call_arguments.done", {"arguments": "x"}),
        ("response.mcp_call_arguments.delta", {"delta": "x"}),
        ("response.mcp_call_arguments.done", {"arguments": "x"}),
        ("response.output_item.done", {"item": user("b")}),
        ("conversation.item.truncated", {"audio_end_ms": 1}),
        (f"{HEARD}.failed", {"error": {"message": "x"}}),
    ],
)
@pytest.mark.parametrize("item_id", [None, "b"])
def test_news_of_items_that_are_not_there(
    played: Played, type_: str, fields: Tree, item_id: str | None
) -> None:
    assert played(type_, **fields, item_id=item_id) == []
    assert played.mirror.items == ()
    assert played.mirror.get("b") is None


# What the user says


def test_transcripts_come_out_of_turn(played: Played) -> None:
    played.added(spoken("a"))
    played.added(spoken("b"), "a")
    assert played(f"{HEARD}.delta", **delta("b", "sec")) == [ItemDelta("b", 0, "sec")]
    played(f"{HEARD}.delta", **delta("a", "fir"))
    played(f"{HEARD}.completed", item_id="b", content_index=0, transcript="second")
    played(f"{HEARD}.delta", **delta("a", "st"))
    assert [item.content for item in played.mirror.items if isinstance(item, Message)] == [
        [InputAudio(transcript="first")],
        [InputAudio(transcript="second")],
    ]


def test_the_completed_transcript_is_the_last_word(played: Played) -> None:
    played.added(spoken("a"))
    played(f"{HEARD}.delta", **delta("a", "Helo"))
    completed = {"item_id": "a", "content_index": 0, "transcript": "Hello"}
    assert played(f"{HEARD}.completed", **completed) == [ItemChanged(played.only())]
    assert played(f"{HEARD}.completed", **completed) == []
    assert played(f"{HEARD}.delta", **delta("a", "late")) == []
    assert played("conversation.item.done", item=spoken("a")) == []
    assert played("conversation.item.retrieved", item=spoken("a", "Hello")) == []
    assert played.content() == [InputAudio(transcript="Hello")]


def test_a_transcript_that_is_updated_is_replaced(played: Played) -> None:
    # xAI
    played.added(spoken("a"))
    played(f"{HEARD}.updated", item_id="a", transcript="Hel")
    played(f"{HEARD}.updated", item_id="a", transcript="Hello")
    played(f"{HEARD}.completed", item_id="a", transcript="Hello")
    played(f"{HEARD}.updated", item_id="a", transcript="Hello you")
    changes = played(f"{HEARD}.completed", item_id="a", transcript="Hello you.")
    assert changes == [ItemChanged(played.only())]
    assert played.content() == [InputAudio(transcript="Hello you.")]


def test_a_failed_transcript_is_none(played: Played) -> None:
    played.added(spoken("a"))
    played(f"{HEARD}.delta", **delta("a", "nonsen"))
    failed = played(f"{HEARD}.failed", item_id="a", content_index=0, error={"message": "no"})
    assert failed == [ItemChanged(played.only())]
    assert played.content() == [InputAudio(transcript=None)]


def test_a_transcript_brings_an_item_that_was_missed(played: Played) -> None:
    added, grown = played(f"{HEARD}.delta", **delta("a", "Hel"))
    assert added == ItemAdded(Message(id="a", role="user"), None)
    assert grown == ItemDelta("a", 0, "Hel")
    played(f"{HEARD}.delta", **delta("a", "lo"))
    assert played.content() == [InputAudio(transcript="Hello")]
    added, changed = played(f"{HEARD}.completed", item_id="b", transcript="you")
    assert isinstance(added, ItemAdded)
    assert isinstance(changed, ItemChanged)
    for type_ in ("delta", "updated", "completed"):
        assert played(f"{HEARD}.{type_}", delta="x", transcript="x") == []
    assert played.ids == "ab"


# Retrieving and truncating


def test_a_retrieved_item_is_refreshed(played: Played) -> None:
    played.added(making("a"))
    played("conversation.item.done", item=made("a", {"type": "output_audio", "transcript": "Hi"}))
    heard = made("a", {"type": "output_audio", "transcript": "Hi", "audio": "AAAA"})
    changes = played("conversation.item.retrieved", item=heard)
    assert changes == [ItemChanged(played.only())]
    final = made("a", {"type": "output_audio", "transcript": "Hi"})
    assert played("response.done", **response(final)) == []
    assert played.content() == [OutputAudio(audio=bytes(3), transcript="Hi")]


def test_an_item_retrieved_while_it_is_made_goes_on(played: Played) -> None:
    played.added(making("a"))
    played("response.output_text.delta", **delta("a", "He"))
    partial = making("a") | {"content": [{"type": "output_text", "text": "H"}]}
    changes = played("conversation.item.retrieved", item=partial)
    assert changes == [ItemChanged(played.only())]
    played("response.output_text.delta", **delta("a", "llo"))
    assert played.content() == [OutputText(text="Hello")]


def test_a_transcript_that_is_still_coming_survives_a_retrieval(played: Played) -> None:
    played.added(spoken("a"))
    played(f"{HEARD}.delta", **delta("a", "Hel"))
    played("conversation.item.retrieved", item=spoken("a", "H"))
    played(f"{HEARD}.delta", **delta("a", "lo"))
    assert played.content() == [InputAudio(transcript="Hello")]


def test_a_retrieved_item_that_was_missed_is_there(played: Played) -> None:
    assert len(played("conversation.item.retrieved", item=user("a"))) == 2
    assert len(played("conversation.item.retrieved", item=making("b"))) == 1
    assert played.ids == "ab"


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_truncated_item_loses_its_transcript(played: Played, when: str) -> None:
    played.added(making("a"))
    played("response.output_audio_transcript.delta", **delta("a", "Hello you"))
    final = made("a", {"type": "output_audio", "transcript": "Hello you"})
    truncated = {"item_id": "a", "content_index": 0, "audio_end_ms": 500}
    if when == "after":
        played("conversation.item.done", item=final)
    (change,) = played("conversation.item.truncated", **truncated)
    assert change == ItemTruncated(played.only(), 0, 500)
    assert played("response.output_audio_transcript.delta", **delta("a", "!")) == []
    played("response.output_audio_transcript.done", item_id="a", transcript="Hello you!")
    if when == "before":
        # the server's playback was interrupted: all of it comes afterwards
        played("conversation.item.done", item=final)
    played("response.output_item.done", item=final)
    played("response.done", **response(final, conversation_id="conv_1"))
    assert played.content() == [OutputAudio(transcript=None)]
    assert getattr(played.only(), "status", None) == "completed"


def test_only_the_words_of_audio_are_truncated(played: Played) -> None:
    words: Tree = {"type": "output_text", "text": "text"}
    played.added(made("a", words, {"type": "audio", "transcript": "said"}))
    for index in (0, 1, 2):
        played("conversation.item.truncated", item_id="a", content_index=index)
    assert played.content() == [OutputText(text="text"), Audio(transcript=None)]
