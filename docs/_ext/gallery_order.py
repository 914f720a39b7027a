"""The order of the examples in the gallery."""

ORDER = (
    # features
    "first_fit",
    "compare_networks",
    "diagnosis",
    "displays",
    "regularization",
    "augmentation",
    "search",
    "own_images",
    "drawn_digits",
    "other_labels",
    "save_and_load",
    "dask",
    # theory
    "activations",
    "normalisation",
    "cross_entropy",
    "descent",
    "overfitting",
    "metrics",
)


class Place:
    """Sort examples as in `ORDER`, and all others last."""

    def __init__(self, folder):
        pass

    def __call__(self, file):
        name = file.removeprefix("plot_").removesuffix(".py")
        return (ORDER.index(name) if name in ORDER else len(ORDER), name)
