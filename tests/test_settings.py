"""What is set for the whole process, by anybody, does not change what is learned and predicted."""

import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager

import keras
import matplotlib as mpl
import numpy as np
import optuna
import pandas as pd
import pytest
import sklearn
import tensorflow as tf
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from tensorflow.python.data.ops import debug_mode
from tensorflow.python.eager import context
from tensorflow.python.framework import config as tf_config

from skmnist import DeepNNClassifier, PixelNormalizer, SimpleNNClassifier, compare_models
from skmnist.model_selection import OptunaSearchCV, cross_validate
from skmnist.neural_network import _cache, _engine

pytestmark = pytest.mark.filterwarnings("ignore:TerminateOnNaN must be called for each batch")

digits = load_digits()
X, y = digits.images[:300], digits.target[:300]


def network(**options):
    # dropout and l2: every part of the compiled epoch
    options = {"epochs": 2, "dropout": 0.1, "l2": 1e-4, "random_state": 0, **options}
    nn = SimpleNNClassifier(8, **options)
    return make_pipeline(PixelNormalizer(max_value=16), nn)


def learn():
    """Train anew, not with what is kept from a fit under other settings."""
    _engine._idle.clear()
    fitted = network().fit(X, y)
    scaled = X / np.float64(16)
    in_passes = DeepNNClassifier((8, 6), random_state=0)
    for half in np.array_split(np.arange(len(y)), 2):
        in_passes.partial_fit(scaled[half], y[half], classes=range(10))
    by_batches = network(callbacks=[keras.callbacks.TerminateOnNaN()])
    return {
        "fit": fitted.predict_proba(X),
        "history": np.stack(list(fitted[-1].history_.values())),
        "float64 partial_fit": in_passes.predict_proba(scaled),
        "keras's own loop": by_batches.fit(X, y).predict_proba(X),
        "log_proba": fitted.predict_log_proba(X),
        "labels": fitted.predict(X),
        "to_keras": fitted[-1].to_keras().get_weights()[0],
    }


def choose():
    """Go through everything that chooses."""
    search = OptunaSearchCV(
        network(),
        {"simplennclassifier__learning_rate": optuna.distributions.FloatDistribution(1e-3, 1e-1)},
        n_trials=2,
        cv=2,
        random_state=0,
    ).fit(X, y)
    folds = cross_validate(network(), X, y, cv=2, n_jobs=2, return_train_score=True)
    comparison = compare_models(
        {
            "NN": network(),
            "linear": make_pipeline(PixelNormalizer(max_value=16), LogisticRegression()),
        },
        X,
        y,
        random_state=0,
    )
    return {
        "search": search.cv_results_["mean_test_score"],
        "search's best": search.predict_proba(X),
        "folds": np.concatenate([folds["test_score"], folds["train_score"]]),
        "table": comparison.table[["test_accuracy", "gap"]].to_numpy(float),
        "recommended": np.array(
            [comparison.recommendation.model, comparison.recommendation.verdict]
        ),
        "words": np.array(str(comparison.recommendation)),
    }


# --- what can be set


@contextmanager
def keras_is(name, value):
    get, set_ = getattr(keras.config, name), getattr(keras.config, f"set_{name}")
    before = get()
    set_(value)
    try:
        yield
    finally:
        assert get() == (keras.dtype_policies.get(value) if name == "dtype_policy" else value)
        set_(before)


@contextmanager
def eager():
    tf.config.run_functions_eagerly(True)
    try:
        yield
        assert tf.config.functions_run_eagerly()
    finally:
        tf.config.run_functions_eagerly(False)


@contextmanager
def other_objects():
    class Useless(keras.optimizers.Adam):
        def update_step(self, *args, **kwargs):
            pass

    names = dict.fromkeys(("Adam", "adam"), Useless)
    with keras.saving.custom_object_scope({**names, "relu": lambda x: x * 0}):
        yield


@contextmanager
def checked_numerics():
    tf.debugging.enable_check_numerics()
    try:
        yield
        with pytest.raises(tf.errors.InvalidArgumentError, match="NaN"):
            tf.math.log(-1.0)
    finally:
        tf.debugging.disable_check_numerics()


@contextmanager
def dumped():
    with tempfile.TemporaryDirectory() as folder:
        tf.debugging.experimental.enable_dump_debug_info(folder, "FULL_HEALTH")
        try:
            yield
            assert len(context.context().op_callbacks) == 1
        finally:
            tf.debugging.experimental.disable_dump_debug_info()


