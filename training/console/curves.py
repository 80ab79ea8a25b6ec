"""Curves for TensorBoard: a folder for each fit."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from training.console.epochs import Epoch, Report
from training.errors import UserError
from training.evaluation import Evaluation
from training.protocols.results import MFCCS_ALONE, Results

if TYPE_CHECKING:
    from tensorboardX import SummaryWriter


class CurvesError(UserError):
    """Curves that cannot be written; the message gives the reason."""


@contextlib.contextmanager
def curves_of_fit(folder: Path | None, network: str) -> Iterator[Report]:
    """Adds the loss of each epoch to the curves of `FOLDER/NETWORK/fit`.

    Args:
        folder: nothing is written if there is none.
        network: its name.
    """
    if folder is None:
        yield lambda _epoch, _loss: None
        return
    with _writer(folder / network / "fit") as writer:

        def report(epoch: Epoch, loss: float) -> None:
            part = epoch.part.replace(" ", "-")
            writer.add_scalar(f"loss/{part}" if part else "loss", loss, epoch.number)
            writer.flush()

        yield report


def write_curves(folder: Path, results: Results) -> None:
    """Writes the losses of every fit of an evaluation, and the recall of each of its folds.

    They are in `FOLDER/NETWORK/PROTOCOL`, the losses in folders such as `seed-1-fold-2` there.
    """
    protocols = {"new-speakers": results.evaluation}
    if results.several:
        protocols["other-corpora"] = results.other_corpora[MFCCS_ALONE]
    for name, evaluation in protocols.items():
        _write(folder / evaluation.network / name, evaluation)


def _write(folder: Path, evaluation: Evaluation) -> None:
    _write_curve(folder, "recall_by_fold", evaluation.fold_uar())
    for seed, of_folds in zip(evaluation.seeds, evaluation.history["loss"], strict=True):
        for fold, losses in enumerate(of_folds.tolist(), 1):
            _write_curve(folder / f"seed-{seed}-fold-{fold}", "loss", losses)


def _write_curve(folder: Path, name: str, values: Sequence[float]) -> None:
    with _writer(folder) as writer:
        for number, value in enumerate(values, 1):
            writer.add_scalar(name, value, number)


def _writer(folder: Path) -> "SummaryWriter":
    try:
        from tensorboardX import SummaryWriter  # noqa: PLC0415  # few runs write curves
    except ModuleNotFoundError as error:
        raise CurvesError(f"{error}; log_dir needs it: make .venv-dev") from error
    folder.mkdir(parents=True, exist_ok=True)  # the writer's own errors name no folder
    return SummaryWriter(str(folder))
