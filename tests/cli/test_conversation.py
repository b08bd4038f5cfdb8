"""Questions and answers without a process or a socket: the server's part is played here."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import anyio
import msgspec
import pytest
from anyio.lowlevel import checkpoint

from anyrealtime import (
    ConnectionClosed,
    RequestError,
    ResponseFailed,
    ResponseHandle,
    open_realtime,
)
from anyrealtime.cli._conversation import Conversation, Printed, Shown, check, converse
from anyrealtime.cli._exit import CommandError, ExitCode
from anyrealtime.cli._interrupt import Interrupts
from anyrealtime.cli._output import WavFile
from anyrealtime.events import Response, ResponseStatusDetails
from anyrealtime.testing import MemoryPeer, memory_transport_pair

SECONDS = 10


class Page:
    """A screen that can be read; a bar stands for the end of a line."""

    def __init__(self) -> None:
        self.text = ""

    def show(self, delta: str) -> None:
        self.text += delta

    def end(self) -> None:
        self.text += "|"


class Person:
    """Somebody who knows what to ask."""

    def __init__(self, *questions: str) -> None:
        self._questions = list(questions)

    async def ask(self) -> str | None:
        await checkpoint()
        return self._questions.pop(0) if self._questions else None


class Server:
    """The other end."""

    def __init__(self, peer: MemoryPeer) -> None:
        self.peer = peer
        self.responses = 0
        self.asked: list[object] = []

    async def tell(self, kind: str, **fields: object) -> None:
        await self.peer.send(msgspec.json.encode({"type": kind, **fields}))

    async def say(self, text: str, item_id: str = "item_1") -> None:
        await self.tell(
            "response.output_text.delta", item_id=item_id, delta=text, response_id=self._id
        )

    async def hear(self, kind: str) -> dict[str, object]:
        """The client's next event, which must be of this kind."""
        payload = msgspec.json.decode(await self.peer.receive(), type=dict[str, object])
        assert payload["type"] == kind
        return payload

    async def hear_question(self) -> dict[str, object]:
        """The message, which is acknowledged, and the wish for an answer."""
        item = (await self.hear("conversation.item.create"))["item"]
        self.asked.append(item)
        await self.tell("conversation.item.added", item=item)
        return await self.hear("response.create")

    async def begin(self, create: dict[str, object]) -> None:
        asked = cast("dict[str, object]", create["response"])
        self.responses += 1
        await self.tell(
            "response.created", response={"id": self._id, "metadata": asked["metadata"]}
        )

    async def end(self, status: str = "completed", **fields: object) -> None:
        await self.tell("response.done", response={"id": self._id, "status": status, **fields})

    async def answer(self, *said: tuple[str, str], status: str = "completed") -> None:
        """Take one question and answer it."""
        await self.begin(await self.hear_question())
        for text, item_id in said:
            await self.say(text, item_id)
        await self.end(status)

    @property
    def _id(self) -> str:
        return f"resp_{self.responses}"


@asynccontextmanager
async def opened() -> AsyncGenerator[tuple[Server, Conversation, Page], None]:
    """A conversation, both its ends and what it shows."""
    transport, peer = memory_transport_pair()
    server, page = Server(peer), Page()
    with anyio.fail_after(SECONDS):
        await server.tell("session.created", session={"type": "realtime"})
        async with open_realtime(transport=transport) as connection:
            yield server, Conversation(connection, Shown(page, None)), page


async def test_answer() -> None:
    async with opened() as (server, conversation, page), anyio.create_task_group() as tasks:
        tasks.start_soon(server.answer, ("Good ", "item_1"), ("day.", "item_1"))
        response = await conversation.ask("Hello!")
        assert response is not None
        assert response.status == "completed"
    assert page.text == "Good day.|"
    [item] = server.asked
    assert isinstance(item, dict)
    assert item["content"] == [{"type": "input_text", "text": "Hello!"}]


async def test_each_message_of_an_answer_has_its_own_lines() -> None:
    said = (("Let me see.", "item_1"), ("It is", "item_2"), (" four.", "item_2"))
    async with opened() as (server, conversation, page), anyio.create_task_group() as tasks:
        tasks.start_soon(server.answer, *said)
        await conversation.ask("Two and two?")
    assert page.text == "Let me see.|It is four.|"


async def test_a_question_that_is_refused() -> None:
    async with opened() as (server, conversation, page), anyio.create_task_group() as tasks:

        async def refuse() -> None:
            create = await server.hear("conversation.item.create")
            detail = {"code": "invalid_value", "message": "No.", "event_id": create["event_id"]}
            await server.tell("error", error=detail)

        tasks.start_soon(refuse)
        with pytest.raises(RequestError, match="No"):
            await conversation.ask("Hello!")
    assert not page.text


async def test_interrupted_before_there_is_a_response() -> None:
    async with opened() as (server, conversation, page), anyio.create_task_group() as tasks:
        asked: list[Response | None] = []

        async def ask() -> None:
            asked.append(await conversation.ask("Hello!"))

        tasks.start_soon(ask)
        create = await server.hear_question()
        assert await conversation.interrupt()
        while not asked:
            await checkpoint()
        await server.begin(create)
        assert (await server.hear("response.cancel"))["response_id"] == "resp_1"
        await server.say("Too late.")
        await server.end("cancelled")
        assert asked == [None]
        assert not page.text


