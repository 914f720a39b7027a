"""The whole path in a real browser, from the command to the drawn digit."""

import io
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from urllib.request import urlopen

import numpy as np
import pytest
from PIL import Image

import skmnist
from skmnist.app._view import STEPS
from tests.chromium import DESKTOP, PHONE, open_browser, show_as
from tests.reading.fields import as_scan, make_field

pytestmark = pytest.mark.slow
PATIENCE = 120  # seconds; a busy machine takes its time
SETTINGS = "train_size=5000&epochs=60&patience=60"
# All that can be read, in the panels' shadow as well.
TEXT = """
const found = [document.querySelector('.stMain').innerText];
for (const e of document.querySelectorAll('.stMain *'))
  if (e.shadowRoot) found.push(...[...e.shadowRoot.children].map(c => c.innerText || ''));
return found.join('\\n');
"""
IN_SHADOW = """
for (const e of document.querySelectorAll('.stMain *')) {
  const found = e.shadowRoot?.querySelector(arguments[0]);
  if (found) return found;
}
"""
N_POINTS = """
let n = 0;
for (const e of document.querySelectorAll('.stMain *'))
  for (const line of e.shadowRoot?.querySelectorAll('polyline') ?? [])
    n += line.points.length;
return n;
"""
# What reaches out of the page sideways, but for tables that scroll in a box of their own.
WIDE = """
const wide = [], width = document.documentElement.clientWidth + 1;
const look = root => {
  for (const e of root.querySelectorAll('*')) {
    if (e.shadowRoot) look(e.shadowRoot);
    // Streamlit's sliders have a field for screen readers, which nobody sees
    const hidden = e.closest('.scroll > *, pre *, svg *, .stSlider input');
    if (!hidden && e.getBoundingClientRect().right > width) wide.push(e.outerHTML.slice(0, 80));
  }
};
look(document.querySelector('.stMain'));
return wide;
"""
HOSTS = """
return [...new Set(performance.getEntriesByType('resource').map(e => new URL(e.name).host))];
"""


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """Start the app as its user does; return its address."""
    folder = tmp_path_factory.mktemp("server")
    home = tmp_path_factory.mktemp("home")
    environment = os.environ | {"TMPDIR": str(folder), "HOME": str(home), "LC_ALL": "C"}
    environment["PYTHONPATH"] = str(Path(skmnist.__file__).parents[1])
    server = subprocess.Popen(
        [sys.executable, "-m", "skmnist", "app", "--no-browser", "--lang", "en"],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=folder,
    )
    try:
        line = server.stdout.readline()
        assert line.startswith("The app is running at http://127.0.0.1:")
        assert list(folder.iterdir())
        url = next(word for word in line.split() if word.startswith("http:"))
        yield url
    finally:
        server.terminate()
        server.wait(60)
        server.stdout.close()
    assert list(folder.iterdir()) == []  # nothing stays behind
    assert {path.name for path in home.iterdir()} <= {".cache"}  # fontconfig's
    with pytest.raises(OSError, match="refused"):
        urlopen(url)


def wait(condition):
    """Wait until something is there, and return it."""
    from selenium.common.exceptions import StaleElementReferenceException, WebDriverException

    end, found = time.monotonic() + PATIENCE, None
    while time.monotonic() < end:
        try:
            found = condition()
        except (StaleElementReferenceException, WebDriverException):
            found = None  # the page was being drawn anew
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError("nothing came")


def read(driver):
    return driver.execute_script(TEXT)


def see(driver, *words):
    """Wait until all words are on the page, and return its text."""

    def look():
        text = read(driver)
        return text if all(word in text for word in words) else ""

    try:
        return wait(look)
    except AssertionError:
        raise AssertionError(f"{words} are not on the page:\n{read(driver)}") from None


def find_idle(driver, selector):
    """Return an element, once the page is complete: before, an event may get lost."""
    driver.find_element("css selector", '.stApp[data-test-script-state="notRunning"]')
    return driver.find_element("css selector", selector)


def press(driver, key):
    def click():
        find_idle(driver, f".st-key-{key} button").click()
        return True

    wait(click)


def choose(driver, key, label):
    def click():
        for option in driver.find_elements("css selector", f".st-key-{key} label"):
            if label in option.text:
                option.click()
                return True
        return False

    wait(click)
    time.sleep(1)  # until the page begins to change


def upload(driver, key, path):
    field = wait(lambda: find_idle(driver, f'.st-key-{key} input[type="file"]'))
    field.send_keys(str(path))


def complaints(driver):
    return [entry["message"] for entry in driver.get_log("browser")]


