"""Which reply answers which command: the rules by example, and against a model of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from anyrealtime import ConnectionClosed, ProtocolViolation, RequestError
from anyrealtime._protocol._answers import TAG
from anyrealtime._protocol._replies import _REMEMBERED, Pending, Replies
from anyrealtime.events import (
    ClientEvent,
    ConversationItemDelete,
    ErrorEvent,
    InputAudioBufferAppend,
    InputAudioBufferClear,
    InputAudioBufferCommit,
    InputAudioBufferSpeechStopped,
    ResponseCreate,
    ResponseCreateParams,
    ServerEvent,
    Session,
    SessionUpdate,
    TranscriptionSessionUpdate,
    UnknownEvent,
    decode_server,
)


def update(event_id: str) -> ClientEvent:
    return SessionUpdate(event_id=event_id, session=Session())


def transcription(event_id: str) -> ClientEvent:
    return TranscriptionSessionUpdate(event_id=event_id, session=Session())


def clear(event_id: str) -> ClientEvent:
    return InputAudioBufferClear(event_id=event_id)


def delete_a(event_id: str) -> ClientEvent:
    return ConversationItemDelete(event_id=event_id, item_id="a")


def delete_b(event_id: str) -> ClientEvent:
    return ConversationItemDelete(event_id=event_id, item_id="b")


def server_event(type_: str, /, **fields: object) -> ServerEvent:
    return decode_server(json.dumps({"type": type_, **fields}))


UPDATED = server_event("session.updated", session={"type": "realtime"})
TRANSCRIPTION_UPDATED = server_event("transcription_session.updated", session={})
CLEARED = server_event("input_audio_buffer.cleared")
DELETED_A = server_event("conversation.item.deleted", item_id="a")
DELETED_B = server_event("conversation.item.deleted", item_id="b")

Make = Callable[[str], ClientEvent]
ANSWERED_BY: dict[Make, list[ServerEvent]] = {
    update: [UPDATED, TRANSCRIPTION_UPDATED],
    transcription: [UPDATED, TRANSCRIPTION_UPDATED],
    clear: [CLEARED],
    delete_a: [DELETED_A],
    delete_b: [DELETED_B],
}
IN_ORDER = [update, transcription, clear]  # whose answers carry nothing to tell them apart by
OTHERS = [
    server_event("session.created", session={"type": "realtime"}),
    server_event("response.output_text.delta", delta="x"),
    server_event("vendor.something"),
]


def refusal(event_id: str | None, code: str = "invalid_value") -> ErrorEvent:
    event = server_event("error", error={"code": code, "event_id": event_id})
    assert isinstance(event, ErrorEvent)
    return event


class Caller:
    """Who waits: counts how often it is told that its command is settled."""

    def __init__(self) -> None:
        self.told = 0

    def __call__(self) -> None:
        self.told += 1


def ignore() -> None:
    """For a caller that nobody looks at."""


@pytest.mark.parametrize("make", ANSWERED_BY)
def test_a_command_waits_until_it_is_answered(make: Make) -> None:
    for event in ANSWERED_BY[make]:
        replies, caller = Replies(), Caller()
        pending = replies.expect(make("e1"), caller)
        assert len(replies) == 1
        assert not pending.settled
        assert replies.answered(event)
        assert pending.settled
        assert pending.answer is event
        assert pending.error is None
        assert caller.told == 1
        assert len(replies) == 0
        assert not replies.answered(event)


@pytest.mark.parametrize("make", IN_ORDER)
def test_answers_without_a_name_come_in_the_order_of_the_commands(make: Make) -> None:
    replies = Replies()
    first, second = (replies.expect(make(name), ignore) for name in ("e1", "e2"))
    replies.answered(ANSWERED_BY[make][0])
    assert first.settled
    assert not second.settled
    replies.answered(ANSWERED_BY[make][0])
    assert second.settled


def test_answers_with_a_name_come_in_any_order() -> None:
    replies = Replies()
    first, second = replies.expect(delete_a("e1"), ignore), replies.expect(delete_b("e2"), ignore)
    replies.answered(DELETED_B)
    assert second.settled
    assert not first.settled


@pytest.mark.parametrize("event", [*OTHERS, UPDATED, CLEARED, DELETED_A])
def test_an_answer_that_nobody_asked_for(event: ServerEvent) -> None:
    replies = Replies()
    assert not replies.answered(event)
    waiting = replies.expect(delete_b("e1"), ignore)
    assert not replies.answered(event)
    assert not waiting.settled


@pytest.mark.parametrize(
    "event", [InputAudioBufferAppend(audio=b"", event_id="e1"), UnknownEvent("vendor", b"{}", "e1")]
)
def test_what_nothing_answers_cannot_be_waited_for(event: ClientEvent) -> None:
    replies = Replies()
    with pytest.raises(ProtocolViolation):
        replies.expect(event, ignore)
    assert len(replies) == 0


def test_an_id_in_use_is_refused() -> None:
    replies = Replies()
    first = replies.expect(update("e1"), ignore)
    with pytest.raises(ProtocolViolation, match="e1"):
        replies.expect(clear("e1"), ignore)
    assert replies.answered(UPDATED)
    assert first.settled
    replies.expect(update("e1"), ignore)


def test_an_error_is_that_of_the_command_it_names() -> None:
    replies, caller = Replies(), Caller()
    first = replies.expect(update("e1"), ignore)
    second = replies.expect(update("e2"), caller)
    assert replies.refused(refusal("e2", "unknown_parameter"))
    assert isinstance(second.error, RequestError)
    assert (second.error.code, second.error.event_id) == ("unknown_parameter", "e2")
    assert second.answer is None
    assert caller.told == 1
    assert not first.settled
    assert replies.answered(UPDATED)
    assert first.settled
    assert not replies.answered(UPDATED)  # the refused one gave its place up


@pytest.mark.parametrize("event_id", [None, "", "e9"])
def test_an_error_that_names_no_command(event_id: str | None) -> None:
    replies = Replies()
    pending = replies.expect(update("e1"), ignore)
    assert not replies.refused(refusal(event_id))
    assert not pending.settled


def test_a_command_is_settled_once() -> None:
    replies, caller = Replies(), Caller()
    replies.expect(update("e1"), caller)
    assert replies.refused(refusal("e1"))
    assert not replies.refused(refusal("e1"))
    pending = replies.expect(update("e2"), caller)
    assert replies.answered(UPDATED)
    assert not replies.refused(refusal("e2"))
    assert pending.error is None
    assert caller.told == 2


def test_a_command_that_was_given_up_keeps_its_place() -> None:
    """Its answer will come, and must not be taken for the next one's."""
    replies, caller = Replies(), Caller()
    first = replies.expect(update("e1"), caller)
    second = replies.expect(update("e2"), ignore)
    replies.give_up(first)
    assert len(replies) == 1
    assert replies.answered(UPDATED)
    assert not second.settled
    assert replies.answered(UPDATED)
    assert second.settled
    assert not first.settled
    assert not caller.told


