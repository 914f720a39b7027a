"""Training in Keras's own loop, to compare with."""

import warnings

import keras


class EachBatch(keras.callbacks.Callback):
    """Hooks batches, so that Keras's own loop runs."""

    def __init__(self):
        super().__init__()
        self.n_batches = 0

    def on_train_batch_end(self, batch, logs=None):
        self.n_batches += 1


def fit_by_keras(model, X, y, **options):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".* must be called for each batch")
        return model.set_params(callbacks=[EachBatch()]).fit(X, y, **options)


def weights_of(model):
    return [array for pair in zip(model.coefs_, model.intercepts_, strict=True) for array in pair]
