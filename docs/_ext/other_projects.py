"""Links to the pages of other projects, without asking them for their inventories.

intersphinx downloads a list from each project at each build. What the docstrings name of other
projects can be found by its name, so that the pages are built without a network as well.
"""

from docutils import nodes

SKLEARN = "https://scikit-learn.org/stable"
KERAS = "https://keras.io/api"
PAGES = {
    "keras.callbacks.Callback": f"{KERAS}/callbacks/base_callback/",
    "keras.regularizers.L2": f"{KERAS}/layers/regularizers/#l2-class",
    "metadata_routing": f"{SKLEARN}/metadata_routing.html",
}


def find_page(app, env, node, content):
    target = node["reftarget"]
    page = PAGES.get(target)
    if target.startswith("sklearn."):
        page = f"{SKLEARN}/modules/generated/{target}.html"
    elif target.startswith("matplotlib."):
        module, name = target.rsplit(".", 1)
        page = f"https://matplotlib.org/stable/api/_as_gen/{target}.html"
    elif target.startswith("optuna."):
        page = f"https://optuna.readthedocs.io/en/stable/reference/generated/{target}.html"
    if page is None:
        return None
    return nodes.reference("", "", content, internal=False, refuri=page, reftitle=target)


def setup(app):
    app.connect("missing-reference", find_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
