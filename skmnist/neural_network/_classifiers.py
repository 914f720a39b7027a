"""The classifiers and their parameters."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np

from skmnist._estimator import refuse_unknown
from skmnist.neural_network._augment import ImageAugmenter
from skmnist.neural_network._base import NNClassifier, constrain


class SimpleNNClassifier(NNClassifier):
    """Classify with a network of one hidden layer, trained by Keras.

    It is a baseline: small, fast to train and easy to explain. With the default 128 units, it has
    101,770 parameters on 28 x 28 images. Each epoch runs as one compiled program, prediction does
    not require tensorflow, and the class can be used like any scikit-learn classifier. It is not a
    convolutional network, so it is sensitive to shifts of an image by a few pixels.

    Parameters
    ----------
    hidden_units : int, default=128
        Number of neurons in the hidden layer.
    activation : {"relu", "elu", "gelu", "leaky_relu", "selu", "sigmoid", "silu", "softplus", \
            "tanh"}, default="relu"
        Activation of the hidden layers, named and defined as in Keras.
    optimizer : {"adam", "adamw", "nadam", "rmsprop", "sgd"}, default="adam"
        Adam often converges faster; SGD is easy to explain but needs more tuning of
        `learning_rate` and `momentum`.
    learning_rate : float, default=1e-3
        Step size of the updates. If it is too large, training is unstable; if it is too small,
        training is slow.
    momentum : float in [0, 1), default=0.9
        Momentum of "sgd"; ignored by other optimizers.
    weight_decay : float, default=None
        Decoupled weight decay per update. None uses Keras's default for the optimizer: 0.004 for
        "adamw", no weight decay for the others.
    learning_rate_schedule : {"constant", "cosine", "exponential", "linear"}, default=None
        How `learning_rate` decreases with each update over all `epochs`: to 0 for "cosine" and
        "linear", to a hundredth for "exponential". None means "constant".
    ema_momentum : float in [0, 1), default=None
        Predict with a running average of the weights: after each update,
        ``average = ema_momentum * average + (1 - ema_momentum) * weights``, as in Keras. Validation
        and the choice of the best epoch use the average as well. None means no averaging.
    epochs : int, default=100
        Maximum number of passes over the training rows. 0 means no training.
    batch_size : int, default=128
        Rows per update. Large batches are faster; small ones give noisier updates.
    patience : int or None, default=15
        Number of epochs without improvement of `monitor` after which training stops. The weights
        of the best epoch are kept. None trains for all epochs and keeps the last weights.
    monitor : {"val_accuracy", "val_loss", "accuracy", "loss"}, default="val_accuracy"
        Quantity to monitor for `patience`. Epochs with equal accuracy are compared by the loss on
        the same rows. Without validation rows, "loss" replaces "val_accuracy" and "val_loss".
    validation_fraction : float in (0, 1), "auto" or None, default="auto"
        Fraction of the rows to hold out, stratified by class, for validation after each epoch.
        "auto" holds out 0.1 of the rows if there are at least 1,000, and none otherwise, because
        validation on fewer than 100 rows is unreliable. None disables validation and trains on all
        rows.
    dropout : float in [0, 1), default=0.0
        Fraction of the outputs of each hidden layer to drop at random during training.
    l2 : float, default=0.0
        Factor of the penalty on squared weights, as in `keras.regularizers.L2`. Biases are not
        penalized. The losses in `history_` do not include the penalty.
    augmentation : ImageAugmenter, "digits" or None, default=None
        Deform each training image at random in each epoch; "digits" is a preset for handwritten
        digits. Validation images are not deformed. `loss` and `accuracy` in `history_` refer to
        the deformed images, `train_loss_` and `train_accuracy_` to the original ones. `X` must
        contain images, light on dark, with values in [0, 1].
    calibrate : bool, default=False
        Whether to fit the probabilities to the validation rows by temperature scaling (Guo et al.
        2017): the last layer is divided by `temperature_`. Predicted classes, and thus accuracies,
        do not change. Requires validation rows; `partial_fit` ignores it.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes in training, as in other scikit-learn classifiers.
    shuffle : bool, default=True
        Whether to shuffle the rows in each epoch.
    warm_start : bool, default=False
        Whether `fit` starts from the weights of the previous fit, with a new optimizer.
    callbacks : callable, keras.callbacks.Callback, or list of these, default=None
        A callable receives an :class:`~skmnist.neural_network.EpochEvent` after each epoch, and
        stops training by returning True. Keras callbacks are called once per epoch; if one has
        batch hooks, training runs in Keras's own loop, which is slower. With ``patience=None``,
        weights that a Keras callback sets at the end are kept. If `patience` is set, those of the
        best epoch are kept instead.
    random_state : int, RandomState instance or None, default=None
        Seed for the held-out rows, the initial weights, the order of the rows, dropout and
        deformation. An int gives bit-identical results on the same machine with the same number
        of threads. Global random generators are not used.
    verbose : int, default=0
        1 shows progress on standard error: a bar on a terminal, otherwise a line per epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    coefs_, intercepts_ : lists of ndarray
        Weights (n_in, n_out) and biases (n_out,) of each layer, float32 or float64.
    activation_ : str
        Activation of the hidden layers in `fit`.
    temperature_ : float
        Temperature of the probabilities: above 1 if the network was overconfident on the validation
        rows. 1.0 without `calibrate`.
    n_parameters_ : int
        Number of weights and biases.
    n_iter_ : int
        Number of epochs trained.
    best_epoch_ : int
        Epoch, counted from 1, with the best value of `monitor`; 0 without training. After
        `partial_fit`, the one with the lowest training loss.
    kept_epoch_ : int
        Epoch whose weights were kept: `best_epoch_` after a `fit` with `patience`, otherwise the
        last one whose losses and weights are finite. 0 without training, or if a Keras callback set
        other weights at the end.
    stop_reason_ : {"epochs", "patience", "callback", "interrupted", "nonfinite"}
        Why training ended.
    history_ : dict of str to ndarray of shape (`n_iter_`,)
        `loss` (mean cross-entropy), `accuracy` and, with validation, `val_loss` and
        `val_accuracy` of each epoch. `loss` and `accuracy` are running means within the epoch, as
        in Keras.
    loss_curve_ : list of float
        Training loss of each epoch.
    train_loss_, train_accuracy_ : float
        Loss and accuracy of the learned weights on `n_train_measured_` training rows, without
        dropout or row weights.
    validation_loss_, validation_accuracy_ : float or None
        Loss and accuracy of the learned weights on the `n_validation_` validation rows; None
        without validation.
    best_validation_score_ : float or None
        Best validation accuracy of all epochs; None without validation.
    n_train_, n_validation_ : int
        Number of training and validation rows.
    n_train_measured_ : int
        Number of training rows used for `train_loss_` and `train_accuracy_`: all rows, or 10,000
        evenly spaced ones if there are more.
    fit_time_ : float
        Duration of `fit` in seconds, excluding the import of tensorflow and compilation.
    compile_time_ : float
        Time in seconds for importing tensorflow and compiling; near 0 if an earlier fit did both.
    image_shape_ : tuple of int
        Shape of one sample in `fit`: (height, width) or (n_features,).
    n_features_in_ : int
        Number of features of a row.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Column names, if `fit` was passed a data frame whose column names are all strings.

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

    `fit` raises if a parameter is out of range:

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
        ema_momentum: float | None = None,
        epochs: int = 100,
        batch_size: int = 128,
        patience: int | None = 15,
        monitor: str = "val_accuracy",
        validation_fraction: float | str | None = "auto",
        dropout: float = 0.0,
        l2: float = 0.0,
        augmentation: ImageAugmenter | str | None = None,
        calibrate: bool = False,
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
        self.ema_momentum = ema_momentum
        self.epochs = epochs
        self.batch_size = batch_size
        self.patience = patience
        self.monitor = monitor
        self.validation_fraction = validation_fraction
        self.dropout = dropout
        self.l2 = l2
        self.augmentation = augmentation
        self.calibrate = calibrate
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

    It has more capacity than :class:`SimpleNNClassifier`: it is often more accurate, but slower,
    harder to explain, and more dependent on regularization (`dropout`, `l2`, `patience`). With the
    default layers, it has 567,434 parameters on 28 x 28 images.

    Parameters
    ----------
    hidden_layer_sizes : sequence of int, default=(512, 256, 128)
        Number of neurons in each hidden layer.
    activation : {"relu", "elu", "gelu", "leaky_relu", "selu", "sigmoid", "silu", "softplus", \
            "tanh"}, default="relu"
        Activation of the hidden layers, named and defined as in Keras.
    optimizer : {"adam", "adamw", "nadam", "rmsprop", "sgd"}, default="adam"
        Adam often converges faster; SGD is easy to explain but needs more tuning of
        `learning_rate` and `momentum`.
    learning_rate : float, default=1e-3
        Step size of the updates. If it is too large, training is unstable; if it is too small,
        training is slow.
    momentum : float in [0, 1), default=0.9
        Momentum of "sgd"; ignored by other optimizers.
    weight_decay : float, default=None
        Decoupled weight decay per update. None uses Keras's default for the optimizer: 0.004 for
        "adamw", no weight decay for the others.
    learning_rate_schedule : {"constant", "cosine", "exponential", "linear"}, default=None
        How `learning_rate` decreases with each update over all `epochs`: to 0 for "cosine" and
        "linear", to a hundredth for "exponential". None means "constant".
    ema_momentum : float in [0, 1), default=None
        Predict with a running average of the weights: after each update,
        ``average = ema_momentum * average + (1 - ema_momentum) * weights``, as in Keras. Validation
        and the choice of the best epoch use the average as well. None means no averaging.
    epochs : int, default=100
        Maximum number of passes over the training rows. 0 means no training.
    batch_size : int, default=128
        Rows per update. Large batches are faster; small ones give noisier updates.
    patience : int or None, default=15
        Number of epochs without improvement of `monitor` after which training stops. The weights
        of the best epoch are kept. None trains for all epochs and keeps the last weights.
    monitor : {"val_accuracy", "val_loss", "accuracy", "loss"}, default="val_accuracy"
        Quantity to monitor for `patience`. Epochs with equal accuracy are compared by the loss on
        the same rows. Without validation rows, "loss" replaces "val_accuracy" and "val_loss".
    validation_fraction : float in (0, 1), "auto" or None, default="auto"
        Fraction of the rows to hold out, stratified by class, for validation after each epoch.
        "auto" holds out 0.1 of the rows if there are at least 1,000, and none otherwise, because
        validation on fewer than 100 rows is unreliable. None disables validation and trains on all
        rows.
    dropout : float in [0, 1), default=0.0
        Fraction of the outputs of each hidden layer to drop at random during training.
    l2 : float, default=0.0
        Factor of the penalty on squared weights, as in `keras.regularizers.L2`. Biases are not
        penalized. The losses in `history_` do not include the penalty.
    augmentation : ImageAugmenter, "digits" or None, default=None
        Deform each training image at random in each epoch; "digits" is a preset for handwritten
        digits. Validation images are not deformed. `loss` and `accuracy` in `history_` refer to
        the deformed images, `train_loss_` and `train_accuracy_` to the original ones. `X` must
        contain images, light on dark, with values in [0, 1].
    calibrate : bool, default=False
        Whether to fit the probabilities to the validation rows by temperature scaling (Guo et al.
        2017): the last layer is divided by `temperature_`. Predicted classes, and thus accuracies,
        do not change. Requires validation rows; `partial_fit` ignores it.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes in training, as in other scikit-learn classifiers.
    shuffle : bool, default=True
        Whether to shuffle the rows in each epoch.
    warm_start : bool, default=False
        Whether `fit` starts from the weights of the previous fit, with a new optimizer.
    callbacks : callable, keras.callbacks.Callback, or list of these, default=None
        A callable receives an :class:`~skmnist.neural_network.EpochEvent` after each epoch, and
        stops training by returning True. Keras callbacks are called once per epoch; if one has
        batch hooks, training runs in Keras's own loop, which is slower. With ``patience=None``,
        weights that a Keras callback sets at the end are kept. If `patience` is set, those of the
        best epoch are kept instead.
    random_state : int, RandomState instance or None, default=None
        Seed for the held-out rows, the initial weights, the order of the rows, dropout and
        deformation. An int gives bit-identical results on the same machine with the same number
        of threads. Global random generators are not used.
    verbose : int, default=0
        1 shows progress on standard error: a bar on a terminal, otherwise a line per epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    coefs_, intercepts_ : lists of ndarray
        Weights (n_in, n_out) and biases (n_out,) of each layer, float32 or float64.
    activation_ : str
        Activation of the hidden layers in `fit`.
    temperature_ : float
        Temperature of the probabilities: above 1 if the network was overconfident on the validation
        rows. 1.0 without `calibrate`.
    n_parameters_ : int
        Number of weights and biases.
    n_iter_ : int
        Number of epochs trained.
    best_epoch_ : int
        Epoch, counted from 1, with the best value of `monitor`; 0 without training. After
        `partial_fit`, the one with the lowest training loss.
    kept_epoch_ : int
        Epoch whose weights were kept: `best_epoch_` after a `fit` with `patience`, otherwise the
        last one whose losses and weights are finite. 0 without training, or if a Keras callback set
        other weights at the end.
    stop_reason_ : {"epochs", "patience", "callback", "interrupted", "nonfinite"}
        Why training ended.
    history_ : dict of str to ndarray of shape (`n_iter_`,)
        `loss` (mean cross-entropy), `accuracy` and, with validation, `val_loss` and
        `val_accuracy` of each epoch. `loss` and `accuracy` are running means within the epoch, as
        in Keras.
    loss_curve_ : list of float
        Training loss of each epoch.
    train_loss_, train_accuracy_ : float
        Loss and accuracy of the learned weights on `n_train_measured_` training rows, without
        dropout or row weights.
    validation_loss_, validation_accuracy_ : float or None
        Loss and accuracy of the learned weights on the `n_validation_` validation rows; None
        without validation.
    best_validation_score_ : float or None
        Best validation accuracy of all epochs; None without validation.
    n_train_, n_validation_ : int
        Number of training and validation rows.
    n_train_measured_ : int
        Number of training rows used for `train_loss_` and `train_accuracy_`: all rows, or 10,000
        evenly spaced ones if there are more.
    fit_time_ : float
        Duration of `fit` in seconds, excluding the import of tensorflow and compilation.
    compile_time_ : float
        Time in seconds for importing tensorflow and compiling; near 0 if an earlier fit did both.
    image_shape_ : tuple of int
        Shape of one sample in `fit`: (height, width) or (n_features,).
    n_features_in_ : int
        Number of features of a row.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Column names, if `fit` was passed a data frame whose column names are all strings.

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

    At least one hidden layer is required:

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
        ema_momentum: float | None = None,
        epochs: int = 100,
        batch_size: int = 128,
        patience: int | None = 15,
        monitor: str = "val_accuracy",
        validation_fraction: float | str | None = "auto",
        dropout: float = 0.0,
        l2: float = 0.0,
        augmentation: ImageAugmenter | str | None = None,
        calibrate: bool = False,
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
        self.ema_momentum = ema_momentum
        self.epochs = epochs
        self.batch_size = batch_size
        self.patience = patience
        self.monitor = monitor
        self.validation_fraction = validation_fraction
        self.dropout = dropout
        self.l2 = l2
        self.augmentation = augmentation
        self.calibrate = calibrate
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
