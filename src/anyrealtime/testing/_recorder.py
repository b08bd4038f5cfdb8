"""Writes down what crosses connections: JSON lines, a frame a line, as the client sees it.

The file is written in the tasks that read and write the socket, without a thread of its own:
a line is small, and the operating system takes it into its memory. What goes wrong in writing
is kept for the end of the block; it never reaches a connection.
"""

from __future__ import annotations

import hashlib
import json
import time
from base64 import b64decode, b64encode
from collections.abc import Collection, Generator, Sequence
from contextlib import contextmanager
from io import FileIO
from os import PathLike
from pathlib import Path
from typing import Final, Literal, TypeAlias, cast, get_args

from anyrealtime.errors import ClosedBy, ConfigurationError
from anyrealtime.events._audio_fields import Json, audio_fields, elided
from anyrealtime.testing._scrub import Scrubber

AudioPolicy: TypeAlias = Literal["keep", "elide", "hash"]

_PRECISION: Final = 6  # digits of a second: microseconds


@contextmanager
def record_to(
    path: str | PathLike[str], *, audio: AudioPolicy = "keep", secrets: Collection[str] = ()
) -> Generator[Recorder, None, None]:
    """Record connections into a file, for as long as the block lasts.

        with record_to("session.jsonl") as recorder:
            async with open_realtime("gpt-realtime", tap=recorder) as connection:
                ...

    Every frame of both directions becomes a line, from the opening on, with its time in
    seconds since the block began. A line is in the operating system's hands before the
    program sees the frame: a crash of the program loses at most the last one.

    Keys do not reach the file: not the connection's own, nor what looks like one, nor what
    stands under the name of one (`authorization`, `api_key`, `client_secret`, the headers of
    MCP tools). A key that is read out word by word is not recognised.

    Several connections may use the recorder, one after the other or at once; lines of the
    second and later ones are marked `"connection": 2` and so on.

    Args:
        path: the file; what was in it is replaced.
        audio: "keep" records it as it is; "elide" leaves it out and notes its length in
            bytes, so that a replay has silence in its place; "hash" notes its SHA-256, too.
        secrets: what else must not be written; texts of 8 characters or more.

    Raises:
        ConfigurationError: an argument is wrong.
        OSError: the file cannot be opened; or, at the end of the block, it could not be
            written and holds only what came before that. If the block raises something
            itself, that is raised, with a note.
    """
    if audio not in get_args(AudioPolicy):
        raise ConfigurationError(f'audio= must be "keep", "elide" or "hash", not {audio!r}')
    if isinstance(secrets, str):
        raise ConfigurationError("secrets= must be a collection of texts, not one text")
    with FileIO(path, "w") as file:
        recorder = Recorder(file, audio, secrets)
        try:
            yield recorder
        except BaseException as exc:
            if recorder.error is not None:
                exc.add_note(str(recorder.error))
            raise
        finally:
            recorder.stop()
    if recorder.error is not None:
        raise recorder.error


class Recorder:
    """What `record_to` gives: pass it as `tap=` to `open_realtime`.

    Attributes:
        path: where it writes.
        connections: how many were opened with it.
        error: why nothing more is written, None while all is well.
    """

    def __init__(self, file: FileIO, audio: AudioPolicy, secrets: Collection[str]) -> None:
        self.path: Path = Path(cast("str", file.name))
        self.connections: int = 0
        self.error: OSError | None = None
        self._file = file
        self._audio: AudioPolicy = audio
        self._secrets = tuple(secrets)
        self._began = time.monotonic()
        self._stopped = False

    def __repr__(self) -> str:
        return f"<Recorder {self.path} {self.connections} connections>"

    def opened(self, url: str, secrets: Sequence[str]) -> ConnectionRecorder:
        """Begin to record a connection; called by `open_realtime`.

        Raises:
            ConfigurationError: the block of `record_to` has ended.
        """
        if self._stopped:
            raise ConfigurationError("tap= is a recorder whose block has ended")
        self.connections += 1
        scrubber = Scrubber((*self._secrets, *secrets))
        connection = ConnectionRecorder(self, self.connections, self._audio, scrubber)
        connection.write("opened", url=scrubber.text(url))
        return connection

    def stop(self) -> None:
        """Write nothing more: what is still open goes on unrecorded."""
        self._stopped = True

    def write(self, kind: str, fields: Json) -> None:
        """Write a line, with the time. Raises nothing; see `error`."""
        if self._stopped or self.error is not None:
            return
        at = round(time.monotonic() - self._began, _PRECISION)
        left = memoryview(_line({"kind": kind, "at": at, **fields}))
        try:
            while left:  # a file that grows full takes a part first, and refuses the rest
                left = left[self._file.write(left) :]
        except OSError as exc:
            self.error = OSError(
                exc.errno, f"the recording is not whole: {exc.strerror}", str(self.path)
            )


class ConnectionRecorder:
    """Records one connection."""

    def __init__(
        self, recorder: Recorder, number: int, audio: AudioPolicy, scrubber: Scrubber
    ) -> None:
        self._recorder = recorder
        self._mark: Json = {} if number == 1 else {"connection": number}
        self._audio: AudioPolicy = audio
        self._scrubber = scrubber

    def sent(self, frames: Sequence[bytes]) -> None:
        """Write what the client sends."""
        for frame in frames:
            self.write("message", direction="sent", **self._content(frame))

    def received(self, frames: Sequence[bytes]) -> None:
        """Write what the client has received."""
        for frame in frames:
            self.write("message", direction="received", **self._content(frame))

    def closed(self, code: int, reason: str, by: ClosedBy) -> None:
        """Write how it ended."""
        self.write("closed", code=code, reason=self._scrubber.text(reason), by=by)

    def write(self, kind: str, **fields: object) -> None:
        """Write a line about this connection."""
        self._recorder.write(kind, {**fields, **self._mark})

    def _content(self, frame: bytes) -> Json:
        """What a line says of a frame: its JSON, else its text, else its bytes."""
        try:
            text = frame.decode()
        except UnicodeDecodeError:
            harmless = self._scrubber.text(frame.decode("latin-1")).encode("latin-1")
            return {"base64": b64encode(harmless).decode()}
        try:
            data: object = json.loads(text)
            if self._audio != "keep":
                _leave_out_audio(data, hashed=self._audio == "hash")
            return {"data": self._scrubber.tree(data)}
        except (ValueError, RecursionError):
            return {"text": self._scrubber.text(text)}


def _leave_out_audio(event: object, *, hashed: bool) -> None:
    if not isinstance(event, dict):
        return
    for part, key in list(audio_fields(cast("Json", event))):
        if isinstance(text := part[key], str):
            sound = _sound(text)
            part[key] = elided(len(sound), hashlib.sha256(sound).hexdigest() if hashed else None)


def _sound(text: str) -> bytes:
    try:
        return b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return text.encode(errors="replace")  # it is no base64: nobody can say how long it is


def _line(entry: Json) -> bytes:
    try:
        return json.dumps(entry, ensure_ascii=False).encode() + b"\n"
    except UnicodeEncodeError:  # half a character, which JSON can say and UTF-8 cannot
        return json.dumps(entry).encode() + b"\n"
