"""The package as a whole: what importing costs, which way the arrows point, what is public."""

import ast
import importlib
import inspect
import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import skmnist

ROOT = Path(skmnist.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))
ROOMS = (
    "app",
    "cli",
    "comparison",
    "datasets",
    "diagnosis",
    "model_selection",
    "neural_network",
    "persistence",
    "preprocessing",
    "reading",
    "report",
    "text",
)

# Which rooms a room may import from; those that begin with `_` stand below the others.
ARROWS = {
    "text": set(),
    "datasets": {"_drawing", "_html", "_files", "_progress", "text"},
    "preprocessing": {"_estimator", "_validation"},
    "neural_network": {
        "_clock",
        "_drawing",
        "_estimator",
        "_files",
        "_parameters",
        "_progress",
        "_validation",
        "_workers",
    },
    "diagnosis": {"_drawing", "_html", "text"},
    "model_selection": {
        "_estimator",
        "_html",
        "_parameters",
        "_progress",
        "_validation",
        "_workers",
        "diagnosis",
        "neural_network",
    },
    "comparison": {
        "_clock",
        "_drawing",
        "_estimator",
        "_files",
        "_html",
        "_progress",
        "_validation",
        "_workers",
        "diagnosis",
        "report",
        "text",
    },
    "_drawing": {"text"},
    "_html": {"text"},
    "report": {"__version__", "_drawing", "diagnosis", "text"},
    "persistence": {"__version__", "_estimator", "_files", "neural_network", "text"},
    "reading": {
        "_estimator",
        "_files",
        "_html",
        "_validation",
        "_workers",
        "datasets",
        "neural_network",
        "persistence",
        "preprocessing",
        "text",
    },
    "_clock": set(),
    "_estimator": {"__version__"},
    "_files": set(),
    "_parameters": set(),
    "_progress": {"text"},
    "_validation": set(),
    "_workers": set(),
}


