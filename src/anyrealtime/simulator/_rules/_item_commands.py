"""The rules of conversation items: how a client makes, shows, cuts and deletes them. No I/O."""

from __future__ import annotations

from typing import cast

from anyrealtime.simulator._rules import _beta as beta
from anyrealtime.simulator._rules import _grammar as grammar
from anyrealtime.simulator._rules._conversation import Entry
from anyrealtime.simulator._rules._errors import Refusal
from anyrealtime.simulator._rules._items import read_item
from anyrealtime.simulator._rules._mcp import McpRules
from anyrealtime.simulator._rules._payload import Payload
from anyrealtime.simulator._rules._state import Commands, State


class ItemRules:
    """What a client may do to the items of the conversation."""

    def __init__(self, state: State, mcp: McpRules) -> None:
        self._state = state
        self._mcp = mcp

    @property
    def commands(self) -> Commands:
        """The client events that are answered here."""
        return {
            "conversation.item.create": self.create,
            "conversation.item.truncate": self.truncate,
            "conversation.item.delete": self.delete,
            "conversation.item.retrieve": self.retrieve,
        }

    def create(self, event: Payload) -> None:
        """Add an item of the client's where it says."""
        said = grammar.check(event, grammar.ItemCreate, "")
        entry = self.read(said.item, "item")
        self._check(entry.item)
        self.show(entry, self._state.conversation.add(entry, said.previous_item_id))
        if entry.item["type"] == "mcp_approval_response":
            self._mcp.answered(entry.item)

    def show(self, entry: Entry, previous: str | None) -> None:
        """Announce an item that was complete when it came, behind the item `previous`."""
        for step in ("added", "done"):
            self._state.emit(
                f"conversation.item.{step}", previous_item_id=previous, item=entry.item
            )

    def read(self, said: Payload, at: str) -> Entry:
        """Make an item of what a client `said` in the parameter `at`.

        Raises:
            Refusal: it is not an item, or not one a client may write.
        """
        ga = beta.item_inwards(said, at) if self._state.opening.beta else said
        return read_item(ga, at, self._state.ids, self._state.heard.format)

    def retrieve(self, event: Payload) -> None:
        """Show an item with its sound."""
        said = grammar.check(event, grammar.ItemNamed, "")
        entry = self._state.conversation.retrieve(said.item_id)
        self._state.emit("conversation.item.retrieved", item=entry.with_sound())

    def delete(self, event: Payload) -> None:
        """Take an item out."""
        said = grammar.check(event, grammar.ItemNamed, "")
        self._state.conversation.delete(said.item_id)
        self._state.emit("conversation.item.deleted", item_id=said.item_id)

    def truncate(self, event: Payload) -> None:
        """Cut what the assistant said to what was heard of it."""
        said = grammar.check(event, grammar.ItemTruncate, "")
        self.cut(said.item_id, said.content_index, said.audio_end_ms)

    def cut(self, item_id: str, content_index: int, audio_end_ms: int) -> None:
        """Do so, whoever wants it.

        Raises:
            Refusal: there is no such item, no sound in that part, or less than that of it.
        """
        self._state.conversation.truncate(item_id, content_index, audio_end_ms)
        self._state.emit(
            "conversation.item.truncated",
            item_id=item_id,
            content_index=content_index,
            audio_end_ms=audio_end_ms,
        )

    def _check(self, item: Payload) -> None:
        """Refuse an answer to what was not asked."""
        if item["type"] == "function_call_output":
            self._check_call(cast("str", item["call_id"]))
        elif item["type"] == "mcp_approval_response":
            self._mcp.check_answer(item)

    def _check_call(self, call_id: str) -> None:
        known = any(
            entry.item["type"] == "function_call" and entry.item["call_id"] == call_id
            for entry in self._state.conversation
        )
        if not known:
            raise Refusal(
                "invalid_tool_call_id",
                f"Tool call ID '{call_id}' not found in conversation.",
                param="item.call_id",
            )
