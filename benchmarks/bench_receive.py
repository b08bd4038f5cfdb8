"""What it costs to be handed an event: CPU from the socket to the program's loop.

    python benchmarks/bench_receive.py [--events 20000] [--runs 9] [--mix small] [--tls]

The server sends responses of so many events at full wire speed; each peer counts them, in a
process of its own, for as many responses as it needs to use half a second of CPU: a short sample
tells how busy the machine was in that moment. "mixed" is half audio deltas of 6.4 kB and half
small ones, "small" the small ones only. Read the ratios: `picows` is the floor (a bare callback
and one msgspec decode). --check fails the run where a promise of the design (targets.py) was not
kept.
"""

from __future__ import annotations

import sys
from typing import cast

from harness import NODE, Peer, common_arguments, plan_from, run
from table import as_json, as_text, rows
from targets import limits, verdicts

PEERS = [
    Peer("anyrealtime asyncio", ("anyrealtime",)),
    Peer("anyrealtime trio", ("anyrealtime",)),
    Peer("anyrealtime trio-websocket", ("anyrealtime",)),
    Peer("openai-python", ("openai", "websockets")),
    Peer("openai-agents", ("agents", "websockets")),
    Peer("websockets", ("websockets",)),
    Peer("picows", ("picows",)),
    Peer("picows + our codec", ("picows", "anyrealtime")),
    Peer(NODE),
]
REFERENCES = ("openai-python", "picows", NODE)


def main() -> None:
    """Run, print, and fail if any peer did."""
    parser = common_arguments(__doc__, events=20_000)
    parser.add_argument("--mix", choices=["mixed", "small"], default="mixed")
    parser.add_argument(
        "--seconds", type=float, default=0.5, help="of CPU that a sample takes at least"
    )
    parser.add_argument("--check", action="store_true", help="fail where a target is missed")
    given = parser.parse_args()
    plan = plan_from(given, "receive")
    results = run(plan, PEERS)
    wire = "TLS" if plan.tls else "plain TCP"
    title = f"receive: {plan.events:,} events, {plan.mix}, {wire}, median of {plan.runs} runs"
    show = as_json if cast(bool, given.json) else as_text
    print(show(title, results, REFERENCES))
    judged = verdicts(rows(results.samples, ()), limits(plan.mix, tls=plan.tls))
    if given.check:
        print(*judged, sep="\n", file=sys.stderr)
    missed = cast(bool, given.check) and not all(verdict.is_met for verdict in judged)
    raise SystemExit(1 if results.failed or not results.samples or missed else 0)


if __name__ == "__main__":
    main()