async def test_interrupted_in_mid_answer() -> None:
    async with opened() as (server, conversation, page), anyio.create_task_group() as tasks:
        assert await conversation.interrupt()  # nothing is under way: of no effect
        tasks.start_soon(conversation.ask, "Hello!")
        await server.begin(await server.hear_question())
        await server.say("Good ")
        while not page.text:
            await checkpoint()
        assert await conversation.interrupt()
        assert (await server.hear("response.cancel"))["response_id"] == "resp_1"
        await server.say("day.")
        await server.end("cancelled")
    assert page.text == "Good |"


async def test_the_second_interrupt_is_meant_for_the_program() -> None:
    """Where showing does not come back: stdout may be a pipe that nobody reads."""
    shown, released = anyio.Event(), anyio.Event()

    async def show(_: ResponseHandle) -> None:
        shown.set()
        with anyio.CancelScope(shield=True):
            await released.wait()

    async with opened() as (server, conversation, _), anyio.create_task_group() as tasks:
        conversation._show = show
        tasks.start_soon(conversation.ask, "Hello!")
        await server.begin(await server.hear_question())
        await shown.wait()
        assert await conversation.interrupt()
        assert not await conversation.interrupt()
        released.set()
        await server.end("cancelled")


async def test_the_connection_is_lost_in_mid_answer() -> None:
    async with opened() as (server, conversation, _), anyio.create_task_group() as tasks:

        async def leave() -> None:
            await server.begin(await server.hear_question())
            server.peer.close(1000)

        tasks.start_soon(leave)
        with pytest.raises(ConnectionClosed):
            await conversation.ask("Hello!")


async def test_frames_and_sound(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """Raw: every frame up to the end of the answer, and the answer's sound in the file, too."""
    transport, peer = memory_transport_pair()
    server = Server(peer)
    with anyio.fail_after(SECONDS), WavFile(tmp_path / "a.wav") as wav:
        await server.tell("session.created", session={"type": "realtime"})
        async with (
            open_realtime(transport=transport) as connection,
            connection.raw_frames() as frames,
            anyio.create_task_group() as tasks,
        ):

            async def answer() -> None:
                await server.begin(await server.hear_question())
                await server.tell("response.output_audio.delta", response_id="resp_1", delta="AQA=")
                await server.tell("vendor.event", other=1)
                await server.tell("response.done", response={"id": "resp_0"})
                await server.end()
                await server.tell("vendor.later")

            tasks.start_soon(answer)
            response = await Conversation(connection, Printed(frames, wav)).ask("Hello!")
            assert response is not None
    lines = capfdbinary.readouterr().out.splitlines()
    kinds = [msgspec.json.decode(line)["type"] for line in lines]
    assert kinds == [
        "conversation.item.added",
        "response.created",
        "response.output_audio.delta",
        "vendor.event",
        "response.done",
        "response.done",
    ]
    assert (tmp_path / "a.wav").read_bytes().endswith(b"\x01\x00")


def response(status: str | None, details: ResponseStatusDetails | str | None = None) -> Response:
    return Response(id="resp_1", status=status, status_details=details)


@pytest.mark.parametrize("status", ["completed", None, "whatever_comes_next"])
def test_whole(status: str | None) -> None:
    check(response(status))
    check(None)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            response("incomplete", ResponseStatusDetails(reason="max_output_tokens")),
            "the response is incomplete: max_output_tokens",
        ),
        (response("incomplete", "unimplemented"), "the response is incomplete: unimplemented"),
        (response("cancelled"), "the response is cancelled"),
    ],
)
def test_not_whole(answer: Response, said: str) -> None:
    with pytest.raises(CommandError) as caught:
        check(answer)
    assert (str(caught.value), caught.value.code) == (said, ExitCode.REFUSED)


async def test_a_failure_does_not_end_the_conversation(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with opened() as (server, conversation, page), anyio.create_task_group() as tasks:

        async def answer() -> None:
            await server.answer(status="failed")
            await server.answer(("Well", "item_1"), status="incomplete")
            await server.answer(("Hello.", "item_1"))

        tasks.start_soon(answer)
        with pytest.raises(ResponseFailed):
            await conversation.ask("Who?")
        await converse(conversation, Person("Who?", "Hello!"), Interrupts())
    assert page.text == "|Well|Hello.|"
    assert "error: the response is incomplete" in capsys.readouterr().err


async def test_an_interrupted_answer_is_said_to_be_cancelled(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with opened() as (server, conversation, _), anyio.create_task_group() as tasks:

        async def interrupt() -> None:
            await server.hear_question()
            await conversation.interrupt()

        tasks.start_soon(interrupt)
        await converse(conversation, Person("Hello!"), Interrupts())
    assert "cancelled" in capsys.readouterr().err
