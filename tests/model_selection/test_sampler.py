"""What a trial draws: by its number and the seed, whoever asks, and after whatever break."""

import optuna

from skmnist.model_selection._sampler import SeededSampler


def draw(study, seed):
    study.sampler = SeededSampler(seed)
    trial = study.ask()
    drawn = [trial.suggest_float("a", 0, 1), trial.suggest_float("b", 0, 1)]
    study.tell(trial, drawn[0])
    return drawn


def test_each_trial_has_draws_of_its_own_and_a_new_sampler_has_the_same():
    one, resumed = (optuna.create_study() for _ in range(2))
    drawn = [draw(one, seed=0) for _ in range(4)]
    assert [draw(resumed, seed=0) for _ in range(4)] == drawn
    assert len({value for pair in drawn for value in pair}) == 8


def test_another_seed_draws_something_else():
    assert draw(optuna.create_study(), seed=0) != draw(optuna.create_study(), seed=1)
