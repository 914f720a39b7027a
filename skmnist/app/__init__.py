"""The interactive app in the browser.

The app only shows the results of other subpackages. It requires the ``app`` extra.
"""

from skmnist.app._server import ServerError, serve

__all__ = ["ServerError", "serve"]
