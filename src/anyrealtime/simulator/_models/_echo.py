"""Echo: a model that gives back what it was told. The last thing only, and no tools."""

from __future__ import annotations

from collections.abc import Iterator

from anyrealtime.simulator._models._model import ModelRequest, Said, Transcript


class Echo:
    """A model that speaks the caller's audio back, and writes the caller's text back.

    What was said aloud comes back as it was, with its words as the transcript as far as they
    are known; an answer that is read has the words alone.
    """

    def __call__(self, request: ModelRequest, /) -> Iterator[Said]:
        """Say again what the user said last."""
        if not request.audio:
            yield request.text
            return
        yield Transcript(request.text or f"({request.heard_seconds:.1f} seconds of audio)")
        yield request.audio
