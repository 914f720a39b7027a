"""The command line: it arranges what the rest of the package finds out, and decides nothing.

Only typer and the texts are imported at the top: ``skmnist --help`` answers at once.
"""

import difflib
import errno
import importlib.util
import io
import json
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skmnist import __version__
from skmnist._files import write_whole
from skmnist._networks import (
    NETWORKS,
    compare_results,
    find_max_value,
    train_network,
    write_command,
)
from skmnist.text import (
    Catalogue,
    get_catalogue,
    get_languages,
    guess_language,
    make_printable,
)

if TYPE_CHECKING:
    from skmnist._screen import Screen
    from skmnist.comparison import ModelResult

OPTIMIZERS = ("adam", "adamw", "nadam", "rmsprop", "sgd")
SETS = ("mnist", "cloud")
MODELS = ("simple", "deep")
PICTURES = (".png", ".pdf", ".svg")
MAX_SEED = 2**32 - 1
MAX_PORT = 65535
HOST = re.compile(
    r"[0-9A-Za-z][0-9A-Za-z.-]*|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*"
)  # a name or an address
INTERRUPTED = 130  # what a shell reports of a program that Ctrl-C has ended

# Not public by name: click's class in older versions of typer, typer's own copy in newer ones.
_UsageError: Any = typer.BadParameter.__base__


class TrainingError(Exception):
    """A network that could not be trained: told in one line, exit status 1."""


