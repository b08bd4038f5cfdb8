"""Opening: the block begins when the connection is usable, and a failure is one ConnectFailed."""

from __future__ import annotations

import anyio
import pytest

from anyrealtime import (
    open_realtime,
)
from anyrealtime.events import (
    BetaSession,
    ConversationCreated,
    InvalidEvent,
    RateLimitsUpdated,
    ResponseCreated,
    ResponseOutputTextDelta,
    Session,
    SessionCreated,
    SessionUpdated,
    TranscriptionSession,
    TranscriptionSessionUpdated,
)
from anyrealtime.testing import MemoryPeer
from tests._runtime.opening import BRIEF, UPDATED, open_error, opening
from tests._runtime.peers import (
    CREATED,
    LIMIT,
    FakeTransport,
    arrived,
    frame,
    opened,
    served,
    session_frame,
    text,
)

# What is waited for


async def test_the_block_begins_with_session_created() -> None:
    wire = FakeTransport()
    async with opening(wire) as state:
        assert state.connection is None
        wire.deliver(text(1), frame("conversation.created", conversation={}))
        await arrived()
        assert state.connection is None
        wire.deliver(CREATED)
        await arrived()
        assert state.connection is not None
        assert not wire.sent


async def test_a_session_is_set_and_acknowledged_before_the_block_begins() -> None:
    wire = FakeTransport()
    async with opening(wire, session=BRIEF) as state:
        assert not wire.sent  # the server has not announced itself
        wire.deliver(CREATED)
        await arrived()
        (update,) = wire.events
        assert update["type"] == "session.update"
        assert update["event_id"]
        assert update["session"]["instructions"] == "Be brief."
        assert state.connection is None
        wire.deliver(text(1))
        await arrived()
        assert state.connection is None
        wire.deliver(UPDATED)
        await arrived()
        assert state.connection is not None
        current = state.connection.session.current
        assert isinstance(current, Session)
        assert current.instructions == "Be brief."


async def test_events_may_come_before_session_created() -> None:
    """Real servers reorder; all of it reaches the main stream, in the order it came."""
    early = (session_frame("session.updated"), frame("response.created", response={"id": "r"}))
    wire = FakeTransport(*early, frame("rate_limits.updated", rate_limits=[]), CREATED, text(1))
    with anyio.fail_after(LIMIT):
        async with open_realtime(transport=wire) as connection:
            kinds = [type(await anext(connection)) for _ in range(5)]
    assert kinds == [
        SessionUpdated,
        ResponseCreated,
        RateLimitsUpdated,
        SessionCreated,
        ResponseOutputTextDelta,
    ]


async def test_an_early_session_updated_is_not_taken_for_the_answer() -> None:
    wire = FakeTransport(session_frame("session.updated"), CREATED)
    async with opening(wire, session=BRIEF) as state:
        assert len(wire.sent) == 1
        assert state.connection is None
        wire.deliver(UPDATED)
        await arrived()
        assert state.connection is not None


async def test_session_created_may_come_again() -> None:
    async with opened(CREATED, session_frame(id="sess_2")) as (connection, _):
        assert connection.session.id == "sess_2"


@pytest.mark.parametrize(
    "announcement",
    [
        session_frame("transcription_session.created"),
        frame("session.created", session={"type": "realtime", "id": "sess_1", "tools": 7}),
        frame("session.created"),
    ],
    ids=["transcription", "drifted", "empty"],
)
async def test_announcements_of_other_shapes(announcement: bytes) -> None:
    async with opening(FakeTransport(announcement)) as state:
        assert state.connection is not None


async def test_a_drifted_acknowledgement_is_one_all_the_same() -> None:
    drifted = frame("session.updated", session={"type": "realtime", "tools": 7})
    wire = FakeTransport(CREATED)
    async with opening(wire, session=BRIEF) as state:
        wire.deliver(drifted)
        await arrived()
        assert state.connection is not None
        received = [await state.connection.receive() for _ in range(2)]
        assert isinstance(received[1], InvalidEvent)


