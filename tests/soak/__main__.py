"""`python -m tests.soak`: tests with faults, overload, slow clients, fuzzing and long load.

Each part starts its own server and connects over the loopback interface. The exit status is 1 if
a part fails.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence

from tests.soak import endurance, fault_tolerance, fuzz, overload, slow_clients

PARTS = ("faults", "overload", "slow", "fuzz", "endurance")
Part = Callable[[argparse.Namespace], tuple[str, bool]]


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    held = True
    for name in options.parts or PARTS:
        print(f"\n== {name} (seed {options.seed})", flush=True)
        start = time.monotonic()
        text, good = RUNNERS[name](options)
        held &= good
        print(f"{text}\n{'HELD' if good else 'NOT HELD'}, {time.monotonic() - start:.0f} s")
    return 0 if held else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=(*PARTS, []), help="by default all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--predictions", type=int, default=1_000_000, help="of the faults part")
    parser.add_argument("--bodies", type=int, default=200_000, help="of the fuzz part")
    parser.add_argument("--minutes", type=float, default=30, help="of the endurance part")
    parser.add_argument("--most-minutes", type=float, default=40, help="limit of the faults part")
    return parser


def _faults(options: argparse.Namespace) -> tuple[str, bool]:
    outcome = fault_tolerance.endure_faults(
        fault_tolerance.Options(
            predictions=options.predictions, seed=options.seed, minutes=options.most_minutes
        )
    )
    return fault_tolerance.report(outcome), not outcome.unexplained and not outcome.unexpected


def _overload(_: argparse.Namespace) -> tuple[str, bool]:
    findings = overload.measure_overload()
    return overload.report(findings), findings.is_good


def _slow(_: argparse.Namespace) -> tuple[str, bool]:
    findings = slow_clients.measure_slow_clients()
    return slow_clients.report(findings), findings.is_good


def _fuzz(options: argparse.Namespace) -> tuple[str, bool]:
    findings = fuzz.fuzz(options.bodies, options.seed)
    return fuzz.report(findings), findings.is_good


def _endurance(options: argparse.Namespace) -> tuple[str, bool]:
    findings = endurance.endure(options.minutes)
    return endurance.report(findings), findings.is_good


RUNNERS: dict[str, Part] = dict(
    zip(PARTS, (_faults, _overload, _slow, _fuzz, _endurance), strict=True)
)

if __name__ == "__main__":
    sys.exit(main())