class OptionError(Exception):
    """An option with a value that is not allowed: told in one line, exit status 2."""

    def __init__(self, option: str, value: Any, rule: str) -> None:
        super().__init__(f"{f'{option} {value}'.rstrip()}: {rule}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    Parameters
    ----------
    arguments : sequence of str, default=None
        What stands behind ``skmnist``; None takes them from the process.

    Returns
    -------
    status : int
        0 done, 1 a run that failed, 2 wrong usage, 130 interrupted.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a file under Windows knows no arrow, say
            stream.reconfigure(errors="replace")
    say = get_catalogue(guess_language())
    try:
        say = get_catalogue(_find_language(arguments))
        status = make_app(say)(arguments, prog_name="skmnist", standalone_mode=False)
        if sys.stdout is not None:  # it is None where the caller closed it
            sys.stdout.flush()
    except OptionError as error:
        return _fail(say, str(error), 2)
    except _UsageError as error:
        return _fail(say, error.format_message(), 2)
    except (KeyboardInterrupt, typer.Abort):
        return _fail(say, say("cli.interrupted_early"), INTERRUPTED, prefix=False)
    except OSError as error:
        _give_up_unwritable_output()
        if isinstance(error, BrokenPipeError):  # the reader, `head` perhaps, has seen enough
            return 1
        return _fail(say, say("cli.failed_output", problem=error.strerror), 1)
    return int(status or 0)


def _give_up_unwritable_output() -> None:
    """Write out what standard output holds; where that fails, see that it is not tried again."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(say: Catalogue, message: str, status: int, *, prefix: bool = True) -> int:
    line = say("cli.error", message=message) if prefix else message
    print(make_printable(" ".join(line.split())), file=sys.stderr)
    return status


def _find_language(arguments: list[str]) -> str:
    """Find --lang before anything is parsed: the help, too, is in that language."""
    for at, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name == "--lang" and (equals or at + 1 < len(arguments)):
            language = value if equals else arguments[at + 1]
            if language not in get_languages():
                say = get_catalogue(guess_language())
                raise OptionError("--lang", language, _choice_rule(say, language, get_languages()))
            return language
    return guess_language()


def _choice_rule(say: Catalogue, value: str, choices: Sequence[str]) -> str:
    rule = say("cli.rule.choice", choices=", ".join(choices))
    close = difflib.get_close_matches(value, choices, n=1)
    return f"{rule}; {say('cli.rule.did_you_mean', suggestion=close[0])}" if close else rule


def _number(
    say: Catalogue,
    name: str,
    kind: type[int] | type[float],
    allowed: Callable[[Any], bool],
    rule: str | None = None,
) -> Callable[[Any], Any]:
    """Make the parser of a number that must be allowed."""

    def parse(text: Any) -> Any:
        option = f"--{name.replace('_', '-')}"
        try:
            value = kind(text)
            if allowed(value):
                return value
        except ValueError:
            pass
        raise OptionError(option, text, say(f"cli.rule.{rule or name}"))

    return parse


def make_app(say: Catalogue) -> typer.Typer:
    """Build the commands, with their help in the language of `say`."""
    app = typer.Typer(
        help=say("cli.help"),
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": []},
    )
    panels = {name: say(f"cli.panel_{name}") for name in ("data", "search", "training", "output")}

    def show_version(wanted: bool) -> None:
        if wanted:
            print(f"skmnist {__version__}")
            raise typer.Exit

    def show_help(context: typer.Context, wanted: bool) -> None:
        if wanted:
            print(context.get_help(), end="")  # empty where typer prints it by itself
            raise typer.Exit

    def help_option(panel: str | None) -> Any:
        return typer.Option(
            "--help",
            "-h",
            metavar="",
            is_eager=True,
            callback=show_help,
            help=say("cli.help_help"),
            rich_help_panel=panel,
        )

    def option(
        name: str,
        kind: type[int] | type[float],
        allowed: Callable[[Any], bool],
        metavar: str,
        *,
        rule: str | None = None,
        panel: str = "training",
        help_key: str | None = None,
    ) -> Any:
        return typer.Option(
            f"--{name.replace('_', '-')}",
            parser=_number(say, name, kind, allowed, rule),
            metavar=metavar,
            help=say(help_key or f"cli.{name}_help"),
            rich_help_panel=panels[panel],
        )

    def file_option(name: str) -> Any:
        return typer.Option(
            f"--{name}",
            metavar="FILE",
            help=say(f"cli.{name}_help"),
            rich_help_panel=panels["output"],
        )

    def force_option(help_key: str) -> Any:
        return typer.Option(
            "--force", metavar="", help=say(help_key), rich_help_panel=panels["output"]
        )

    def parse_optimizer(name: str) -> str:
        if name not in OPTIMIZERS:
            raise OptionError("--optimizer", name, _choice_rule(say, name, OPTIMIZERS))
        return name

    @app.callback(invoke_without_command=True)
    def skmnist(
        context: typer.Context,
        version: Annotated[
            bool,
            typer.Option(
                "--version",
                metavar="",
                is_eager=True,
                callback=show_version,
                help=say("cli.version_help"),
            ),
        ] = False,
        help_: Annotated[bool, help_option(None)] = False,
    ) -> None:
        if context.invoked_subcommand is None:
            show_help(context, wanted=True)

    lang_option = typer.Option(
        metavar="|".join(get_languages()),
        help=say("cli.lang_help", languages=", ".join(get_languages())),
        rich_help_panel=panels["output"],
        show_default=False,
    )
    data_option = typer.Option(
        metavar="mnist|cloud|FILE|FOLDER",
        help=say("cli.data_help"),
        rich_help_panel=panels["data"],
    )
    invert_option = typer.Option(
        "--invert", metavar="", help=say("cli.invert_help"), rich_help_panel=panels["data"]
    )
    train_size_option = option("train_size", int, lambda n: n >= 1, "N", rule="count", panel="data")
    seed_option = option("seed", int, lambda n: 0 <= n <= MAX_SEED, "N")

    @app.command(help=say("cli.data_command_help"))
    def data(
        source: Annotated[
            str,
            typer.Argument(
                metavar="mnist|cloud|FILE|FOLDER",
                help=say("cli.data_help"),
                rich_help_panel=say("cli.panel_digits"),
            ),
        ] = "mnist",
        invert: Annotated[bool, invert_option] = False,
        seed: Annotated[
            Any,
            typer.Option(
                parser=_number(say, "seed", int, lambda n: 0 <= n <= MAX_SEED),
                metavar="N",
                help=say("cli.split_seed_help"),
                rich_help_panel=panels["data"],
            ),
        ] = 0,
        extract_dir: Annotated[
            Path | None,
            typer.Option(
                "--extract",
                metavar="FOLDER",
                help=say("cli.extract_help"),
                rich_help_panel=panels["output"],
            ),
        ] = None,
        picture: Annotated[Path | None, file_option("picture")] = None,
        force: Annotated[bool, force_option("cli.force_picture_help")] = False,
        lang: Annotated[str | None, lang_option] = None,
        help_: Annotated[bool, help_option(panels["output"])] = False,
    ) -> int:
        if picture is not None:
            if picture.suffix.lower() not in PICTURES:
                rule = say("cli.rule.picture", endings=", ".join(PICTURES))
                raise OptionError("--picture", picture, rule)
            _check_writable(say, "--picture", picture, source, force=force)
        return _describe(say, source, seed, invert, extract_dir, picture)

    @app.command(help=say("cli.compare_help"))
    def compare(
        data: Annotated[str, data_option] = "mnist",
        invert: Annotated[bool, invert_option] = False,
        train_size: Annotated[Any, train_size_option] = None,
        epochs: Annotated[Any, option("epochs", int, lambda n: n >= 0, "N")] = 100,
        batch_size: Annotated[Any, option("batch_size", int, lambda n: n >= 1, "N")] = 128,
        learning_rate: Annotated[
            Any, option("learning_rate", float, lambda x: 0 < x < float("inf"), "X")
        ] = 0.001,
        optimizer: Annotated[
            Any,
            typer.Option(
                parser=parse_optimizer,
                metavar="NAME",
                help=say("cli.optimizer_help", others="adamw, nadam, rmsprop"),
                rich_help_panel=panels["training"],
            ),
        ] = "adam",
        patience: Annotated[Any, option("patience", int, lambda n: n >= 1, "N")] = 15,
        dropout: Annotated[Any, option("dropout", float, lambda x: 0 <= x < 1, "X")] = 0.0,
        l2: Annotated[Any, option("l2", float, lambda x: 0 <= x < float("inf"), "X")] = 0.0,
        seed: Annotated[Any, seed_option] = 0,
        lang: Annotated[str | None, lang_option] = None,
        json_path: Annotated[Path | None, file_option("json")] = None,
        report_path: Annotated[Path | None, file_option("report")] = None,
        force: Annotated[bool, force_option("cli.force_help")] = False,
        help_: Annotated[bool, help_option(panels["output"])] = False,
    ) -> int:
        settings = {
            "epochs": epochs,
            "batch_size": batch_size,
            "learning_rate": learning_rate,
            "optimizer": optimizer,
            "patience": patience,
            "dropout": dropout,
            "l2": l2,
            "random_state": seed,
        }
        _check_outputs(say, {"--json": json_path, "--report": report_path}, data, force=force)
        return _compare(say, data, train_size, settings, json_path, report_path, invert=invert)

    def parse_model(name: str) -> str:
        if name not in MODELS:
            raise OptionError("--model", name, _choice_rule(say, name, MODELS))
        return name

    def count_option(name: str, low: int = 1, **where: Any) -> Any:
        rule = "count" if low == 1 else name
        return option(name, int, lambda n: n >= low, "N", rule=rule, **where)

    @app.command(help=say("cli.tune_help"))
    def tune(
        model: Annotated[
            Any,
            typer.Option(
                parser=parse_model,
                metavar="|".join(MODELS),
                help=say("cli.model_help"),
                rich_help_panel=panels["search"],
            ),
        ] = "simple",
        n_trials: Annotated[Any, count_option("n_trials", panel="search")] = 20,
        timeout: Annotated[
            Any,
            option("timeout", float, lambda x: 0 < x < float("inf"), "SECONDS", panel="search"),
        ] = None,
        folds: Annotated[Any, count_option("folds", low=2, panel="search")] = 3,
        jobs: Annotated[Any, count_option("jobs", panel="search")] = 1,
        storage: Annotated[
            str | None,
            typer.Option(
                metavar="FILE|URL", help=say("cli.storage_help"), rich_help_panel=panels["search"]
            ),
        ] = None,
        data: Annotated[str, data_option] = "mnist",
        invert: Annotated[bool, invert_option] = False,
        train_size: Annotated[Any, train_size_option] = None,
        epochs: Annotated[Any, count_option("epochs", help_key="cli.tune_epochs_help")] = 30,
        seed: Annotated[Any, seed_option] = 0,
        lang: Annotated[str | None, lang_option] = None,
        save_path: Annotated[Path | None, file_option("save")] = None,
        json_path: Annotated[Path | None, file_option("json")] = None,
        force: Annotated[bool, force_option("cli.force_tune_help")] = False,
        help_: Annotated[bool, help_option(panels["output"])] = False,
    ) -> int:
        given = (
            {} if storage is None or "://" in storage else {Path(storage).resolve(): "--storage"}
        )
        outputs = {"--save": save_path, "--json": json_path}
        _check_outputs(say, outputs, data, force=force, given=given)
        plan = {
            "model": model,
            "n_trials": n_trials,
            "timeout": timeout,
            "storage": storage,
            "n_folds": folds,
            "n_jobs": jobs,
            "epochs": epochs,
            "seed": seed,
        }
        return _tune(say, data, train_size, plan, save_path, json_path, invert=invert)

    def parse_host(name: str) -> str:
        if not HOST.fullmatch(name):
            raise OptionError("--host", name, say("cli.rule.host"))
        return name

    @app.command("app", help=say("cli.app_help"))
    def serve_app(
        port: Annotated[
            Any, option("port", int, lambda n: 0 <= n <= MAX_PORT, "N", panel="output")
        ] = 0,
        host: Annotated[
            Any,
            typer.Option(
                parser=parse_host,
                metavar="ADDRESS",
                help=say("cli.host_help"),
                rich_help_panel=panels["output"],
            ),
        ] = "127.0.0.1",
        no_browser: Annotated[
            bool,
            typer.Option(
                "--no-browser",
                metavar="",
                help=say("cli.no_browser_help"),
                rich_help_panel=panels["output"],
            ),
        ] = False,
        lang: Annotated[
            str | None,
            typer.Option(
                metavar="|".join(get_languages()),
                help=say("cli.app_lang_help", languages=", ".join(get_languages())),
                rich_help_panel=panels["output"],
                show_default=False,
            ),
        ] = None,
        help_: Annotated[bool, help_option(panels["output"])] = False,
    ) -> int:
        return _serve(say, host, port, lang, open_browser=not no_browser)

    return app


def _serve(say: Catalogue, host: str, port: int, lang: str | None, *, open_browser: bool) -> int:
    """Serve the app until Ctrl-C."""
    if importlib.util.find_spec("streamlit") is None:
        return _fail(say, say("cli.app_missing", command="pip install 'skmnist[app]'"), 1)

    from skmnist.app import ServerError, serve

    def tell(url: str) -> None:
        print(say("cli.app_open", url=url), flush=True)

    try:
        serve(host=host, port=port, language=lang, open_browser=open_browser, tell=tell)
    except ServerError as error:
        return _fail(say, say("cli.app_failed", problem=str(error)), 1)
    return 0


def _check_outputs(
    say: Catalogue,
    outputs: dict[str, Path | None],
    data: str,
    *,
    force: bool,
    given: dict[Path, str] | None = None,
) -> None:
    """Refuse files that cannot be written, and two of one name; `given` are such names already."""
    given = given or {}
    for name, path in outputs.items():
        if path is None:
            continue
        other = given.setdefault(path.resolve(), name)
        if other != name:
            raise OptionError(name, path, say("cli.rule.file_twice", other=other))
        _check_writable(say, name, path, data, force=force)


def _check_writable(say: Catalogue, option: str, path: Path, data: str, *, force: bool) -> None:
    """Refuse an output file before hours of training, not after."""
    if path.is_dir():
        raise OptionError(option, path, say("cli.rule.file_is_folder"))
    if path.exists() and os.path.exists(data) and path.samefile(data):
        raise OptionError(option, path, say("cli.rule.file_is_data"))
    if path.is_file() and not force:
        raise OptionError(option, path, say("cli.rule.file_exists"))
    folder = path.resolve().parent  # of what a link points to
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        problem = os.strerror(errno.ENOENT if not folder.is_dir() else errno.EACCES)
        raise OptionError(option, path, say("cli.rule.file_folder", problem=problem))


def _compare(
    say: Catalogue,
    data: str,
    train_size: int | None,
    settings: dict[str, Any],
    json_path: Path | None,
    report_path: Path | None,
    *,
    invert: bool = False,
) -> int:
    from skmnist._screen import Screen
    from skmnist.comparison import ModelComparison
    from skmnist.report import write_page

    digits, name = _load(say, data, train_size, settings["random_state"], invert=invert)
    screen = Screen(say)
    max_value = find_max_value(digits)
    screen.show_data(digits, name, max_value)
    results: list[ModelResult] = []
    status = 0
    try:
        for result in _train(screen, digits, max_value, settings):
            results.append(result)
            screen.show_result(result)
            if getattr(result.estimator[-1], "stop_reason_", "") == "interrupted":
                raise KeyboardInterrupt
    except KeyboardInterrupt:
        print(say("cli.interrupted" if results else "cli.interrupted_early"), file=sys.stderr)
        status = INTERRUPTED
    except TrainingError as error:
        status = _fail(say, str(error), 1)
    comparison = None
    if results and not status:
        comparison = compare_results(results, digits)
        results = list(comparison.results.values())
        screen.show_comparison(comparison)
    if json_path is not None and results:
        found = {
            "models": [result.to_dict() for result in results],
            "tests": [],
            "folds": [],
            "starts": None,
            "fold_scores": None,
            "recommendation": None,
        }
        document = {
            "schema": "skmnist.compare/1",
            "skmnist": __version__,
            "data": {"name": name, "n_train": len(digits.y_train), "n_test": len(digits.y_test)},
            "settings": settings,
            **(comparison.to_dict() if comparison else found),
        }
        text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
        write_whole(json_path, text + "\n")
        screen.say_line("cli.written", file=json_path)
    if report_path is not None and results:
        write_page(
            comparison or ModelComparison(results, X_test=digits.X_test, y_test=digits.y_test),
            report_path,
            overwrite=True,
            language=say.language,
            data=name,
            command=write_command(data, train_size, settings, invert=invert),
            training_data=(digits.X_train, digits.y_train),
            interrupted=comparison is None,
        )
        screen.say_line("cli.report_written", file=report_path)
    return status


def _tune(
    say: Catalogue,
    data: str,
    train_size: int | None,
    plan: dict[str, Any],
    save_path: Path | None,
    json_path: Path | None,
    *,
    invert: bool = False,
) -> int:
    digits, name = _load(say, data, train_size, plan["seed"], invert=invert)
    labels = digits.y_train.tolist()
    rarest = min(map(labels.count, set(labels)))
    if plan["n_folds"] > rarest:
        raise OptionError("--folds", plan["n_folds"], say("cli.rule.folds_classes", high=rarest))

    from skmnist._tune import Plan, tune  # here, after what is refused at once

    try:
        return tune(
            say,
            digits,
            name,
            find_max_value(digits),
            Plan(**plan),
            save_path=save_path,
            json_path=json_path,
        )
    except TrainingError as error:
        return _fail(say, str(error), 1)


def _load(
    say: Catalogue, data: str, train_size: int | None, seed: int, *, invert: bool = False
) -> tuple[Any, str]:
    from skmnist.datasets._bunch import take_part

    digits, name = _read(say, data, seed, option="--data", invert=invert)
    # two per class: one to train on, and some to validate on
    low, high = 2 * len(set(digits.y_train.tolist())), len(digits.y_train)
    if train_size is not None and not low <= train_size <= high:
        rule = say("cli.rule.train_size", low=low, high=high)
        raise OptionError("--train-size", train_size, rule)
    digits.X_train, digits.y_train = take_part(
        digits.X_train, digits.y_train, train_size, parameter="train_size", random_state=seed
    )
    return digits, name


def _read(
    say: Catalogue,
    data: str,
    seed: int,
    *,
    option: str,
    invert: bool = False,
    extract_dir: Path | None = None,
) -> tuple[Any, str]:
    """Read what was asked for, and say what to call it."""
    from skmnist._progress import ByteBar
    from skmnist.datasets import DatasetError, load_mnist
    from skmnist.datasets._cloud import get_file
    from skmnist.datasets._local import read_digits
    from skmnist.datasets._mnist import make_mnist

    if (invert or extract_dir) and data in SETS:
        raise OptionError("--invert" if invert else "--extract", "", say("cli.rule.own_data"))
    try:
        if data == "mnist":
            return load_mnist(), say("data.bundled")
        if data == "cloud":
            with ByteBar(say("cli.downloading")) as bar, warnings.catch_warnings(record=True) as w:
                warnings.simplefilter("always")
                content, file = get_file(None, None, progress=bar)
            for warning in w:
                print(make_printable(str(warning.message)), file=sys.stderr)
            return make_mnist(content, name=file), say("data.cloud")
        with ByteBar(make_printable(say("cli.reading", file=data))) as bar:
            digits = read_digits(data, extract_dir, random_state=seed, invert=invert, progress=bar)
        return digits, data
    except DatasetError as error:
        if data in SETS:  # it says all there is to say
            raise OptionError(option, data, str(error)) from None
        rule = say("cli.rule.data", problem=str(error).removeprefix(f"{data}: "))
        close = difflib.get_close_matches(data, SETS, n=1)
        if close and not os.path.exists(data):
            rule += f"; {say('cli.rule.did_you_mean', suggestion=close[0])}"
        raise OptionError(option, data, rule) from None


def _describe(
    say: Catalogue,
    source: str,
    seed: int,
    invert: bool,
    extract_dir: Path | None,
    picture: Path | None,
) -> int:
    from skmnist._screen import Screen
    from skmnist.datasets import describe_dataset

    if extract_dir is not None and os.path.isdir(source):
        raise OptionError("--extract", extract_dir, say("cli.rule.extract_folder"))
    digits, name = _read(say, source, seed, option="data", invert=invert, extract_dir=extract_dir)
    screen = Screen(say)
    screen.show_description(digits, name, describe_dataset(digits))
    if picture is not None:
        write_whole(picture, _draw(digits, say.language, picture.suffix.lower()))
        screen.say_line("cli.picture_written", file=picture)
    return 0


def _draw(digits: Any, language: str, ending: str) -> bytes:
    from matplotlib.figure import Figure

    from skmnist.datasets import DatasetDisplay

    display = DatasetDisplay.from_dataset(digits, language=language)
    content = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a letter that the font lacks is drawn as a box
        figure = display.plot(figure=Figure()).figure_
        figure.savefig(content, format=ending.removeprefix("."), dpi=150)
    return content.getvalue()


def _train(
    screen: "Screen", digits: Any, max_value: float, settings: dict[str, Any]
) -> Iterator["ModelResult"]:
    """Train both networks, and evaluate each when it is trained."""
    from skmnist._progress import EpochLog, spinner
    from skmnist.neural_network._tensorflow import load_training

    if settings["epochs"]:
        with spinner(screen.say("cli.loading")):
            load_training()
    for name in NETWORKS:
        screen.show_title("cli.training_title", name=name)
        with EpochLog(name, eta=screen.say("cli.eta")) as log:
            try:
                result = train_network(name, digits, max_value, settings, log)
            except ValueError as error:
                raise TrainingError(f"{name}: {error}") from error
        yield result
