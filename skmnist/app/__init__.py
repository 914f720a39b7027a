"""The interactive app in the browser.

It only shows the results of other subpackages. Requires the ``app`` extra.
"""

from skmnist.app._server import ServerError, serve

__all__ = ["ServerError", "serve"]
