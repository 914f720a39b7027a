"""
Searching for parameters with a grid and with Optuna
====================================================

How much dropout, which learning rate, how many neurons? You can only find out by trying, and the
test images must not be used for that. scikit-learn's ``GridSearchCV`` tries all combinations.
``OptunaSearchCV``, which is used in the same way, learns from previous trials which combinations
are worth trying, and stops poor trials early.
"""

# %%
# The pipeline
# ------------

from sklearn.pipeline import Pipeline

from skmnist import PixelNormalizer, SimpleNNClassifier, load_mnist

mnist = load_mnist(n_train=4000, n_test=4000, random_state=0)
pipeline = Pipeline(
    [
        ("normalize", PixelNormalizer()),
        ("network", SimpleNNClassifier(epochs=12, random_state=0)),
    ]
)

# %%
# Grid search: the best candidate that does not overfit
# -----------------------------------------------------
# With ``scoring=fit_scores``, the accuracy and the negative gap are recorded for each fold; the gap
# is the drop in accuracy from the training images to new ones. ``refit=best_without_overfitting``
# then selects the most accurate candidate with an acceptable gap. You can set the limit yourself.
# With so few images per fold, the networks quickly memorize them, so this example allows a gap of
# 0.06 instead of the default 0.02.

from functools import partial

import pandas as pd
from sklearn.model_selection import GridSearchCV

from skmnist.diagnosis import fit_scores
from skmnist.model_selection import best_without_overfitting

grid = GridSearchCV(
    pipeline,
    {"network__dropout": [0.0, 0.5], "network__l2": [0.0, 0.01]},
    scoring=fit_scores,
    refit=partial(best_without_overfitting, max_gap=0.06),
    cv=3,
).fit(mnist.X_train, mnist.y_train)

table = pd.DataFrame(grid.cv_results_)
table["gap"] = -table["mean_test_neg_fit_gap"]
columns = ["param_network__dropout", "param_network__l2", "mean_test_accuracy", "gap"]
print(table[columns].sort_values("mean_test_accuracy", ascending=False).to_string(index=False))
print("selected:", grid.best_params_)

# %%
# Search with Optuna
# ------------------
# ``OptunaSearchCV`` accepts distributions as well as lists. ``get_search_space`` returns a
# ready-made space as a dict, which you can extend or reduce.

from optuna.distributions import FloatDistribution

from skmnist import OptunaSearchCV
from skmnist.model_selection import get_search_space

space = get_search_space("regularization", prefix="network__")
space["network__learning_rate"] = FloatDistribution(3e-4, 1e-2, log=True)
space["network__hidden_units"] = [64, 128]
for name, values in space.items():
    print(f"{name:22}", values)

search = OptunaSearchCV(pipeline, space, n_trials=14, cv=3, random_state=0)
search.fit(mnist.X_train, mnist.y_train)

# %%
# ``cv_results_`` has one row per trial. Trials that were stopped early have no score.

table = pd.DataFrame(search.cv_results_).rename(columns=lambda name: name.split("__")[-1])
print(table["trial_state"].value_counts().to_string(), "\n")
columns = ["trial_number", "mean_test_score", "dropout", "l2", "learning_rate", "hidden_units"]
print(table.sort_values("rank_test_score")[columns].head(5).to_string(index=False))

# %%
# Plotting the trials
# -------------------
# The left plot shows the best validation accuracy of each trial, averaged over its folds. The right
# plot shows how this value developed from epoch to epoch. The folds of a trial are processed one
# after the other, so a trial that is stopped within its first fold costs only a few epochs.

import matplotlib.pyplot as plt

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
for trial in search.study_.trials:
    values = list(trial.intermediate_values.values())
    stopped = trial.state.name == "PRUNED"
    colour, marker = ("#d55e00", "x") if stopped else ("#0072b2", "o")
    left.plot(trial.number, values[-1], marker, color=colour)
    right.plot(range(1, len(values) + 1), values, "--" if stopped else "-", color=colour, alpha=0.7)
left.set(xlabel="trial", ylabel="accuracy on held-out rows")
right.set(xlabel="epochs trained, fold after fold")
left.yaxis.set_major_formatter("{x:.0%}")
left.plot([], "o", color="#0072b2", label="completed")
left.plot([], "x", color="#d55e00", label="stopped early")
left.legend(loc="lower right")
for ax in (left, right):
    ax.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
# The best networks
# -----------------
# Each search refitted its best network on all 4,000 training images. The two networks are now
# evaluated on the test images for the first time. ``best_diagnoses_`` contains a fit diagnosis for
# each fold of the best trial.

for name, value in search.best_params_.items():
    print(f"{name:22} {value:.4g}")
print("its folds:", ", ".join(diagnosis.label for diagnosis in search.best_diagnoses_))
for name, model in {"grid": grid, "Optuna": search}.items():
    print(
        f"{name}: {model.best_estimator_.score(mnist.X_test, mnist.y_test):.1%} of the test images"
    )
