"""A script says what is written, expects what is written, and says what was left of it."""

from __future__ import annotations

import re
from typing import Any, cast

import anyio
import pytest

from anyrealtime import ResponseFailed, open_realtime
from anyrealtime.errors import ConfigurationError
from anyrealtime.events import (
    AudioConfig,
    AudioInput,
    AudioTranscription,
    ConversationItemInputAudioTranscriptionCompleted,
    FunctionCall,
    FunctionCallOutput,
    FunctionTool,
    Session,
)
from anyrealtime.simulator import (
    Expect,
    FunctionCallRequest,
    ModelFailure,
    Said,
    Scripted,
    ScriptMismatch,
    Transcript,
    Turn,
    open_simulator,
)
from tests.simulator.asking import request


def test_every_line_has_its_turn() -> None:
    call = FunctionCallRequest("f", {"a": 1})
    script = Scripted(
        ["One.", b"\0\0", [Transcript("Two."), call], Turn("Three."), Turn(["a", "b"]), Turn(), []]
    )
    said: list[list[Said]] = [list(script(request())) for _ in script.turns]
    assert said == [
        ["One."],
        [b"\0\0"],
        [Transcript("Two."), call],
        ["Three."],
        ["a", "b"],
        [],
        [],
    ]
    script.check_finished()
    assert repr(script) == "<Scripted 7 turns>"


def test_it_fails_after_what_it_says() -> None:
    failure = ModelFailure("No money.", code="insufficient_quota")
    answer = Scripted([Turn("Well, ", fails=failure)])(request())
    assert next(answer) == "Well, "
    with pytest.raises(ModelFailure) as raised:
        next(answer)
    assert raised.value is failure


def test_a_mismatch_shows_the_turn_and_the_difference() -> None:
    script = Scripted(["One.", Turn("Two.", Expect(text="Hello", modality="text"))])
    script(request("Whatever"))
    with pytest.raises(ScriptMismatch) as raised:
        script(request("Hullo!"))
    assert isinstance(raised.value, AssertionError)
    first, *diff = str(raised.value).split("\n")
    assert first == "Turn 2 of 2 expects something else (- expected, + sent):"
    assert [line for line in diff if not line.startswith("?")] == [
        "- text: Hello",
        "+ text: Hullo!",
        "  modality: text",
    ]


def test_a_script_ends() -> None:
    script = Scripted(["One."])
    script(request())
    with pytest.raises(ScriptMismatch, match=r"has 1 turns, .* answer 2; .*'More!'"):
        script(request("More!"))


def test_what_was_not_asked_for_is_listed() -> None:
    script = Scripted(["One.", "Two.", Turn("Three.", Expect(text=re.compile("x")))])
    script(request())
    with pytest.raises(ScriptMismatch) as raised:
        script.check_finished()
    assert "2 of 3 turns were not asked for" in str(raised.value)
    assert str(raised.value).splitlines()[1:] == ["  2: 'Two.'", "  3: 'Three.'"]
    with pytest.raises(ScriptMismatch):
        Scripted(["One."]).check_finished()
    Scripted([]).check_finished()


def test_connections_share_a_script_or_begin_it_anew() -> None:
    shared, anew = Scripted(["One.", "Two."]), Scripted(["One.", "Two."], restart=True)
    for session_id, second in (("sess_1", "One."), ("sess_2", "Two.")):
        asked = request(session_id=session_id)
        assert list(shared(asked)) == [second]
        assert list(anew(asked)) == ["One."]
    shared.check_finished()
    list(anew(request(session_id="sess_2")))
    with pytest.raises(ScriptMismatch):
        anew.check_finished()
    list(anew(request(session_id="sess_1")))
    anew.check_finished()


def test_what_the_caller_says_before_each_turn() -> None:
    noise = ModelFailure("Too noisy.")
    script = Scripted([Turn("One.", heard="Hello."), "Two.", Turn("Three.", heard=noise)])
    assert script.caller_says("sess_1") == "Hello."
    assert script.caller_says("sess_1") == "Hello."
    script(request())
    assert script.caller_says("sess_1") is None
    script(request())
    with pytest.raises(ModelFailure):
        script.caller_says("sess_1")
    script(request())
    assert script.caller_says("sess_1") is None


