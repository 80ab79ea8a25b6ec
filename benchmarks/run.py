"""`make bench`: predictions on one core, compared with a bare loop, an empty handler and the peers.

Only ratios within a round are compared: absolute figures drift with the machine.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from benchmarks.contenders import CONTENDERS, PEERS, Contender, by_workers, release_in
from benchmarks.race import Race
from benchmarks.report import publish, write_report
from benchmarks.results import Results, collect
from benchmarks.serving import BenchmarkError
from configuration import ROOT

RESULTS = ROOT / "test-output" / "bench"
DEFAULT_ROUNDS = 5
DEFAULT_SECONDS = 3


def main() -> int:
    options = parser().parse_args()
    try:
        results = _race(chosen(options), options.rounds, options.seconds)
    except BenchmarkError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    write_report(results, options.output)
    if options.publish:
        publish(options.output)
    return 0


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    found.add_argument(
        "--peers",
        nargs="*",
        choices=_names(PEERS),
        default=_names(PEERS),
        metavar="PEER",
        help=f"which of {', '.join(_names(PEERS))}",
    )
    found.add_argument(
        "--races",
        nargs="+",
        metavar="RACE",
        help="TCN, DNN, batches, workers-TCN, workers-DNN, or one contender: TCN/fastapi",
    )
    found.add_argument(
        "--beside", type=Path, metavar="FOLDER", help="race the release in this checkout too"
    )
    found.add_argument(
        "--workers",
        type=_positive,
        nargs="+",
        default=[],
        metavar="N",
        help="measure the server with these numbers of workers on two cores too",
    )
    found.add_argument("--rounds", type=_positive, default=DEFAULT_ROUNDS)
    found.add_argument("--seconds", type=_positive, default=DEFAULT_SECONDS, help="of each turn")
    found.add_argument("--output", type=Path, default=RESULTS, help="folder of the results")
    found.add_argument("--publish", action="store_true", help="update docs/benchmarks.md too")
    return found


def _names(contenders: Iterable[Contender]) -> list[str]:
    return [contender.server for contender in contenders]


def chosen(options: argparse.Namespace) -> list[Contender]:
    """The contenders of a run, in the order of its turns.

    Raises:
        BenchmarkError: a race or a contender is unknown.
    """
    found = [*(release_in(options.beside) if options.beside else ()), *CONTENDERS]
    found = [c for c in found if not c.peer or c.server in options.peers]
    found += by_workers(options.workers)
    known = {name for c in found for name in (c.workload.name, c.name)}
    for race in options.races or ():
        if race not in known:
            raise BenchmarkError(f"--races {race}: expected one of {', '.join(sorted(known))}")
    races = options.races or known
    return [c for c in found if c.workload.name in races or c.name in races]


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
    """Creates the environment of a peer; returns the error, None if there is one."""
    if not contender.peer:
        return None if contender.python.exists() else f"{contender.python} is missing: make .venv"
    command = [str(ROOT / "scripts" / "environment")]
    command += [f".venv-bench-{contender.peer}", f"requirements/bench/{contender.peer}.txt"]
    made = subprocess.run(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, check=False)
    return made.stderr.strip() or "its environment cannot be created" if made.returncode else None


if __name__ == "__main__":
    sys.exit(main())
