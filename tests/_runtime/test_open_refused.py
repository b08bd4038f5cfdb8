"""Opening that fails: whatever the server does, it is one ConnectFailed, and nothing is left."""

from __future__ import annotations

import anyio
import pytest

from anyrealtime import (
    ConfigurationError,
    ConnectFailed,
    ConnectionClosed,
    RequestError,
    ServerError,
    open_realtime,
)
from anyrealtime.errors import ClosedBy
from anyrealtime.events import (
    Prompt,
    Session,
)
from tests._runtime.opening import BRIEF, open_error, opening
from tests._runtime.peers import (
    CREATED,
    LIMIT,
    NEVER,
    FakeTransport,
    arrived,
    error_frame,
)

# Refusals


@pytest.mark.parametrize("pause", [0.0, 0.02], ids=["in one read", "a moment later"])
async def test_an_error_then_close_is_one_refusal(pause: float) -> None:
    wire = FakeTransport(error_frame("invalid_api_key", message="Wrong key.", param="key"))
    async with opening(wire, close_timeout=NEVER, connect_timeout=NEVER) as state:
        await anyio.sleep(pause)
        wire.end(3000, "server", "invalid_request_error.invalid_api_key")
        await arrived()
    error = state.error
    assert error is not None
    assert error.close_code == 3000
    assert (error.type, error.code, error.param) == (
        "invalid_request_error",
        "invalid_api_key",
        "key",
    )
    assert "Wrong key." in str(error)
    assert error.status is None
    assert wire.aborted


async def test_an_error_and_close_in_one_read() -> None:
    wire = FakeTransport(error_frame("invalid_model"))
    wire.end(4000, "server")
    error = await open_error(wire, connect_timeout=NEVER)
    assert (error.code, error.close_code) == ("invalid_model", 4000)
    assert isinstance(error.__cause__, ConnectionClosed)


async def test_close_may_come_long_after_a_fatal_error() -> None:
    wire = FakeTransport(error_frame("invalid_api_key"))
    async with opening(wire, close_timeout=NEVER, connect_timeout=NEVER) as state:
        await anyio.sleep(0.2)
        assert state.error is None
        wire.end(3000, "server")
        await arrived()
        assert state.error is not None
        assert state.error.close_code == 3000


@pytest.mark.parametrize("errors", ["raise", "deliver"])
async def test_an_error_without_close(errors: str) -> None:
    """Nothing could be delivered yet, so `errors=` makes no difference."""
    wire = FakeTransport(error_frame("invalid_value", message="No such thing."))
    error = await open_error(wire, errors=errors, connect_timeout=NEVER)
    assert (error.code, error.close_code) == ("invalid_value", None)
    assert "No such thing." in str(error)
    assert isinstance(error.__cause__, ServerError)


async def test_a_fatal_error_without_close() -> None:
    wire = FakeTransport(error_frame("session_expired"))
    error = await open_error(wire, close_timeout=0.1, connect_timeout=NEVER)
    assert (error.code, error.close_code) == ("session_expired", None)


async def test_a_refused_session() -> None:
    wire = FakeTransport(CREATED)
    async with opening(wire, session=BRIEF, connect_timeout=NEVER, close_timeout=NEVER) as state:
        event_id = wire.events[0]["event_id"]
        wire.deliver(error_frame("unknown_parameter", event_id=event_id, param="session.x"))
        await arrived()  # no time passes: it answers the command
        error = state.error
    assert error is not None
    assert (error.code, error.param, error.close_code) == ("unknown_parameter", "session.x", None)
    assert isinstance(error.__cause__, RequestError)
    assert wire.aborted


async def test_an_error_that_blames_something_else_is_a_refusal_too() -> None:
    wire = FakeTransport(CREATED, error_frame("insufficient_quota", event_id="not ours"))
    error = await open_error(wire, session=BRIEF, connect_timeout=NEVER)
    assert error.code == "insufficient_quota"


