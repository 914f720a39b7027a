"""What a loader found and what it did, as sentences in the reader's language."""

from dataclasses import dataclass, field
from typing import Any

from skmnist.text import get_catalogue


@dataclass(frozen=True)
class Note:
    """One sentence about a data set.

    Attributes
    ----------
    key : str
        Which sentence it is: ``"train_folder"``, say.
    values : dict
        What is filled in.
    """

    key: str
    values: dict[str, Any] = field(default_factory=dict)

    def sentence(self, language: str = "en") -> str:
        """Return the sentence.

        Parameters
        ----------
        language : {"en", "de"}, default="en"
        """
        return get_catalogue(language)(f"data.note.{self.key}", **self.values)

    def __str__(self) -> str:
        return self.sentence()
