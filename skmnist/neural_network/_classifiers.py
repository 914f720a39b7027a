"""The two classifiers: their parameters, and what sets them apart."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np

from skmnist._estimator import refuse_unknown
from skmnist.neural_network._augment import ImageAugmenter
from skmnist.neural_network._base import NNClassifier, constrain


class SimpleNNClassifier(NNClassifier):
    """Classify with a network of one hidden layer, trained by Keras.

    The baseline: small, quick to train and easy to explain. On 28 x 28 images with the default
    128 units it has 101,770 parameters. An epoch is one compiled program, predicting needs no
    tensorflow, and it stands wherever a scikit-learn classifier can. It is no convolutional
    network: shift an image by a few pixels and it sees another image.

    Parameters
    ----------
    hidden_units : int, default=128
        Neurons of the hidden layer.
    activation : {"relu", "elu", "gelu", "leaky_relu", "selu", "sigmoid", "silu", "softplus", \
            "tanh"}, default="relu"
        Activation of the hidden layers, by Keras's names and with Keras's defaults.
    optimizer : {"adam", "adamw", "nadam", "rmsprop", "sgd"}, default="adam"
        Adam starts steadily and often does well sooner; SGD is easy to explain and needs more
        tuning of `learning_rate` and `momentum`.
    learning_rate : float, default=1e-3
        Step size of the updates: too large is unstable, too small learns slowly.
    momentum : float in [0, 1), default=0.9
        Momentum of "sgd"; the others ignore it.
    weight_decay : float, default=None
        Decoupled weight decay per update; None is Keras's default of the optimizer (0.004 for
        "adamw", none for the others).
    learning_rate_schedule : {"constant", "cosine", "exponential", "linear"}, default=None
        How `learning_rate` falls over all `epochs`, update by update: to 0 along half a cosine
        or a line, or exponentially to a hundredth. None is "constant".
    epochs : int, default=100
        How often the network sees all training rows, at most. 0 means no training.
    batch_size : int, default=128
        Rows per update: small is noisier, large is steadier and faster.
    patience : int or None, default=15
        Epochs without improvement of `monitor` before training stops; the weights of the best
        epoch are kept. None trains all epochs and keeps the last weights.
    monitor : {"val_accuracy", "val_loss", "accuracy", "loss"}, default="val_accuracy"
        What `patience` watches. Of two epochs with the same accuracy, the one with the lower
        loss of the same rows is the better one. Without validation rows the training loss is
        watched where this names a validation figure.
    validation_fraction : float in (0, 1), "auto" or None, default="auto"
        Share of the rows held out, stratified by class, to validate on after each epoch. "auto"
        is 0.1 from 1,000 rows on; fewer rows are all trained on, since fewer than 100 held-out rows
        are a poor judge. None always trains on all rows and validates nothing.
    dropout : float in [0, 1), default=0.0
        Share of each hidden layer's outputs that is dropped at random in training.
    l2 : float, default=0.0
        Factor of the penalty on squared weights, as `keras.regularizers.L2` has it; biases are
        left out. The losses in `history_` are without it.
    augmentation : ImageAugmenter, "digits" or None, default=None
        Deform each training image at random in each epoch; "digits" is a preset for handwritten
        digits. Validation rows are not deformed. The training figures in `history_` are of
        deformed images, those measured after training (`train_accuracy_`) are not. `X` must be
        images, light on dark, with values in [0, 1].
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes in training, as elsewhere in scikit-learn.
    shuffle : bool, default=True
        Draw the rows in a new order in each epoch.
    warm_start : bool, default=False
        Start `fit` from the weights learned before, with a fresh optimizer.
    callbacks : callable, keras.callbacks.Callback, or list of these, default=None
        A callable gets one :class:`~skmnist.neural_network.EpochEvent` after each epoch and
        stops training by returning True. Keras callbacks are called once per epoch; one that
        hooks batches makes Keras's own, slower loop run. With ``patience=None`` the weights
        that they leave at the end are kept, otherwise those of the best epoch.
    random_state : int, RandomState instance or None, default=None
        Seeds the held-out rows, the first weights, the order of rows, dropout and deformation. An
        int gives the same bits twice on one machine with the same number of threads, and touches
        no global generator.
    verbose : int, default=0
        1 shows progress on standard error: a bar on a terminal, else a line per epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    coefs_, intercepts_ : lists of ndarray
        Per layer the weights (n_in, n_out) and biases (n_out,) that were kept, float32 or
        float64.
    activation_ : str
        Activation that the hidden layers were trained with.
    n_parameters_ : int
        Number of weights and biases.
    n_iter_ : int
        Epochs really trained.
    best_epoch_ : int
        Epoch, from 1, with the best value of `monitor`; 0 if there was none.
    kept_epoch_ : int
        Epoch whose weights were kept: `best_epoch_` with a `patience`, else the last one; 0
        where a Keras callback set others at the end.
    stop_reason_ : {"epochs", "patience", "callback", "interrupted", "nonfinite"}
        Why training ended.
    history_ : dict of str to ndarray of shape (`n_iter_`,)
        Per epoch `loss` (mean cross-entropy), `accuracy` and, with validation, `val_loss`,
        `val_accuracy`. Training figures are running means within the epoch, as Keras has them.
    loss_curve_ : list of float
        The training loss per epoch.
    train_loss_, train_accuracy_ : float
        Measured after training on `n_train_measured_` training rows, with the weights that were
        kept and without dropout or row weights.
    validation_loss_, validation_accuracy_ : float or None
        The same on the `n_validation_` validation rows; None without any.
    best_validation_score_ : float or None
        The best validation accuracy of all epochs.
    n_train_, n_validation_ : int
        Rows trained on and validated on.
    n_train_measured_ : int
        Training rows that `train_accuracy_` was measured on: all up to 10,000, and 10,000
        evenly spread over all where there are more.
    fit_time_ : float
        Seconds that `fit` took without importing tensorflow and compiling.
    compile_time_ : float
        Seconds that importing tensorflow and compiling took; near 0 where an earlier fit has
        done both.
    image_shape_ : tuple of int
        Shape of one sample in `fit`: (height, width) or (n_features,).
    n_features_in_ : int
        Number of features of a row.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Column names, when `fit` saw a data frame with text names.

    See Also
    --------
    DeepNNClassifier : Several hidden layers.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.pipeline import Pipeline
    >>> from skmnist import PixelNormalizer, SimpleNNClassifier
    >>> digits = load_digits()  # 8 x 8 pixels from 0 to 16
    >>> model = Pipeline([
    ...     ("normalize", PixelNormalizer(max_value=16)),
    ...     ("nn", SimpleNNClassifier(epochs=10, random_state=0)),
    ... ]).fit(digits.images, digits.target)
    >>> model.score(digits.images, digits.target) > 0.9
    True
    >>> model.named_steps["nn"].n_parameters_
    9610

    A value out of range is refused in `fit`:

    >>> SimpleNNClassifier(batch_size=0).fit(digits.data, digits.target)
    Traceback (most recent call last):
    sklearn.utils._param_validation.InvalidParameterError: The 'batch_size' parameter of
    SimpleNNClassifier must be an int in the range [1, inf). Got 0 instead.
    """

    _parameter_constraints: dict[str, Any] = {
        **NNClassifier._parameter_constraints,
        **constrain("hidden_units"),
    }

    @refuse_unknown
    def __init__(
        self,
        hidden_units: int = 128,
        *,
        activation: str = "relu",
        optimizer: str = "adam",
        learning_rate: float = 1e-3,
        momentum: float = 0.9,
        weight_decay: float | None = None,
        learning_rate_schedule: str | None = None,
        epochs: int = 100,
        batch_size: int = 128,
        patience: int | None = 15,
        monitor: str = "val_accuracy",
        validation_fraction: float | str | None = "auto",
        dropout: float = 0.0,
        l2: float = 0.0,
        augmentation: ImageAugmenter | str | None = None,
        class_weight: dict[Any, float] | str | None = None,
        shuffle: bool = True,
        warm_start: bool = False,
        callbacks: Any = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.hidden_units = hidden_units
        self.activation = activation
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.learning_rate_schedule = learning_rate_schedule
        self.epochs = epochs
        self.batch_size = batch_size
        self.patience = patience
        self.monitor = monitor
        self.validation_fraction = validation_fraction
        self.dropout = dropout
        self.l2 = l2
        self.augmentation = augmentation
        self.class_weight = class_weight
        self.shuffle = shuffle
        self.warm_start = warm_start
        self.callbacks = callbacks
        self.random_state = random_state
        self.verbose = verbose

    def _hidden_layer_sizes(self) -> Sequence[int]:
        return (int(self.hidden_units),)


class DeepNNClassifier(NNClassifier):
    """Classify with a network of several hidden layers, trained by Keras.

    More capacity than :class:`SimpleNNClassifier`: often more accurate, slower, harder to
    explain, and more in need of regularisation (`dropout`, `l2`, `patience`). On 28 x 28 images
    with the default layers it has 567,434 parameters.

    Parameters
    ----------
    hidden_layer_sizes : sequence of int, default=(512, 256, 128)
        Neurons of each hidden layer.
    activation : {"relu", "elu", "gelu", "leaky_relu", "selu", "sigmoid", "silu", "softplus", \
            "tanh"}, default="relu"
        Activation of the hidden layers, by Keras's names and with Keras's defaults.
    optimizer : {"adam", "adamw", "nadam", "rmsprop", "sgd"}, default="adam"
        Adam starts steadily and often does well sooner; SGD is easy to explain and needs more
        tuning of `learning_rate` and `momentum`.
    learning_rate : float, default=1e-3
        Step size of the updates: too large is unstable, too small learns slowly.
    momentum : float in [0, 1), default=0.9
        Momentum of "sgd"; the others ignore it.
    weight_decay : float, default=None
        Decoupled weight decay per update; None is Keras's default of the optimizer (0.004 for
        "adamw", none for the others).
    learning_rate_schedule : {"constant", "cosine", "exponential", "linear"}, default=None
        How `learning_rate` falls over all `epochs`, update by update: to 0 along half a cosine
        or a line, or exponentially to a hundredth. None is "constant".
    epochs : int, default=100
        How often the network sees all training rows, at most. 0 means no training.
    batch_size : int, default=128
        Rows per update: small is noisier, large is steadier and faster.
    patience : int or None, default=15
        Epochs without improvement of `monitor` before training stops; the weights of the best
        epoch are kept. None trains all epochs and keeps the last weights.
    monitor : {"val_accuracy", "val_loss", "accuracy", "loss"}, default="val_accuracy"
        What `patience` watches. Of two epochs with the same accuracy, the one with the lower
        loss of the same rows is the better one. Without validation rows the training loss is
        watched where this names a validation figure.
    validation_fraction : float in (0, 1), "auto" or None, default="auto"
        Share of the rows held out, stratified by class, to validate on after each epoch. "auto"
        is 0.1 from 1,000 rows on; fewer rows are all trained on, since fewer than 100 held-out rows
        are a poor judge. None always trains on all rows and validates nothing.
    dropout : float in [0, 1), default=0.0
        Share of each hidden layer's outputs that is dropped at random in training.
    l2 : float, default=0.0
        Factor of the penalty on squared weights, as `keras.regularizers.L2` has it; biases are
        left out. The losses in `history_` are without it.
    augmentation : ImageAugmenter, "digits" or None, default=None
        Deform each training image at random in each epoch; "digits" is a preset for handwritten
        digits. Validation rows are not deformed. The training figures in `history_` are of
        deformed images, those measured after training (`train_accuracy_`) are not. `X` must be
        images, light on dark, with values in [0, 1].
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes in training, as elsewhere in scikit-learn.
    shuffle : bool, default=True
        Draw the rows in a new order in each epoch.
    warm_start : bool, default=False
        Start `fit` from the weights learned before, with a fresh optimizer.
    callbacks : callable, keras.callbacks.Callback, or list of these, default=None
        A callable gets one :class:`~skmnist.neural_network.EpochEvent` after each epoch and
        stops training by returning True. Keras callbacks are called once per epoch; one that
        hooks batches makes Keras's own, slower loop run. With ``patience=None`` the weights
        that they leave at the end are kept, otherwise those of the best epoch.
    random_state : int, RandomState instance or None, default=None
        Seeds the held-out rows, the first weights, the order of rows, dropout and deformation. An
        int gives the same bits twice on one machine with the same number of threads, and touches
        no global generator.
    verbose : int, default=0
        1 shows progress on standard error: a bar on a terminal, else a line per epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    coefs_, intercepts_ : lists of ndarray
        Per layer the weights (n_in, n_out) and biases (n_out,) that were kept, float32 or
        float64.
    activation_ : str
        Activation that the hidden layers were trained with.
    n_parameters_ : int
        Number of weights and biases.
    n_iter_ : int
        Epochs really trained.
    best_epoch_ : int
        Epoch, from 1, with the best value of `monitor`; 0 if there was none.
    kept_epoch_ : int
        Epoch whose weights were kept: `best_epoch_` with a `patience`, else the last one; 0
        where a Keras callback set others at the end.
    stop_reason_ : {"epochs", "patience", "callback", "interrupted", "nonfinite"}
        Why training ended.
    history_ : dict of str to ndarray of shape (`n_iter_`,)
        Per epoch `loss` (mean cross-entropy), `accuracy` and, with validation, `val_loss`,
        `val_accuracy`. Training figures are running means within the epoch, as Keras has them.
    loss_curve_ : list of float
        The training loss per epoch.
    train_loss_, train_accuracy_ : float
        Measured after training on `n_train_measured_` training rows, with the weights that were
        kept and without dropout or row weights.
    validation_loss_, validation_accuracy_ : float or None
        The same on the `n_validation_` validation rows; None without any.
    best_validation_score_ : float or None
        The best validation accuracy of all epochs.
    n_train_, n_validation_ : int
        Rows trained on and validated on.
    n_train_measured_ : int
        Training rows that `train_accuracy_` was measured on: all up to 10,000, and 10,000
        evenly spread over all where there are more.
    fit_time_ : float
        Seconds that `fit` took without importing tensorflow and compiling.
    compile_time_ : float
        Seconds that importing tensorflow and compiling took; near 0 where an earlier fit has
        done both.
    image_shape_ : tuple of int
        Shape of one sample in `fit`: (height, width) or (n_features,).
    n_features_in_ : int
        Number of features of a row.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Column names, when `fit` saw a data frame with text names.

    See Also
    --------
    SimpleNNClassifier : One hidden layer.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skmnist import DeepNNClassifier
    >>> digits = load_digits()
    >>> model = DeepNNClassifier((64, 32), epochs=20, dropout=0.2, random_state=0)
    >>> model.fit(digits.images / 16, digits.target).score(digits.images / 16, digits.target) > 0.9
    True
    >>> [coef.shape for coef in model.coefs_]
    [(64, 64), (64, 32), (32, 10)]

    A network without a hidden layer is none of ours:

    >>> DeepNNClassifier(()).fit(digits.data, digits.target)
    Traceback (most recent call last):
    ValueError: hidden_layer_sizes=() must be a sequence of one or more ints >= 1...
    """

    _parameter_constraints: dict[str, Any] = {
        **NNClassifier._parameter_constraints,
        "hidden_layer_sizes": ["array-like"],
    }

    @refuse_unknown
    def __init__(
        self,
        hidden_layer_sizes: Sequence[int] = (512, 256, 128),
        *,
        activation: str = "relu",
        optimizer: str = "adam",
        learning_rate: float = 1e-3,
        momentum: float = 0.9,
        weight_decay: float | None = None,
        learning_rate_schedule: str | None = None,
        epochs: int = 100,
        batch_size: int = 128,
        patience: int | None = 15,
        monitor: str = "val_accuracy",
        validation_fraction: float | str | None = "auto",
        dropout: float = 0.0,
        l2: float = 0.0,
        augmentation: ImageAugmenter | str | None = None,
        class_weight: dict[Any, float] | str | None = None,
        shuffle: bool = True,
        warm_start: bool = False,
        callbacks: Any = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.learning_rate_schedule = learning_rate_schedule
        self.epochs = epochs
        self.batch_size = batch_size
        self.patience = patience
        self.monitor = monitor
        self.validation_fraction = validation_fraction
        self.dropout = dropout
        self.l2 = l2
        self.augmentation = augmentation
        self.class_weight = class_weight
        self.shuffle = shuffle
        self.warm_start = warm_start
        self.callbacks = callbacks
        self.random_state = random_state
        self.verbose = verbose

    def _hidden_layer_sizes(self) -> Sequence[int]:
        given = self.hidden_layer_sizes
        sizes = tuple(given) if isinstance(given, Sequence | np.ndarray) else ()
        if not sizes or not all(
            isinstance(size, Integral) and not isinstance(size, bool) and size >= 1
            for size in sizes
        ):
            raise ValueError(
                f"hidden_layer_sizes={self.hidden_layer_sizes!r} must be a sequence of one or "
                "more ints >= 1, such as (512, 256, 128)."
            )
        return tuple(int(size) for size in sizes)
