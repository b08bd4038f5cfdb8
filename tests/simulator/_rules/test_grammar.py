"""What a client may say of a session or a response, field by field."""

from __future__ import annotations

import json

import pytest
from msgspec import Struct, structs

from anyrealtime.simulator._rules import _beta as beta
from anyrealtime.simulator._rules import _grammar as grammar
from anyrealtime.simulator._rules import _grammar_items as items
from tests.simulator.driver import Driver
from tests.simulator.schemas import PROTOCOL, Json


@pytest.mark.parametrize(
    ("session", "code", "param"),
    [
        ({"audio": {"input": {"format": {"type": "audio/pcm", "rate": 16_000}}}}, "integer_below_min_value", "audio.input.format.rate"),
        ({"audio": {"output": {"speed": 2}}}, "decimal_above_max_value", "audio.output.speed"),
        ({"audio": {"input": {"turn_detection": {"type": "none"}}}}, "invalid_value", "audio.input.turn_detection.type"),
        ({"temperature": 0.8}, "unknown_parameter", "temperature"),
        ({"voice": "alloy"}, "unknown_parameter", "voice"),
        ({"tools": [{"type": "function"}]}, "missing_required_parameter", "tools[0].name"),
        ({"tool_choice": "perhaps"}, "invalid_value", "tool_choice"),
        ({"instructions": None}, "invalid_type", "instructions"),
        ({"max_output_tokens": 5_000}, "integer_above_max_value", "max_output_tokens"),
    ],
)  # fmt: skip
def test_sessions_that_are_none(session: Json, code: str, param: str) -> None:
    error = Driver().refused("session.update", session={"type": "realtime", **session})
    assert (error["code"], error["param"]) == (code, f"session.{param}")


PUBLISHED: dict[str, dict[str, type[Struct]]] = {
    "ga": {
        "RealtimeSessionCreateRequest": grammar.SessionPatch,
        "RealtimeTranscriptionSessionCreateRequest": grammar.TranscriptionPatch,
        "RealtimeAudioConfigInput": grammar.InputPatch,
        "RealtimeAudioConfigOutput": grammar.OutputPatch,
        "AudioTranscription": grammar.Transcription,
        "NoiseReduction": grammar.NoiseReduction,
        "ServerVad": grammar.ServerVad,
        "SemanticVad": grammar.SemanticVad,
        "RealtimeFunctionTool": grammar.FunctionTool,
        "Mcp": grammar.McpTool,
        "RealtimeTruncationRetentionRatio": grammar.RetentionRatio,
        "ResponsePrompt": grammar.Prompt,
        "TracingConfiguration": grammar.Tracing,
        "RealtimeResponseCreateParams": grammar.ResponsePatch,
        "RealtimeConversationItemUserMessage": items.UserMessage,
        "RealtimeConversationItemSystemMessage": items.SystemMessage,
        "RealtimeConversationItemAssistantMessage": items.AssistantMessage,
        "RealtimeConversationItemFunctionCall": items.FunctionCall,
        "RealtimeConversationItemFunctionCallOutput": items.FunctionCallOutput,
        "RealtimeMcpListTools": items.McpListTools,
        "RealtimeMcpToolCall": items.McpCall,
        "RealtimeMcpApprovalRequest": items.McpApprovalRequest,
        "RealtimeMcpApprovalResponse": items.McpApprovalResponse,
    },
    "beta": {
        "Response": beta.BetaResponse,
        "openai__types__beta__realtime__session_update_event__Session": beta.BetaSession,
        "openai__types__beta__realtime__transcription_session_update__Session": (
            beta.BetaTranscription
        ),
    },
    "ga_translation": {
        "RealtimeTranslationSessionUpdateRequest": grammar.TranslationPatch,
        "AudioInput": grammar.TranslationInputPatch,
        "AudioOutput": grammar.TranslationOutputPatch,
        "AudioInputTranscription": grammar.HeardLanguage,
    },
}


@pytest.mark.skipif(not PROTOCOL.exists(), reason="no schemas at hand")
@pytest.mark.parametrize(
    ("schema", "name"), [(schema, name) for schema in PUBLISHED for name in PUBLISHED[schema]]
)
def test_every_published_field_may_be_said(schema: str, name: str) -> None:
    path = PROTOCOL / f"schema_{schema}_client.json"
    published: Json = json.loads(path.read_text())["$defs"][name]["properties"]
    kind = PUBLISHED[schema][name]
    known = {field.encode_name for field in structs.fields(kind)}
    known |= {str(kind.__struct_config__.tag_field)}
    assert set(published) - known == set()


@pytest.mark.skipif(not PROTOCOL.exists(), reason="no examples at hand")
@pytest.mark.parametrize("dialect", ["ga", "beta"])
def test_the_published_examples_are_understood(dialect: str) -> None:
    known = {
        "conversation.item.delete": "item_delete_invalid_item_id",
        "conversation.item.retrieve": "item_retrieve_invalid_item_id",
        "conversation.item.truncate": "item_truncate_invalid_item_id",
        "input_audio_buffer.append": "invalid_value",  # its audio is three dots
        "input_audio_buffer.commit": "input_audio_buffer_commit_empty",
        "output_audio_buffer.clear": "invalid_value",
        "response.cancel": "response_cancel_not_active",
        "transcription_session.update": "invalid_value",
    }
    for path in sorted((PROTOCOL / "examples" / dialect / "client").glob("*.json")):
        driver = Driver(dialect="beta" if dialect == "beta" else "ga")
        event: Json = json.loads(path.read_text())
        for item_id in {event.get("previous_item_id"), "item_12345"} - {None, "root"}:
            driver.say("before", id=item_id)
        answer = driver.tell_text(json.dumps(event))
        errors = [each["error"] for each in answer if each["type"] == "error"]
        assert [error["code"] for error in errors] == (
            [known[event["type"]]] if event["type"] in known else []
        ), (path.name, errors)
