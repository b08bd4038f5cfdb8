"""What it costs to send microphone audio: CPU for each 20 ms chunk of 24 kHz PCM.

    python benchmarks/bench_send.py --events 5000 --runs 5 [--paced 20] [--tls]

As fast as possible, or with --paced a chunk every so many milliseconds, as a microphone gives
them (then the wake-ups are in the figure too). The server decodes and counts every chunk; a run
in which one is missing has failed.
"""

from __future__ import annotations

from typing import cast

from harness import NODE, Peer, common_arguments, plan_from, run
from table import as_json, as_text

PEERS = [
    Peer("anyrealtime asyncio", ("anyrealtime",)),
    Peer("anyrealtime trio", ("anyrealtime",)),
    Peer("anyrealtime trio-websocket", ("anyrealtime",)),
    Peer("openai-python", ("openai", "websockets")),
    Peer("websockets", ("websockets",)),
    Peer(NODE),
]
REFERENCES = ("openai-python", "websockets", NODE)


def main() -> None:
    """Run, print, and fail if any peer did."""
    parser = common_arguments(__doc__, events=5_000)
    parser.add_argument(
        "--paced", type=float, default=0.0, metavar="MS", help="milliseconds between two chunks"
    )
    given = parser.parse_args()
    plan = plan_from(given, "send")
    results = run(plan, PEERS)
    pace = f"one every {plan.interval * 1000:g} ms" if plan.interval else "as fast as possible"
    wire = "TLS" if plan.tls else "plain TCP"
    title = f"send: {plan.events:,} chunks, {pace}, {wire}, median of {plan.runs} runs"
    show = as_json if cast(bool, given.json) else as_text
    print(show(title, results, REFERENCES))
    raise SystemExit(1 if results.failed or not results.samples else 0)


if __name__ == "__main__":
    main()
