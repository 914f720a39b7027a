"""A comparison as one page for everybody: HTML that needs nothing but itself."""

from skmnist.report._page import explain_terms, make_page, make_parts, make_snippet, write_page

__all__ = ["explain_terms", "make_page", "make_parts", "make_snippet", "write_page"]
