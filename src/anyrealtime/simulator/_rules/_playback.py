"""What is played on a call that a client only watches: the output buffer's three events. No I/O.

A client that joined by `call_id` gets no sound; it is told when sound begins and ends.
"""

from __future__ import annotations

from anyrealtime.simulator._rules._payload import Emit


class Playback:
    """The output buffer of a call."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._playing: str | None = None

    def play(self, response_id: str) -> None:
        """There is sound of that response."""
        if self._playing != response_id:
            self._playing = response_id
            self._emit("output_audio_buffer.started", response_id=response_id)

    def stop(self, response_id: str) -> None:
        """There will be no more sound of that response."""
        if self._playing == response_id:
            self._playing = None
            self._emit("output_audio_buffer.stopped", response_id=response_id)

    def clear(self) -> None:
        """Forget what was not yet played."""
        self._emit("output_audio_buffer.cleared", response_id=self._playing or "")
        self._playing = None
