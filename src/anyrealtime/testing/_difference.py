"""Whether a client said what was recorded, and if not, what it said instead: for people.

Ids, and the tag by which this library knows its responses, may differ from run to run. A key
that was taken out of the recording stands for any. Pure; keys never reach a message.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from base64 import b64decode
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, cast

from anyrealtime.events._audio_fields import Json, elided_bytes
from anyrealtime.testing._scrub import HIDDEN, Scrubber

if TYPE_CHECKING:
    from anyrealtime.simulator import RecordedFrame

_TAG: Final = "anyrealtime"
_LONG_CHARS: Final = 120  # of a text in a message: audio is of no use there
_CONTEXT_LINES: Final = 4


def difference(expected: RecordedFrame | None, event: Json, frame: bytes, number: int) -> str:
    """Say how the client's frame differs from the recorded one; empty if it does not.

    Args:
        expected: what was recorded, None where nothing more was.
        event: what the client sent, with the recorded ids; empty if it is no JSON object.
        frame: the same, as it came.
        number: of the client's frames, from 1.
    """
    if expected is None:
        told = "\n".join(f"+{line}" for line in _lines(event, frame))
        return f"the client's frame {number} is one more than was recorded:\n{told}"
    if expected.written is None:
        same = expected.frame == frame
    else:
        same = _alike(_comparable(expected.written), _comparable(event))
    if same:
        return ""
    told = _diff(_lines(expected.written, expected.frame), _lines(event, frame))
    return f"the client's frame {number} is not the one that was recorded:\n{told}"


def listed(frames: Sequence[RecordedFrame]) -> str:
    """The frames that a client did not send, a line each."""
    shown = (_lines(frame.written, frame.frame) for frame in frames)
    return "\n".join(f"-{_short(' '.join(map(str.strip, lines)))}" for lines in shown)


def _comparable(event: Json) -> Json:
    """The event without what may differ from run to run."""
    kept = {name: value for name, value in event.items() if name != "event_id"}
    item, response = kept.get("item"), kept.get("response")
    if isinstance(item, dict):
        kept["item"] = _without(cast("Json", item), "id")
    if isinstance(response, dict):
        fields = cast("Json", response)
        metadata = fields.get("metadata")
        if isinstance(metadata, dict) and _TAG in metadata:
            fields = {**fields, "metadata": _without(cast("Json", metadata), _TAG)}
        if not fields.get("metadata"):
            fields = _without(fields, "metadata")
        kept["response"] = fields
        if not fields:
            del kept["response"]
    return kept


def _without(fields: Json, name: str) -> Json:
    return {key: value for key, value in fields.items() if key != name}


def _alike(recorded: object, sent: object) -> bool:
    if isinstance(sent, str):
        return _text_alike(recorded, sent)
    if isinstance(recorded, dict) and isinstance(sent, dict):
        theirs, mine = cast("Json", recorded), cast("Json", sent)
        return theirs.keys() == mine.keys() and all(
            _alike(value, mine[name]) for name, value in theirs.items()
        )
    if isinstance(recorded, list) and isinstance(sent, list):
        both = cast("list[object]", recorded), cast("list[object]", sent)
        return len(both[0]) == len(both[1]) and all(map(_alike, *both))
    return recorded == sent


def _text_alike(recorded: object, sent: str) -> bool:
    n_bytes = elided_bytes(recorded)
    if n_bytes is not None:
        return _sounds_alike(cast("Json", recorded), n_bytes, sent)
    if isinstance(recorded, str) and HIDDEN in recorded:
        pattern = ".*".join(map(re.escape, recorded.split(HIDDEN)))
        return re.fullmatch(pattern, sent, re.DOTALL) is not None
    return recorded == sent


def _sounds_alike(recorded: Json, n_bytes: int, sent: str) -> bool:
    """Whether audio is as long as, and where that is known the same as, what was left out."""
    try:
        sound = b64decode(sent)
    except ValueError:
        return False
    [facts] = recorded.values()
    digest = cast("Json", facts).get("sha256")
    return len(sound) == n_bytes and digest in (None, hashlib.sha256(sound).hexdigest())


# What people read


def _diff(recorded: list[str], sent: list[str]) -> str:
    lines = difflib.unified_diff(recorded, sent, "recorded", "sent", lineterm="", n=_CONTEXT_LINES)
    return "\n".join(line for line in lines if not line.startswith("@@"))


def _lines(event: Json | None, frame: bytes) -> list[str]:
    """A frame for people: its JSON, else its text."""
    if event:
        clean = _abridged(Scrubber().tree(_comparable(event)))
        return json.dumps(clean, indent=2, ensure_ascii=False).splitlines()
    return [_short(line) for line in Scrubber().text(frame.decode(errors="replace")).splitlines()]


def _abridged(value: object) -> object:
    if isinstance(value, str):
        return _short(value)
    if isinstance(value, list):
        return [_abridged(inner) for inner in cast("list[object]", value)]
    if isinstance(value, dict):
        return {name: _abridged(inner) for name, inner in cast("Json", value).items()}
    return value


def _short(text: str) -> str:
    cut = text[:_LONG_CHARS]
    return text if len(text) <= _LONG_CHARS else f"{cut}… ({len(text)} characters)"
