"""Carries out what one connection's rulebook decides: frames go out, answers are started, paced
and stopped (`_answering` plays them), alarms ring and the session expires.

The rules know no clock and no task; here are both, and no rule of the protocol.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

import anyio
from anyio.abc import TaskGroup
from anyio.lowlevel import checkpoint

from anyrealtime.simulator._answering import Answering
from anyrealtime.simulator._options import Options
from anyrealtime.simulator._rules._effects import (
    Alarm,
    CallTool,
    Effect,
    HangUp,
    ListTools,
    Start,
    Stop,
    Transcribe,
)
from anyrealtime.simulator._rules._errors import Refusal
from anyrealtime.simulator._rules._rulebook import Rulebook

EXPIRED_CLOSE = 1001
NORMAL_CLOSE = 1000
SECONDS_PER_MS = 0.001


class Driving:
    """A session on its way.

    Args:
        rules: what decides.
        options: the simulator's.
        tasks: where what takes time is started.
        send: takes a frame for the client.
        close: says CLOSE to it, with a code and a reason.
        drain: waits until at most that many bytes are unsent.
        failed: takes what a model or a recogniser raised and did not mean for the client.
    """

    def __init__(
        self,
        rules: Rulebook,
        options: Options,
        tasks: TaskGroup,
        *,
        send: Callable[[bytes], None],
        close: Callable[[int, str], None],
        drain: Callable[[int], Awaitable[None]],
        failed: Callable[[Exception], None],
    ) -> None:
        self.rules = rules
        self._options = options
        self._tasks = tasks
        self._send = send
        self._close = close
        self._drain = drain
        self._alarm = anyio.CancelScope()
        self._answering = Answering(
            rules, options, flush=self._settle, step=self._step, failed=failed
        )

    def begin(self) -> None:
        """Greet the client; from now on the session lasts as long as it may."""
        self.rules.open()
        self._settle()
        self._tasks.start_soon(self._expire)

    def hear(self, message: bytes, *, is_text: bool) -> None:
        """Act on a message of the client's."""
        if is_text:
            self.rules.text(message)
        else:
            self.rules.binary()
        self._settle()

    def refuse(self, refusal: Refusal, event_id: str | None = None) -> None:
        """Send an `error` event, blaming the client event `event_id` if there is one."""
        self.rules.refuse(refusal, event_id)
        self._settle()

    def press(self, key: str) -> None:
        """Tell a client that watches a call which key was pressed."""
        self.rules.press(key, int(time.time()))
        self._settle()

    def _settle(self) -> None:
        """Send what the rules have to say and see to what they want done."""
        self._flush()
        for effect in self.rules.effects():
            self._carry_out(effect)

    def _flush(self) -> None:
        for frame in self.rules.take():
            self._send(frame)

    def _carry_out(self, effect: Effect) -> None:
        start = self._tasks.start_soon
        match effect:
            case Start():
                start(self._answering.answer, effect)
            case Stop():
                self._answering.stop(effect.response_id)
            case ListTools():
                tools = self._options.mcp.get(effect.declared.server_label)
                self.rules.mcp.listed(effect, tools)
                self._flush()
            case CallTool():
                start(self._answering.call_tool, effect)
            case Transcribe():
                start(self._answering.transcribe, effect.entry)
            case Alarm():
                self._alarm.cancel()
                self._alarm = anyio.CancelScope()
                start(self._ring, effect.after_ms, self._alarm)
            case HangUp():
                self._close(NORMAL_CLOSE, "")

    async def _expire(self) -> None:
        await anyio.sleep(self._options.session_seconds)
        minutes = self._options.session_seconds / 60
        text = f"Your session hit the maximum duration of {minutes:g} minutes."
        self.refuse(Refusal("session_expired", text))
        self._close(EXPIRED_CLOSE, text)

    async def _ring(self, after_ms: int, alarm: anyio.CancelScope) -> None:
        with alarm:
            await anyio.sleep(after_ms * SECONDS_PER_MS)
        if not alarm.cancel_called:
            self.rules.alarm()
            self._settle()

    async def _step(self) -> None:
        """Between two events of an answer."""
        self._flush()
        await self._drain(self._options.max_unsent_bytes)
        if self._options.pace > 0:
            await anyio.sleep(self._options.pace)
        else:
            await checkpoint()
