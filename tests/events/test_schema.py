"""The classes against the protocol's own tables, field for field: nothing declared is missing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TypeAlias, cast

import msgspec
import pytest

from anyrealtime import events
from anyrealtime.events import (
    CLIENT_EVENTS,
    SERVER_EVENTS,
    decode_client,
    encode,
)
from tests.events.frames import (
    PROTOCOL,
    Tree,
    frame,
    load,
    needs_protocol,
    sample_frames,
)

pytestmark = needs_protocol

Kinds: TypeAlias = type[msgspec.Struct] | tuple[type[msgspec.Struct], ...]

BETA_ITEM = (events.Message, events.FunctionCall, events.FunctionCallOutput, events.ItemReference)
BETA_PART = (events.InputText, events.InputAudio, events.Text, events.Audio, events.ItemReference)
VAD = (events.ServerVad, events.SemanticVad)

# The class, or the classes together, that hold the fields of an object of the tables.
# Names that end a module path, or carry "@dialect", are the tables' way to tell namesakes apart.
OBJECTS: Mapping[str, Kinds] = {
    "AllowedToolsMcpToolFilter": events.McpToolFilter,
    "Audio": events.AudioConfig,
    "AudioInput": events.AudioInput,
    "AudioInputNoiseReduction": events.NoiseReduction,
    "AudioInputTranscription": events.AudioTranscription,
    "AudioOutput": events.AudioOutput,
    "AudioPCM": events.AudioFormat,
    "AudioPCMA": events.AudioFormat,
    "AudioPCMU": events.AudioFormat,
    "AudioTranscription": events.AudioTranscription,
    "CachedTokensDetails": events.CachedTokensDetails,
    "ClientSecret": events.ClientSecret,
    "Content": BETA_PART,
    "Conversation": events.Conversation,
    "ConversationItem": BETA_ITEM,
    "ConversationItemContent": BETA_PART,
    "ConversationItemWithReference": BETA_ITEM,
    "InputAudioNoiseReduction": events.NoiseReduction,
    "InputTokenDetails": events.InputTokenDetails,
    "LogProbProperties": events.LogProb,
    "Logprob": events.LogProb,
    "Mcp": events.McpTool,
    "McpAllowedToolsMcpToolFilter": events.McpToolFilter,
    "McpRequireApprovalMcpToolApprovalFilter": events.McpApprovalFilter,
    "McpRequireApprovalMcpToolApprovalFilterAlways": events.McpToolFilter,
    "McpRequireApprovalMcpToolApprovalFilterNever": events.McpToolFilter,
    "NoiseReduction": events.NoiseReduction,
    "Output": events.AudioOutput,
    "OutputTokenDetails": events.OutputTokenDetails,
    "OutputVoiceID": events.VoiceId,
    "Part": (events.Text, events.Audio),
    "PromptCacheBreakpoint": events.PromptCacheBreakpoint,
    "RateLimit": events.RateLimit,
    "RealtimeAudioConfig": events.AudioConfig,
    "RealtimeAudioConfigInput": events.AudioInput,
    "RealtimeAudioConfigOutput": events.AudioOutput,
    "RealtimeConversationItemAssistantMessage": events.Message,
    "RealtimeConversationItemFunctionCall": events.FunctionCall,
    "RealtimeConversationItemFunctionCallOutput": events.FunctionCallOutput,
    "RealtimeConversationItemSystemMessage": events.Message,
    "RealtimeConversationItemUserMessage": events.Message,
    "RealtimeError": events.ErrorDetail,
    "RealtimeFunctionTool": events.FunctionTool,
    "RealtimeMcpApprovalRequest": events.McpApprovalRequest,
    "RealtimeMcpApprovalResponse": events.McpApprovalResponse,
    "RealtimeMcpListTools": events.McpListTools,
    "RealtimeMcpProtocolError": events.McpCallError,
    "RealtimeMcpToolCall": events.McpCall,
    "RealtimeMcpToolExecutionError": events.McpCallError,
    "RealtimeMcphttpError": events.McpCallError,
    "RealtimeReasoning": events.Reasoning,
    "RealtimeResponse": events.Response,
    "RealtimeResponseCreateAudioOutput": events.AudioConfig,
    "RealtimeResponseCreateMcpTool": events.McpTool,
    "RealtimeResponseCreateParams": events.ResponseCreateParams,
    "RealtimeResponseStatus": events.ResponseStatusDetails,
    "RealtimeResponseUsage": events.Usage,
    "RealtimeResponseUsageInputTokenDetails": events.InputTokenDetails,
    "RealtimeResponseUsageOutputTokenDetails": events.OutputTokenDetails,
    "RealtimeSessionCreateRequest": events.Session,
    "RealtimeTranscriptionSessionAudio": events.AudioConfig,
    "RealtimeTranscriptionSessionAudioInput": events.AudioInput,
    "RealtimeTranscriptionSessionCreateRequest": events.TranscriptionSession,
    "RealtimeTranslationSession": events.TranslationSession,
    "RealtimeTranslationSessionUpdateRequest": events.TranslationSession,
    "RealtimeTruncationRetentionRatio": events.RetentionRatio,
    "RequireApprovalMcpToolApprovalFilter": events.McpApprovalFilter,
    "RequireApprovalMcpToolApprovalFilterAlways": events.McpToolFilter,
    "RequireApprovalMcpToolApprovalFilterNever": events.McpToolFilter,
    "Response": events.ResponseCreateParams,
    "ResponseInputFile": events.InputFile,
    "ResponseInputImage": events.InputImage,
    "ResponseInputText": events.InputText,
    "ResponsePrompt": events.Prompt,
    "ResponseTool": events.FunctionTool,
    "SemanticVad": events.SemanticVad,
    "ServerVad": events.ServerVad,
    "Session": events.BetaSession,
    "SessionClientSecretExpiresAfter": events.SecretExpiry,
    "SessionClientSecretExpiresAt": events.SecretExpiry,
    "SessionInputAudioNoiseReduction": events.NoiseReduction,
    "SessionTool": events.FunctionTool,
    "SessionTracingTracingConfiguration": events.Tracing,
    "SessionTurnDetection": VAD,
    "TokenLimits": events.TokenLimits,
    "ToolChoiceFunction": events.ToolChoiceFunction,
    "ToolChoiceMcp": events.ToolChoiceMcp,
    "TracingConfiguration": events.Tracing,
    "TracingTracingConfiguration": events.Tracing,
    "TranscriptionLanguage": events.TranscriptionLanguage,
    "TranscriptionSession": events.BetaSession,
    "UsageTranscriptTextUsageDuration": events.TranscriptionUsage,
    "UsageTranscriptTextUsageTokens": events.TranscriptionUsage,
    "UsageTranscriptTextUsageTokensInputTokenDetails": events.InputTokenDetails,
    "VoiceID": events.VoiceId,
    "conversation_item_input_audio_transcription_failed_event__Error": events.ErrorDetail,
    "error_event__Error": events.ErrorDetail,
    "realtime_conversation_item_assistant_message__Content": (
        events.OutputText,
        events.OutputAudio,
    ),
    "realtime_conversation_item_system_message__Content": events.InputText,
    "realtime_conversation_item_user_message__Content": (
        events.InputText,
        events.InputAudio,
        events.InputImage,
    ),
    "realtime_response_status__Error": events.ResponseError,
    "response_content_part_added_event__Part": (events.Text, events.Audio),
    "response_content_part_done_event__Part": (events.Text, events.Audio),
    "session__InputAudioTranscription": events.AudioTranscription,
    "session__TurnDetection": VAD,
    "session_update_event__Session": events.BetaSession,
    "session_update_event__SessionClientSecret": events.ClientSecret,
    "session_update_event__SessionInputAudioTranscription": events.AudioTranscription,
    "transcription_session__InputAudioTranscription": events.AudioTranscription,
    "transcription_session__TurnDetection": VAD,
    "transcription_session_update__Session": events.BetaSession,
    "transcription_session_update__SessionClientSecret": events.ClientSecret,
    "transcription_session_update__SessionInputAudioTranscription": events.AudioTranscription,
}

# "Tool" is a function to use in the beta's tables, and one on offer in GA's.
TOOLS: Mapping[str, Kinds] = {"events_ga": events.McpListedTool, "events_beta": events.FunctionTool}


def table(name: str) -> dict[str, dict[str, Tree]]:
    return cast("dict[str, dict[str, Tree]]", load(PROTOCOL / f"{name}.json"))


def declared() -> list[tuple[str, str, set[str]]]:
    """(direction, type, fields) of every event of every dialect."""
    rows: list[tuple[str, str, set[str]]] = []
    for name in ("events_ga", "events_beta"):
        tables = table(name)
        sides = [tables, cast("dict[str, dict[str, Tree]]", tables.get("translation", {}))]
        rows += [
            (side, tag, set(cast("Tree", event["fields"])))
            for both in sides
            for side in ("client", "server")
            for tag, event in both.get(side, {}).items()
        ]
    return rows


def fields_of(kinds: Kinds) -> set[str]:
    if isinstance(kinds, tuple):
        return {name for kind in kinds for name in fields_of(kind)}
    tag = ["type"] if kinds.__struct_config__.tag else []
    return {*kinds.__struct_fields__, *tag}


def test_no_event_is_missing() -> None:
    rows = declared()
    assert {tag for side, tag, _ in rows if side == "client"} == set(CLIENT_EVENTS)
    assert set(SERVER_EVENTS) - {tag for side, tag, _ in rows if side == "server"} == {
        "transcription_session.created",  # the specification has it, the table has not
        "conversation.item.input_audio_transcription.updated",  # xAI
    }


def test_no_field_of_an_event_is_missing() -> None:
    known = {"client": CLIENT_EVENTS, "server": SERVER_EVENTS}
    for side, tag, fields in declared():
        assert fields <= fields_of(known[side][tag]), tag


@pytest.mark.parametrize("name", ["events_ga", "events_beta"])
def test_no_field_of_an_object_is_missing(name: str) -> None:
    objects = table(name)["objects"]
    assert objects
    for label, described in objects.items():
        short = label.split("@", maxsplit=1)[0]
        for prefix in ("openai__types__realtime__", "openai__types__beta__realtime__"):
            short = short.removeprefix(prefix)
        kinds = TOOLS[name] if short == "Tool" else OBJECTS[short]
        assert set(cast("Tree", described["fields"])) <= fields_of(kinds), label


@pytest.mark.parametrize("sent", sample_frames("client"), ids=lambda sent: str(sent["type"]))
def test_what_we_write_is_valid(sent: Tree) -> None:
    """Every client sample, as we write it, is what one of the dialects' schemas asks for."""
    jsonschema = pytest.importorskip("jsonschema")
    written = json.loads(encode(decode_client(frame(sent))))
    schemas = [table(f"schema_{dialect}_client") for dialect in ("ga", "beta", "ga_translation")]
    assert any(jsonschema.Draft202012Validator(schema).is_valid(written) for schema in schemas)
