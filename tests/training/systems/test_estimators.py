"""Any classifier of scikit-learn may be a model of a system, in a pipeline or alone."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from training.examples import Examples
from training.systems.base.estimators import EstimatorModel, FittedEstimator
from training.systems.base.system import Caches, FitContext

CLIPS, WIDTH, LABELS = 24, 6, ("angry", "calm", "sad")


@pytest.fixture
def examples() -> Examples:
    random = np.random.default_rng(0)
    return Examples(
        features=random.normal(size=(CLIPS, 1, WIDTH)).astype(np.float32),
        targets=np.arange(CLIPS) % len(LABELS),
        speakers=np.full(CLIPS, "1"),
        content_hashes=np.full(CLIPS, "0"),
        auxiliary_labels=np.full((CLIPS, 3), -1),
        corpora=np.full(CLIPS, "one"),
        possible=np.ones((CLIPS, len(LABELS)), bool),
        labels=LABELS,
    )


@pytest.mark.parametrize(
    ("classifier", "is_counted"),
    [
        (make_pipeline(StandardScaler(), RandomForestClassifier(3)), True),
        (SVC(probability=True), False),
        (KNeighborsClassifier(3), False),
    ],
)
@pytest.mark.filterwarnings("ignore:The `probability` parameter:FutureWarning")
def test_a_classifier_is_fitted_and_exported(
    examples: Examples, tmp_path: Path, classifier: Any, is_counted: bool
) -> None:
    model = EstimatorModel(hyperparameters=None, estimator=lambda _, __: classifier)
    fitted = model.fit(examples, FitContext(1, Caches.under(tmp_path)))
    assert isinstance(fitted, FittedEstimator)
    assert (fitted.parameters > 0) == is_counted
    session = onnxruntime.InferenceSession(fitted.graph().SerializeToString())
    (exported,) = session.run(["probabilities"], {"features": examples.features[:, 0]})
    clips = list(examples.features[:, 0])
    np.testing.assert_allclose(exported, np.exp(fitted.logits(clips)), atol=1e-4)