def test_outputs_are_expected_once() -> None:
    script = Scripted(
        [
            Turn(FunctionCallRequest("f", "{}", "call_1"), Expect(outputs={})),
            Turn("Good.", Expect(outputs={"f": "12"})),
            Turn("Bye.", Expect(outputs={})),
        ]
    )
    script(request())
    items = (
        FunctionCall(call_id="call_1", name="f", arguments="{}"),
        FunctionCallOutput(call_id="call_1", output="12"),
    )
    script(request(items=items))
    assert list(script(request(items=items))) == ["Bye."]


@pytest.mark.parametrize("line", [7, None, [7], {"says": "x"}, [["One."]]])
def test_what_is_no_turn_is_refused(line: object) -> None:
    with pytest.raises(ConfigurationError, match="says: expected a piece"):
        Scripted(["One.", cast("Any", line)])
    with pytest.raises(ConfigurationError, match="says: expected a piece"):
        Turn(cast("Any", line))


# Over a real socket, with the library's own client


async def test_a_round_of_functions_by_script(anyio_backend: str) -> None:
    script = Scripted(
        [
            Turn(
                [
                    FunctionCallRequest("get_weather", {"city": "Paris"}, "call_1"),
                    FunctionCallRequest("get_weather", ['{"city":', '"Rome"}'], "call_2"),
                    FunctionCallRequest("no_such_function", '{"cut', "call_3"),
                ],
                Expect(text="Weather?", tools=["get_weather"], modality="text"),
            ),
            Turn("Done.", Expect(outputs={"call_1": "12", "call_2": "20", "call_3": "what?"})),
        ]
    )
    session = Session(output_modalities=["text"], tools=[FunctionTool(name="get_weather")])
    with anyio.fail_after(10):
        async with (
            open_simulator(model=script) as simulator,
            open_realtime(url=simulator.url, session=session) as connection,
        ):
            items = connection.conversation.item
            await items.create("Weather?")
            async with connection.respond() as response:
                calls = [call async for call in response.function_calls]
            assert [(call.name, call.arguments) for call in calls] == [
                ("get_weather", '{"city":"Paris"}'),
                ("get_weather", '{"city":"Rome"}'),
                ("no_such_function", '{"cut'),
            ]
            for call, output in zip(calls, ["12", "20", "what?"], strict=True):
                await items.create(FunctionCallOutput(call_id=call.call_id, output=output))
            async with connection.respond() as response:
                assert [text async for text in response.text] == ["Done."]
    script.check_finished()


async def test_a_mismatch_reaches_the_test(anyio_backend: str) -> None:
    script = Scripted([Turn("Yes.", Expect(text="Hello"))])
    with anyio.fail_after(10):
        with pytest.raises(ScriptMismatch, match=r"(?s)- text: Hello.*\+ text: Hi"):
            async with (
                open_simulator(model=script) as simulator,
                open_realtime(url=simulator.url) as connection,
            ):
                with pytest.raises(ResponseFailed) as failed:
                    await connection.ask("Hi")
                assert failed.value.code == "script_mismatch"
                assert "- text: Hello" in str(failed.value)


async def test_a_mismatch_is_noted_on_what_the_test_raises(anyio_backend: str) -> None:
    script = Scripted([Turn("Yes.", Expect(text="Hello"))])
    with anyio.fail_after(10):
        with pytest.raises(ResponseFailed) as failed:
            async with (
                open_simulator(model=script) as simulator,
                open_realtime(url=simulator.url) as connection,
            ):
                await connection.ask("Hi")
    [note] = failed.value.__notes__
    assert "ScriptMismatch: Turn 1 of 1" in note
    assert "\n- text: Hello" in note


async def test_the_script_knows_what_the_caller_says(anyio_backend: str) -> None:
    script = Scripted(
        [
            Turn("Hello!", Expect(text="Good day.", heard_seconds=0.5), heard="Good day."),
            Turn("Bye!", Expect(text="Good night."), heard="Good night."),
        ]
    )
    hearing = AudioInput(turn_detection=None, transcription=AudioTranscription(model="whisper-1"))
    session = Session(output_modalities=["text"], audio=AudioConfig(input=hearing))
    with anyio.fail_after(10):
        async with (
            open_simulator(model=script) as simulator,
            open_realtime(url=simulator.url, session=session) as connection,
            connection.subscribe(ConversationItemInputAudioTranscriptionCompleted) as heard,
        ):
            for said, answer in (("Good day.", "Hello!"), ("Good night.", "Bye!")):
                await connection.input_audio_buffer.append(bytes(24_000))
                await connection.input_audio_buffer.commit()
                assert (await anext(heard)).transcript == said
                async with connection.respond() as response:
                    assert [text async for text in response.text] == [answer]
    script.check_finished()
