"""The page step by step, as Streamlit's own tests see it."""

import re

import pytest

from skmnist.app import _training, _view
from skmnist.app._settings import RANGES, Settings
from skmnist.app._view import STEPS
from skmnist.text import get_catalogue
from tests.app.pages import VISITOR, address, click, html_of, run, told

QUICK = {"epochs": 2}


@pytest.fixture(scope="module")
def finished():
    """Return a finished training, once for all tests."""
    return {}


@pytest.fixture
def trained(finished, server):
    """Let the server have a finished training of the quick settings."""
    from skmnist.app import _store

    if not finished:
        settings = Settings(**QUICK)
        training = _training.start(VISITOR, settings, _store.load(settings))
        training.join(120)
        finished[VISITOR, settings] = training
    _training._trainings.update(finished)
    (training,) = finished.values()
    assert training.error == ""
    return training


WORDS = {
    "data": ("300 training and 100 test images of 28 x 28 pixels", "<svg"),
    "theory": ("z = w·x + b", "max(0, z)", "Softmax", "Cross-entropy", "Adam", "dropout"),
    "normalisation": ("division by 255", "float32", "<td>0.99</td>"),
    "networks": ("100,480", "101,770", "567,434", "softmax", "5.6 times"),
    "training": ("NN: trained in", "epochs: 2", "validation", "<svg"),
    "analysis": ("Fit: ", "Weaknesses", "Improvements"),
    "evaluation": ("NN: test accuracy", "Misread images", "Precision, recall and F1", "<img"),
    "comparison": (
        "Test accuracy",
        "567,434",
        "Gap: training accuracy minus",
        "When the images change",
    ),
    "recommendation": ("Choose ", "Why"),
}


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("step", STEPS)
def test_every_step_shows_what_it_is_for_in_every_language(open_page, trained, step, language):
    page = open_page(step=step, lang=language, **QUICK)
    say = get_catalogue(language)
    assert page.title[0].value == say(f"app.name.{step}")
    assert page.markdown[0].value == say(f"app.intro.{step}")
    at = STEPS.index(step)
    assert page.caption[0].value == say("app.step", n=at + 1, total=len(STEPS))
    assert {button.key for button in page.button} >= {"back", "next"} - {
        "back" if at == 0 else "",
        "next" if at == len(STEPS) - 1 else "",
    }
    html = html_of(page)
    assert "{" not in re.sub(r"<svg.*?</svg>", "", html, flags=re.S)  # all is filled in
    if language == "en":
        assert [word for word in WORDS.get(step, ()) if word not in html] == []


def test_the_way_leads_through_all_steps_and_back(open_page):
    page = open_page()
    titles = [page.title[0].value]
    for _ in STEPS[1:]:
        titles.append(click(page, "next").title[0].value)
    assert titles == [get_catalogue("en")(f"app.name.{step}") for step in STEPS]
    assert click(page, "back").title[0].value == "Draw a digit"
    assert address(page)["step"] == "draw"


def test_language_is_that_of_the_address_then_of_the_command_line(open_page, monkeypatch):
    monkeypatch.setenv("SKMNIST_APP_LANGUAGE", "de")
    assert open_page().title[0].value == "Ausprobieren"
    page = open_page(lang="en")
    assert page.title[0].value == "Try it"
    page.sidebar.radio(key="lang").set_value("de")
    assert run(page).title[0].value == "Ausprobieren"
    assert address(page)["lang"] == "de"


@pytest.mark.parametrize(("lang", "step"), [("xx", "try"), ("../en", "nonsense"), ("", "")])
def test_an_address_that_leads_nowhere_begins_at_the_beginning(open_page, lang, step):
    assert open_page(lang=lang, step=step).title[0].value == "Try it"


# --- settings


def test_settings_are_in_the_address_and_explained(open_page):
    page = open_page(step="settings", epochs=7, dropout=0.25)
    assert page.slider(key="epochs").value == 7
    assert (page.slider(key="epochs").min, page.slider(key="epochs").max) == (0, 100)
    assert page.number_input(key="dropout").value == 0.25
    said = " ".join(caption.value for caption in page.caption)
    assert "0 means no training" in said
    assert "Penalty on large weights" in said
    page.number_input(key="batch_size").set_value(64)
    run(page)
    page.selectbox(key="optimizer").set_value("sgd")
    run(page)
    assert address(page)["batch_size"] == "64"
    assert address(page)["optimizer"] == "sgd"
    assert "epochs=7&batch_size=64&optimizer=sgd" in page.code[0].value
    page.slider(key="epochs").set_value(100)
    assert "epochs" not in address(run(page))  # the default needs no room


def test_a_recipe_shows_what_it_sets_for_both_networks(open_page):
    page = open_page(step="settings", epochs=7, seed=3)
    page.radio(key="recipe").set_value("robust")
    run(page)
    assert address(page) == {"step": "settings", "recipe": "robust", "seed": "3"}
    assert not page.slider
    assert "augmentation" in html_of(page)
    assert "(512, 256, 128)" in html_of(page)
    page.radio(key="recipe").set_value("slides")
    assert run(page).slider(key="epochs").value == 100


