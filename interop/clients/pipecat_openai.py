"""pipecat's OpenAI Realtime service as a client, in a pipeline without a microphone.

What goes in are frames of pipecat's own; what its user sees are frames, too.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import anyio

from interop.clients import script
from interop.clients.script import RATE_HZ, Order, Report

import_module("loguru").logger.remove()
frames: Any = import_module("pipecat.frames.frames")
service: Any = import_module("pipecat.services.openai.realtime.llm").OpenAIRealtimeLLMService
events: Any = import_module("pipecat.services.openai.realtime.events")
aggregators: Any = import_module("pipecat.processors.aggregators.llm_response_universal")
processors: Any = import_module("pipecat.processors.frame_processor")
schemas: Any = import_module("pipecat.adapters.llm.schemas.function_schema")
tool_sets: Any = import_module("pipecat.adapters.llm.schemas.tools_schema")
pipeline: Any = import_module("pipecat.pipeline.pipeline")
worker: Any = import_module("pipecat.pipeline.worker")
runner: Any = import_module("pipecat.workers.runner")


class Probe(processors.FrameProcessor):  # type: ignore[misc]
    """Stands behind the service and notes what it says."""

    def __init__(self, report: Report) -> None:
        super().__init__()  # pyright: ignore[reportUnknownMemberType]
        self.report = report
        self.said = ""
        self._sink, self._frames = anyio.create_memory_object_stream[Any](10_000)

    async def process_frame(self, frame: Any, direction: Any) -> None:
        """Note a frame and pass it on."""
        await super().process_frame(frame, direction)  # pyright: ignore[reportUnknownMemberType]
        match frame:
            case frames.LLMFullResponseStartFrame():
                self.said = ""
            case frames.LLMTextFrame():
                self.said += frame.text
                self.report["text"] = self.said
            case frames.TTSAudioRawFrame():
                self.report["audio_bytes"] += len(frame.audio)
            case frames.InterruptionFrame() if self.report["audio_bytes"]:
                self.report["interrupted"] = True
            case _:
                pass
        self._sink.send_nowait(frame)
        await self.push_frame(frame, direction)

    async def until(self, kind: type[Any]) -> None:
        """Wait for a frame of that kind to pass."""
        while not isinstance(await self._frames.receive(), kind):
            pass


class Talk:
    """One pipeline, and what is put into it."""

    def __init__(self, task: Any, llm: Any, probe: Probe, failed: anyio.Event) -> None:
        self._task = task
        self._llm = llm
        self._probe = probe
        self._failed = failed

    async def text(self, order: Order) -> None:
        """Say hello, which stands in the context already."""
        await self._task.queue_frame(frames.LLMRunFrame())
        await self._probe.until(frames.LLMFullResponseEndFrame)

    async def function(self, order: Order) -> None:
        """Ask for what only the function knows; pipecat calls it."""
        await self._task.queue_frame(frames.LLMRunFrame())
        await self._probe.until(frames.FunctionCallResultFrame)
        await self._probe.until(frames.LLMTextFrame)
        await self._probe.until(frames.LLMFullResponseEndFrame)

    async def error(self, order: Order) -> None:
        """Delete what is not there."""
        await self._task.queue_frame(frames.LLMRunFrame())
        await self._probe.until(frames.LLMFullResponseEndFrame)
        await self._llm.send_client_event(
            events.ConversationItemDeleteEvent(item_id=script.NOBODY, event_id="evt_mine")
        )
        await self._failed.wait()

    async def cancel(self, order: Order) -> None:
        """Ask for much, interrupt after the first words, and go on."""
        await self._task.queue_frame(frames.LLMRunFrame())
        await self._probe.until(frames.LLMTextFrame)
        await self._task.queue_frame(frames.InterruptionFrame())
        await self._probe.until(frames.LLMFullResponseEndFrame)
        self._probe.report["said"] = self._probe.said
        content = [events.ItemContent(type="input_text", text=script.HELLO)]
        item = events.ConversationItem(type="message", role="user", content=content)
        await self._llm.send_client_event(events.ConversationItemCreateEvent(item=item))
        await self._llm.send_client_event(events.ResponseCreateEvent())
        await self._next_response()

    async def vad(self, order: Order) -> None:
        """Speak, and let the server notice when it was all."""
        await self._speak(order)
        await self._probe.until(frames.LLMFullResponseEndFrame)

    async def interruption(self, order: Order) -> None:
        """Speak again while the answer is being spoken."""
        await self._speak(order)
        await self._probe.until(frames.TTSAudioRawFrame)
        await self._speak(order)
        await self._probe.until(frames.InterruptionFrame)
        await self._next_response()

    async def _speak(self, order: Order) -> None:
        for piece in order.utterance:
            frame = frames.InputAudioRawFrame(audio=piece, sample_rate=RATE_HZ, num_channels=1)
            await self._task.queue_frame(frame)
            await anyio.sleep(0.01)  # its frames overtake each other when all come at once

    async def _next_response(self) -> None:
        # An end may still come of the response before, more than one if that was interrupted.
        await self._probe.until(frames.LLMFullResponseStartFrame)
        await self._probe.until(frames.LLMFullResponseEndFrame)


OPENINGS = {"function": script.ASK, "cancel": script.LONG}


def context(order: Order, report: Report, llm: Any) -> Any:
    """What the conversation begins with, and the function."""

    async def get_weather(parameters: Any) -> None:
        report["calls"].append([parameters.function_name, dict(parameters.arguments)])
        await parameters.result_callback(script.OUTPUT)

    llm.register_function(script.NAME, get_weather)
    weather = schemas.FunctionSchema(
        name=script.NAME,
        description=script.DESCRIPTION,
        properties=script.CITY["properties"],
        required=script.CITY["required"],
    )
    opening = {"role": "user", "content": OPENINGS.get(order.step, script.HELLO)}
    return aggregators.LLMContext(
        [] if order.aloud else [opening], tool_sets.ToolsSchema([weather])
    )


async def talk(order: Order) -> Report:
    """Run a pipeline and play the step in it."""
    report: Report = {"text": "", "calls": [], "audio_bytes": 0}
    detection = events.TurnDetection() if order.aloud else False
    properties = events.SessionProperties(
        output_modalities=["audio"] if order.aloud else ["text"],
        audio=events.AudioConfiguration(input=events.AudioInput(turn_detection=detection)),
    )
    settings = service.Settings(model="gpt-realtime", session_properties=properties)
    llm = service(api_key=order.key, base_url=order.url, settings=settings)
    pair = aggregators.LLMContextAggregatorPair(context(order, report, llm))
    probe = Probe(report)
    task = worker.PipelineWorker(pipeline.Pipeline([pair.user(), llm, probe, pair.assistant()]))
    failed = anyio.Event()

    @task.event_handler("on_pipeline_error")  # type: ignore[untyped-decorator]
    async def fail(_: Any, frame: Any) -> None:
        report["error"] = {"message": frame.error}
        failed.set()

    working = runner.WorkerRunner(handle_sigint=False)
    await working.add_workers(task)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(working.run)
        await getattr(Talk(task, llm, probe, failed), order.step)(order)
        await working.cancel()
    return report


if __name__ == "__main__":
    script.run(lambda order: anyio.run(talk, order))
