"""The commands and their options."""

import importlib.util
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from skmnist import __version__
from skmnist._networks import MODELS, N_STARTS, RECIPES, write_command
from skmnist._parameters import PARAMETERS, TRAINING
from skmnist.cli._data import ELSEWHERE, read_elsewhere, read_part, show_digits
from skmnist.cli._options import HOST, MAX_PORT, Options, is_given, show_help, translate
from skmnist.cli._outputs import CommandError, OptionError, check_outputs
from skmnist.text import Catalogue

DIGITS = "mnist|cloud|FILE|FOLDER"
PICTURES = (".png", ".pdf", ".svg")


def make_app(say: Catalogue) -> typer.Typer:
    """Return the command-line app, with help texts in the language of `say`."""
    app = typer.Typer(
        help=say("cli.help"),
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": []},
        cls=translate(TyperGroup, say),
        options_metavar=f"[{say('cli.metavar.options')}]",
        subcommand_metavar=say("cli.metavar.subcommand"),
    )
    options = Options(say)
    command = partial(
        app.command,
        cls=translate(TyperCommand, say),
        options_metavar=f"[{say('cli.metavar.options')}]",
        rich_help_panel=options.panel("commands"),
    )
    default = {name: PARAMETERS[name].default for name in TRAINING}
    # shared by several commands
    data_option = options.make("data", DIGITS, "data")
    invert_option = options.flag("invert", "data")
    label_option = options.make("label", "COLUMN|first|last", "data")
    shape_option = options.shape("image_shape", "data")
    train_size_option = options.count("train_size", "data")
    elsewhere_option = options.make("elsewhere", "swiss|none|FILE|FOLDER", "data")
    lang_option = options.language()
    json_option = options.file("json")
    help_option = options.help("output")

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
                rich_help_panel=options.panel("options"),
            ),
        ] = False,
        help_: Annotated[bool, options.help("options")] = False,
    ) -> None:
        if context.invoked_subcommand is None:
            show_help(context, wanted=True)

    @command("data", help=say("cli.data_command_help"))
    def data_command(
        source: Annotated[
            str,
            typer.Argument(
                metavar=options.words(DIGITS),
                help=say("cli.data_help"),
                rich_help_panel=options.panel("digits"),
            ),
        ] = "mnist",
        invert: Annotated[bool, invert_option] = False,
        label: Annotated[str | None, label_option] = None,
        image_shape: Annotated[Any, shape_option] = None,
        seed: Annotated[Any, options.seed("data", text=say("cli.split_seed_help"))] = 0,
        extract_dir: Annotated[Path | None, options.make("extract", "FOLDER", "output")] = None,
        picture: Annotated[Path | None, options.file("picture")] = None,
        force: Annotated[
            bool, options.flag("force", "output", text=say("cli.force_picture_help"))
        ] = False,
        lang: Annotated[str | None, lang_option] = None,
        help_: Annotated[bool, help_option] = False,
    ) -> int:
        if picture is not None and picture.suffix.lower() not in PICTURES:
            rule = say("cli.rule.picture", endings=", ".join(PICTURES))
            raise OptionError("--picture", picture, rule)
        check_outputs(say, {"--picture": picture}, source, force=force)

        how = {"label": label, "image_shape": image_shape, "invert": invert}
        return show_digits(say, source, seed, how | {"extract_dir": extract_dir}, picture=picture)

    @command("compare", help=say("cli.compare_help"))
    def compare_command(
        context: typer.Context,
        data: Annotated[str, data_option] = "mnist",
        invert: Annotated[bool, invert_option] = False,
        label: Annotated[str | None, label_option] = None,
        image_shape: Annotated[Any, shape_option] = None,
        train_size: Annotated[Any, train_size_option] = None,
        elsewhere: Annotated[str, elsewhere_option] = "swiss",
        recipe: Annotated[Any, options.choice("recipe", RECIPES, "NAME")] = RECIPES[0],
        epochs: Annotated[Any, options.parameter("epochs")] = default["epochs"],
        batch_size: Annotated[Any, options.parameter("batch_size")] = default["batch_size"],
        learning_rate: Annotated[Any, options.parameter("learning_rate")] = default[
            "learning_rate"
        ],
        optimizer: Annotated[Any, options.parameter("optimizer")] = default["optimizer"],
        patience: Annotated[Any, options.parameter("patience")] = default["patience"],
        dropout: Annotated[Any, options.parameter("dropout")] = default["dropout"],
        l2: Annotated[Any, options.parameter("l2")] = default["l2"],
        starts: Annotated[Any, options.count("starts")] = N_STARTS,
        seed: Annotated[Any, options.seed()] = 0,
        allowed_error: Annotated[Any, options.share("allowed_error", "output")] = 0.001,
        lang: Annotated[str | None, lang_option] = None,
        save_path: Annotated[
            Path | None, options.file("save", text=say("cli.save_reader_help"))
        ] = None,
        json_path: Annotated[Path | None, json_option] = None,
        report_path: Annotated[Path | None, options.file("report")] = None,
        force: Annotated[bool, options.flag("force", "output")] = False,
        help_: Annotated[bool, help_option] = False,
    ) -> int:
        settings = {
            "epochs": epochs,
            "batch_size": batch_size,
            "learning_rate": learning_rate,
            "optimizer": optimizer,
            "patience": patience,
            "dropout": dropout,
            "l2": l2,
        }
        if recipe != RECIPES[0]:  # its values differ from the defaults of the options
            settings = {name: settings[name] for name in settings if is_given(context, name)}
        settings = {"recipe": recipe, **settings, "random_state": seed}
        outputs = {"--save": save_path, "--json": json_path, "--report": report_path}
        is_file = elsewhere not in ELSEWHERE
        given = {Path(elsewhere).resolve(): "--elsewhere"} if is_file else {}
        check_outputs(say, outputs, data, force=force, given=given)
        how = {"label": label, "image_shape": image_shape, "invert": invert}
        digits, name = read_part(say, data, train_size, seed, how)
        others = read_elsewhere(say, elsewhere, digits, seed)
        how["elsewhere"] = None if elsewhere == "swiss" else elsewhere

        max_error = allowed_error if is_given(context, "allowed_error") else None

        from skmnist.cli._compare import compare_networks

        return compare_networks(
            say,
            digits,
            name,
            settings,
            elsewhere=others,
            command=write_command(
                data,
                train_size,
                how,
                # only if given, because it is also the error rate of the saved reader
                settings | {"starts": starts, "allowed_error": max_error},
            ),
            allowed_error=allowed_error,
            max_error=max_error,
            n_starts=starts,
            save_path=save_path,
            json_path=json_path,
            report_path=report_path,
        )

    @command("tune", help=say("cli.tune_help"))
    def tune_command(
        model: Annotated[
            Any, options.choice("model", tuple(MODELS), "|".join(MODELS), "search")
        ] = "simple",
        n_trials: Annotated[Any, options.count("n_trials", "search")] = 20,
        timeout: Annotated[Any, options.positive("timeout", "search", metavar="SECONDS")] = None,
        folds: Annotated[Any, options.count("folds", "search", low=2)] = 3,
        jobs: Annotated[Any, options.count("jobs", "search")] = 1,
        storage: Annotated[str | None, options.make("storage", "FILE|URL", "search")] = None,
        data: Annotated[str, data_option] = "mnist",
        invert: Annotated[bool, invert_option] = False,
        label: Annotated[str | None, label_option] = None,
        image_shape: Annotated[Any, shape_option] = None,
        train_size: Annotated[Any, train_size_option] = None,
        epochs: Annotated[Any, options.count("epochs", text=say("cli.tune_epochs_help"))] = 30,
        seed: Annotated[Any, options.seed()] = 0,
        lang: Annotated[str | None, lang_option] = None,
        save_path: Annotated[Path | None, options.file("save")] = None,
        json_path: Annotated[Path | None, json_option] = None,
        force: Annotated[
            bool, options.flag("force", "output", text=say("cli.force_tune_help"))
        ] = False,
        help_: Annotated[bool, help_option] = False,
    ) -> int:
        outputs = {"--save": save_path, "--json": json_path}
        given = (
            {} if storage is None or "://" in storage else {Path(storage).resolve(): "--storage"}
        )
        check_outputs(say, outputs, data, force=force, given=given)
        how = {"label": label, "image_shape": image_shape, "invert": invert}
        digits, name = read_part(say, data, train_size, seed, how)
        rarest = min(Counter(digits.y_train.tolist()).values())
        if folds > rarest:
            raise OptionError("--folds", folds, say("cli.rule.folds_classes", high=rarest))

        from skmnist.cli._tune import Plan, tune_network  # slow, so after the checks

        plan = Plan(
            model=model,
            n_trials=n_trials,
            timeout=timeout,
            storage=storage,
            n_folds=folds,
            n_jobs=jobs,
            epochs=epochs,
            seed=seed,
        )
        return tune_network(say, digits, name, plan, save_path=save_path, json_path=json_path)

    @command("read", help=say("cli.read_help"))
    def read_command(
        files: Annotated[
            list[Path],
            typer.Argument(
                metavar=options.words("FILE|FOLDER ..."),
                help=say("cli.files_help"),
                rich_help_panel=options.panel("reading"),
                show_default=False,
            ),
        ],
        model: Annotated[
            Path | None, options.make("model", "FILE", "reading", text=say("cli.model_file_help"))
        ] = None,
        form: Annotated[Path | None, options.make("form", "FILE", "reading")] = None,
        digits: Annotated[Any, options.count("digits", "reading")] = None,
        max_error: Annotated[
            Any, options.value("max_error", float, lambda x: 0 < x < 1, "reading")
        ] = None,
        csv: Annotated[Path | None, options.file("csv")] = None,
        review: Annotated[Path | None, options.file("review")] = None,
        lang: Annotated[str | None, lang_option] = None,
        force: Annotated[
            bool, options.flag("force", "output", text=say("cli.force_read_help"))
        ] = False,
        help_: Annotated[bool, help_option] = False,
    ) -> int:
        given = {file.resolve(): "FILE" for file in files}
        given |= {
            path.resolve(): name for path, name in ((model, "--model"), (form, "--form")) if path
        }
        outputs = {"--csv": csv, "--review": review}
        check_outputs(say, outputs, "", force=force, given=given)

        from skmnist.cli._late import import_late

        import_late("scipy.stats")
        from skmnist.cli._read import read_digits

        return read_digits(
            say,
            files,
            model=model,
            form=form,
            n_digits=digits,
            max_error=max_error,
            csv_path=csv,
            review_path=review,
        )

    @command("show", help=say("cli.show_help"))
    def show_command(
        file: Annotated[
            Path | None,
            typer.Argument(
                metavar=options.words("FILE"),
                help=say("cli.show_file_help"),
                rich_help_panel=options.panel("network"),
                show_default=False,
            ),
        ] = None,
        lang: Annotated[str | None, lang_option] = None,
        help_: Annotated[bool, help_option] = False,
    ) -> int:
        from skmnist.cli._late import import_late

        import_late("scipy.stats")
        from skmnist.cli._show import show_model

        return show_model(say, file)

    @command("app", help=say("cli.app_help"))
    def app_command(
        port: Annotated[
            Any, options.value("port", int, lambda n: 0 <= n <= MAX_PORT, "output")
        ] = 0,
        host: Annotated[
            Any, options.value("host", str, HOST.fullmatch, "output", metavar="ADDRESS")
        ] = "127.0.0.1",
        max_waiting: Annotated[Any, options.count("max_waiting", "output", low=0)] = 20,
        no_browser: Annotated[bool, options.flag("no_browser", "output")] = False,
        lang: Annotated[str | None, options.language("app_lang")] = None,
        help_: Annotated[bool, help_option] = False,
    ) -> None:
        serve_app(
            say,
            host=host,
            port=port,
            language=lang,
            max_waiting=max_waiting,
            open_browser=not no_browser,
        )

    return app


def serve_app(say: Catalogue, **how: Any) -> None:
    """Serve the app until Ctrl-C is pressed."""
    from skmnist.app import ServerError, serve

    if importlib.util.find_spec("streamlit") is None:
        raise CommandError(say("cli.app_missing", command="pip install 'skmnist[app]'"))

    def print_url(url: str) -> None:
        print(say("cli.app_open", url=url), flush=True)

    try:
        serve(**how, tell=print_url)
    except ServerError as error:
        raise CommandError(say("cli.app_failed", problem=str(error))) from error


def show_version(wanted: bool) -> None:
    """Print the version and exit."""
    if wanted:
        print(f"skmnist {__version__}")
        raise typer.Exit