@contextmanager
def debugged_data():
    tf.data.experimental.enable_debug_mode()
    try:
        yield
        assert debug_mode.DEBUG_MODE
    finally:
        debug_mode.toggle_debug_mode(False)


@contextmanager
def deterministic():
    tf.config.experimental.enable_op_determinism()
    try:
        yield
        with pytest.raises(RuntimeError, match="seed"):
            tf.random.normal([1])
    finally:
        tf_config.disable_op_determinism()


@contextmanager
def optimized():
    tf.config.optimizer.set_jit(True)
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    tf.config.experimental.enable_tensor_float_32_execution(False)
    tf.config.set_soft_device_placement(False)
    try:
        yield
    finally:
        tf.config.optimizer.set_jit(False)
        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": False})
        tf.config.experimental.enable_tensor_float_32_execution(True)
        tf.config.set_soft_device_placement(True)


SETTINGS = {
    "pandas output": lambda: sklearn.config_context(transform_output="pandas"),
    "polars output": lambda: sklearn.config_context(transform_output="polars"),
    "assume_finite": lambda: sklearn.config_context(assume_finite=True),
    "metadata routing": lambda: sklearn.config_context(enable_metadata_routing=True),
    "numpy raises": lambda: np.errstate(all="raise"),
    "numpy ignores": lambda: np.errstate(all="ignore"),
    "mixed_float16": lambda: keras_is("dtype_policy", "mixed_float16"),
    "mixed_bfloat16": lambda: keras_is("dtype_policy", "mixed_bfloat16"),
    "floatx float64": lambda: keras_is("floatx", "float64"),
    "floatx float16": lambda: keras_is("floatx", "float16"),
    "epsilon": lambda: keras_is("epsilon", 0.1),
    "max_epochs": lambda: keras_is("max_epochs", 1),
    "max_steps": lambda: keras_is("max_steps_per_epoch", 1),
    "eager": eager,
    "check_numerics": checked_numerics,
    "dump_debug_info": dumped,
    "tf.data debug": debugged_data,
    "op determinism": deterministic,
    "tensorflow's optimizer": optimized,
    "custom objects": other_objects,
    "pandas strings": lambda: pd.option_context("mode.string_storage", "python"),
    "pandas display": lambda: pd.option_context("display.precision", 1, "display.max_rows", 1),
    "matplotlib": lambda: mpl.rc_context({"text.usetex": True, "font.family": "nowhere"}),
    "print options": lambda: np.printoptions(precision=1, threshold=2),
}


@pytest.fixture(scope="module", autouse=True)
def compile_anew():
    """Share no programs, as settings may also act while a graph is compiled."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_cache, "_is_active", False)
        yield


@pytest.fixture(scope="module")
def learned():
    return learn()


@pytest.fixture(scope="module")
def chosen():
    return choose()


def assert_same_bits(found, expected):
    assert found.keys() == expected.keys()
    for name, value in found.items():
        np.testing.assert_array_equal(value, expected[name], err_msg=name)


@pytest.mark.slow
def test_common_settings_change_nothing_that_is_learned(learned):
    """All at once; the next test, which is slow, tries each setting alone."""
    together = ("pandas output", "mixed_float16", "check_numerics", "tf.data debug")
    with ExitStack() as settings:
        for setting in (*together, "op determinism"):
            settings.enter_context(SETTINGS[setting]())
        found = learn()
    assert_same_bits(found, learned)


@pytest.mark.slow
@pytest.mark.parametrize("setting", SETTINGS)
def test_no_setting_changes_what_is_learned_and_chosen(setting, learned, chosen):
    with SETTINGS[setting]():
        found_learned, found_chosen = learn(), choose()
    assert_same_bits(found_learned, learned)
    assert_same_bits(found_chosen, chosen)


@pytest.mark.slow
def test_a_tape_of_the_callers_changes_nothing():
    expected = network().fit(X, y).predict_proba(X)
    with tf.GradientTape() as tape:
        watched = tf.Variable(3.0)
        found = network().fit(X, y).predict_proba(X)
        square = watched**2
    np.testing.assert_array_equal(found, expected)
    assert tape.gradient(square, watched).numpy() == 6


# --- what a process starts with

PROGRAM = """
import os, sys
import numpy as np
import sklearn
from sklearn.datasets import load_digits
from skmnist import SimpleNNClassifier

