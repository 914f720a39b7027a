"""Read digits from scans and photos of forms."""

from skmnist.reading._places import Place, find_places

__all__ = ["Place", "find_places"]
