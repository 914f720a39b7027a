"""`skmnist app`: serve the program in the browser."""

import importlib.util

from skmnist.app import ServerError, serve
from skmnist.cli._errors import CommandError
from skmnist.text import Catalogue


def serve_app(
    say: Catalogue, host: str, port: int, language: str | None, *, open_browser: bool
) -> None:
    """Serve the page until Ctrl-C."""
    if importlib.util.find_spec("streamlit") is None:
        raise CommandError(say("cli.app_missing", command="pip install 'skmnist[app]'"))

    def tell(url: str) -> None:
        print(say("cli.app_open", url=url), flush=True)

    try:
        serve(host=host, port=port, language=language, open_browser=open_browser, tell=tell)
    except ServerError as error:
        raise CommandError(say("cli.app_failed", problem=str(error))) from error
