"""The JSON file is as its schema says."""

import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from skmnist import load_mnist
from skmnist.cli import main
from skmnist.diagnosis._fit import CHECKS

SCHEMA = json.loads(
    (Path(__file__).parents[1] / "docs" / "compare-1.schema.json").read_text(encoding="utf-8")
)


def forbid_others(schema):
    """Allow no field that is not documented: readers may meet newer ones, writers may not."""
    if isinstance(schema, dict):
        if "properties" in schema:
            schema = {"additionalProperties": False, **schema}
        return {name: forbid_others(part) for name, part in schema.items()}
    return [forbid_others(part) for part in schema] if isinstance(schema, list) else schema


def check(document):
    jsonschema.Draft202012Validator(forbid_others(SCHEMA)).validate(document)


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_it_knows_every_finding():
    codes = SCHEMA["$defs"]["finding"]["properties"]["code"]["enum"]
    assert sorted(codes) == sorted(check.code for check in CHECKS)


@pytest.mark.parametrize("epochs", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_what_the_command_line_writes_is_as_documented(tmp_path, capsys, epochs):
    data = load_mnist(n_train=200, n_test=100, random_state=0)
    np.savez(
        tmp_path / "a.npz",
        x_train=data.X_train,
        y_train=data.y_train,
        x_test=data.X_test,
        y_test=data.y_test,
    )
    out = tmp_path / "out.json"
    options = ["--data", str(tmp_path / "a.npz"), "--epochs", str(epochs), "--json", str(out)]
    assert main(["compare", *options]) == 0
    document = json.loads(out.read_text(encoding="utf-8"))
    check(document)
    assert document["recommendation"]["digits"] is True


def test_a_comparison_with_starts_folds_and_missing_figures_is_as_documented():
    from sklearn.dummy import DummyClassifier
    from sklearn.linear_model import RidgeClassifier
    from sklearn.tree import DecisionTreeClassifier

    from skmnist import compare_models

    rng = np.random.default_rng(0)
    y = np.resize(["a", "b", "c"], 120)
    X = rng.normal(size=(120, 4)) + (y == "b")[:, None]
    comparison = compare_models(
        [RidgeClassifier(), DecisionTreeClassifier(), DummyClassifier()],
        X,
        y,
        cv=3,
        n_repeats=2,
        random_state=0,
    )
    document = {
        "schema": "skmnist.compare/1",
        "skmnist": "0",
        "data": {"name": "x", "n_train": 1, "n_test": 1},
        "settings": {},
        **json.loads(json.dumps(comparison.to_dict(), allow_nan=False)),
    }
    check(document)


def test_another_document_is_refused():
    with pytest.raises(jsonschema.ValidationError):
        check({"schema": "skmnist.compare/2"})