sklearn.set_config(array_api_dispatch="SCIPY_ARRAY_API" in os.environ)
X, y = load_digits(return_X_y=True)
nn = SimpleNNClassifier(8, epochs=2, dropout=0.1, l2=1e-4, random_state=0)
nn.fit(X / 16, y).partial_fit(X[:5] / 16, y[:5])
learned = np.concatenate([layer.ravel() for layer in nn.coefs_ + nn.intercepts_])
sys.stdout.buffer.write(learned.tobytes() + nn.predict_proba(X / 16).tobytes())
"""
N_LEARNED = 64 * 8 + 8 * 10 + 8 + 10


def run(**environment):
    return subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        env={**os.environ, **environment},
        timeout=120,
    )


def keras_home(folder, **settings):
    folder.joinpath("keras.json").write_text(json.dumps(settings))
    return str(folder)


@pytest.mark.slow
def test_no_environment_changes_what_is_learned(tmp_path):
    def outcome(**environment):
        done = run(**environment)
        assert done.stderr == b"", environment
        learned = np.frombuffer(done.stdout, np.float64, N_LEARNED)
        proba = np.frombuffer(done.stdout, np.float64, offset=learned.nbytes)
        return learned, proba.reshape(1797, 10)

    expected = outcome()
    for environment in (
        {"KERAS_HOME": keras_home(tmp_path, floatx="float16", epsilon=0.1, backend="tensorflow")},
        {"KERAS_MAX_EPOCHS": "1"},
        {"TF_USE_LEGACY_KERAS": "1", "TF_ENABLE_ONEDNN_OPTS": "0"},
        {"TF_XLA_FLAGS": "--tf_xla_auto_jit=2", "TF_DETERMINISTIC_OPS": "1"},
        {"XLA_FLAGS": "--xla_force_host_platform_device_count=2"},
        {"SCIPY_ARRAY_API": "1", "SKLEARN_ASSUME_FINITE": "1"},
        {"PYTHONOPTIMIZE": "2", "PYTHONHASHSEED": "5", "PYTHONWARNINGS": "error", "LC_ALL": "C"},
        {"HOME": "/nowhere", "TMPDIR": "/nowhere", "OMP_NUM_THREADS": "1"},
    ):
        learned, proba = outcome(**environment)
        assert_array_equal(learned, expected[0], str(environment))
        # on some processors, BLAS with another number of threads rounds another way
        assert_allclose(proba, expected[1], rtol=1e-12, err_msg=str(environment))


@pytest.mark.slow
def test_flags_of_xla_that_change_arithmetic_are_refused_by_name(tmp_path, monkeypatch):
    file = tmp_path / "flags"
    file.write_text("--xla_cpu_enable_fast_math\n")
    for flags, named in (
        ("--xla_cpu_enable_fast_math=true", "--xla_cpu_enable_fast_math=true"),
        ("--xla_dump_to=/tmp --xla_cpu_multi_thread_eigen=false", "multi_thread_eigen=false"),
        ("--xla_disable_hlo_passes='fusion'", "--xla_disable_hlo_passes=fusion"),
        (str(file), "--xla_cpu_enable_fast_math=true"),
    ):
        monkeypatch.setenv("XLA_FLAGS", flags)
        with pytest.raises(RuntimeError, match=f"XLA_FLAGS sets .*{named}, .* remove this flag"):
            network().fit(X, y)
    harmless = "--xla_dump_to=/tmp --xla_cpu_multi_thread_eigen=true --xla_cpu_enable_fast_math=0"
    monkeypatch.setenv("XLA_FLAGS", harmless)
    network().fit(X, y)


@pytest.mark.slow
def test_another_backend_is_refused_by_name(tmp_path):
    for environment, named in (
        ({"KERAS_BACKEND": "torch"}, "The environment sets the backend 'torch'"),
        (
            {"KERAS_HOME": keras_home(tmp_path, backend="jax")},
            f"{tmp_path}/keras.json sets the backend 'jax'",
        ),
    ):
        last = run(**environment).stderr.decode().splitlines()[-1]
        assert last.startswith(f"RuntimeError: {named}, but skmnist supports only tensorflow")
        assert "set the environment variable KERAS_BACKEND=tensorflow" in last


@pytest.mark.slow
def test_what_training_cannot_run_in_is_refused_by_name():
    with tf.Graph().as_default(), pytest.raises(RuntimeError, match="tensorflow is in graph mode"):
        network().fit(X, y)
    with tf.distribute.get_strategy().scope():  # the default one changes nothing
        network().fit(X, y)
    strategy = tf.distribute.OneDeviceStrategy("cpu:0")
    with strategy.scope(), pytest.raises(RuntimeError, match=r"tf.distribute strategy is active"):
        network().fit(X, y)
    with keras.StatelessScope(), pytest.raises(RuntimeError, match=r"keras.StatelessScope is"):
        network().fit(X, y)
