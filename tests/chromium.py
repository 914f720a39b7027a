"""Debian's Chromium, for tests of what is read in a browser."""

import shutil

import pytest

PHONE, DESKTOP = 360, 1280
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
)


def open_browser(profile, *options):
    """Return a browser that keeps what it knows in a folder; skip the test where there is none."""
    webdriver = pytest.importorskip("selenium.webdriver")
    if not (CHROMIUM and DRIVER):
        pytest.skip("needs chromium and chromedriver (in Debian: chromium-driver)")
    chrome = webdriver.ChromeOptions()
    chrome.binary_location = CHROMIUM
    for option in (*OPTIONS, f"--user-data-dir={profile}", *options):
        chrome.add_argument(option)
    chrome.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(options=chrome, service=webdriver.ChromeService(executable_path=DRIVER))


def show_as(browser, width, theme="light", media=""):
    """Let the page believe that it is on a phone or a desk, in the dark, or printed."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width == PHONE}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    scheme = [{"name": "prefers-color-scheme", "value": theme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": scheme})
