"""What stands in a picture."""

import matplotlib.pyplot as plt


def find_texts(display):
    """Return all that is written in a picture, as it is drawn."""
    display.figure_.canvas.draw()
    found = [text.get_text() for text in display.figure_.findobj(plt.Text)]
    return {text.replace(r"\$", "$") for text in found if text}


def check_axes(draw):
    """Draw on axes that are given, and then on new ones."""
    figure, ax = plt.subplots()
    display = draw(ax)
    assert (display.ax_, display.figure_) == (ax, figure)
    assert plt.get_fignums() == [figure.number]
    assert display.plot(language="de") is display
    assert display.ax_ is not ax