def test_a_bad_address_is_told_and_the_defaults_stand_in(open_page):
    page = open_page(step="settings", epochs="-1", learning_rate="nan", batch_size="5")
    assert "epochs, learning_rate" in told(page)[0]
    assert page.slider(key="epochs").value == 100
    assert page.number_input(key="batch_size").value == 5


def test_an_unknown_name_in_the_address_is_told_until_something_is_set(open_page):
    page = open_page(step="settings", lang="de", epoch=5, **{"*utm*": "x" * 500})
    (text,) = told(page)
    assert text.endswith(r"unbekannte Namen; sie wurden ignoriert: epoch, \*utm\*.")
    page.slider(key="epochs").set_value(5)
    assert told(run(page)) == []
    assert address(page) == {"step": "settings", "lang": "de", "epochs": "5"}


@pytest.mark.parametrize("end", [0, 1])
def test_the_page_has_room_for_all_that_an_address_may_hold(open_page, end):
    values = {name: ends[end] for name, ends in RANGES.items() if name != "train_size"}
    page = open_page(step="settings", **values)
    assert told(page) == []
    assert {field.key: field.value for field in (*page.slider, *page.number_input)} == values


# --- training


@pytest.mark.slow
def test_training_from_the_button_to_the_recommendation(open_page):
    page = open_page(step="settings", **QUICK)
    click(page, "start")
    assert page.title[0].value == "Training"
    training = _training.find(VISITOR, Settings(**QUICK))
    training.join(120)
    assert "Both networks are trained." in told(run(page))[0]
    for step in ("analysis", "evaluation", "comparison", "recommendation"):
        assert address(click(page, "next"))["step"] == step
    assert "Choose " in html_of(page)
    assert page.get("download_button")


@pytest.mark.slow
def test_zero_epochs_mean_no_training(open_page):
    page = open_page(step="settings", epochs=0)
    click(page, "start")
    _training.find(VISITOR, Settings(epochs=0)).join(60)
    assert "NN: not trained (0 epochs)." in html_of(run(page))
    assert told(page) == [get_catalogue("en")("app.training.untrained")]
    page = open_page(step="recommendation", epochs=0)
    assert "There is nothing to recommend yet." in html_of(page)


@pytest.mark.parametrize("step", ["training", "analysis", "recommendation", "draw"])
def test_without_a_training_the_way_leads_to_the_settings(open_page, step):
    page = open_page(step=step)
    assert told(page) == ["The networks have not been trained with these settings yet."]
    assert click(page, "to_settings").title[0].value == "Settings"


class Slow(_training.Training):
    """A training that waits for its test."""

    def start(self):
        pass

    def join(self, timeout=None):
        pass


@pytest.fixture
def slow(monkeypatch):
    """Let trainings begin and not go on."""
    monkeypatch.setattr(_training, "Training", Slow)


def tell(training, name, epoch, epochs=9):
    from skmnist.comparison import TrainingEvent
    from skmnist.neural_network import EpochEvent

    logs = {"loss": 1 / epoch, "accuracy": 0.5, "val_loss": 1.5 / epoch, "val_accuracy": 0.4}
    event = EpochEvent(
        epoch=epoch, epochs=epochs, logs=logs, best_epoch=1, seconds=1.0, eta=float(epochs - epoch)
    )
    return training._follow(TrainingEvent("epoch", name, 0, None, 0, 2, epoch=event))


def test_a_running_training_is_shown_as_it_comes(open_page, slow):
    page = open_page(step="settings", epochs=9)
    click(page, "start")
    assert "Preparing" in html_of(page)
    assert "Waiting for its turn" in html_of(page)
    training = _training.find(VISITOR, Settings(epochs=9))
    for epoch in (1, 2, 3):
        assert tell(training, "NN", epoch) is False
    html = html_of(run(page))
    assert "Epoch 3 of 9, at most 6 s left" in html
    assert re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", html) == [
        ("Accuracy, training", "0.5000"),
        ("Accuracy, validation", "0.4000"),
        ("Loss, training", "0.3333"),
        ("Loss, validation", "0.5000"),
    ]
    points = re.search(r'<polyline points="([^"]*)"', html)[1].split()
    assert len(points) == 3
    tell(training, "NN", 4)
    assert len(re.search(r'<polyline points="([^"]*)"', html_of(run(page)))[1].split()) == 4


def test_the_button_stops_one_network_after_its_epoch(open_page, slow):
    page = open_page(step="settings", epochs=9)
    click(page, "start")
    training = _training.find(VISITOR, Settings(epochs=9))
    tell(training, "NN", 1)
    click(page, "stop")
    assert any("NN will stop after this epoch." in text.value for text in page.markdown)
    assert tell(training, "NN", 2) is True
    training.results["NN"] = None
    assert tell(training, "DNN", 1) is False


