"""No follower is left asleep: every interleaving of requests, turns, refusals, ends and loss.

The server of the model is honest: it answers each request, in order, by a response or an error,
and ends each response, unless it is one of those that end a response by beginning the next.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from anyrealtime import ConnectionClosed
from anyrealtime._protocol._run import Run
from tests._protocol.responses import Log, Wire, created, delta, done, event, refusal


@dataclass
class Request:
    tag: str
    event_id: str
    writes: bool
    run: Run | None  # None: sent by other ways
    log: Log | None


@dataclass
class Spoken:
    id: str
    tag: str | None
    writes: bool
    request: Request | None
    said: list[str] = field(default_factory=list[str])


class Conversation(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.wire = Wire()
        self.requests: list[Request] = []  # that the server has not looked at
        self.known: list[Request] = []
        self.active: list[Spoken] = []
        self.count = 0
        self.echoes = self.overtakes = self.names = False

    @initialize(echoes=st.booleans(), overtakes=st.booleans(), names=st.booleans())
    def choose_server(self, echoes: bool, overtakes: bool, names: bool) -> None:
        self.echoes, self.overtakes, self.names = echoes, overtakes, names

    def new(self, kind: str) -> str:
        self.count += 1
        return f"{kind}{self.count}"

    @property
    def default(self) -> Spoken | None:
        return next((spoken for spoken in self.active if spoken.writes), None)

    # The program

    @rule(writes=st.booleans())
    def ask(self, writes: bool) -> None:
        if writes and self.wire.tracker.occupant is not None:
            return  # the arbiter's business
        tag = self.new("t")
        run, log = self.wire.expect(tag, writes=writes)
        self._enter(Request(tag, f"create_{tag}", writes, run, log))

    @rule()
    def send(self) -> None:
        event_id = self.new("e")
        self.wire.tracker.sent(None, event_id, writes=True)
        self._enter(Request(event_id, event_id, writes=True, run=None, log=None))

    def _enter(self, request: Request) -> None:
        self.requests.append(request)
        self.known.append(request)

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        run = data.draw(st.sampled_from(self.known)).run
        if run is not None:
            self.wire.tracker.cancel(run)

    # The server

    @precondition(lambda self: self.requests)
    @rule(refuse=st.booleans())
    def answer(self, refuse: bool) -> None:
        request = self.requests.pop(0)
        busy = request.writes and self.default is not None and not self.overtakes
        if refuse or busy:
            self.wire.tell(refusal(request.event_id))
            assert request.run is None or request.run.phase == "over"
            return
        self._begin(request.tag if request.run is not None else None, request.writes, request)

    @rule()
    def turn(self) -> None:
        """The user has spoken: what is being said is cut, and answered."""
        item_id = self.new("i")
        self.wire.tell(
            event("input_audio_buffer.speech_started", item_id=item_id),
            event("input_audio_buffer.committed", item_id=item_id),
        )
        if self.default is not None and not self.overtakes:
            self._end(self.default, "cancelled")
        self._begin(None, True, None)

    def _begin(self, tag: str | None, writes: bool, request: Request | None) -> None:
        if writes and self.default is not None:
            self.active.remove(self.default)
        spoken = Spoken(self.new("r"), tag, writes, request)
        self.active.append(spoken)
        conversation = {"conversation_id": "c1" if writes else None} if self.names else {}
        self.wire.tell(created(spoken.id, tag if self.echoes else None, **conversation))

    @precondition(lambda self: self.active)
    @rule(data=st.data())
    def say(self, data: st.DataObject) -> None:
        spoken = data.draw(st.sampled_from(self.active))
        text = self.new("x")
        spoken.said.append(text)
        self.wire.tell(delta(text, spoken.id))

    @precondition(lambda self: self.active)
    @rule(data=st.data(), status=st.sampled_from(["completed", "cancelled", "failed"]))
    def end(self, data: st.DataObject, status: str) -> None:
        self._end(data.draw(st.sampled_from(self.active)), status)

    def _end(self, spoken: Spoken, status: str) -> None:
        self.active.remove(spoken)
        self.wire.tell(done(spoken.id, status))

    # What must be

    @invariant()
    def each_has_its_own_words(self) -> None:
        if self.echoes:
            return self._exactly()
        for request in self.known:  # without tags, at least never two responses in one
            if request.log is not None:
                said = [told for told in request.log.events if hasattr(told, "delta")]
                assert len({getattr(told, "response_id", None) for told in said}) <= 1
        return None

    def _exactly(self) -> None:
        for spoken in self.active:
            if spoken.request is not None and spoken.request.log is not None:
                assert spoken.request.run is not None
                if self._sure:
                    assert spoken.request.run.id == spoken.id
                    assert spoken.request.log.deltas == spoken.said

    @property
    def _sure(self) -> bool:
        """Before the first tag has come back, an untagged beginning may be taken for an answer."""
        return all(request.run is not None for request in self.known)

    @invariant()
    def cancelled_by_id_only(self) -> None:
        assert all(cancelled for cancelled in self.wire.cancels)
        assert len(set(self.wire.cancels)) == len(self.wire.cancels)
        for request in self.known:
            run = request.run
            if run is not None and run.unwanted and run.phase == "active":
                assert run.id in self.wire.cancels

    @invariant()
    def the_conversation_is_free_when_nothing_is_said_or_asked(self) -> None:
        if self.default is None and not self.requests:
            assert self.wire.tracker.occupant is None or not self.echoes

    def teardown(self) -> None:
        lost = self.count % 2
        while not lost and (self.requests or self.active):
            if self.active:
                self._end(self.active[0], "completed")
            else:
                self.answer(refuse=False)
        if lost:
            self.wire.tracker.fail_all(lambda: ConnectionClosed(1006))
        for request in self.known:
            assert request.run is None or request.run.phase == "over", request.tag
        assert len(self.wire.tracker) == 0
        assert self.wire.tracker.occupant is None
        assert not self.wire.tracker.busy


Conversation.TestCase.settings = settings(max_examples=300, stateful_step_count=40)
TestConversation = pytest.mark.timeout(120)(Conversation.TestCase)
