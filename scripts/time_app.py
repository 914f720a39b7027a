"""Compare the time from start to recommendation in the app and in ``skmnist compare``.

Usage: ``python scripts/time_app.py [--rounds 2] [--train-size N]``

Both train with the defaults on MNIST, in turns. The app is timed from the click on "Start training"
until the recommendation is shown.
"""

import argparse
import subprocess
import sys
import time
from statistics import median

from _app import open_app, wait_for


def time_app(train_size: int) -> float:
    address = f"train_size={train_size}"
    with open_app() as (browser, url):
        browser.get(f"{url}/?step=settings&{address}")
        button = wait_for(browser, ".st-key-start button:enabled")
        started = time.perf_counter()
        button.click()
        wait_for(browser, '[data-testid="stAlertContentSuccess"]')
        browser.get(f"{url}/?step=recommendation&{address}")
        wait_for(browser, ".st-key-recommendation-part")
        return time.perf_counter() - started


def time_command(train_size: int) -> float:
    command = [sys.executable, "-m", "skmnist", "compare"]
    command += ["--train-size", str(train_size)] if train_size else []
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


def main(rounds: int, train_size: int) -> None:
    times: dict[str, list[float]] = {"app": [], "command": []}
    for _ in range(rounds):
        for name, measure in (("app", time_app), ("command", time_command)):
            times[name].append(measure(train_size))
            print(f"{name:7} {times[name][-1]:6.1f} s", flush=True)
    ratio = median(a / c for a, c in zip(times["app"], times["command"], strict=True))
    print(f"The app takes {ratio:.2f} times as long as the command.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--train-size", type=int, default=0, help="0 uses all images")
    arguments = parser.parse_args()
    main(arguments.rounds, arguments.train_size)