@pytest.mark.slow
def test_further_starts_are_told_and_a_button_ends_them(open_page, trained, slow):
    from skmnist.comparison import TrainingEvent

    page = open_page(step="settings", epochs=9)
    click(page, "start")
    training = _training.find(VISITOR, Settings(epochs=9))
    training.results |= trained.results
    event = TrainingEvent("begin", "DNN", 1, None, 2, 6)
    assert training._follow(event) is False
    page = run(page)
    assert any("training run 3 of 6." in text.value for text in page.markdown)
    click(page, "end_starts")
    assert any("repetitions will end" in text.value for text in page.markdown)
    with pytest.raises(KeyboardInterrupt):
        training._follow(event)


@pytest.mark.slow
def test_a_second_tab_and_a_reload_find_the_training_and_start_no_other(open_page, slow):
    first = open_page(step="settings", epochs=9)
    click(first, "start")
    training = _training.find(VISITOR, Settings(epochs=9))
    tell(training, "NN", 5)
    reloaded = open_page(step="training", epochs=9)
    assert "Epoch 5 of 9" in html_of(reloaded)
    assert "Epoch 5 of 9" in html_of(open_page(step="training", epochs=9))
    other = open_page(step="settings", epochs=8)
    assert told(other) == ["Training with other settings is running: NN, epoch 5 of 9."]
    assert other.button(key="start").disabled
    click(other, "show_it")
    assert "Epoch 5 of 9" in html_of(other)
    assert address(other)["epochs"] == "9"
    assert list(_training._trainings.values()) == [training]


@pytest.fixture
def visit(open_page, monkeypatch):
    """Return a function that opens the page as somebody else."""

    def open_as(visitor, **query):
        monkeypatch.setattr(_view, "find_visitor", lambda: visitor)
        return open_page(**query)

    return open_as


@pytest.mark.slow
def test_visitors_wait_for_their_turn_and_see_how_many_are_before_them(visit, slow):
    for before, visitor in enumerate(("anna", "ben", "cem")):
        page = visit(visitor, step="settings", epochs=9)
        said = [caption.value for caption in page.caption]
        assert any(f"{before} training" in text for text in said) == (before > 0)
        click(page, "start")
        assert page.title[0].value == "Training"
    assert told(page) == [
        "2 training runs are ahead of yours. Yours will start by itself; you may leave this page."
    ]
    assert "Epoch" not in html_of(page)  # nothing of the others
    first, second, _ = _training.find_line()
    tell(first, "NN", 4)
    assert "Epoch 4" in html_of(visit("anna", step="training", epochs=9))
    assert told(visit("ben", step="recommendation", epochs=9))[0].startswith(
        "1 training run is ahead"
    )
    assert told(visit("ben", step="data", epochs=9))[0].startswith("1 training run is ahead")
    assert told(visit("dora", step="training", epochs=9)) == [
        "The networks have not been trained with these settings yet."
    ]
    first.running = False
    tell(second, "NN", 1)
    assert "Epoch 1" in html_of(visit("ben", step="training", epochs=9))
    page = click(visit("cem", step="training", epochs=9), "leave")
    assert told(run(page)) == ["The networks have not been trained with these settings yet."]
    assert _training.find_line() == [second]


@pytest.mark.slow
def test_a_full_queue_is_told_and_takes_no_more(visit, slow, monkeypatch):
    monkeypatch.setenv("SKMNIST_APP_WAITING", "1")
    for visitor in ("anna", "ben"):
        late = visit("cem", step="settings", epochs=9)  # opened before the queue was full
        click(visit(visitor, step="settings", epochs=9), "start")
    monkeypatch.setattr(_view, "find_visitor", lambda: "cem")
    click(late, "start")
    assert late.title[0].value == "Settings"
    assert told(late)[0].startswith("2 training runs are already running or waiting")
    assert late.button(key="start").disabled
    assert len(_training.find_line()) == 2


def test_the_steps_behind_a_running_training_say_so(open_page, slow):
    page = open_page(step="settings", epochs=9)
    click(page, "start")
    page = open_page(step="comparison", epochs=9)
    assert "still being trained" in told(page)[0]
    assert click(page, "watch").title[0].value == "Training"


@pytest.mark.slow
def test_results_of_other_settings_are_one_click_away(open_page, trained):
    page = open_page(step="recommendation", epochs=50)
    assert told(page)[0] == "There are results of a training run with other settings."
    assert "Choose " in html_of(click(page, "show_it"))


@pytest.mark.slow
def test_a_look_at_the_page_leaves_a_training_s_keras_alone(open_page, trained, monkeypatch):
    import keras

    cleared = []
    monkeypatch.setattr(keras.backend, "clear_session", lambda: cleared.append("all threads'"))
    open_page()
    assert cleared == []


def test_a_training_that_fails_is_told_in_a_sentence(open_page, monkeypatch):
    def fail(*_, **__):
        raise ValueError("It *did* not work.")

    monkeypatch.setattr(_training, "make_network", fail)
    page = open_page(step="settings", **QUICK)
    click(page, "start")
    _training.find(VISITOR, Settings(**QUICK)).join(60)
    message = r"Training failed: It \*did\* not work."
    assert told(run(page)) == [message]
    assert told(open_page(step="draw", **QUICK)) == [message]
