"""
A search on a Dask cluster
==========================

The folds of a cross-validation and the trials of a search are independent, so they can run in
parallel: on the cores of one machine, or on many machines. With the ``dask`` extra, they run on a
`Dask <https://distributed.dask.org>`_ cluster. To use the cluster, wrap the code in a ``with``
statement.
"""

# %%
# The estimator and the search
# ----------------------------
# Nothing in this part depends on a cluster.

import tempfile

import dask
import joblib
import matplotlib.pyplot as plt
import pandas as pd
from distributed import Client, LocalCluster
from optuna.distributions import FloatDistribution
from sklearn.pipeline import Pipeline

from skmnist import OptunaSearchCV, PixelNormalizer, SimpleNNClassifier, load_mnist
from skmnist.model_selection import cross_validate

pipeline = Pipeline(
    [
        ("normalize", PixelNormalizer()),
        ("network", SimpleNNClassifier(epochs=10, random_state=0)),
    ]
)
search = OptunaSearchCV(
    pipeline,
    {
        "network__dropout": FloatDistribution(0.0, 0.5),
        "network__learning_rate": FloatDistribution(3e-4, 1e-2, log=True),
    },
    n_trials=8,
    cv=2,
    random_state=0,
)

# %%
# The cluster
# -----------
# Two worker processes on this machine stand in for two machines. On a real cluster, use
# ``Client("tcp://...:8786")`` with the address of its scheduler. The workers import this file, so
# the code that starts them must be guarded by ``if __name__ == "__main__"``.

if __name__ == "__main__":
    mnist = load_mnist(n_train=4000, n_test=2000, random_state=0)
    with (
        tempfile.TemporaryDirectory() as folder,
        dask.config.set(temporary_directory=folder),  # for Dask's temporary files
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            dashboard_address=None,
            silence_logs="ERROR",  # no warning if a worker takes seconds to stop
        ) as cluster,
        Client(cluster) as client,
        joblib.parallel_config(backend="dask"),
    ):
        print("workers:", len(client.scheduler_info()["workers"]))
        folds = cross_validate(pipeline, mnist.X_train, mnist.y_train, cv=4)
        search.fit(mnist.X_train, mnist.y_train)

# %%
# The folds
# ---------
# Each fold was trained on one of the workers, which returned its history and diagnosis.

if __name__ == "__main__":
    print(folds.to_frame()[["test_score", "gap", "diagnosis", "best_epoch"]].round(4))

# %%
# The trials
# ----------
# Two trials ran at a time. On a cluster, trials finish in any order, so a second search may try
# other values.

if __name__ == "__main__":
    table = pd.DataFrame(search.cv_results_)
    table = table.rename(columns=lambda name: name.removeprefix("param_network__"))
    columns = ["trial_number", "trial_state", "mean_test_score", "dropout", "learning_rate"]
    print(table[columns].to_string(index=False))

    done = table[table["trial_state"] == "COMPLETE"]
    figure, ax = plt.subplots(figsize=(6, 3.6), layout="constrained")
    points = ax.scatter(done["learning_rate"], done["dropout"], c=done["mean_test_score"], s=80)
    stopped = table[table["trial_state"] == "PRUNED"]
    if len(stopped):
        ax.scatter(
            stopped["learning_rate"], stopped["dropout"], marker="x", c="0.5", label="stopped early"
        )
    best = table.iloc[search.best_index_]
    ring = {"s": 220, "facecolors": "none", "edgecolors": "#d55e00", "label": "best"}
    ax.scatter(best["learning_rate"], best["dropout"], **ring)
    ax.set(xscale="log", xlabel="learning rate", ylabel="dropout")
    ax.set_xticks([3e-4, 1e-3, 3e-3, 1e-2], ["0.0003", "0.001", "0.003", "0.01"])
    ax.minorticks_off()
    ax.legend()
    figure.colorbar(points, label="accuracy on held-out rows", format="{x:.1%}")
    plt.show()

# %%
# The best network
# ----------------
# The best network was refitted in this process and is an estimator like any other.

if __name__ == "__main__":
    print(f"accuracy on the test images: {search.score(mnist.X_test, mnist.y_test):.1%}")