def test_an_answer_that_never_came_costs_one_more_and_not_all() -> None:
    replies = Replies()
    for number in range(2):  # the first is not answered; its place takes the second one's answer
        pending = replies.expect(clear(f"e{number}"), ignore)
        if number:
            assert replies.answered(CLEARED)
        assert not pending.settled
        replies.give_up(pending)
    third = replies.expect(clear("e2"), ignore)
    assert replies.answered(CLEARED)
    assert third.answer is CLEARED


def test_a_command_that_was_given_up_and_refused_gives_its_place_up() -> None:
    """And the error is nobody's: it must not end the session of a program that has moved on."""
    replies, caller = Replies(), Caller()
    first = replies.expect(update("e1"), caller)
    second = replies.expect(update("e2"), ignore)
    replies.give_up(first)
    assert replies.refused(refusal("e1"))
    assert not caller.told
    assert replies.answered(UPDATED)
    assert second.settled


def test_a_command_that_was_never_sent_has_no_place() -> None:
    replies = Replies()
    first = replies.expect(update("e1"), ignore)
    second = replies.expect(update("e2"), ignore)
    replies.give_up(first, sent=False)
    assert not replies.refused(refusal("e1"))
    assert replies.answered(UPDATED)
    assert second.settled
    assert not replies.answered(UPDATED)


def test_giving_up_what_is_settled() -> None:
    replies = Replies()
    pending = replies.expect(update("e1"), ignore)
    replies.answered(UPDATED)
    replies.give_up(pending)
    replies.give_up(pending)
    assert pending.answer is UPDATED
    assert not replies.refused(refusal("e1"))


def test_the_end_of_the_connection_is_everybodys() -> None:
    replies, caller = Replies(), Caller()
    waiting = [replies.expect(make(f"e{n}"), caller) for n, make in enumerate(ANSWERED_BY)]
    given_up = replies.expect(update("e9"), caller)
    replies.give_up(given_up)
    assert replies.fail_all(lambda: ConnectionClosed(1011)) == len(waiting)
    errors = [pending.error for pending in waiting]
    assert all(isinstance(error, ConnectionClosed) for error in errors)
    assert len(set(map(id, errors))) == len(errors)  # each has one of its own
    assert caller.told == len(waiting)
    assert not given_up.settled
    assert len(replies) == 0
    assert replies.fail_all(lambda: ConnectionClosed(1011)) == 0
    assert not replies.answered(UPDATED)


def test_ids_of_commands_given_up_are_not_kept_for_ever() -> None:
    replies = Replies()
    for number in range(_REMEMBERED + 1):
        replies.give_up(replies.expect(delete_a(f"e{number}"), ignore))
    assert not replies.refused(refusal("e0"))
    assert replies.refused(refusal("e1"))
    assert replies.refused(refusal(f"e{_REMEMBERED}"))


