"""Questions and answers without a process or a socket: the server's part is played here."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import msgspec
import pytest
from anyio.lowlevel import checkpoint

from anyrealtime import ResponseFailed, open_realtime
from anyrealtime.cli._conversation import Conversation, check, converse
from anyrealtime.cli._exit import CommandError, ExitCode
from anyrealtime.cli._interrupt import Interrupts
from anyrealtime.events import Response, ResponseError, ResponseStatusDetails
from anyrealtime.testing import MemoryPeer, memory_transport_pair

SECONDS = 10
CREATED = {"response": {"id": "resp_1", "status": "in_progress"}}
COMPLETED = {"response": {"id": "resp_1", "status": "completed"}}
CANCELLED = {"response": {"id": "resp_1", "status": "cancelled"}}


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

    async def tell(self, kind: str, **fields: object) -> None:
        await self.peer.send(msgspec.json.encode({"type": kind, **fields}))

    async def say(self, text: str, item_id: str = "item_1") -> None:
        await self.tell("response.output_text.delta", item_id=item_id, delta=text)

    async def hear(self, kind: str) -> dict[str, object]:
        """The client's next event, which must be of this kind."""
        payload = msgspec.json.decode(await self.peer.receive(), type=dict[str, object])
        assert payload["type"] == kind
        return payload

    async def hear_question(self) -> None:
        await self.hear("conversation.item.create")
        await self.hear("response.create")


@asynccontextmanager
async def opened() -> AsyncGenerator[tuple[Server, Conversation, Page], None]:
    """A conversation, both its ends and what it shows."""
    transport, peer = memory_transport_pair()
    server, page = Server(peer), Page()
    with anyio.fail_after(SECONDS):
        await server.tell("session.created", session={"type": "realtime"})
        async with open_realtime(transport=transport) as connection:
            yield server, Conversation(connection, aiter(connection), page, None), page


async def test_answer() -> None:
    async with opened() as (server, conversation, page):
        await server.tell("response.created", **CREATED)
        await server.say("Good ")
        await server.say("day.")
        await server.tell("response.done", **COMPLETED)
        response = await conversation.ask("Hello!")
        item = (await server.hear("conversation.item.create"))["item"]
    assert response.status == "completed"
    assert page.text == "Good day.|"
    assert item == {
        "type": "message",
        "role": "user",
        "content": [{"type": "input_text", "text": "Hello!"}],
    }


async def test_each_message_of_an_answer_has_its_own_lines() -> None:
    async with opened() as (server, conversation, page):
        await server.say("Let me see.", "item_1")
        await server.say("It is", "item_2")
        await server.say(" four.", "item_2")
        await server.tell("response.done", **COMPLETED)
        await conversation.ask("Two and two?")
    assert page.text == "Let me see.|It is four.|"


async def test_cancelled_before_there_is_a_response() -> None:
    async with opened() as (server, conversation, page), anyio.create_task_group() as tasks:
        tasks.start_soon(conversation.ask, "Hello!")
        await server.hear_question()
        await conversation.cancel()
        await server.tell("response.created", **CREATED)
        cancel = await server.hear("response.cancel")
        assert cancel["response_id"] == "resp_1"
        await server.say("Too late.")
        await server.tell("response.done", **CANCELLED)
    assert page.text == "|"


async def test_cancelled_in_mid_answer() -> None:
    async with opened() as (server, conversation, page), anyio.create_task_group() as tasks:
        tasks.start_soon(conversation.ask, "Hello!")
        await server.hear_question()
        await server.tell("response.created", response={"status": "in_progress"})
        await server.say("Good ")
        while not page.text:
            await checkpoint()
        await conversation.cancel()
        assert "response_id" not in await server.hear("response.cancel")  # it had no name
        await server.say("day.")
        await server.tell("response.done", **CANCELLED)
    assert page.text == "Good |"


async def test_interrupted() -> None:
    async with opened() as (server, conversation, _), anyio.create_task_group() as tasks:
        assert await conversation.interrupt()  # nothing is under way
        assert not conversation.cancelled
        tasks.start_soon(conversation.ask, "Hello!")
        await server.hear_question()
        assert await conversation.interrupt()
        assert conversation.cancelled
        assert not await conversation.interrupt()  # the second time it is meant for the program
        await server.tell("response.done", **CANCELLED)


async def test_cancelling_what_is_lost_is_no_error() -> None:
    async with opened() as (server, conversation, _):
        await server.tell("response.created", **CREATED)
        server.peer.close(1000)
        with pytest.raises(CommandError) as caught:
            await conversation.ask("Hello!")
        assert caught.value.code == ExitCode.LOST
        await conversation.cancel()
        assert conversation.cancelled


def response(status: str | None, details: ResponseStatusDetails | str | None = None) -> Response:
    return Response(id="resp_1", status=status, status_details=details)


@pytest.mark.parametrize("status", ["completed", None, "whatever_comes_next"])
def test_whole(status: str | None) -> None:
    answer = response(status)
    check(answer)
    assert answer.status == status


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            response(
                "failed",
                ResponseStatusDetails(error=ResponseError(code="no_luck", message="Bad luck.")),
            ),
            "the response failed: Bad luck. (code=no_luck)",
        ),
        (response("failed", "unimplemented"), "the response failed: unimplemented"),
        (response("failed"), "the response failed: the server does not say why"),
    ],
)
def test_failed(answer: Response, said: str) -> None:
    with pytest.raises(ResponseFailed) as caught:
        check(answer)
    assert str(caught.value) == said
    assert caught.value.response_id == "resp_1"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            response("incomplete", ResponseStatusDetails(reason="max_output_tokens")),
            "the response is incomplete: max_output_tokens",
        ),
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
    async with opened() as (server, conversation, page):
        await server.tell("response.done", response={"id": "resp_1", "status": "failed"})
        await server.say("Hello.")
        await server.tell("response.done", **COMPLETED)
        await converse(conversation, Person("Who?", "Hello!"), Interrupts())
    assert page.text == "|Hello.|"
    assert "error: the response failed" in capsys.readouterr().err
