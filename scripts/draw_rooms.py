"""Draw the subpackages and the imports between them.

    python scripts/draw_rooms.py docs/rooms.svg

Positions are defined here, descriptions are the first lines of the docstrings, and arrows follow
from the imports. A subpackage without a position, or an arrow that does not point down, is an
error.
"""

import argparse
import ast
import textwrap
from html import escape
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "skmnist"

PLACES = {  # centre of the box, row
    "cli": (680, 0),
    "app": (340, 1),
    "_networks": (440, 2),
    "reading": (1000, 3),
    "datasets": (128, 4),
    "comparison": (440, 4),
    "model_selection": (720, 4),
    "persistence": (1086, 4),
    "report": (440, 5),
    "diagnosis": (520, 6),
    "preprocessing": (760, 6),
    "neural_network": (1000, 6),
    "text": (265, 7),
}
WIDTH, HEIGHT, ROW, MARGIN = 226, 100, 142, 14
SIZE = (1214, 7 * ROW + HEIGHT + 2 * MARGIN)

STYLE = """
text { font: 13px system-ui, sans-serif; fill: #333; text-anchor: middle }
.name { font: 600 16px ui-monospace, monospace; fill: #111 }
.room { fill: #fff; stroke: #0072b2; stroke-width: 1.5 }
.tools { fill: #f4f4f4; stroke: #999; stroke-dasharray: 4 3 }
.arrow { fill: none; stroke: #5f6b76; stroke-width: 1.5; marker-end: url(#head) }
"""


def find_room(path):
    name = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return "cli" if name == "__main__" else name


def find_arrows():
    """Return the subpackages that each one uses, and a list of the shared private modules."""
    arrows, tools = {name: set() for name in PLACES}, set()
    for path in sorted(PACKAGE.rglob("*.py")):
        room = find_room(path)
        if room == "__init__":
            continue
        if room.startswith("_") and room not in PLACES:
            tools.add(room)
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("skmnist."):
                arrows[room].add(node.module.split(".")[1])
    return {room: (used & set(PLACES)) - {room} for room, used in arrows.items()}, sorted(tools)


def drop_detours(arrows):
    """Leave out arrows that follow from others."""

    def reach(room):
        return arrows[room].union(*map(reach, arrows[room]))

    return {
        room: used - set().union(*(reach(other) for other in used)) for room, used in arrows.items()
    }


def describe(room):
    file = PACKAGE / f"{room}.py"
    file = file if file.exists() else PACKAGE / room / "__init__.py"
    docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
    return textwrap.wrap(docstring.splitlines()[0].rstrip("."), 31, break_on_hyphens=False)


def draw_box(room):
    x, top = PLACES[room][0], MARGIN + PLACES[room][1] * ROW
    lines = describe(room)
    start = top + HEIGHT / 2 - 8.5 * len(lines) + 5
    yield (
        f'<rect class="room" x="{x - WIDTH / 2:g}" y="{top}" width="{WIDTH}" height="{HEIGHT}" '
        f'rx="8"/>\n<text class="name" x="{x}" y="{start:g}">{room}</text>'
    )
    for at, line in enumerate(lines, 1):
        yield f'<text x="{x}" y="{start + 17 * at:g}">{escape(line)}</text>'


def draw_arrow(room, used):
    (x0, row), (x1, to) = PLACES[room], PLACES[used]
    if to <= row:
        raise SystemExit(f"{room} uses {used}, which is not below it; move one in PLACES.")
    # spread the arrows of a box by their direction
    lean = max(-1, min(1, (x1 - x0) / 400))
    x0, x1 = x0 + 60 * lean, x1 - 60 * lean
    y0, y1 = MARGIN + row * ROW + HEIGHT, MARGIN + to * ROW - 3
    bend = 0.45 * (y1 - y0)
    return (
        f'<path class="arrow" d="M{x0:g},{y0} C{x0:g},{y0 + bend:g} '
        f'{x1:g},{y1 - bend:g} {x1:g},{y1}"/>'
    )


def draw():
    """Return the figure as SVG."""
    arrows, tools = find_arrows()
    arrows = drop_detours(arrows)
    body = [draw_arrow(room, used) for room in PLACES for used in sorted(arrows[room])]
    body += [part for room in PLACES for part in draw_box(room)]
    left, top = PLACES["text"][0] + WIDTH / 2 + 40, MARGIN + 7 * ROW
    body.append(
        f'<rect class="room tools" x="{left:g}" y="{top}" width="{SIZE[0] - left - MARGIN:g}" '
        f'height="{HEIGHT}" rx="8"/>'
    )
    middle = (left + SIZE[0] - MARGIN) / 2
    lines = ["shared private modules", *textwrap.wrap(", ".join(tools), 92)]
    for at, line in enumerate(lines):
        y = top + HEIGHT / 2 - 8 * len(lines) + 12 + 16 * at
        body.append(f'<text x="{middle:g}" y="{y:g}">{line}</text>')
    width, height = SIZE
    head = (
        '<marker id="head" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto"><path d="M0,0 8,4 0,8z" fill="#5f6b76"/></marker>'
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}">\n<style>{STYLE}</style>\n<defs>{head}</defs>\n'
        f'<rect width="{width}" height="{height}" fill="#fff"/>\n' + "\n".join(body) + "\n</svg>\n"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.parse_args().file.write_text(draw(), encoding="utf-8")
