"""Which values options take."""

import inspect

import pytest

import skmnist
from skmnist._parameters import PARAMETERS
from skmnist.cli import main
from skmnist.text import get_catalogue, get_languages


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ("--epochs -1", "Error: --epochs -1: must be a whole number, 0 or more"),
        ("--train-size 0", "Error: --train-size 0: must be a whole number, 1 or more"),
        ("--json .", "Error: --json .: is a folder; a file is expected"),
        ("--epochs many", "Error: --epochs many: must be a whole number, 0 or more"),
        ("--batch-size 0", "Error: --batch-size 0: must be a whole number, 1 or more"),
        ("--dropout 1.5", "Error: --dropout 1.5: must be a number from 0 to below 1"),
        ("--l2 -1", "Error: --l2 -1: must be a number, 0 or more"),
        ("--l2 nan", "Error: --l2 nan: must be a number, 0 or more"),
        ("--learning-rate 0", "Error: --learning-rate 0: must be a number above 0"),
        ("--allowed-error 1", "Error: --allowed-error 1: must be a number above 0 and below 1"),
        ("--patience 0", "Error: --patience 0: must be a whole number, 1 or more"),
        ("--starts 0", "Error: --starts 0: must be a whole number, 1 or more"),
        ("--seed -1", "Error: --seed -1: must be a whole number from 0 to 4294967295"),
        (
            "--optimizer adamm",
            "Error: --optimizer adamm: must be one of adam, adamw, nadam, rmsprop, sgd; "
            "did you mean adam?",
        ),
        ("--lang xx", f"Error: --lang xx: must be one of {', '.join(get_languages())}"),
        (
            "--data nix.npz",
            "Error: --data nix.npz: there is no such file (expected: mnist, cloud, or a file or "
            "folder with digits)",
        ),
        (
            "--data mnits",
            "Error: --data mnits: there is no such file (expected: mnist, cloud, or a file or "
            "folder with digits); did you mean mnist?",
        ),
        (
            "--train-size 5",
            "Error: --train-size 5: must be a whole number from 20 (two images per class) to 60000 "
            "(all of them)",
        ),
        (
            "--json /no/such/folder/x.json",
            "Error: --json /no/such/folder/x.json: the folder /no/such/folder does not exist",
        ),
        (
            "--lang de --epochs -1",
            "Fehler: --epochs -1: muss eine ganze Zahl ab 0 sein",
        ),
    ],
)
def test_wrong_usage_is_told_in_one_line(arguments, line, capsys):
    assert main(["compare", *arguments.split()]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", line + "\n")


def test_defaults_and_choices_are_those_of_the_estimators(capsys):
    for language in get_languages():
        told = get_catalogue(language)("cli.optimizer_help")
        assert all(name in told for name in PARAMETERS["optimizer"].choices)
    main(["compare", "--help"])
    out = " ".join(capsys.readouterr().out.replace("│", " ").split())
    parameters = inspect.signature(skmnist.SimpleNNClassifier).parameters
    for name in ("epochs", "batch_size", "learning_rate", "patience", "dropout", "l2", "optimizer"):
        after = out.split(f"--{name.replace('_', '-')} ")[1]
        assert after.split("[default: ")[1].split("]")[0] == str(parameters[name].default)
