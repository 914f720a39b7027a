"""Make ``docs/app.png``: the app at the end of a training, as a browser shows it.

Usage: ``python scripts/make_app_screenshot.py [FILE]``

It needs the extra ``app``, selenium, and Debian's ``chromium`` and ``chromium-driver``. Training
takes about half a minute.
"""

import base64
import shutil
import subprocess
import sys
import time
from pathlib import Path

from selenium import webdriver

TARGET = Path(__file__).parents[1] / "docs" / "app.png"
WIDTH, HEIGHT = 1280, 1010
SETTINGS = "lang=en&train_size=5000&epochs=20"
PATIENCE = 600  # seconds
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run")


def main(target: Path) -> None:
    command = [sys.executable, "-m", "skmnist", "app", "--no-browser", "--lang", "en"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        url = server.stdout.readline().split()[4]
        target.write_bytes(take_screenshot(url))
    finally:
        server.terminate()
        server.wait()
    print(f"{target}: {target.stat().st_size:,} bytes")


def take_screenshot(url: str) -> bytes:
    options = webdriver.ChromeOptions()
    for option in OPTIONS:
        options.add_argument(option)
    service = webdriver.ChromeService(executable_path=shutil.which("chromedriver"))
    driver = webdriver.Chrome(options=options, service=service)
    try:
        size = {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        driver.get(f"{url}/?step=settings&{SETTINGS}")
        wait_for(driver, ".st-key-start button").click()
        wait_for(driver, '[data-testid="stAlertContentSuccess"]')
        time.sleep(3)  # what has just come is faded in
        shot = driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
        return base64.b64decode(shot["data"])
    finally:
        driver.quit()


def wait_for(driver: webdriver.Chrome, selector: str) -> webdriver.remote.webelement.WebElement:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = driver.find_elements("css selector", selector)
        if found:
            return found[0]
        time.sleep(0.5)
    raise SystemExit(f"{selector} did not come")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET)
