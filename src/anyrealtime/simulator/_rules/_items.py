"""What a client writes as a conversation item, made into one the conversation holds.

Its grammar is checked, what it left to the service is filled in, and its sound is put
aside: events do not show it. Pure.
"""

from __future__ import annotations

from anyrealtime.simulator._rules import _grammar as grammar
from anyrealtime.simulator._rules import _grammar_items as items
from anyrealtime.simulator._rules._audio import Sound
from anyrealtime.simulator._rules._conversation import Entry
from anyrealtime.simulator._rules._payload import Ids, Payload
from anyrealtime.simulator._rules._session import plain


def read_item(said: Payload, at: str, ids: Ids, heard: grammar.Format) -> Entry:
    """Make an item of what a client `said` (GA form) in the parameter `at`.

    Args:
        said: the item as it came.
        at: the parameter path, for refusals.
        ids: makes the ids that are missing.
        heard: the format the client's sound is in.

    Raises:
        Refusal: it is not an item, or not one a client may write.
    """
    item = items.check_item(said, at)
    head: Payload = {"id": item.id or ids.new("item"), "type": item.type}
    if isinstance(item, items.Remote):
        return Entry({**head, **plain(item), "id": head["id"]})
    if isinstance(item, items.FunctionCallOutput):
        return Entry({**head, "call_id": item.call_id, "output": item.output})
    head["status"] = item.status or "completed"
    if isinstance(item, items.FunctionCall):
        call_id = item.call_id or ids.new("call")
        return Entry({**head, "name": item.name, "call_id": call_id, "arguments": item.arguments})
    if isinstance(item, items.AssistantMessage) and isinstance(item.phase, str):
        head["phase"] = item.phase
    content: list[Payload] = []
    sounds: dict[int, Sound] = {}
    words: dict[int, str] = {}
    for index, part in enumerate(item.content):
        if isinstance(part, items.InputAudio):
            sounds[index] = Sound(heard, bytearray(part.audio))
            content.append({"type": "input_audio", "transcript": part.transcript})
            if part.transcript is not None:
                words[index] = part.transcript
        else:
            content.append(plain(part))
    return Entry({**head, "role": item.role, "content": content}, sounds, words)
