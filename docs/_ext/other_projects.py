"""Link to the documentation of other projects without network access.

Unlike intersphinx, which downloads an inventory of each project, this extension derives addresses
from the names of the targets. It is sufficient for the references in our docstrings and in those
inherited from scikit-learn.
"""

from docutils import nodes

SKLEARN = "https://scikit-learn.org/stable"
PAGES = {
    "accuracy_score": f"{SKLEARN}/modules/model_evaluation.html#accuracy-score",
    "df_output_transform": f"{SKLEARN}/modules/df_output_transform.html",
    "metadata_routing": f"{SKLEARN}/metadata_routing.html",
    "sphx_glr_auto_examples_miscellaneous_plot_set_output.py": (
        f"{SKLEARN}/auto_examples/miscellaneous/plot_set_output.html"
    ),
    "optuna.trial.Trial": (
        "https://optuna.readthedocs.io/en/stable/reference/generated/optuna.trial.Trial.html"
    ),
    "joblib.parallel_config": (
        "https://joblib.readthedocs.io/en/stable/generated/joblib.parallel_config.html"
    ),
}


def find_page(app, env, node, content):
    target = node["reftarget"]
    if node["reftype"] == "term":
        page = f"{SKLEARN}/glossary.html#term-{target}"
    elif target.startswith("sklearn."):
        page = f"{SKLEARN}/modules/generated/{target}.html"
    else:
        page = PAGES.get(target)
    if page:
        return nodes.reference("", "", content, internal=False, refuri=page, reftitle=target)
    return None


def setup(app):
    app.connect("missing-reference", find_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
