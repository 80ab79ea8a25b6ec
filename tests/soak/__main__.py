"""`python -m tests.soak`: tests with faults, overload, attacks, fuzzing and long load.

Each part starts its own server and connects over the loopback interface. The exit status is 1 if
a part fails.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from tests.soak import (
    endurance,
    fault_tolerance,
    fuzz,
    overload,
    privacy,
    siege,
    slow_clients,
)
from tests.soak.faults import Counts


class Findings(Protocol):
    @property
    def is_good(self) -> bool: ...


def endure_faults(options: argparse.Namespace) -> fault_tolerance.Outcome:
    return fault_tolerance.endure_faults(
        fault_tolerance.Options(
            predictions=options.predictions,
            counts=fault_tolerance.ALL_FAULTS if options.confined else Counts(),
            is_confined=options.confined,
            seed=options.seed,
            minutes=options.most_minutes,
        )
    )


# Each part: how it measures, and how it reports the findings.
PARTS: dict[str, tuple[Callable[[argparse.Namespace], Findings], Callable[[Any], str]]] = {
    "faults": (endure_faults, fault_tolerance.report),
    "overload": (lambda _: overload.measure_overload(), overload.report),
    "slow": (lambda _: slow_clients.measure_slow_clients(), slow_clients.report),
    "siege": (lambda _: siege.lay_siege(), siege.report),
    "fuzz": (lambda options: fuzz.fuzz(options.bodies, options.seed), fuzz.report),
    "privacy": (lambda options: privacy.search_after(options.requests), privacy.report),
    "endurance": (lambda options: endurance.endure(options.minutes), endurance.report),
}


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    held = True
    for name in options.parts or PARTS:
        print(f"\n== {name} (seed {options.seed})", flush=True)
        start = time.monotonic()
        measure, report = PARTS[name]
        findings = measure(options)
        held &= findings.is_good
        verdict = "HELD" if findings.is_good else "NOT HELD"
        print(f"{report(findings)}\n{verdict}, {time.monotonic() - start:.0f} s")
    return 0 if held else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=(*PARTS, []), help="by default all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--predictions", type=int, default=1_000_000, help="of the faults part")
    parser.add_argument(
        "--confined",
        action="store_true",
        help="the faults part also with attacks, clock jumps, full disks, 768 MiB (as root)",
    )
    parser.add_argument("--bodies", type=int, default=200_000, help="of the fuzz part")
    parser.add_argument("--requests", type=int, default=100_000, help="of the privacy part")
    parser.add_argument("--minutes", type=float, default=30, help="of the endurance part")
    parser.add_argument("--most-minutes", type=float, default=40, help="limit of the faults part")
    return parser


if __name__ == "__main__":
    sys.exit(main())
