"""Error rates of the verdicts on real networks, whose starts differ more than models by chance.

The pools have 30 starts of each network on all of MNIST (`make_starts.py`). From them, comparisons
are drawn as `skmnist compare` makes them: a first start in full, and two that are shortened.
"""

import numpy as np
import pytest

from skmnist import DeepNNClassifier
from skmnist.comparison._runs import shorten_training
from skmnist.comparison._significance import compare_predictions
from tests.comparison.make_starts import N_SEEDS, N_TRAIN, read

pytestmark = pytest.mark.slow

N_DRAWS = 1000  # at 5%, the standard error of a rate is 0.7%
N_STARTS = 3


@pytest.fixture(scope="module")
def pools():
    return read()


def count_epochs(first):
    """Return how many epochs further starts train after a first one."""
    trained, further = DeepNNClassifier(), DeepNNClassifier()
    trained.n_train_, trained.n_iter_ = N_TRAIN, first.n_epochs
    trained.kept_epoch_ = int(first.epochs[-1])
    shorten_training(further, trained)
    return min(further.epochs, first.n_epochs)


def take(pool, starts, *, short=True):
    """Return the hits of starts as a comparison trains them, the first one in full."""
    first, *others = (pool[at] for at in starts)
    n_epochs = count_epochs(first) if short else np.inf
    return np.array([first.hits[-1], *(start.after(n_epochs) for start in others)])


def share_of_false(pool, n_starts, *, short=True):
    """Return how often two halves of the starts of one network are called different."""
    rng = np.random.default_rng(0)
    n_false = 0
    for _ in range(N_DRAWS):
        halves = np.split(rng.permutation(N_SEEDS)[: 2 * n_starts], 2)
        pair = {
            name: take(pool, starts, short=short) for name, starts in zip("AB", halves, strict=True)
        }
        n_false += compare_predictions(pair)[0].p_adjusted < 0.05
    return n_false / N_DRAWS


@pytest.mark.parametrize("name", ["simple", "deep"])
def test_halves_of_one_recipe_are_called_different_in_at_most_5_percent(pools, name):
    assert share_of_false(pools[name], N_STARTS) <= 0.05


@pytest.mark.parametrize("name", ["simple", "deep"])
def test_one_start_cannot_tell_recipes_apart(pools, name):
    """This is why the texts about one start are about the trained models alone."""
    assert share_of_false(pools[name], 1) > 0.1


def reach(difference, target):
    """Return how often to draw each image so that the true difference is `target`."""
    low, high = -20.0, 20.0
    for _ in range(60):
        tilt = (low + high) / 2
        weights = np.exp(tilt * difference)
        weights /= weights.sum()
        low, high = (tilt, high) if weights @ difference < target else (low, tilt)
    return weights


def draw_tests(pools, weights, n_starts=N_STARTS, *, short=True):
    """Draw images and starts of both networks, with replacement, and test the difference."""
    rng = np.random.default_rng(1)
    for _ in range(N_DRAWS):
        images = rng.choice(len(weights), len(weights), p=weights)
        deep, simple = (
            take(pools[name], rng.integers(N_SEEDS, size=n_starts), short=short)[:, images]
            for name in ("deep", "simple")
        )
        yield compare_predictions({"deep": deep, "simple": simple})[0]


def get_difference(pools):
    """Return the difference on each image of networks that are trained in full."""
    deep, simple = (
        np.mean([start.hits[-1] for start in pools[name]], axis=0) for name in ("deep", "simple")
    )
    return deep - simple


def test_interval_holds_the_difference_of_networks_trained_in_full(pools):
    difference = get_difference(pools)
    n_images = len(difference)
    tests = list(draw_tests(pools, np.full(n_images, 1 / n_images)))
    true = difference.mean()
    assert np.mean([test.interval[0] <= true <= test.interval[1] for test in tests]) >= 0.93


def test_077_points_are_found_in_three_quarters_of_comparisons(pools):
    """Images are drawn so that the true difference is the one of 0.77 percentage points."""
    weights = reach(get_difference(pools), 0.0077)
    tests = list(draw_tests(pools, weights))
    found = [test.p_adjusted < 0.05 and test.difference > 0 for test in tests]
    assert np.mean(found) >= 0.75


def test_interval_of_one_start_holds_the_difference_of_its_two_networks(pools):
    """It is about these networks on other images, and says nothing of other starts."""
    rng = np.random.default_rng(2)
    held = []
    for _ in range(N_DRAWS):
        starts = rng.integers(N_SEEDS, size=2)
        deep, simple = pools["deep"][starts[0]].hits[-1], pools["simple"][starts[1]].hits[-1]
        images = rng.integers(len(deep), size=len(deep))
        pair = {"deep": deep[None, images], "simple": simple[None, images]}
        low, high = compare_predictions(pair)[0].interval
        held.append(low <= deep.mean() - simple.mean() <= high)
    assert np.mean(held) >= 0.93