@cache
def imports(path, *, at_once=False):
    """Return the full name of everything a module imports, also inside functions."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = []
    for node in tree.body if at_once else ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


def room(path):
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_arrows_point_one_way(path):
    allowed = ARROWS.get(room(path))
    if allowed is None:  # the package itself and the command line may use everything
        assert room(path) in {"__init__", "__main__", "_networks", "app", "cli"}
        return
    for at_once in (False, True):
        names = imports(path, at_once=at_once)
        used = {name.split(".")[1] for name in names if name.startswith("skmnist.")}
        assert used <= allowed | {room(path)}


@pytest.mark.slow
def test_no_module_needs_itself():
    """Count imports inside functions, and those for types alone, as well."""
    paths = {
        ".".join(path.relative_to(ROOT.parent).with_suffix("").parts): path for path in MODULES
    }
    paths = {name.removesuffix(".__init__"): path for name, path in paths.items()}
    left = {}
    for module, path in paths.items():
        names = {name if name in paths else name.rpartition(".")[0] for name in imports(path)}
        left[module] = names & set(paths) - {module, "skmnist"}
    # take away modules that need none of the others, or that none of the others needs
    while free := [
        module
        for module, needed in left.items()
        if not needed & set(left) or not any(module in other for other in left.values())
    ]:
        for module in free:
            del left[module]
    assert not left


OPTUNA = (
    "_search",
    "_space",
    "_storage",
    "_study",
    "_summary",
    "_trial",
)


# What the command line and the app share although nobody else would call it.
SHARED = {"_files", "_networks", "_parameters"}


@pytest.mark.parametrize("front", ["app", "cli"])
def test_command_line_and_app_use_what_everybody_can_use(front):
    """All they import is a public name, of their own room, or in a module that they share."""
    private = set()
    for path in MODULES:
        if room(path) != front:
            continue
        for name in imports(path):
            package, _, rest = name.partition(".")
            if package != "skmnist" or not rest or rest.split(".")[0] in {front, *SHARED}:
                continue
            module, _, attribute = name.rpartition(".")
            home = importlib.import_module(module)
            public = {*home.__all__, *getattr(home, "_SUBPACKAGES", ())}
            if attribute not in public:
                private.add(f"{path.name}: {name}")
    assert private == set()


def test_only_the_command_line_knows_the_app():
    users = {room(path) for path in MODULES if "skmnist.app" in " ".join(imports(path))}
    assert users == {"app", "cli"}


TENSORFLOW = ("_cache", "_engine", "_memory", "_program")
KERAS = ("_engine", "_keras", "_program")
APP = ("_after", "_asgi", "_before", "_draw", "_page", "_panel", "_read", "_reader", "_view")


@pytest.mark.parametrize(
    ("package", "homes"),
    [
        ("streamlit", {f"app/{name}.py" for name in APP}),
        ("tensorflow", {f"neural_network/{name}.py" for name in TENSORFLOW}),
        ("keras", {f"neural_network/{name}.py" for name in KERAS}),
        ("scikeras", {"neural_network/_keras.py"}),
        ("optuna", {f"model_selection/{name}.py" for name in OPTUNA}),
        ("onnx", {"persistence/_onnx.py"}),
        ("pooch", {"_files.py", "datasets/_cloud.py"}),
        ("requests", {"datasets/_cloud.py"}),
        (
            "PIL",
            {
                "datasets/_images.py",
                "preprocessing/_cropper.py",
                "preprocessing/_images.py",
                "reading/_guard.py",
                "reading/_ink.py",
                "reading/_marks.py",
                "reading/_pages.py",
                "reading/_review.py",
                "report/_pictures.py",
            },
        ),
        ("distributed", {"_workers.py"}),
        ("sklearn.utils._param_validation", {"_validation.py"}),
    ],
)
def test_such_a_package_is_imported_in_its_one_room(package, homes):
    users = {
        path.relative_to(ROOT).as_posix()
        for path in MODULES
        if any(f"{name}.".startswith(f"{package}.") for name in imports(path))
    }
    assert users == homes


HEAVY = {"distributed", "keras", "matplotlib", "onnx", "optuna", "scikeras", "tensorflow"}

# What is run one after the other in a new process, and what may not be loaded after it.
STEPS = [
    ("import skmnist", {*HEAVY, "numpy", "pandas", "sklearn", "rich", "typer"}),
    ("from skmnist.app import serve", {*HEAVY, "streamlit", "numpy", "sklearn"}),
    (
        "from skmnist.app._server import make_command, make_environment as make;"
        "make_command('127.0.0.1', 80); make('/', None, 20)",
        {*HEAVY, "streamlit", "numpy", "sklearn"},
    ),
    ("from skmnist.cli import main; main(['--version'])", {*HEAVY, "numpy", "sklearn"}),
    ("main(['compare', '--help'])", {*HEAVY, "numpy", "sklearn"}),
    ("main(['tune', '--help'])", {*HEAVY, "numpy", "sklearn"}),
    ("main(['app', '--help'])", {*HEAVY, "numpy", "sklearn"}),
    ("main(['compare', '--epochs=-1'])", {*HEAVY, "sklearn"}),
    ("main(['tune', '--folds=1'])", {*HEAVY, "sklearn"}),
    (
        "from skmnist import DigitCropper, PixelNormalizer, SimpleNNClassifier, load_mnist;"
        "load_mnist(n_train=10), DigitCropper(), SimpleNNClassifier()._repr_html_()",
        {*HEAVY, "PIL", "pooch", "requests"},
    ),
    ("main(['show'])", {*HEAVY, "jinja2"}),
    (
        "from skmnist import compare_models, diagnose_fit;"
        "from skmnist.model_selection import cross_validate;"
        "from skmnist.report import explain_terms",
        {*HEAVY, "jinja2"},
    ),
]
RUN_STEPS = """
import json, sys
for step in json.loads(sys.argv[1]):
    try:
        exec(step)
    except SystemExit:
        pass
    print("LOADED", json.dumps([name for name in sys.modules if "." not in name]))
