"""Create ``docs/app.png``, a screenshot of the app after training.

Usage: ``python scripts/make_app_screenshot.py [FILE]``

Training takes about half a minute.
"""

import base64
import sys
import time
from pathlib import Path

from _app import open_app, wait_for

TARGET = Path(__file__).parents[1] / "docs" / "app.png"
SETTINGS = "lang=en&train_size=5000&epochs=20"


def main(target: Path) -> None:
    with open_app() as (browser, url):
        browser.get(f"{url}/?step=settings&{SETTINGS}")
        wait_for(browser, ".st-key-start button").click()
        wait_for(browser, '[data-testid="stAlertContentSuccess"]')
        time.sleep(3)  # wait for animations
        shot = browser.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
    target.write_bytes(base64.b64decode(shot["data"]))
    print(f"{target}: {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET)
