"""Help texts and valid values of options."""

import difflib
import re
from collections.abc import Callable, Sequence
from typing import Any

import typer

from skmnist._parameters import PARAMETERS
from skmnist.cli._outputs import OptionError
from skmnist.text import Catalogue, get_languages

MAX_SEED = 2**32 - 1
MAX_PORT = 65535
MAX_SIDE = 4096  # pixels, the limit of the loaders
SHAPE = re.compile(r"[0-9]{1,9}x[0-9]{1,9}")
# host names, IPv4 and IPv6 addresses
HOST = re.compile(r"[0-9A-Za-z][0-9A-Za-z.-]*|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")


class Options:
    """Create options with texts in one language; typer's own errors are in English.

    `name` is the parameter's name in Python. Its texts in the catalogue are ``cli.<name>_help`` and
    ``cli.rule.<name>``, unless `text` or `rule` is given.
    """

    def __init__(self, say: Catalogue) -> None:
        self.say = say

    def panel(self, name: str) -> str:
        """Return the heading of a group of options in the help."""
        return self.say(f"cli.panel_{name}")

    def words(self, metavar: str) -> str:
        """Return the placeholder for a value in the help, in the language of the help."""
        for word in ("address", "column", "file", "folder", "height", "seconds", "width"):
            metavar = metavar.replace(word.upper(), self.say(f"cli.metavar.{word}"))
        return metavar

    def make(
        self, name: str, metavar: str, panel: str, *, text: str | None = None, **how: Any
    ) -> Any:
        """Create an option; `how` is passed to typer."""
        return typer.Option(
            _spell(name),
            metavar=self.words(metavar),
            help=text or self.say(f"cli.{name}_help"),
            rich_help_panel=self.panel(panel),
            **how,
        )

    def flag(self, name: str, panel: str, **how: Any) -> Any:
        """Create an option without a value."""
        return self.make(name, "", panel, **how)

    def file(self, name: str, *, text: str | None = None) -> Any:
        """Create an option for an output file."""
        return self.make(name, "FILE", "output", text=text)

    def help(self, panel: str) -> Any:
        """Create the option that shows the help."""
        return typer.Option(
            "--help",
            "-h",
            metavar="",
            is_eager=True,
            callback=show_help,
            help=self.say("cli.help_help"),
            rich_help_panel=self.panel(panel),
        )

    def language(self, name: str = "lang") -> Any:
        """Create the option for the language."""
        codes = get_languages()
        text = self.say(f"cli.{name}_help", languages=", ".join(codes))
        return self.make("lang", "|".join(codes), "output", text=text, show_default=False)

    def choice(
        self, name: str, choices: Sequence[str], metavar: str, panel: str = "training"
    ) -> Any:
        """Create an option with a fixed set of values."""

        def parse(word: str) -> str:
            if word not in choices:
                raise OptionError(_spell(name), word, choice_rule(self.say, word, choices))
            return word

        return self.make(name, metavar, panel, parser=parse)

    def value(
        self,
        name: str,
        kind: type[int] | type[float] | type[str],
        allowed: Callable[[Any], object],
        panel: str = "training",
        *,
        metavar: str = "",
        rule: str | None = None,
        text: str | None = None,
        **limits: Any,
    ) -> Any:
        """Create an option of type `kind`; `allowed` returns whether a value is valid.

        `limits` are values for the placeholders of the rule.
        """

        def parse(word: Any) -> Any:
            try:
                value = kind(word)
                if allowed(value):
                    return value
            except ValueError:
                pass
            raise OptionError(_spell(name), word, self.say(f"cli.rule.{rule or name}", **limits))

        metavar = metavar or ("N" if kind is int else "X")
        return self.make(name, metavar, panel, text=text, parser=parse)

    def parameter(self, name: str) -> Any:
        """Create the option of a hyperparameter, with the same range as in Python."""
        parameter = PARAMETERS[name]
        if parameter.choices:
            return self.choice(name, parameter.choices, "NAME")
        kind: type[Any] = int if parameter.is_whole else float
        rule = "count" if kind is int else "number"
        if parameter.high is not None:
            rule = "below"
        elif parameter.closed == "neither":
            rule = "positive"
        limits: dict[str, Any] = {"low": parameter.low, "high": parameter.high}
        return self.value(name, kind, parameter.allows, rule=rule, **limits)

    def shape(self, name: str, panel: str) -> Any:
        """Create an option that takes a height and a width."""

        def parse(word: str) -> tuple[int, ...]:
            sides = tuple(map(int, word.split("x"))) if SHAPE.fullmatch(word) else ()
            if not sides or not all(0 < side <= MAX_SIDE for side in sides):
                raise OptionError(_spell(name), word, self.say(f"cli.rule.{name}", high=MAX_SIDE))
            return sides

        return self.make(name, "HEIGHTxWIDTH", panel, parser=parse)

    def count(
        self, name: str, panel: str = "training", *, text: str | None = None, low: int = 1
    ) -> Any:
        """Create an option that takes an integer of at least `low`."""
        return self.value(name, int, lambda n: n >= low, panel, rule="count", text=text, low=low)

    def positive(self, name: str, panel: str = "training", *, metavar: str = "") -> Any:
        """Create an option that takes a number above 0."""
        return self.value(
            name,
            float,
            lambda x: 0 < x < float("inf"),
            panel,
            rule="positive",
            metavar=metavar,
            low=0,
        )

    def share(self, name: str, panel: str) -> Any:
        """Create an option that takes a number between 0 and 1, both excluded."""
        return self.value(name, float, lambda x: 0 < x < 1, panel, rule="share")

    def seed(self, panel: str = "training", *, text: str | None = None) -> Any:
        """Create the option for the random seed."""
        return self.value("seed", int, lambda n: 0 <= n <= MAX_SEED, panel, text=text)


def translate(base: Any, say: Catalogue) -> Any:
    """Return a subclass of a typer command, with typer's own words in the help translated."""

    class Translated(base):
        def get_usage(self, ctx: Any) -> str:
            usage: str = super().get_usage(ctx)
            return usage.replace("Usage:", say("cli.usage"), 1)

        def format_help(self, ctx: Any, formatter: Any) -> None:
            from typer import rich_utils

            rich_utils.REQUIRED_LONG_STRING = f"[{say('cli.required')}]"
            super().format_help(ctx, formatter)

    return Translated


def _spell(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def is_given(context: typer.Context, name: str) -> bool:
    """Return whether an option is given on the command line, rather than having its default."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def show_help(context: typer.Context, wanted: bool) -> None:
    """Print the help of a command and exit."""
    if wanted:
        print(context.get_help(), end="")  # empty if typer has printed it
        raise typer.Exit


def choice_rule(say: Catalogue, value: str, choices: Sequence[str]) -> str:
    """Return the rule that lists the valid values; if one is similar to `value`, suggest it."""
    rule = say("cli.rule.choice", choices=", ".join(choices))
    return f"{rule}{suggest(say, value, choices)}"


def suggest(say: Catalogue, value: str, choices: Sequence[str]) -> str:
    """Return "did you mean" and a similar value, or an empty string if none is similar."""
    close = difflib.get_close_matches(value, choices, n=1)
    return f"; {say('cli.rule.did_you_mean', suggestion=close[0])}" if close else ""
