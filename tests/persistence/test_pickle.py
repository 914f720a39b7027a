"""Estimators can also be pickled, with several libraries."""

import pickle
import subprocess
import sys

import cloudpickle
import joblib
import numpy as np
import pytest
import skops.io

import skmnist
from skmnist import PixelNormalizer, SimpleNNClassifier


@pytest.mark.slow
@pytest.mark.parametrize(
    "library",
    [
        pytest.param(pickle, id="pickle"),
        pytest.param(joblib, id="joblib", marks=pytest.mark.slow),
        pytest.param(cloudpickle, id="cloudpickle", marks=pytest.mark.slow),
    ],
)
def test_a_pickle_predicts_the_same_bits_elsewhere_without_tensorflow(
    pipeline, digits, tmp_path, library
):
    with (tmp_path / "model").open("wb") as stream:
        library.dump(pipeline, stream)
    np.save(tmp_path / "X.npy", digits[0])
    script = (
        f"import sys, numpy as np, {library.__name__} as library\n"
        "model = library.load(open('model', 'rb'))\n"
        "np.save('proba.npy', model.predict_proba(np.load('X.npy')))\n"
        "assert not {'tensorflow', 'keras', 'scikeras'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, timeout=300)
    np.testing.assert_array_equal(
        np.load(tmp_path / "proba.npy"), pipeline.predict_proba(digits[0])
    )


@pytest.mark.parametrize("model", [SimpleNNClassifier(epochs=0), PixelNormalizer()])
def test_a_pickle_of_a_different_version_warns(model, digits, monkeypatch):
    pickled = pickle.dumps(model.fit(*digits))
    monkeypatch.setattr("skmnist._estimator.__version__", "9.9")
    with pytest.warns(UserWarning, match=rf"pickled by skmnist {skmnist.__version__}.*by 9.9"):
        pickle.loads(pickled)


def test_skops_needs_trust_in_the_documented_types_and_no_others(pipeline, digits, tmp_path):
    skops.io.dump(pipeline, tmp_path / "model.skops")
    untrusted = skops.io.get_untrusted_types(file=tmp_path / "model.skops")
    assert sorted(untrusted) == [
        "numpy.dtype",
        "skmnist.neural_network._classifiers.SimpleNNClassifier",
        "skmnist.preprocessing._normalizer.PixelNormalizer",
    ]
    loaded = skops.io.load(tmp_path / "model.skops", trusted=untrusted)
    np.testing.assert_array_equal(
        loaded.predict_proba(digits[0]), pipeline.predict_proba(digits[0])
    )
