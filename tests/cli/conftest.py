"""What the tests of all commands start from."""

import numpy as np
import pytest

import skmnist


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def do_at(monkeypatch):
    """Return a function that lets something happen at a point of the comparison."""
    from skmnist.cli import _compare

    def do_at(stage, model, action):
        def compare(*arguments, callbacks, **options):
            def act(event):
                callbacks(event)
                if (event.stage, event.model) == (stage, model):
                    action()

            return skmnist.compare_models(*arguments, callbacks=act, **options)

        monkeypatch.setattr(_compare, "compare_models", compare)

    return do_at


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Write the first rows of MNIST as an archive of one's own."""
    data = skmnist.load_mnist(n_train=300, n_test=100, random_state=0)
    path = tmp_path_factory.mktemp("data") / "Meine Ziffern.npz"
    np.savez(
        path, x_train=data.X_train, y_train=data.y_train, x_test=data.X_test, y_test=data.y_test
    )
    return path


@pytest.fixture
def photos(tmp_path):
    """Make folders of dark letters on light paper, of two sizes, without a test part."""
    from PIL import Image

    rng = np.random.default_rng(0)
    for label in ("Ä", "B"):
        for at in range(14):
            side = 20 + 4 * (at % 2)
            image = np.full((side, side), 250, np.uint8)
            image[5:15, 5:15] = rng.integers(0, 100, (10, 10))
            path = tmp_path / "Meine Fotos" / label / f"{at}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(path)
    return tmp_path / "Meine Fotos"
