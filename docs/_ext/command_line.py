"""Add the directive ``.. command:: compare``, which documents the options of a command."""

import typer.main
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

from skmnist.cli import make_app
from skmnist.text import get_catalogue


class Command(SphinxDirective):
    """Document the purpose, usage and options of a command."""

    required_arguments = 1
    option_spec = {"lang": lambda value: directives.choice(value, ("en", "de"))}

    def run(self):
        say = get_catalogue(self.options.get("lang", "en"))
        name = self.arguments[0]
        command = typer.main.get_command(make_app(say)).commands[name]
        panels = {}
        for parameter in command.params:
            panels.setdefault(parameter.rich_help_panel, []).append(parameter)
        arguments = [f"[{p.metavar}]" for p in command.params if not find_names(p)]
        usage = " ".join(["skmnist", name, "[OPTIONS]", *arguments])
        found = [
            nodes.paragraph(text=command.help),
            nodes.literal_block(usage, usage, language="none"),
        ]
        for title, parameters in panels.items():
            entries = nodes.definition_list(classes=["command-options"])
            entries.extend(describe(parameter) for parameter in parameters)
            found += [nodes.rubric(text=title), entries]
        return found


def find_names(parameter):
    """Return the names of an option, or an empty list for an argument."""
    return [name for name in parameter.opts if name.startswith("-")]


def describe(parameter):
    """Return the entry of an option: names, value, default and explanation."""
    names = find_names(parameter)
    term = nodes.term()
    for name in names or [parameter.metavar]:
        term += [nodes.literal(text=name), nodes.Text(" ")]
    if names:
        term += nodes.emphasis(text=parameter.metavar)
    if parameter.default is not None and not isinstance(parameter.default, bool):
        term += nodes.inline(text=f" = {parameter.default}", classes=["default"])
    meaning = nodes.definition("", nodes.paragraph(text=parameter.help))
    return nodes.definition_list_item("", term, meaning)


def setup(app):
    app.add_directive("command", Command)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