# Turn detection commits and asks for responses by itself


def turn_ends(replies: Replies, item_id: str | None) -> None:
    event = server_event("input_audio_buffer.speech_stopped", audio_end_ms=1, item_id=item_id)
    assert isinstance(event, InputAudioBufferSpeechStopped)
    replies.watch_turn(event)


def committed(item_id: str) -> ServerEvent:
    return server_event("input_audio_buffer.committed", item_id=item_id)


def test_a_commit_of_turn_detection_answers_no_command() -> None:
    replies = Replies()
    pending = replies.expect(InputAudioBufferCommit(event_id="e1"), ignore)
    turn_ends(replies, "turn")
    turn_ends(replies, None)
    assert not replies.answered(committed("turn"))
    assert not pending.settled
    assert replies.answered(committed("ours"))
    assert pending.settled


def test_a_response_is_that_of_the_request_whose_tag_it_is_said_to_be() -> None:
    replies = Replies()
    first, second = (
        replies.expect(
            ResponseCreate(event_id=tag, response=ResponseCreateParams(metadata={TAG: tag})), ignore
        )
        for tag in ("t1", "t2")
    )
    created = server_event("response.created", response={"id": "r"})
    assert not replies.answered(created)
    assert not replies.answered(created, "t3")
    assert replies.answered(created, "t2")
    assert second.answer is created
    assert not first.settled


@dataclass
class Command:
    """What the model knows of a command."""

    make: Make
    event_id: str
    pending: Pending
    caller: Caller
    outcome: str = ""
    waits: bool = True
    overtaken: bool = False


class RepliesMachine(RuleBasedStateMachine):
    """The table against a list of commands that is searched from the front each time."""

    commands: Bundle[Command] = Bundle("commands")

    @initialize()
    def begin(self) -> None:
        self.replies = Replies()
        self.places: list[Command] = []  # whose answers will come, in order
        self.forgiven: set[str] = set()  # ids of those given up, whose errors are nobody's
        self.entered: list[Command] = []

    @rule(target=commands, make=st.sampled_from(list(ANSWERED_BY)))
    def expect(self, make: Make) -> Command:
        event_id, caller = f"e{len(self.entered)}", Caller()
        pending = self.replies.expect(make(event_id), caller)
        command = Command(make, event_id, pending, caller)
        self.entered.append(command)
        self.places.append(command)
        return command

    @rule(event=st.sampled_from([*OTHERS, *(e for events in ANSWERED_BY.values() for e in events)]))
    def answered(self, event: ServerEvent) -> None:
        fitting = [c for c in self.places if event in ANSWERED_BY[c.make]]
        assert self.replies.answered(event) is bool(fitting)
        if fitting:
            first = fitting[0]
            self.places.remove(first)
            if first.waits:
                assert first.pending.answer is event
                first.outcome, first.waits = "answer", False
            else:
                for behind in fitting[1:]:
                    behind.overtaken = True

    @rule(command=commands)
    def refused(self, command: Command) -> None:
        known = command.waits or command.event_id in self.forgiven
        assert self.replies.refused(refusal(command.event_id)) is known
        self.forgiven.discard(command.event_id)
        if command.waits:
            command.outcome, command.waits = "error", False
            self.places.remove(command)
        elif known and command in self.places:
            self.places.remove(command)

    @rule(event_id=st.sampled_from([None, "", "e-1"]))
    def refused_by_nobody(self, event_id: str | None) -> None:
        assert not self.replies.refused(refusal(event_id))

    @rule(command=commands, sent=st.booleans())
    def give_up(self, command: Command, *, sent: bool) -> None:
        self.replies.give_up(command.pending, sent=sent)
        if command.waits:
            command.waits = False
            if sent:
                self.forgiven.add(command.event_id)
            if not (sent and command.make in IN_ORDER) or command.overtaken:
                self.places.remove(command)

    @rule()
    def fail_all(self) -> None:
        waiting = [c for c in self.places if c.waits]
        assert self.replies.fail_all(lambda: ConnectionClosed(1006)) == len(waiting)
        self.places.clear()
        self.forgiven.clear()
        for command in waiting:
            assert isinstance(command.pending.error, ConnectionClosed)
            command.outcome, command.waits = "error", False

    @invariant()
    def each_is_settled_as_the_model_says(self) -> None:
        if not hasattr(self, "replies"):
            return
        assert len(self.replies) == sum(c.waits for c in self.places)
        for command in self.entered:
            pending = command.pending
            assert pending.settled is bool(command.outcome)
            assert command.caller.told == bool(command.outcome)
            assert (pending.answer is not None) is (command.outcome == "answer")
            assert (pending.error is not None) is (command.outcome == "error")


RepliesMachine.TestCase.settings = settings(max_examples=100)
TestReplies = RepliesMachine.TestCase
