"""Images beside each other, on the same axes."""

from collections.abc import Sequence
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np

from skmnist._drawing import get_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = np.ndarray[Any, Any]

N_COLUMNS = 5


def draw_tiles(
    ax: "Axes | None", images: Array, captions: Sequence[str] = (), **look: Any
) -> tuple["Figure", "Axes"]:
    """Lay images out in rows, each with its caption below where there are captions."""
    n_columns = max(1, min(N_COLUMNS, len(images)))
    n_rows = max(1, ceil(len(images) / n_columns))
    height, width = images.shape[1:] if len(images) else (1, 1)
    # room for a caption of two lines, whatever the size of the images
    step_x, step_y = 1.12 * width, height + (0.5 if captions else 0.12) * width
    figure, ax = get_axes(ax, (5, 0.4 + 5 * n_rows * step_y / (n_columns * step_x)))
    for at, image in enumerate(images):
        row, column = divmod(at, n_columns)
        left, top = column * step_x, row * step_y
        ax.imshow(
            image,
            extent=(left, left + width, top + height, top),
            interpolation="nearest",
            **look,
        )
        if captions:
            ax.text(
                left + width / 2,
                top + height + 0.04 * width,
                captions[at],
                ha="center",
                va="top",
                fontsize="small",
            )
    ax.set(
        xlim=(-0.06 * width, n_columns * step_x - 0.06 * width),
        ylim=(n_rows * step_y, -0.04 * height),
        aspect="equal",
    )
    ax.set_axis_off()
    return figure, ax
