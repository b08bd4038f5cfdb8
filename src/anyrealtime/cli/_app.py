"""The options of the command, and nothing of what they do: typer reads this, `--help` shows it.

Each command imports its own room when it is called, so that help and version are quick.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal

import typer

from anyrealtime.cli._exit import EXIT_CODES, guarded
from anyrealtime.cli._fault_help import FAULTS

_DEBUG = typer.Option("--debug", help="Show the traceback of an error.")

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def run(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    # Not standalone: typer raises what is wrong with the arguments and returns the code.
    work = partial(app, arguments, prog_name="anyrealtime", standalone_mode=False)
    return guarded(lambda: work() or 0)


@app.callback(invoke_without_command=True, epilog=EXIT_CODES)
def anyrealtime(
    context: typer.Context,
    *,
    show_version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    """Talk to a Realtime server, or be one."""
    if show_version:
        print(f"anyrealtime {version('anyrealtime')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())
        raise typer.Exit(2)


@app.command(epilog=EXIT_CODES)
def chat(
    text: Annotated[
        str | None,
        typer.Argument(
            help="What to say; else it is read from stdin.", metavar="[TEXT]", show_default=False
        ),
    ] = None,
    *,
    model: Annotated[str, typer.Option(help="The model's name.", metavar="NAME")] = "gpt-realtime",
    url: Annotated[
        str | None,
        typer.Option(
            help="The whole endpoint, ws:// or wss://.", metavar="URL", show_default=False
        ),
    ] = None,
    instructions: Annotated[
        str | None,
        typer.Option(help="What the model shall heed.", metavar="TEXT", show_default=False),
    ] = None,
    audio: Annotated[
        Path | None,
        typer.Option(
            help="Have the answer spoken, into this WAV file (24 kHz, 16 bit, mono).",
            metavar="FILE",
            show_default=False,
        ),
    ] = None,
    raw: Annotated[
        bool, typer.Option("--raw", help="Print the events that come, one JSON line each.")
    ] = False,
    tools: Annotated[
        Path | None,
        typer.Option(
            help="A Python file whose functions marked by @tool the model may call.",
            metavar="FILE",
            exists=True,
            dir_okay=False,
            show_default=False,
        ),
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option(
            help="Record what crosses, without keys, into this file.",
            metavar="FILE",
            show_default=False,
        ),
    ] = None,
    dialect: Annotated[Literal["ga", "beta"], typer.Option(help="The protocol's version.")] = "ga",
    backend: Annotated[
        Literal["asyncio", "trio"] | None,
        typer.Option(help="The event loop.", show_default="asyncio, or what the transport needs"),
    ] = None,
    transport: Annotated[
        Literal["anyio", "trio-websocket"], typer.Option(help="The WebSocket library.")
    ] = "anyio",
    timeout: Annotated[
        float, typer.Option(help="Seconds until the connection must be usable.", metavar="S")
    ] = 10.0,
    debug: Annotated[bool, _DEBUG] = False,
) -> int:
    """Ask something and print the answer as it comes.

    Without TEXT, at a terminal, it asks you: with a history, Ctrl-C to stop an answer and
    Ctrl-D to leave.

    The key is OPENAI_API_KEY, the server OpenAI's, OPENAI_BASE_URL's or that of --url. With
    none of the three a simulator on this machine answers.
    """
    from anyrealtime.cli._chat import ChatOptions
    from anyrealtime.cli._chat import chat as work

    options = ChatOptions(
        text=text,
        model=model,
        url=url,
        backend=backend,
        transport=transport,
        dialect=dialect,
        audio=audio,
        raw=raw,
        record=record,
        instructions=instructions,
        timeout=timeout,
        tools=tools,
    )
    return guarded(partial(work, options), debug=debug)


@app.command(epilog=f"{FAULTS}\n{EXIT_CODES}")
def serve(
    *,
    host: Annotated[
        str, typer.Option(help="The address to listen on.", metavar="ADDRESS")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(help="The port; 0 takes a free one.", metavar="N", min=0, max=65535)
    ] = 0,
    pace: Annotated[
        float, typer.Option(help="Seconds between two pieces of an answer.", min=0.0, metavar="S")
    ] = 0.0,
    dialect: Annotated[
        Literal["auto", "ga", "beta"],
        typer.Option(help="The protocol's version; auto speaks what a client asks for."),
    ] = "auto",
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="A model there is; may be repeated. Without it any name will do.",
            metavar="NAME",
            show_default=False,
        ),
    ] = None,
    script: Annotated[
        Path | None,
        typer.Option(
            help="What is answered, turn by turn: a TOML file, see docs/simulator.md.",
            metavar="FILE",
            show_default=False,
        ),
    ] = None,
    answer: Annotated[
        Literal["talk", "echo"],
        typer.Option(help="Who answers without a script: a talker, or an echo of what was said."),
    ] = "talk",
    voice: Annotated[
        Literal["tones", "espeak-ng", "hibari", "auto"],
        typer.Option(help="What speaks the answers: tones, or a synthesiser if installed."),
    ] = "tones",
    recogniser: Annotated[
        Literal["script", "pocketsphinx", "whisper", "auto"],
        typer.Option(help="What makes out the caller's words: the script, or one if installed."),
    ] = "script",
    detector: Annotated[
        Literal["energy", "webrtcvad", "silero", "auto"],
        typer.Option(help="What hears the turns of a caller; auto is the best installed."),
    ] = "energy",
    api_key: Annotated[
        str | None,
        typer.Option(help="The key that clients need.", metavar="KEY", show_default=False),
    ] = None,
    session_seconds: Annotated[
        float, typer.Option(help="How long a session lasts.", metavar="S", min=1.0)
    ] = 3600.0,
    tokens_per_minute: Annotated[
        int | None,
        typer.Option(
            help="Of each connection; without any left its responses fail.",
            metavar="N",
            min=1,
            show_default=False,
        ),
    ] = None,
    obfuscation: Annotated[
        bool, typer.Option("--obfuscation", help="Fill deltas up, as OpenAI does.")
    ] = False,
    extras: Annotated[
        bool, typer.Option("--extras", help="Send what only some services send.")
    ] = False,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            help="What shall go wrong, see below; may be repeated.",
            metavar="FAULT",
            show_default=False,
        ),
    ] = None,
    fault_seed: Annotated[
        int, typer.Option(help="The same seed gives the same faults.", metavar="N")
    ] = 0,
    admin: Annotated[
        bool, typer.Option("--admin", help="Let clients ask for faults by an event.")
    ] = False,
    log: Annotated[
        bool, typer.Option("--log", help="One line on stderr for each event: types and ids.")
    ] = False,
    backend: Annotated[
        Literal["asyncio", "trio"], typer.Option(help="The event loop.")
    ] = "asyncio",
    debug: Annotated[bool, _DEBUG] = False,
) -> int:
    """Run the simulator, a Realtime server without a model behind it, until Ctrl-C.

    Its URL is the first line on stdout.
    """
    from anyrealtime.cli._serve import ServeOptions
    from anyrealtime.cli._serve import serve as work

    options = ServeOptions(
        host=host,
        port=port,
        pace=pace,
        dialect=dialect,
        models=tuple(model or ()),
        script=script,
        answer=answer,
        voice=voice,
        recogniser=recogniser,
        detector=detector,
        api_key=api_key,
        session_seconds=session_seconds,
        tokens_per_minute=tokens_per_minute,
        obfuscation=obfuscation,
        extras=extras,
        faults=tuple(fault or ()),
        fault_seed=fault_seed,
        admin=admin,
        log=log,
        backend=backend,
    )
    return guarded(partial(work, options), debug=debug)


@app.command(epilog=EXIT_CODES)
def record(
    file: Annotated[Path, typer.Argument(help="Where to.", metavar="FILE", show_default=False)],
    command: Annotated[
        list[str],
        typer.Argument(help="What to run.", metavar="-- COMMAND...", show_default=False),
    ],
    *,
    url: Annotated[
        str | None,
        typer.Option(
            help="The server it shall talk to: a base URL or a whole endpoint.",
            metavar="URL",
            show_default=False,
        ),
    ] = None,
    audio: Annotated[
        Literal["keep", "elide", "hash"],
        typer.Option(help="Keep audio, leave it out, or leave it out and note its hash."),
    ] = "keep",
    backend: Annotated[
        Literal["asyncio", "trio"], typer.Option(help="The event loop.")
    ] = "asyncio",
    debug: Annotated[bool, _DEBUG] = False,
) -> int:
    """Run a command and record its Realtime connections, without keys.

    It is run with OPENAI_BASE_URL pointing at a proxy on this machine, which passes WebSockets
    on to the server of --url, of OPENAI_BASE_URL, or OpenAI's; with none of them and without
    OPENAI_API_KEY to a simulator. The exit code is that of the command.
    """
    from anyrealtime.cli._record import RecordOptions
    from anyrealtime.cli._record import record as work

    options = RecordOptions(
        path=file, command=tuple(command), url=url, audio=audio, backend=backend
    )
    return guarded(partial(work, options), debug=debug)


@app.command(epilog=EXIT_CODES)
def replay(
    file: Annotated[Path, typer.Argument(help="A recording.", metavar="FILE", show_default=False)],
    *,
    strict: Annotated[
        bool, typer.Option("--strict", help="Clients must say what was recorded, but for ids.")
    ] = False,
    speed: Annotated[
        str | None,
        typer.Option(
            help='"recorded", or how many times as fast.',
            metavar="X",
            show_default="as fast as can be",
        ),
    ] = None,
    host: Annotated[
        str, typer.Option(help="The address to listen on.", metavar="ADDRESS")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(help="The port; 0 takes a free one.", metavar="N", min=0, max=65535)
    ] = 0,
    backend: Annotated[
        Literal["asyncio", "trio"], typer.Option(help="The event loop.")
    ] = "asyncio",
    debug: Annotated[bool, _DEBUG] = False,
) -> int:
    """Answer clients as a recorded server did, until Ctrl-C.

    Its URL is the first line on stdout. With --strict the exit code is 1 if a client differed,
    and the difference is shown.
    """
    from anyrealtime.cli._replay import ReplayOptions, replay_file

    options = ReplayOptions(
        path=file, host=host, port=port, strict=strict, speed=speed, backend=backend
    )
    return guarded(partial(replay_file, options), debug=debug)
