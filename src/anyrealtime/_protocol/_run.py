"""A response as the tracker knows it, and who is told about it. Declarations, mostly.

No loop, no clock.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Literal, Protocol, TypeAlias

from anyrealtime.events import (
    AnySession,
    BetaSession,
    ClientEvent,
    Response,
    ResponseCreateParams,
    SemanticVad,
    ServerEvent,
    ServerVad,
)

Phase: TypeAlias = Literal["asked", "active", "over"]
Failure: TypeAlias = Callable[[], Exception]


class Follower(Protocol):
    """Who is told about one response. Called by the reader; may not wait."""

    def follow(self, run: Run) -> None:
        """This is the response, or what it goes on with after the calls it has made."""
        ...

    def on_event(self, event: ServerEvent, size: int) -> None:
        """An event of the response, `response.created` and `response.done` included."""
        ...

    def on_batch_end(self) -> None:
        """No more events came in this read."""
        ...

    def on_phase(self) -> None:
        """The response began, or it is over."""
        ...


class Host(Protocol):
    """What the tracker needs of the connection. Called by the reader; may not wait."""

    @property
    def wants_uninvited(self) -> bool:
        """Whether anybody asks for the responses that the server starts by itself."""
        ...

    @property
    def session(self) -> AnySession | None:
        """The effective session."""
        ...

    def uninvited(self, run: Run) -> None:
        """A response began that was not asked for through `expect`."""
        ...

    def send_cancel(self, response_id: str) -> str:
        """Send `response.cancel`, and return its `event_id`."""
        ...

    def changed(self) -> None:
        """A response began or ended, or a request for one was refused."""
        ...


class Observer(Protocol):
    """Who looks after what all responses call. Called by the reader, mostly; may not wait."""

    def on_event(self, run: Run | None, event: ServerEvent) -> None:
        """An event that neither begins nor ends a response, and the one it is of, if any."""
        ...

    def on_over(self, run: Run) -> None:
        """A response is over; its followers are told next."""
        ...

    def on_speech(self) -> None:
        """The user begins to speak."""
        ...

    def on_lost(self, make_error: Failure) -> None:
        """The connection is over."""
        ...

    def on_sent(self, event: ClientEvent) -> None:
        """This side has sent an event."""
        ...

    def abandon(self, run: Run) -> None:
        """A response that goes on is left."""
        ...


class Run:
    """One response, from the request for it to its end.

    Attributes:
        writes: whether it is part of the default conversation; there is one of those at a time.
        ours: whether it was entered by `expect`; what the server refuses then is ours to tell.
        tag: by which the request is known.
        tagged: whether the server was given the tag, to give it back.
        event_id: of the `response.create`.
        before: ids of events that were sent before it and without which it is not wanted.
        id: the server's name for it, None before it is known.
        response: as the server last told it.
        failure: makes the exception in place of an ordinary end.
        phase: "asked", then "active", then "over".
        followers: who is told.
        cancel_failure: makes the exception for a cancellation that was refused.
        waited_for: whether the default conversation is taken by it.
        unwanted: it is to be cancelled as soon as its id is known.
        given_up: its request was not answered in time.
        params: what it was asked with, where this side did.
        rounds: how many responses with calls it follows on.
        continues: it is over, but what it has called is not: another one follows.
    """

    def __init__(
        self,
        *,
        writes: bool,
        event_id: str = "",
        before: Collection[str] = (),
        ours: bool = False,
        tag: str = "",
        tagged: bool = False,
    ) -> None:
        self.writes = writes
        self.ours = ours
        self.tag = tag
        self.tagged = tagged
        self.event_id = event_id
        self.before = before
        self.id: str | None = None
        self.response: Response | None = None
        self.failure: Failure | None = None
        self.phase: Phase = "asked"
        self.followers: list[Follower] = []
        self.cancel_failure: Failure | None = None
        self.waited_for: bool = writes
        self.unwanted: bool = False
        self.given_up: bool = False
        self.cancel_sent: bool = False
        self.params: ResponseCreateParams | None = None
        self.rounds: int = 0
        self.continues: bool = False

    @property
    def began(self) -> bool:
        """Whether the server has announced it."""
        return self.response is not None

    def tell_phase(self) -> None:
        """Tell whoever follows."""
        followers = tuple(self.followers)
        if self.phase == "over":
            self.followers.clear()  # they know us: no cycle is left for the collector
        for follower in followers:
            follower.on_phase()


def writes(params: ResponseCreateParams) -> bool:
    """Whether such a response is part of the default conversation."""
    return params.conversation != "none"


def answers_turns(session: AnySession | None) -> bool:
    """Whether the end of a turn starts a response, as far as the session says."""
    turns: object = None
    if isinstance(session, BetaSession):
        turns = session.turn_detection
    if not turns and session is not None and session.audio and session.audio.input:
        turns = session.audio.input.turn_detection
    return not (isinstance(turns, ServerVad | SemanticVad) and turns.create_response is False)
