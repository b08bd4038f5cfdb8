"""The output items of one response: how each begins, grows and ends, in the service's order.

Several may be open at once; each event says which it is of. What they cost and how the
response as a whole ends is in `_responses`. No loop, no clock, no sockets.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from anyrealtime.simulator._rules._audio import Sound
from anyrealtime.simulator._rules._conversation import Conversation, Entry
from anyrealtime.simulator._rules._payload import Emit, Ids, Payload
from anyrealtime.simulator._rules._playback import Playback
from anyrealtime.simulator._rules._remote_tools import RemoteCall
from anyrealtime.simulator._rules._terms import Terms

_PADDED: Final = 16
_PADDING: Final = "oXq7RbTzL2mVcY9w"

Status: TypeAlias = Literal["completed", "incomplete"]


@dataclass(slots=True, eq=False)
class OutputItem:
    """An output item while it is made; `rest` is sound short of a whole sample."""

    entry: Entry
    index: int
    said: list[str] = field(default_factory=list[str])
    rest: bytes = b""

    @property
    def kind(self) -> str:
        """The item's type."""
        return str(self.entry.item["type"])

    @property
    def text(self) -> str:
        """What was said of it so far: words, or arguments."""
        return "".join(self.said)


class Output:
    """What a response has made."""

    def __init__(
        self,
        response_id: str,
        terms: Terms,
        *,
        ids: Ids,
        emit: Emit,
        conversation: Conversation | None,
        playback: Playback | None,
        obfuscate: bool,
        extras: bool,
    ) -> None:
        self._response_id = response_id
        self._terms = terms
        self._ids = ids
        self._emit = emit
        self._conversation = conversation
        self._playback = playback
        self._obfuscate = obfuscate
        self._extras = extras
        self._begun = 0
        self._opened: list[OutputItem] = []
        self._finished: dict[int, Payload] = {}

    @property
    def shown(self) -> list[Payload]:
        """The finished items, as `response.done` shows them."""
        return [self._finished[index] for index in sorted(self._finished)]

    # Beginning

    def message(self, phase: str | None) -> OutputItem:
        """Begin a message."""
        item: Payload = {
            "type": "message",
            "status": "in_progress",
            "role": "assistant",
            "content": [],
        }
        if phase is None and self._extras:
            phase = "final_answer"
        if phase is not None:
            item["phase"] = phase
        opened = self._begin(item)
        if self._audible:
            opened.entry.sounds[0] = Sound(self._terms.format, bytearray())
        opened.entry.item["content"] = [self._content("")]
        self._emit(
            "response.content_part.added",
            **self._place(opened),
            content_index=0,
            **self._part_fields(""),
        )
        return opened

    def function_call(self, name: str, call_id: str | None) -> OutputItem:
        """Begin a call of a function of the client's."""
        return self._begin(
            {
                "type": "function_call",
                "status": "in_progress",
                "name": name,
                "call_id": call_id or self._ids.new("call"),
                "arguments": "",
            }
        )

    def mcp_call(self, server_label: str, name: str) -> OutputItem:
        """Begin a call of a tool on an MCP server."""
        return self._begin(
            {
                "type": "mcp_call",
                "server_label": server_label,
                "name": name,
                "arguments": "",
                "approval_request_id": None,
                "output": None,
                "error": None,
            }
        )

    def approval_request(self, call: RemoteCall) -> str:
        """Ask the client whether `call` may be made; return the request's id."""
        asked = self._begin(
            {
                "type": "mcp_approval_request",
                "server_label": call.server_label,
                "name": call.name,
                "arguments": call.arguments,
            }
        )
        call.entry.item["approval_request_id"] = asked.entry.id
        self._finish(asked, dict(asked.entry.item))
        return asked.entry.id

    def _begin(self, item: Payload) -> OutputItem:
        opened = OutputItem(Entry({"id": self._ids.new("item"), **item}), self._begun)
        self._begun += 1
        self._opened.append(opened)
        shown = dict(opened.entry.item)
        self._emit(
            "response.output_item.added",
            response_id=self._response_id,
            output_index=opened.index,
            item=shown,
        )
        if self._conversation is not None:
            previous = self._conversation.add(opened.entry)
            self._emit("conversation.item.added", previous_item_id=previous, item=shown)
        return opened

    # Growing

    def words(self, opened: OutputItem, delta: str) -> None:
        """Add to the text of a message, or to the transcript of an audible one."""
        kind = "output_audio_transcript" if self._audible else "output_text"
        self._delta(kind, opened, delta, content_index=0)

    def arguments(self, opened: OutputItem, delta: str) -> None:
        """Add to the arguments of a call."""
        if opened.kind == "mcp_call":
            self._delta("mcp_call_arguments", opened, delta)
        else:
            call_id = opened.entry.item["call_id"]
            self._delta("function_call_arguments", opened, delta, call_id=call_id)

    def sound(self, opened: OutputItem, chunk: bytes) -> None:
        """Add to the sound of a message; on a call it is played there instead of sent."""
        if not opened.entry.truncated:
            opened.entry.sounds[0].data += chunk
        if self._playback is not None:
            self._playback.play(self._response_id)
        else:
            self._emit(
                "response.output_audio.delta", **self._place(opened), content_index=0, delta=chunk
            )

    def _delta(self, kind: str, opened: OutputItem, delta: str, **fields: object) -> None:
        opened.said.append(delta)
        fields["delta"] = delta
        if self._obfuscate:
            fields["obfuscation"] = obfuscation(delta)
        self._emit(f"response.{kind}.delta", **self._place(opened), **fields)

    # Ending

    def end(self, opened: OutputItem, status: Status) -> None:
        """End an item; one that is over stays as it is."""
        if opened not in self._opened:
            return
        match opened.kind:
            case "message":
                self._end_message(opened, status)
            case "function_call":
                self._end_function_call(opened, status)
            case _:
                self._end_mcp_call(opened, status)

    def end_all(self, status: Status) -> None:
        """End what is still open, in the order in which it began."""
        for opened in list(self._opened):
            self.end(opened, status)

    def _end_message(self, opened: OutputItem, status: Status) -> None:
        place, text = {**self._place(opened), "content_index": 0}, opened.text
        if self._audible:
            self._emit("response.output_audio.done", **place)
            self._emit("response.output_audio_transcript.done", **place, transcript=text)
        else:
            self._emit("response.output_text.done", **place, text=text)
        self._emit("response.content_part.done", **place, **self._part_fields(text))
        item = {**opened.entry.item, "status": status, "content": [self._content(text)]}
        self._finish(opened, item)

    def _end_function_call(self, opened: OutputItem, status: Status) -> None:
        item = {**opened.entry.item, "status": status, "arguments": opened.text}
        self._emit(
            "response.function_call_arguments.done",
            **self._place(opened),
            call_id=item["call_id"],
            name=item["name"],
            arguments=opened.text,
        )
        self._finish(opened, item)

    def _end_mcp_call(self, opened: OutputItem, status: Status) -> None:
        """A call that can be made is done when it was made, one that was cut off is done now."""
        item = {**opened.entry.item, "arguments": opened.text}
        self._emit("response.mcp_call_arguments.done", **self._place(opened), arguments=opened.text)
        self._finish(opened, item, said=status == "incomplete")

    def _finish(self, opened: OutputItem, item: Payload, *, said: bool = True) -> None:
        self._opened.remove(opened)
        if said and self._conversation is not None:
            # Null as often as not where the service made the item; clients rely on `added`.
            self._emit("conversation.item.done", previous_item_id=None, item=item)
        self._emit(
            "response.output_item.done",
            response_id=self._response_id,
            output_index=opened.index,
            item=item,
        )
        self._finished[opened.index] = item
        if opened.entry.truncated:
            opened.entry.item["status"] = item["status"]
        else:
            opened.entry.item = dict(item)

    # Showing

    @property
    def _audible(self) -> bool:
        return self._terms.modality == "audio"

    def _place(self, opened: OutputItem) -> Payload:
        return {
            "response_id": self._response_id,
            "item_id": opened.entry.id,
            "output_index": opened.index,
        }

    def _part_fields(self, text: str) -> Payload:
        """The part as `response.content_part.*` show it; Azure shows it twice."""
        part = self._part(text)
        return {"part": part, "content": part} if self._extras else {"part": part}

    def _part(self, text: str) -> Payload:
        """The part under its beta name, which those events kept in GA."""
        if self._audible:
            return {"type": "audio", "transcript": text}
        return {"type": "text", "text": text}

    def _content(self, text: str) -> Payload:
        """The part as items show it."""
        return {**self._part(text), "type": f"output_{self._terms.modality}"}


def obfuscation(delta: str) -> str:
    """Return filler that hides the length of a short `delta` from who watches the wire."""
    return _PADDING[min(len(delta), _PADDED) :]
