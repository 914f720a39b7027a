"""Read digits from scans and photos of forms."""

from skmnist.reading._forms import Form, FormError, FormField
from skmnist.reading._pages import open_pages
from skmnist.reading._places import Place, find_places

__all__ = ["Form", "FormError", "FormField", "Place", "find_places", "open_pages"]
