"""How long nobody has spoken since the last answer was heard: `idle_timeout_ms` as a state machine.

It reads no clock: it says when it wants to be rung, and its owner rings it. A second alarm
takes the place of the first, so what rings late is never meant. No I/O.
"""

from __future__ import annotations

from anyrealtime.simulator._rules._effects import Alarm


class IdleTimer:
    """Waits until an answer has been played, then for the timeout."""

    def __init__(self) -> None:
        self._timeout_ms: int | None = None
        self._waiting = False
        self._since_ms: int | None = None

    def answered(self, playing_ms: int, timeout_ms: int | None) -> list[Alarm]:
        """An answer is complete that takes another `playing_ms` to play."""
        self._waiting = True
        self._timeout_ms = timeout_ms
        self._since_ms = None
        return [] if timeout_ms is None else [Alarm(playing_ms)]

    def change(self, timeout_ms: int | None) -> list[Alarm]:
        """The session has another timeout; if it is waited for, the wait begins now."""
        if not self._waiting or timeout_ms == self._timeout_ms:
            return []
        return self.answered(0, timeout_ms)

    def stop(self) -> None:
        """Somebody speaks, or the client takes a turn: there is nothing to wait for."""
        self._waiting = False

    def ring(self, heard_ms: int) -> tuple[int | None, list[Alarm]]:
        """Go on, now that an alarm went off.

        Args:
            heard_ms: how much sound was appended until now.

        Returns:
            Where in the sound the silence began that has now lasted too long, None if none has;
            and what is waited for next.
        """
        if not self._waiting or self._timeout_ms is None:
            return None, []
        if self._since_ms is None:
            self._since_ms = heard_ms
            return None, [Alarm(self._timeout_ms)]
        self._waiting = False
        return self._since_ms, []
