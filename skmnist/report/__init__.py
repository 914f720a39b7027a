"""A comparison as one page for everybody: HTML that needs nothing but itself."""

from skmnist.report._page import explain_terms, make_page, make_parts, make_snippet, write_page

# for the app, which shows the same pictures
from skmnist.report._pictures import describe_curve as describe_curve
from skmnist.report._pictures import draw_curve as draw_curve
from skmnist.report._pictures import show_samples as show_samples
from skmnist.report._sketch import sketch_curve as sketch_curve
from skmnist.report._svg import draw_svg as draw_svg

__all__ = ["explain_terms", "make_page", "make_parts", "make_snippet", "write_page"]
