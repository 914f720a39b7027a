"""How the documentation is built: ``python -m sphinx -W --keep-going docs docs/_build``."""

import os
import sys
import tomllib
from pathlib import Path

DOCS = Path(__file__).parent
ROOT = DOCS.parent
sys.path.insert(0, str(DOCS / "_ext"))
os.environ["MPLBACKEND"] = "agg"

import skmnist  # noqa: E402

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

project = "skmnist"
author = PYPROJECT["project"]["authors"][0]["name"]
copyright = f"{author}, BSD 3-clause licence"
version = release = skmnist.__version__
repository = PYPROJECT["project"]["urls"]["Repository"]
rst_epilog = f".. |repository| replace:: `source code <{repository}>`__"

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
    "sphinx_design",
    "sphinx_copybutton",
    "myst_parser",  # for the changelog alone
    "command_line",
    "mathml",
    "other_projects",
    "page_language",
]
# Only the changelog is Markdown, and it is included.
source_suffix = {".rst": "restructuredtext"}
exclude_patterns = ["_build"]
templates_path = ["_templates"]
smartquotes = False  # "relu" is written with the quotes of Python
default_role = "literal"  # as in scikit-learn's docstrings
nitpicky = True

# API pages: a signature as scikit-learn shows it, everything else in numpydoc's sections
autosummary_generate = True
# what every exception and every dict has is not ours to explain
autosummary_context = {"of_python": {*dir(Exception), *dir(dict)}}
autodoc_typehints = "none"
toc_object_entries_show_parents = "hide"
autodoc_preserve_defaults = True
numpydoc_show_class_members = False  # the template lists them

# Two kinds of examples: what the package does, and the pictures of the theory
sphinx_gallery_conf = {
    "examples_dirs": str(ROOT / "examples"),
    "gallery_dirs": "generated/gallery",
    "within_subsection_order": "gallery_order.Place",
    "doc_module": ("skmnist",),
    "reference_url": {"skmnist": None},  # names in their code lead to the API
    "backreferences_dir": "generated/backreferences",
    "remove_config_comments": True,
    "write_computation_times": False,
    "download_all_examples": False,
    "show_signature": False,
}

html_theme = "pydata_sphinx_theme"
html_title = "skmnist"
html_static_path = ["_static"]
html_css_files = ["skmnist.css"]
html_copy_source = False
html_show_sourcelink = False
html_context = {"default_mode": "auto"}
html_theme_options = {
    "logo": {"text": "skmnist"},
    "header_links_before_dropdown": 8,
    "navbar_align": "left",
    "icon_links": [{"name": "Source code", "url": repository, "icon": "fa-solid fa-code-branch"}],
    "navbar_persistent": ["search-button"],
    # the picture of the rooms needs the width
    "secondary_sidebar_items": {"**": ["page-toc"], "architecture": []},
    "show_prev_next": True,
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
# pages that belong to no section
html_sidebars = {page: [] for page in ("index", "install", "tour", "theory", "de")}

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
