import pytest
from chromium import open_browser


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Open a browser for all tests of a module."""
    with open_browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser
