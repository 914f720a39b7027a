import pytest

from tests.model_selection.learners import EPOCHS


@pytest.fixture(autouse=True)
def forget_epochs():
    EPOCHS.clear()
