import pytest
from learners import EPOCHS


@pytest.fixture(autouse=True)
def forget_epochs():
    EPOCHS.clear()