async def test_a_call_is_not_announced() -> None:
    wire = FakeTransport()
    async with opening(wire, call_id="rtc_1") as state:
        assert state.connection is not None
        assert state.connection.session.current is None
        assert state.connection.session.id is None
        assert not wire.sent


async def test_a_session_for_a_call() -> None:
    wire = FakeTransport()
    async with opening(wire, call_id="rtc_1", session=BRIEF) as state:
        assert len(wire.sent) == 1
        assert state.connection is None
        wire.deliver(UPDATED)
        await arrived()
        assert state.connection is not None


@pytest.mark.parametrize("answer", ["transcription_session.updated", "session.updated"])
async def test_a_transcription_session_in_the_beta(answer: str) -> None:
    wire = FakeTransport(session_frame("transcription_session.created"))
    async with opening(wire, dialect="beta", session=TranscriptionSession()) as state:
        assert wire.events[0]["type"] == "transcription_session.update"
        wire.deliver(session_frame(answer))
        await arrived()
        assert state.connection is not None


async def test_a_session_in_the_beta_is_flat() -> None:
    wire = FakeTransport(CREATED)
    async with opening(wire, dialect="beta", session=Session(output_modalities=["audio"])):
        assert wire.events[0]["session"]["modalities"] == ["text", "audio"]


async def test_a_beta_session_needs_no_translation() -> None:
    wire = FakeTransport(CREATED)
    async with opening(wire, dialect="beta", session=BetaSession(voice="verse")):
        assert wire.events[0]["session"]["voice"] == "verse"


async def test_a_server_in_memory() -> None:
    """The same over the transport that users' tests have, with a server that answers."""

    async def script(peer: MemoryPeer) -> None:
        await peer.send(CREATED)
        assert b"session.update" in await peer.receive()
        await peer.send(UPDATED)
        await peer.send(frame("conversation.created", conversation={"id": "c"}))

    async with served(script, session=BRIEF) as connection:
        kinds = [type(await connection.receive()) for _ in range(3)]
    assert kinds == [SessionCreated, SessionUpdated, ConversationCreated]


async def test_what_arrived_with_the_announcement_is_delivered() -> None:
    async with opened(text(1), text(2)) as (connection, _):
        events = [await connection.receive() for _ in range(3)]
        assert [getattr(event, "delta", None) for event in events] == [None, "1", "2"]


async def test_transcription_session_updated_is_what_it_says() -> None:
    wire = FakeTransport(session_frame("transcription_session.updated"), CREATED)
    with anyio.fail_after(LIMIT):
        async with open_realtime(transport=wire) as connection:
            assert isinstance(await connection.receive(), TranscriptionSessionUpdated)


# What is not waited for any longer


async def test_session_created_never_comes() -> None:
    error = await open_error(FakeTransport(text(1)), connect_timeout=0.05)
    assert "0.05 s" in str(error)
    assert (error.status, error.close_code, error.code) == (None, None, None)


async def test_session_updated_never_comes() -> None:
    wire = FakeTransport(CREATED)
    error = await open_error(wire, session=BRIEF, connect_timeout=0.05)
    assert "0.05 s" in str(error)
    assert len(wire.sent) == 1


async def test_a_server_that_does_not_take_the_session() -> None:
    wire = FakeTransport(CREATED)
    wire.can_send = False
    error = await open_error(wire, session=BRIEF, connect_timeout=0.05)
    assert "0.05 s" in str(error)


async def test_the_time_is_for_everything_together() -> None:
    """A server that keeps talking, but never says what is needed, does not extend it."""
    wire = FakeTransport(CREATED)

    async def chatter() -> None:
        while True:
            wire.deliver(text("."))
            await anyio.sleep(0.01)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(chatter)
        await open_error(wire, session=BRIEF, connect_timeout=0.1)
        tasks.cancel_scope.cancel()
