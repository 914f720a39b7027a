"""Render plain values as HTML pages and SVG figures."""

from skmnist.report._page import explain_terms
from skmnist.report._pictures import (
    Image,
    describe_curve,
    draw_curve,
    draw_svg,
    show_samples,
    sketch_curve,
)

__all__ = [
    "Image",
    "describe_curve",
    "draw_curve",
    "draw_svg",
    "explain_terms",
    "show_samples",
    "sketch_curve",
]
