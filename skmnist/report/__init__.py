"""A comparison as one page for everybody: HTML that needs nothing but itself."""

from skmnist.report._page import make_page, make_snippet, write_page

__all__ = ["make_page", "make_snippet", "write_page"]
