import os

import pytest

from skmnist.neural_network._tensorflow import quiet

CHATTER = b"I0000 00:00:1795353481.389610    9545 port.cc:153] oneDNN custom operations are on.\n"


def test_chatter_is_kept_off_the_screen_and_nothing_else(capfd):
    with quiet():
        os.write(2, CHATTER)
        os.write(2, b"disk is full\n")
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "disk is full\nafter\n"


def test_where_it_failed_all_of_it_is_shown(capfd):
    def fail():
        os.write(2, CHATTER)
        raise ImportError

    with pytest.raises(ImportError), quiet():
        fail()
    assert "oneDNN" in capfd.readouterr().err
