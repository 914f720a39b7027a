"""``.. command:: compare`` writes what ``skmnist compare --help`` says, from the program itself."""

import typer.main
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

from skmnist.cli import make_app
from skmnist.text import get_catalogue


def literal(text):
    return nodes.literal(text, text)


class Command(SphinxDirective):
    """The purpose, the usage and the options of one command, in the order of its panels."""

    required_arguments = 1
    option_spec = {"lang": lambda value: directives.choice(value, ("en", "de"))}

    def run(self):
        say = get_catalogue(self.options.get("lang", "en"))
        name = self.arguments[0]
        command = typer.main.get_command(make_app(say)).commands[name]
        panels = {}
        for parameter in command.params:
            panels.setdefault(parameter.rich_help_panel, []).append(parameter)
        arguments = [f"[{p.metavar}]" for p in command.params if not p.opts[0].startswith("-")]
        usage = " ".join(["skmnist", name, "[OPTIONS]", *arguments])
        found = [nodes.paragraph(text=command.help), nodes.literal_block(usage, usage)]
        found[1]["language"] = "none"
        for title, parameters in panels.items():
            entries = nodes.definition_list(classes=["command-options"])
            entries.extend(self.describe(parameter) for parameter in parameters)
            found += [nodes.rubric(text=title), entries]
        return found

    def describe(self, parameter):
        """Make the entry of one option: its names, what it takes, what it does, its default."""
        named = [name for name in parameter.opts if name.startswith("-")]
        term = nodes.term()
        for at, name in enumerate(named or [parameter.metavar]):
            term += [nodes.Text(", ")] * bool(at) + [literal(name)]
        if named and parameter.metavar:
            term += [nodes.Text(" "), nodes.emphasis(text=parameter.metavar)]
        if parameter.default is not None and not isinstance(parameter.default, bool):
            term += [
                nodes.Text("  "),
                nodes.inline(text=f"= {parameter.default}", classes=["default"]),
            ]
        entry = nodes.definition_list_item(
            "", term, nodes.definition("", nodes.paragraph(text=parameter.help))
        )
        return entry


def setup(app):
    app.add_directive("command", Command)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
