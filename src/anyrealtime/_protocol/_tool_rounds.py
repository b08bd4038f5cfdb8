"""Which calls a response has made, which of them are answered, and when the model goes on.

No loop, no clock, and no functions: who runs what is the host's. A response that ends completed
and has called functions opens a round; each of its calls is answered once, whoever does it; when
all are, the host is asked for the one response that follows.
"""

from __future__ import annotations

from typing import Protocol

from msgspec.structs import replace

from anyrealtime._protocol._run import Failure, Follower, Run
from anyrealtime.events import (
    ClientEvent,
    ConversationItemCreate,
    FunctionCall,
    FunctionCallOutput,
    Item,
    ItemReference,
    Response,
    ResponseFunctionCallArgumentsDone,
    ResponseOutputItemAdded,
    ResponseOutputItemDone,
    ResponseStatusDetails,
    ServerEvent,
)


class ToolCall:
    """One call of the model's.

    Attributes:
        item: its name, its id and its arguments.
        round: the calls of the same response.
        answered: whether its output was sent, by whomever.
        cancelled: whether it was cancelled before it was done.
    """

    def __init__(self, item: FunctionCall, round_: Round) -> None:
        self.item = item
        self.round = round_
        self.answered: bool = False
        self.cancelled: bool = False


class Round:
    """What one response has called.

    Attributes:
        run: the response.
        calls: by call id, in the order in which the model made them.
        followers: who goes on with the response that follows.
        wanted: whether a response is to follow.
        last: whether that one may call nothing any more.
        outputs: what was answered, as items of the conversation.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.calls: dict[str, ToolCall] = {}
        self.followers: tuple[Follower, ...] = ()
        self.wanted: bool = True
        self.last: bool = False
        self.outputs: list[FunctionCallOutput] = []

    @property
    def answered(self) -> bool:
        """Whether all of its calls are."""
        return all(call.answered for call in self.calls.values())

    @property
    def items(self) -> list[Item]:
        """The calls and their outputs, for a response whose input leaves the conversation out."""
        said: list[FunctionCall | FunctionCallOutput] = [
            *(call.item for call in self.calls.values()),
            *self.outputs,
        ]
        return [ItemReference(id=item.id) if item.id else item for item in said]


class ToolHost(Protocol):
    """What the rounds need of the connection. May not wait."""

    @property
    def max_rounds(self) -> int:
        """How often in a row the model may call functions before it has to answer."""
        ...

    def answers(self, name: str, run: Run) -> bool:
        """Whether this side answers calls of that name, and not the program."""
        ...

    def start(self, call: ToolCall, why_not: str | None) -> None:
        """Run a call and answer it; or only answer it, by why it is not run."""
        ...

    def interrupt(self, call: ToolCall) -> None:
        """Nobody waits for it any more: cancel it, if it may be."""
        ...

    def follow_up(self, round_: Round) -> None:
        """Ask for the response that follows, then call `followed`, `failed` or `end`."""
        ...

    def drop(self, round_: Round) -> None:
        """Do not ask for it after all."""
        ...


class ToolRounds:
    """The function calls of one connection.

    Args:
        host: who runs them.
    """

    def __init__(self, host: ToolHost) -> None:
        self._host = host
        self._told: dict[Run, dict[str, FunctionCall]] = {}  # of responses under way
        self._known: set[str] = set()  # all call ids there ever were: none is run twice
        self._open: dict[str, ToolCall] = {}  # neither answered nor given up, by call id
        self._rounds: list[Round] = []  # until what follows has begun

    def __len__(self) -> int:
        return len(self._rounds)

    # What the server tells

    def on_event(self, run: Run, event: ServerEvent) -> None:
        """An event of a response: it may tell of a call."""
        if isinstance(event, ResponseOutputItemDone | ResponseOutputItemAdded):
            item = event.item
            if isinstance(item, FunctionCall) and item.call_id:
                told = self._told.setdefault(run, {})
                if isinstance(event, ResponseOutputItemDone) or item.call_id not in told:
                    told[item.call_id] = item
        elif isinstance(event, ResponseFunctionCallArgumentsDone):  # some servers' only word
            told = self._told.setdefault(run, {})
            known = told.get(event.call_id) or FunctionCall(call_id=event.call_id)
            if event.call_id and not known.arguments:
                told[event.call_id] = replace(
                    known, name=known.name or event.name or "", arguments=event.arguments
                )

    def on_over(self, run: Run) -> None:
        """A response is over: run what it has called, if it came to its end."""
        told = self._told.pop(run, {})
        response = run.response
        if run.failure is not None or response is None or not run.writes:
            return
        for item in response.output:
            if isinstance(item, FunctionCall) and item.call_id:
                told[item.call_id] = item
        round_ = Round(run)
        for call_id, item in told.items():
            if call_id not in self._known:
                round_.calls[call_id] = ToolCall(item, round_)
        if not round_.calls:
            return
        self._known.update(round_.calls)
        why_not = None
        if response.status not in ("completed", None):
            why_not = f"The response was cut ({response.status}), and the call with it."
            round_.wanted = False
        elif run.rounds >= self._host.max_rounds:
            why_not = "Too many calls in a row: answer with what is known."
            round_.wanted = run.rounds == self._host.max_rounds
            round_.last = True
        if round_.wanted:
            run.continues = True
            round_.followers = tuple(run.followers)
            self._rounds.append(round_)
        for call_id, call in round_.calls.items():
            self._open[call_id] = call
        for call_id, call in list(round_.calls.items()):
            if self._host.answers(call.item.name, run):
                cut = call.item.status == "incomplete"
                self._host.start(call, why_not or ("Its arguments were cut." if cut else None))
            elif not round_.wanted:
                del self._open[call_id]  # the program's, and nothing waits for it

    def on_speech(self) -> None:
        """The user interrupts."""
        for call in list(self._open.values()):
            self._host.interrupt(call)

    def on_lost(self, make_error: Failure) -> None:
        """The connection is over."""
        self._told.clear()
        self._open.clear()
        for round_ in self._rounds.copy():
            self.failed(round_, make_error)

    # What this side tells

    def on_sent(self, event: ClientEvent) -> None:
        """An event was sent, by whomever: it may answer a call."""
        item = event.item if isinstance(event, ConversationItemCreate) else None
        if not isinstance(item, FunctionCallOutput):
            return
        call = self._open.pop(item.call_id, None)
        if call is None:
            return
        call.answered = True
        call.round.outputs.append(item)
        if call.round in self._rounds and call.round.answered:
            self._complete(call.round)

    def abandon(self, run: Run) -> None:
        """Nobody wants what follows a response: it was left."""
        for round_ in self._rounds.copy():
            if round_.run is run:
                for call in round_.calls.values():
                    if call.item.call_id in self._open:
                        self._host.interrupt(call)
                self._host.drop(round_)
                self.end(round_, "client_cancelled")

    def followed(self, round_: Round, run: Run) -> None:
        """The response that follows was asked for: it has the followers of the one before."""
        run.rounds = round_.run.rounds + 1
        for follower in round_.followers:
            run.followers.append(follower)
            follower.follow(run)

    def begun(self, round_: Round) -> None:
        """What follows has begun: the round is over."""
        if round_ in self._rounds:
            self._rounds.remove(round_)

    def failed(self, round_: Round, make_error: Failure) -> None:
        """What follows cannot be had."""
        self._finish(round_, failure=make_error)

    def end(self, round_: Round, reason: str) -> None:
        """Nothing follows: the response ends as one that was cancelled for that reason."""
        self._finish(round_, reason=reason)

    def _complete(self, round_: Round) -> None:
        if all(call.cancelled for call in round_.calls.values()):
            self.end(round_, "interrupted")  # whoever did that goes on in another way
        else:
            self._host.follow_up(round_)

    def _finish(self, round_: Round, *, reason: str = "", failure: Failure | None = None) -> None:
        if round_ not in self._rounds:
            return
        self._rounds.remove(round_)
        run = round_.run
        run.continues, run.failure = False, failure
        if failure is None:
            details = ResponseStatusDetails(type="cancelled", reason=reason)
            run.response = replace(
                run.response or Response(), status="cancelled", status_details=details
            )
        for follower in round_.followers:
            follower.follow(run)
            follower.on_phase()
