"""`make bench`: single predictions on one core, compared with an empty handler and the peers.

Only ratios within a round are compared: absolute figures drift with the machine.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from benchmarks.contenders import CONTENDERS, OURS, PEERS, Contender
from benchmarks.race import Race
from benchmarks.report import publish, write_report
from benchmarks.results import Results, collect
from benchmarks.serving import BenchmarkError
from configuration import ROOT

RESULTS = ROOT / "test-output" / "bench"
DEFAULT_ROUNDS = 5
DEFAULT_SECONDS = 3


def main() -> int:
    options = _parser().parse_args()
    chosen = [c for c in CONTENDERS if c in OURS or c.name in options.peers]
    try:
        results = _race(chosen, options.rounds, options.seconds)
    except BenchmarkError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    write_report(results, options.output)
    if options.publish:
        publish(options.output)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument(
        "--peers",
        nargs="*",
        choices=_names(PEERS),
        default=_names(PEERS),
        metavar="PEER",
        help=f"which of {', '.join(_names(PEERS))}",
    )
    parser.add_argument("--rounds", type=_positive, default=DEFAULT_ROUNDS)
    parser.add_argument("--seconds", type=_positive, default=DEFAULT_SECONDS, help="of each turn")
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder of the results")
    parser.add_argument("--publish", action="store_true", help="update docs/benchmarks.md too")
    return parser


def _names(contenders: Iterable[Contender]) -> list[str]:
    return [contender.name for contender in contenders]


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not at least 1")
    return number


def _race(contenders: list[Contender], rounds: int, seconds: int) -> Results:
    ready, missing = [], {}
    for contender in contenders:
        reason = _make_environment(contender)
        if reason:
            missing[contender] = reason
            print(f"{contender.name} is excluded: {reason}", flush=True)
        else:
            ready.append(contender)
    race = Race(failures=missing)
    race.run(ready, rounds, seconds, lambda text: print(text, flush=True))
    return collect(race, rounds, seconds)


def _make_environment(contender: Contender) -> str | None:
    """Creates the environment of a contender; returns the error, None if it succeeded."""
    command = [str(ROOT / "scripts" / "environment")]
    command += [str(contender.environment), str(contender.requirements)]
    made = subprocess.run(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, check=False)
    return made.stderr.strip() or "its environment cannot be created" if made.returncode else None


if __name__ == "__main__":
    sys.exit(main())
