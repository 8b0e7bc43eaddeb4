"""Several words in one field of a form: addresses, networks, scopes."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError


class WordsField(forms.CharField):
    """Several words with blanks, commas or line ends between them, shown one a line. Each may be checked by itself."""

    widget = forms.Textarea(attrs={"rows": 2, "cols": 60})

    def __init__(self, *, each: Callable[[str], object] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._each = each

    def prepare_value(self, value: Any) -> Any:
        """Show a list as lines."""
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]
        """Read words as a list, each once. Raises ``ValidationError`` for a word that the check refuses."""
        found = (word.strip(",") for word in (super().to_python(value) or "").split())
        words = list(dict.fromkeys(filter(None, found)))
        if self._each is not None:
            for word in words:
                self._each(word)
        return words

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether other words are meant: how they were written does not matter."""
        try:
            return not self.disabled and self.to_python(data) != list(initial or [])
        except ValidationError:
            return True
