"""Open the app in a browser, for other scripts.

Requires the extra ``app``, selenium, and Debian's ``chromium`` and ``chromium-driver``.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from selenium import webdriver
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

WIDTH, HEIGHT = 1280, 1010
TIMEOUT = 1200  # seconds; training on all of MNIST may take long
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run")


@contextmanager
def open_app() -> Iterator[tuple[webdriver.Chrome, str]]:
    """Start the app and a browser; yield the browser and the address of the app."""
    command = [sys.executable, "-m", "skmnist", "app", "--no-browser", "--lang", "en"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        url = next(word for word in server.stdout.readline().split() if word.startswith("http:"))
        options = webdriver.ChromeOptions()
        for option in OPTIONS:
            options.add_argument(option)
        service = webdriver.ChromeService(executable_path=shutil.which("chromedriver"))
        with webdriver.Chrome(options=options, service=service) as browser:
            size = {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
            browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
            yield browser, url
    finally:
        server.terminate()
        server.wait()


def wait_for(browser: webdriver.Chrome, selector: str) -> WebElement:
    """Wait for an element, and return it."""
    return WebDriverWait(browser, TIMEOUT).until(
        lambda browser: browser.find_element("css selector", selector),
        f"{selector} did not appear",
    )
