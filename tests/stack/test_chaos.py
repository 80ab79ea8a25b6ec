"""Short versions of `make soak`: killed processes, activated models, malformed requests."""

from pathlib import Path

from tests.soak.fault_tolerance import Options, endure_faults, report
from tests.soak.faults import Counts
from tests.soak.fuzz import fuzz_server
from tests.soak.fuzz import report as report_fuzz
from tests.support.harness import running

COUNTS = Counts(
    worker_kills=4,
    worker_reloads=1,
    gunicorn_kills=1,
    nginx_reloads=2,
    nginx_kills=1,
    activations=2,
)
BODIES = 6_000  # two thirds for /prediction, the others for /v2


def test_no_answer_is_lost_or_wrong_when_processes_are_killed(nginx: Path) -> None:
    outcome = endure_faults(Options(6_000, COUNTS, seed=2, minutes=3, quiet=True))
    assert not outcome.unexpected, report(outcome)
    assert not outcome.unexplained, report(outcome)
    assert outcome.tally.answers >= 6_000
    assert set(outcome.tally.of_release) == {"as committed", "names swapped"}


def test_malformed_requests_cause_no_error_and_end_no_process(nginx: Path, tmp_path: Path) -> None:
    with running(tmp_path, SER_SERVER_ACCESS_LOG="no") as server:
        findings = fuzz_server(server, BODIES, seed=3)
        assert not findings.errors, report_fuzz(findings)
        assert not findings.restarted
        # Mutants test the handlers only if the requests that they derive from are valid.
        assert findings.answers["inference: good", 200]
        assert server.predict()