async def test_an_error_while_waiting_ends_the_waiting_even_if_the_answer_comes() -> None:
    """What came first stands: the session was announced, and is refused all the same."""
    wire = FakeTransport(error_frame("insufficient_quota"))
    async with opening(wire, connect_timeout=NEVER, session=BRIEF) as state:
        wire.deliver(CREATED)
        await arrived()
        assert state.connection is None
        await anyio.sleep(0.1)
        assert state.error is not None
        assert state.error.code == "insufficient_quota"


async def test_a_benign_error_refuses_nothing() -> None:
    async with opening(FakeTransport(error_frame("response_cancel_not_active"), CREATED)) as state:
        assert state.connection is not None


@pytest.mark.parametrize("session", [None, BRIEF], ids=["announcing", "updating"])
@pytest.mark.parametrize(
    ("code", "by"), [(1006, "network"), (1001, "server"), (1000, "server"), (3000, "server")]
)
async def test_lost_before_the_block(code: int, by: ClosedBy, session: Session | None) -> None:
    wire = FakeTransport(*([CREATED] if session else []))
    wire.end(code, by, "gone")
    error = await open_error(wire, session=session, connect_timeout=NEVER)
    assert error.close_code == code
    assert error.code is None
    assert "gone" in str(error)


@pytest.mark.parametrize("code", [1000, 1006])
async def test_lost_in_the_moment_it_became_usable(code: int) -> None:
    """Announced and ended before this side had a turn: not a connection one could use."""
    wire = FakeTransport(CREATED)
    wire.end(code, "server")
    error = await open_error(wire, connect_timeout=NEVER)
    assert error.close_code == code


async def test_a_session_the_dialect_cannot_say_opens_nothing() -> None:
    wire = FakeTransport(CREATED)
    with pytest.raises(ConfigurationError, match=r"session\.prompt"):
        async with open_realtime(
            transport=wire, dialect="beta", session=Session(prompt=Prompt(id="pmpt_1"))
        ):
            pytest.fail("the block began")
    assert not wire.aborted  # it is the caller's, untouched


# What is left behind


@pytest.mark.parametrize("stage", ["announcing", "sending", "updating"])
async def test_cancelled_while_opening(stage: str) -> None:
    wire = FakeTransport(*([CREATED] if stage != "announcing" else []))
    wire.can_send = stage != "sending"
    with anyio.fail_after(LIMIT):
        before = len(anyio.get_running_tasks())
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as tasks:

                async def cancel() -> None:
                    await arrived()
                    scope.cancel()

                tasks.start_soon(cancel)
                async with open_realtime(transport=wire, session=BRIEF):
                    pytest.fail("the block began")
        assert scope.cancelled_caught
        assert wire.aborted
        assert len(anyio.get_running_tasks()) == before


async def test_a_failed_opening_leaves_no_task() -> None:
    before = len(anyio.get_running_tasks())
    wire = FakeTransport(error_frame("invalid_api_key"))
    wire.end(3000, "server")
    await open_error(wire)
    assert len(anyio.get_running_tasks()) == before


async def test_an_exception_of_the_key_function_is_the_callers() -> None:
    failure = LookupError("the vault is sealed")

    async def key() -> str:
        raise failure

    with anyio.fail_after(LIMIT), pytest.raises(LookupError) as caught:
        async with open_realtime(url="ws://127.0.0.1:1/", api_key=key):
            pytest.fail("the block began")
    assert caught.value is failure


async def test_a_slow_key_function_counts() -> None:
    async def key() -> str:
        await anyio.sleep(NEVER)
        return "sk-1"

    with anyio.fail_after(LIMIT), pytest.raises(ConnectFailed, match=r"within 0\.05 s"):
        async with open_realtime(url="ws://127.0.0.1:1/", api_key=key, connect_timeout=0.05):
            pytest.fail("the block began")