def test_the_whole_path(browser, app, tmp_path):
    from selenium.webdriver import Keys

    show_as(browser, DESKTOP)
    folder = {"behavior": "allow", "downloadPath": str(tmp_path)}
    browser.execute_cdp_cmd("Browser.setDownloadBehavior", folder)

    # --- a digit is read before anything is trained
    browser.get(app)
    see(browser, "Step 1 of 13")
    draw_seven(browser)
    see(browser, "7", "The network is sure enough")

    # --- data: a broken archive, one of one's own, and MNIST
    browser.get(f"{app}/?step=data&{SETTINGS}")
    see(browser, "Step 2 of 13", "5,000 training and 10,000 test images")
    choose(browser, "source", "A file of your own")
    see(browser, "Up to 200 MB", "Choose a file to continue.")
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"PK\3\4 and nothing else")
    upload(browser, "file", broken)
    text = see(browser, "These digits cannot be used.", "broken.zip: is truncated")
    assert "Traceback" not in text
    assert "/skmnist-" not in text  # where the server keeps it
    upload(browser, "file", write_archive(tmp_path / "Meine Ziffern.zip"))
    see(browser, "Training file: Meine Ziffern.zip/train.csv", "40 training and 20 test images")
    choose(browser, "source", "MNIST, bundled")
    see(browser, "60,000 training and 10,000 test images")

    # --- what the networks are
    browser.get(f"{app}/?step=data&{SETTINGS}")
    for at in (3, 4, 5, 6):
        press(browser, "next")
        see(browser, f"Step {at} of 13")
    see(browser, "0 means no training", SETTINGS, "Seed")

    # --- training: the curves grow, also over a reload and in a second tab
    press(browser, "start")
    see(browser, "Step 7 of 13", "NN", "DNN")
    before = wait(lambda: browser.execute_script(N_POINTS))
    wait(lambda: browser.execute_script(N_POINTS) > before)
    browser.refresh()
    see(browser, "NN", "DNN")
    assert "Start training" not in read(browser)
    browser.switch_to.new_window("tab")
    browser.get(f"{app}/?step=settings")
    see(browser, "Training with other settings is running", "Settings")
    start = ".st-key-start button"
    wait(lambda: not browser.find_element("css selector", start).is_enabled())
    browser.close()
    browser.switch_to.window(browser.window_handles[0])
    show_as(browser, DESKTOP)
    see(browser, "NN: trained in")
    press(browser, "stop")
    see(browser, "Both networks are trained.", "DNN: trained in", "stopped by you")

    # --- what came of it
    for words in (
        ("Step 8 of 13", "Fit: ", "Improvements"),
        ("Step 9 of 13", "DNN: test accuracy", "Misread images", "What the figures mean"),
        ("Step 10 of 13", "101,770", "567,434", "Training time"),
        ("Step 11 of 13", "Choose "),
    ):
        press(browser, "next")
        see(browser, *words)
    press(browser, "report")
    report = tmp_path / "skmnist-en.html"
    wait(report.exists)
    page = report.read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "--data mnist --train-size 5000 --epochs 60" in page

    # --- digits of one's own: by mouse, by keyboard, from a file
    press(browser, "next")
    see(browser, "Draw a digit on the board")
    draw_seven(browser)
    text = see(browser, "NN", "(recommended) reads: ", "28 x 28 pixels")
    assert "reads: 7" in text
    browser.execute_script(IN_SHADOW, ".board button").click()
    see(browser, "Draw a digit on the board")
    draw_one_by_keyboard(browser)
    see(browser, "reads: 1")
    digits, label = skmnist.load_mnist(), 8
    row = int(np.flatnonzero(digits.y_train == label)[0])
    paper = np.full((300, 400), 240, np.uint8)
    ink = np.kron(digits.X_train[row], np.ones((6, 6), np.uint8))
    paper[40:208, 200:368] -= np.minimum(ink, 220)
    Image.fromarray(paper).save(tmp_path / "acht.png")
    upload(browser, "photo", tmp_path / "acht.png")
    see(browser, "reads: 8")
    browser.execute_script(IN_SHADOW, ".board button").click()
    draw_seven(browser)
    see(browser, "reads: 7")  # what came last counts

    # --- a scan, and its unsure field
    press(browser, "next")
    choose(browser, "source", "comes with the app")
    rng = np.random.default_rng(0)
    page = make_field([as_scan(digits.X_train[at]) for at in (7, 8, 9)], "boxes", rng)
    middle = page.shape[1] // 2
    page[40:-40:4, middle - 20 : middle + 20] = 0  # scribbled over
    Image.fromarray(page).save(tmp_path / "scan.png")
    upload(browser, "files", tmp_path / "scan.png")
    see(browser, "0 read, 1 unsure", "3?4", "All fields")
    field = wait(lambda: browser.find_element("css selector", '[data-testid="stForm"] input'))
    field.send_keys(Keys.CONTROL, "a", Keys.NULL, "314", Keys.ENTER)
    see(browser, "0 unsure", "Corrected by you: 1.")
    press(browser, "csv")
    wait((tmp_path / "digits.csv").exists)
    row = (tmp_path / "digits.csv").read_text(encoding="utf-8").splitlines()[1]
    assert row.startswith("scan.png,1,1,314,corrected,")
    assert complaints(browser) == []
    assert browser.execute_script(HOSTS) == [app.removeprefix("http://")]

    # --- every step on a phone, in German and in the dark
    show_as(browser, PHONE, "dark")
    for step in STEPS:
        browser.get(f"{app}/?lang=de&step={step}&{SETTINGS}")
        see(browser, "Weiter" if step == STEPS[0] else "Zurück")
        wait(lambda: browser.execute_script("return document.documentElement.lang") == "de")
        assert browser.execute_script(WIDE) == [], step
    assert complaints(browser) == []

    # --- another browser has trainings of its own
    browser.delete_all_cookies()
    browser.get(f"{app}/?step=recommendation&{SETTINGS}")
    see(browser, "The networks have not been trained with these settings yet.")


