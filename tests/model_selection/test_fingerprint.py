"""Fingerprints of searches: equal for the same search, different for any other."""

import functools
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, fbeta_score, get_scorer, make_scorer
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skmnist.model_selection._fingerprint import describe, describe_rows

FACTOR = 2


def times(factor):
    return lambda X: X * factor


def use(factor):
    """Return a function that reads a constant of its module."""
    module = {"FACTOR": factor, "__name__": "elsewhere"}
    exec("def scale(X):\n    return X * FACTOR", module)
    return module["scale"]


class Thing:
    def __init__(self, value):
        self.value = value

    def method(self):
        return self.value


PAIRS = {
    "scorers' functions": (make_scorer(f1_score), make_scorer(fbeta_score, beta=1)),
    "scorers' arguments": (make_scorer(fbeta_score, beta=1), make_scorer(fbeta_score, beta=2)),
    "scorers' signs": (make_scorer(f1_score), make_scorer(f1_score, greater_is_better=False)),
    "scorers under one name": ({"a": get_scorer("f1")}, {"a": get_scorer("accuracy")}),
    "what is closed over": (times(2), times(3)),
    "defaults": (lambda x=1: x, lambda x=2: x),
    "arguments of a partial": (functools.partial(times, 2), functools.partial(times, 3)),
    "constants of the module": (use(2), use(3)),
    "functions in estimators": (FunctionTransformer(times(2)), FunctionTransformer(times(3))),
    "functions of packages": (FunctionTransformer(np.log1p), FunctionTransformer(np.sqrt)),
    "parameters of steps": (
        make_pipeline(LogisticRegression(C=1.0)),
        make_pipeline(LogisticRegression(C=2.0)),
    ),
    "splitters": (StratifiedKFold(3), StratifiedKFold(4)),
    "attributes": (Thing(1), Thing(2)),
    "objects of methods": (Thing(1).method, Thing(2).method),
    "arrays": (np.array([1, 2]), np.array([1, 3])),
    "distributions": (scipy.stats.poisson(3), scipy.stats.poisson(4)),
    "types": (1, "1"),
    "truth": (True, 1),
    "sets": ({1, 2}, {1, 3}),
}


@pytest.mark.parametrize("name", PAIRS)
def test_different_values_have_different_descriptions(name):
    one, other = PAIRS[name]
    assert describe(one) != describe(other)
    assert json.loads(json.dumps(describe(one))) == describe(one)


def test_functions_alike_are_the_same():
    assert describe(times(2)) == describe(times(2))
    assert describe(use(2)) == describe(use(2))


def test_rows_are_the_same_however_memory_holds_them():
    rows = np.arange(12.0).reshape(4, 3)
    frame = pd.DataFrame({"a": rows[:, 0], "text": list("abca")})
    assert describe_rows(rows) == describe_rows(np.asfortranarray(rows))
    assert describe_rows(frame) == describe_rows(frame.copy())
    assert describe_rows(["ab"]) == describe_rows(["".join("ab")])
    assert describe_rows([[1], [1, 2]]) == describe_rows([[1], [1, 2]])
    for other in (rows + 1, rows[:3], rows.astype(np.float32), rows.T):
        assert describe_rows(rows) != describe_rows(other)
    for changed in (frame.iloc[::-1], frame.rename(columns={"a": "b"}), frame.iloc[:, :1]):
        assert describe_rows(frame) != describe_rows(changed)


def test_a_value_that_contains_itself_can_be_described():
    thing = Thing(None)
    thing.value = [thing]
    assert describe(thing)


@pytest.mark.slow
def test_another_process_says_the_same():
    code = """
    import json, sys
    sys.path.insert(0, sys.argv[1])
    from tests.model_selection.test_fingerprint import PAIRS, describe
    def odd(x):
        return x in {"a", "b", "c", "d", "e"} and FACTOR  # a set of text has any order
    FACTOR = frozenset("abcde")
    print(json.dumps([describe(odd), describe(PAIRS)], sort_keys=True))
    """
    told = {
        subprocess.run(
            [sys.executable, "-c", textwrap.dedent(code), str(Path(__file__).parents[2])],
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in (1, 2)
    }
    assert len(told) == 1