"""


@pytest.fixture(scope="module")
def loaded():
    """Return what is loaded after each step: a new process costs seconds."""
    steps = json.dumps([step for step, _ in STEPS])
    done = subprocess.run(
        [sys.executable, "-c", RUN_STEPS, steps],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("LOADED ")]
    return [set(json.loads(line.removeprefix("LOADED "))) for line in lines]


@pytest.mark.parametrize("at", range(len(STEPS)), ids=lambda at: STEPS[at][0])
def test_importing_loads_no_more_than_is_needed(loaded, at):
    assert not STEPS[at][1] & loaded[at]


@pytest.mark.parametrize("name", ROOMS)
def test_public_names_are_there_and_sorted(name):
    module = importlib.import_module(f"skmnist.{name}")
    assert list(module.__all__) == sorted(module.__all__)
    assert all(hasattr(module, public) for public in module.__all__)


def test_top_level_names_resolve():
    for name in skmnist.__all__:
        assert getattr(skmnist, name) is not None
        assert name in dir(skmnist)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        skmnist.nonsense  # noqa: B018


@pytest.mark.parametrize(
    "name", ["DeepNNClassifier", "SimpleNNClassifier", "PixelNormalizer", "DigitCropper"]
)
def test_documented_parameters_and_attributes_are_the_real_ones(name):
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    estimator = getattr(skmnist, name)()
    if hasattr(estimator, "epochs"):
        estimator.set_params(epochs=0)
    documented = inspect.getdoc(type(estimator))
    defaults = {
        parameter.name: parameter.default
        for parameter in inspect.signature(type(estimator)).parameters.values()
    }
    for parameter, default in defaults.items():
        entry = documented.split(f"\n{parameter} : ")[1].split("\n ")[0]
        if "default=" not in entry:  # the type needed a second line
            entry = documented.split(f"\n{parameter} : ")[1].split("\n    ")[1]
        assert entry.split("default=")[1] in {str(default), f'"{default}"', "1e-3"}, parameter
    attributes = documented.split("Attributes\n")[1].split("\n\n")[0]
    named = {
        word
        for line in attributes.splitlines()
        if " : " in line and not line.startswith(" ")
        for word in line.split(" : ")[0].split(", ")
    }
    learned = {attribute for attribute in vars(estimator.fit(X, y)) if attribute.endswith("_")}
    assert learned == named - {"feature_names_in_"}


# All that the package is made of; a file of another kind is one that was left behind.
KINDS = (
    ".py",
    "py.typed",
    ".toml",
    ".jinja",
    ".html",
    ".css",
    ".js",
    "mnist.npz",
    "swiss.npz",
    "digits.skmnist",
    "LICENSE.txt",
)


@pytest.mark.slow
def test_wheel_and_sdist_have_what_they_should_and_nothing_else(tmp_path):
    import tarfile
    import zipfile

    subprocess.run(
        [sys.executable, "-m", "build", "--outdir", tmp_path, ROOT.parent],
        check=True,
        capture_output=True,
        timeout=600,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    there = [path for kind in KINDS for path in ROOT.rglob(f"*{kind}")]
    assert {name for name in names if name.startswith("skmnist/")} == {
        path.relative_to(ROOT.parent).as_posix() for path in there
    }
    assert {"skmnist/datasets/data/mnist.npz", "skmnist/datasets/data/LICENSE.txt"} <= set(names)
    assert {name.split("/")[0] for name in names} == {
        "skmnist",
        f"skmnist-{skmnist.__version__}.dist-info",
    }
    (sdist,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        members = archive.getnames()
    assert any(member.endswith("skmnist/datasets/data/mnist.npz") for member in members)