def test_a_digit_before_the_camera_is_read_on_a_page_without_english_words(app, tmp_path):
    from selenium.webdriver import Keys

    paper = np.random.default_rng(0).normal(190, 4, (480, 640))
    paper -= np.linspace(0, 40, 640)  # the light comes from one side
    paper[120:140, 250:380] = 50
    for row in range(120, 350):
        left = round(370 - (row - 120) / 3)
        paper[row, left : left + 20] = 50
    picture = Image.fromarray(paper.clip(0, 255).astype(np.uint8)).convert("RGB")
    picture.save(tmp_path / "seven.mjpeg", format="JPEG")
    camera = ("device-for-media-stream", "ui-for-media-stream")
    options = [f"--use-fake-{name}" for name in camera]
    options.append(f"--use-file-for-fake-video-capture={tmp_path / 'seven.mjpeg'}")
    with open_browser(tmp_path / "profile", *options) as browser:
        show_as(browser, DESKTOP)
        browser.get(f"{app}/?lang=de")
        see(browser, "Datei wählen", "bis 20 MB")
        choose(browser, "wants_camera", "Mit der Kamera")
        see(browser, "Aufnehmen")
        time.sleep(2)  # until the camera has its first picture
        press(browser, "camera")
        see(browser, "Aufnahme verwerfen", "Das Netz ist sich sicher genug")
        assert browser.execute_script(IN_SHADOW, ".outcome").text == "7"
        browser.get(f"{app}/?lang=de&step=data&data=upload")
        field = wait(lambda: find_idle(browser, ".st-key-label input"))
        field.send_keys("x")
        see(browser, "Mit der Eingabetaste übernehmen")
        field.send_keys(Keys.BACKSPACE)
        browser.find_element("css selector", '[data-testid="stMainMenuButton"]').click()
        menu = '[data-testid="stMainMenuList"]'
        wait(lambda: "Drucken" in browser.find_element("css selector", menu).text)
        assert "Bildschirm aufzeichnen" in browser.find_element("css selector", menu).text
        browser.get(f"{app}/?lang=en")  # Streamlit's own words are back
        see(browser, "Upload", "20 MB per file")
        assert complaints(browser) == []


def write_archive(path):
    digits = skmnist.load_mnist(n_train=40, n_test=20, random_state=0)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in ("train", "test"):
            rows = np.hstack([digits[f"y_{part}"][:, None], digits[f"X_{part}"].reshape(-1, 784)])
            text = io.StringIO()
            np.savetxt(text, rows, fmt="%d", delimiter=",")
            archive.writestr(f"{part}.csv", text.getvalue())
    return path


def draw_seven(driver):
    from selenium.webdriver import ActionChains

    board = wait(lambda: driver.execute_script(IN_SHADOW, "canvas"))
    driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", board)
    actions = ActionChains(driver)
    actions.move_to_element_with_offset(board, -60, -80).click_and_hold()
    for x, y in ((120, 0), (-70, 180)):
        for _ in range(6):
            actions.move_by_offset(x // 6, y // 6)
    actions.release().perform()


def draw_one_by_keyboard(driver):
    from selenium.webdriver import ActionChains, Keys

    board = driver.execute_script(IN_SHADOW, "canvas")
    driver.execute_script("arguments[0].focus()", board)
    actions = ActionChains(driver)
    actions.send_keys(Keys.ARROW_UP * 9, " ", Keys.ARROW_DOWN * 18, " ").perform()
