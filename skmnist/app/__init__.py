"""The interactive program: it arranges in the browser what stands below it, and decides nothing.

It needs the extra ``app``; nothing else in the package imports it.
"""

from skmnist.app._server import ServerError, serve

__all__ = ["ServerError", "serve"]
