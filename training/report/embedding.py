"""A map of a network's answers, on which alike ones lie close together."""

from typing import Any

import numpy as np
from scipy.special import log_softmax
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from training.evaluation import Evaluation
from training.metrics import Float64
from training.report.drawing import Drawing, finish, new_figure, styled

PERPLEXITY = 30.0
COLUMNS = 4
# Pixels keep their colours in either theme.
GREY, BLUE = "#808890", "#1f87c9"
DOTS: dict[str, Any] = {
    "linestyle": "none",
    "marker": ".",
    "markeredgewidth": 0,
    "rasterized": True,
}


def place_answers(evaluation: Evaluation) -> Float64:
    """Out-of-fold log-probabilities of the first seed, (N, L), to a plane, (N, 2).

    t-SNE (van der Maaten and Hinton 2008). Log-probabilities mean the same in the networks of all
    folds; hidden layers of networks that were fitted apart do not.
    """
    answers = log_softmax(evaluation.logits[0].astype(np.float64), axis=1)
    perplexity = min(PERPLEXITY, (len(answers) - 1) / 3)
    with threadpool_limits(1):  # so that sums keep their order
        places: Float64 = TSNE(perplexity=perplexity, init="pca", random_state=0).fit_transform(
            answers
        )
    return places


@styled
def draw_map(evaluation: Evaluation) -> Drawing:
    """One small map for each emotion: its utterances among all the others."""
    places = place_answers(evaluation)
    rows = -(-len(evaluation.labels) // COLUMNS)
    figure = new_figure(30 + 95 * rows)
    grid = figure.subplots(rows, COLUMNS, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for index, (axes, label) in enumerate(zip(grid.flat, evaluation.labels, strict=False)):
        true = evaluation.targets == index
        axes.plot(*places[~true].T, markersize=2, color=GREY, **DOTS)
        axes.plot(*places[true].T, markersize=4.5, color=BLUE, **DOTS)
        axes.set_title(label, loc="center", fontsize=9)
    description = (
        f"{len(evaluation.labels)} maps of {len(places)} answers of {evaluation.network}, one for "
        "each true emotion; where an emotion's dots lie together it is told from the others."
    )
    title = f"{evaluation.network}: map of the answers (t-SNE, no unit)"
    return finish(figure, title, description)
