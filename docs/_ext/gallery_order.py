"""The examples in the order in which a reader may want them."""

ORDER = (
    # what the package does
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
    # the theory
    "activations",
    "normalisation",
    "cross_entropy",
    "descent",
    "overfitting",
    "metrics",
)


class Place:
    """Sort key of an example by its file's name; one that is not in the list comes last."""

    def __init__(self, folder):
        pass

    def __call__(self, file):
        name = file.removeprefix("plot_").removesuffix(".py")
        return (ORDER.index(name) if name in ORDER else len(ORDER), name)
