import pytest
from samples import compare


@pytest.fixture(scope="session")
def comparison():
    return compare()
