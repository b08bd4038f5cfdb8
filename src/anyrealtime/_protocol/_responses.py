"""Which event belongs to which response, and which response writes to the conversation now.

No loop, no clock: requests are entered, events are shown to the tracker, and each response
begins and ends once. Who follows a response, and what is sent for it, is not known here.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Collection

from msgspec.structs import replace

from anyrealtime._protocol._answers import tag_of
from anyrealtime._protocol._run import Failure, Follower, Host, Observer, Run, answers_turns
from anyrealtime._protocol._verdict import request_error
from anyrealtime.events import (
    ErrorEvent,
    InputAudioBufferCommitted,
    InputAudioBufferSpeechStarted,
    InputAudioBufferSpeechStopped,
    InputAudioBufferTimeoutTriggered,
    InvalidEvent,
    Response,
    ResponseCreated,
    ResponseDone,
    ResponseOutputItemAdded,
    ResponseStatusDetails,
    ServerEvent,
    UnknownEvent,
    decode_envelope,
)

CANCELLED = "response.cancelled"  # what some servers send in place of `response.done`
WATCHED: frozenset[type] = frozenset(
    {
        ResponseCreated,
        ResponseDone,
        InputAudioBufferCommitted,
        InputAudioBufferSpeechStarted,
        InputAudioBufferSpeechStopped,
        InputAudioBufferTimeoutTriggered,
        InvalidEvent,
        UnknownEvent,
    }
)
"""The classes the tracker must see always; all others only while it is `busy`."""

_TURNS = 8  # how many announced turns may wait to be committed
_REMEMBERED = 64  # cancellations whose refusal is still ours
_NOT_ACTIVE = "response_cancel_not_active"


class ResponseTracker:
    """The responses of one connection.

    Attributes:
        host: the connection; None until there is one.
        observer: who looks after what responses call, None where nobody does.
        ended: how many responses of the default conversation are over.
    """

    def __init__(self) -> None:
        self.host: Host | None = None
        self.observer: Observer | None = None
        self.ended: int = 0
        self._asked: dict[str, Run] = {}  # by tag, in the order of the requests
        self._guessed: dict[str, Run] = {}  # the same, once begun without showing the tag
        self._active: dict[str, Run] = {}  # by the server's id; "" where it gives none
        self._default: Run | None = None  # the active one that writes to the conversation
        self._items: dict[str, Run] = {}  # for events that name their item only
        self._cancels: OrderedDict[str, Run] = OrderedDict()  # by event id
        self._turns: deque[str] = deque(maxlen=_TURNS)  # items that turn detection announced
        self._due = False  # turn detection will start a response
        self._echoes = False  # the server returns metadata
        self._names_conversations = False  # the server tells responses' conversation_id

    def __len__(self) -> int:
        return len(self._asked) + len(self._active)

    @property
    def busy(self) -> bool:
        """Whether every event must be shown, and not only those of WATCHED."""
        if self.host is not None and self.host.wants_uninvited:
            return True
        return any(run.followers for run in (*self._asked.values(), *self._active.values()))

    @property
    def occupant(self) -> Run | None:
        """What a request for the default conversation must wait for."""
        if self._default is not None and self._default.waited_for:
            return self._default
        return next((run for run in self._asked.values() if run.waited_for), None)

    # What the program's calls tell

    def expect(
        self,
        tag: str,
        event_id: str,
        follower: Follower,
        *,
        writes: bool,
        before: Collection[str] = (),
    ) -> Run:
        """Enter a request for a response that carries `tag`, in the moment it is sent."""
        run = Run(writes=writes, event_id=event_id, before=before, ours=True, tag=tag, tagged=True)
        run.followers.append(follower)
        self._asked[tag] = run
        return run

    def sent(self, tag: str | None, event_id: str, *, writes: bool) -> Run:
        """A request for a response went out by other ways; its error is not ours to tell.

        `tag` is what it carries, None if it carries none.
        """
        name = tag or event_id
        run = Run(writes=writes, event_id=event_id, tag=name, tagged=tag is not None)
        self._asked[name] = run
        return run

    def cancel(self, run: Run) -> None:
        """Cancel a response by its id: now, or as soon as the id is known; or what follows it."""
        run.unwanted = True
        if run.continues and self.observer is not None:
            self.observer.abandon(run)
        if run.phase == "active" and run.id and not run.cancel_sent and self.host is not None:
            run.cancel_sent = True
            self._cancels[self.host.send_cancel(run.id)] = run
            if len(self._cancels) > _REMEMBERED:
                self._cancels.popitem(last=False)

    def give_up(self, run: Run) -> None:
        """The server does not answer: others need not wait. A late answer is cancelled."""
        run.waited_for, run.given_up = False, True
        self.cancel(run)
        self._changed()

    def fail_all(self, make_error: Failure) -> None:
        """The connection is over, and every response with it."""
        runs = [*self._asked.values(), *self._active.values()]
        self._asked.clear()
        self._active.clear()
        for run in runs:
            self._settle(run, failure=make_error)
        if self.observer is not None:
            self.observer.on_lost(make_error)

    # What the server tells

    def apply(self, event: ServerEvent, size: int) -> str | None:
        """Take in one event; the tag of the request that it answers, if it begins a response."""
        if isinstance(event, ResponseCreated):
            return self._begin(event.response, event, size)
        if isinstance(event, ResponseDone):
            response = event.response
            if response.usage is None and event.usage:
                response = replace(response, usage=event.usage)
            self._finish(response.id or event.response_id or "", response, event, size)
        elif isinstance(event, InvalidEvent):
            return self._apply_drifted(event, size)
        elif isinstance(event, UnknownEvent) and event.type == CANCELLED:
            self._apply_cancelled(event, size)
        elif type(event) in WATCHED and not isinstance(event, UnknownEvent):
            if self.observer is not None and isinstance(event, InputAudioBufferSpeechStarted):
                self.observer.on_speech()
            self._watch_turns(event.type, getattr(event, "item_id", None))
        else:
            self._route(event, size)
        return None

    def batch_ended(self) -> None:
        """All events of one read were shown."""
        for run in list(self._active.values()):
            for follower in run.followers:
                follower.on_batch_end()

    def refused(self, event: ErrorEvent) -> bool:
        """Settle what an `error` blames; whether it is told by that, and nobody else's."""
        event_id = event.error.event_id
        if event_id is None:  # nothing tells whose it is: what was only noted may be it
            self._due = False
            for tag in [tag for tag, run in self._asked.items() if not run.tagged]:
                del self._asked[tag]
            self._changed()
            return False
        cancelled = self._cancels.pop(event_id, None)
        if cancelled is not None:
            self._cancel_refused(cancelled, event)
            return True
        for tag, run in (*self._asked.items(), *self._guessed.items()):
            if event_id == run.event_id:
                self._asked.pop(tag, None)
                self._guessed.pop(tag, None)
            elif event_id not in run.before:
                continue
            self._refuse(tag, run, event)
            return run.ours
        for run in list(self._active.values()):
            if event_id in run.before:
                self._refuse("", run, event)
                return True
        return False

    def _refuse(self, tag: str, run: Run, event: ErrorEvent) -> None:
        if run.phase == "active":
            stranger = self._disown(run)
            if event.error.event_id != run.event_id:  # the response is its, and unwanted now
                self.cancel(stranger)
        elif tag in self._asked:  # the response will come, but what it was to answer is missing
            unwanted = self._asked[tag] = Run(
                writes=run.writes, event_id=run.event_id, ours=True, tag=tag, tagged=True
            )
            unwanted.unwanted = True
        self._settle(run, failure=lambda: request_error(event.error))

    def _cancel_refused(self, run: Run, event: ErrorEvent) -> None:
        if event.error.code == _NOT_ACTIVE:  # by the server's word nothing is to be waited for
            run.waited_for = False
        run.cancel_failure = lambda: request_error(event.error)
        run.tell_phase()
        self._changed()

    # Beginning

    def _begin(self, response: Response, event: ServerEvent, size: int) -> str | None:
        run_id = response.id or ""
        known = self._active.get(run_id)
        if known is not None and run_id:  # told twice
            known.response = response
            self._give(known, event, size)
            return None
        if known is not None:
            self._overtake(known)
        self._names_conversations |= response.conversation_id is not None
        run = self._claim(response)
        uninvited = run is None or not run.ours
        if run is None:
            writes = response.conversation_id is not None or not self._names_conversations
            run = Run(writes=writes)
        run.id, run.response, run.phase = response.id, response, "active"
        if run.writes:
            previous, self._default = self._default, run
            if previous is not None:  # some servers end a response by beginning the next
                self._overtake(previous)
        self._active[run_id] = run
        if uninvited and self.host is not None:
            self.host.uninvited(run)
        run.tell_phase()
        self._give(run, event, size)
        if run.unwanted:
            self.cancel(run)
        self._changed()
        return run.tag or None

    def _claim(self, response: Response) -> Run | None:
        """The request that a new response answers; None if the server began it by itself."""
        tag = tag_of(response.metadata)
        if tag is not None:
            run = self._asked.pop(tag, None)
            if run is not None:
                self._echoes = True
                return run
            guessed = self._guessed.pop(tag, None)
            if guessed is not None:
                self._disown(guessed)
            return guessed
        if self._due:  # nothing tells it from one that was asked for but the order
            self._due = False
            return None
        for tag, run in self._asked.items():
            if not run.given_up and not (self._echoes and run.tagged):
                del self._asked[tag]
                if run.ours:
                    self._guessed[tag] = run
                return run
        return None

    def _disown(self, run: Run) -> Run:
        """Take its response from `run`: it was not that, or is not wanted any more."""
        stranger = Run(writes=run.writes)
        stranger.id, stranger.response, stranger.phase = run.id, run.response, "active"
        self._active[run.id or ""] = stranger
        if self._default is run:
            self._default = stranger
        for item_id in [item_id for item_id, owner in self._items.items() if owner is run]:
            self._items[item_id] = stranger
        if self.host is not None:
            self.host.uninvited(stranger)
        return stranger

    # Ending

    def _finish(self, run_id: str, response: Response, event: ServerEvent, size: int) -> None:
        run = self._active.get(run_id)
        if run is None:  # its beginning was not seen: only the tag can tell whose it is
            tag = tag_of(response.metadata)
            run = self._asked.pop(tag, None) if tag is not None else None
            if run is None:
                return
            run.id, run.phase = response.id, "active"
            self._active[run_id] = run
        self._give(run, event, size)
        self._settle(run, response=response)

    def _overtake(self, run: Run) -> None:
        """A response that will not get its `response.done`: another has taken its place."""
        if run.phase == "active":
            self._settle(run, response=_cancelled(run, "overtaken"))

    def _settle(
        self, run: Run, *, response: Response | None = None, failure: Failure | None = None
    ) -> None:
        if run.phase == "over":
            return
        run.phase, run.failure, run.waited_for = "over", failure, False
        run.response = response or run.response
        if self._active.get(run.id or "") is run:
            del self._active[run.id or ""]
        if self._default is run:
            self._default = None
            self.ended += 1
        for known in (self._items, self._guessed):
            for key in [key for key, owner in known.items() if owner is run]:
                del known[key]
        if self.observer is not None:
            self.observer.on_over(run)
        run.tell_phase()
        run.followers.clear()  # they know the run: no cycle is left for the collector
        self._changed()

    # Everything in between

    def _route(self, event: ServerEvent, size: int) -> None:
        response_id: str | None = getattr(event, "response_id", None)
        item_id: str | None = getattr(event, "item_id", None)
        run: Run | None = None
        if response_id is not None:
            run = self._active.get(response_id)
        elif event.type.startswith("response."):
            run = self._items.get(item_id or "") or self._active.get("") or self._default
        if self.observer is not None:
            self.observer.on_event(run, event)
        if run is not None:
            if isinstance(event, ResponseOutputItemAdded):
                name: object = getattr(event.item, "id", None)
                if isinstance(name, str):
                    self._items[name] = run
            self._give(run, event, size)

    def _give(self, run: Run, event: ServerEvent, size: int) -> None:
        for follower in run.followers:
            follower.on_event(event, size)

    def _apply_drifted(self, event: InvalidEvent, size: int) -> str | None:
        """An event whose payload changed: which response it is of can still be read."""
        envelope = decode_envelope(event.raw)
        if envelope is None:
            return None
        told = envelope.response
        response_id = envelope.response_id or (told.id if told else None)
        response = Response(
            id=response_id,
            status=told.status if told else None,
            metadata=told.metadata if told else None,
        )
        if event.type == "response.created":
            return self._begin(response, event, size)
        if event.type == "response.done":
            self._finish(response_id or "", response, event, size)
        elif response_id is not None:
            run = self._active.get(response_id)
            if run is not None:
                self._give(run, event, size)
        else:
            self._watch_turns(event.type, envelope.item_id)
        return None

    def _apply_cancelled(self, event: UnknownEvent, size: int) -> None:
        envelope = decode_envelope(event.raw)
        told = envelope.response if envelope else None
        response_id = (envelope.response_id if envelope else None) or (told.id if told else None)
        run = self._default if response_id is None else self._active.get(response_id)
        if run is not None and (response_id is not None or run.cancel_sent):
            self._give(run, event, size)
            self._settle(run, response=_cancelled(run, "client_cancelled"))

    def _watch_turns(self, kind: str, item_id: str | None) -> None:
        if item_id is None:
            return
        if kind != "input_audio_buffer.committed":
            if kind.startswith("input_audio_buffer.") and item_id not in self._turns:
                self._turns.append(item_id)
        elif item_id in self._turns:  # uninvited: a turn has ended
            self._turns.remove(item_id)
            self._due = self.host is None or answers_turns(self.host.session)

    def _changed(self) -> None:
        if self.host is not None:
            self.host.changed()


def _cancelled(run: Run, reason: str) -> Response:
    details = ResponseStatusDetails(type="cancelled", reason=reason)
    return replace(run.response or Response(), status="cancelled", status_details=details)
