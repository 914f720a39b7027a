"""A local Dask cluster with two worker processes."""

import os
import signal
from contextlib import contextmanager
from unittest.mock import patch

import joblib
import pytest


@contextmanager
def start_cluster():
    """Start a cluster; inside, joblib runs on it."""
    distributed = pytest.importorskip("distributed")
    dask = pytest.importorskip("dask")
    with (
        patch.dict(os.environ),  # Dask leaves here what it tells its workers: one thread
        # a worker that is killed twice can be away for longer than the default of 15 s on a busy
        # machine; the cluster would then give it up instead of starting it again
        dask.config.set({"distributed.deploy.lost-worker-timeout": "5 minutes"}),
        distributed.LocalCluster(
            n_workers=2, processes=True, threads_per_worker=1, dashboard_address=None
        ) as local,
        distributed.Client(local) as client,
        joblib.parallel_config(backend="dask"),
    ):
        yield client


class KillsOnce:
    """A callback that kills the worker it trains in, in the second epoch, but only once."""

    def __init__(self, path):
        self.path = path
        self.tests = os.getpid()  # not to be killed, wherever it is called

    def __call__(self, event):
        if event.epoch == 2 and os.getpid() != self.tests:
            try:
                os.close(os.open(self.path, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                return
            os.kill(os.getpid(), signal.SIGKILL)
