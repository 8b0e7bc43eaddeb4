"""Finds the messages of Django templates for Babel, through Django's own translation of templates to Python."""

import io
from collections.abc import Collection, Iterator, Mapping
from typing import IO, Any

from babel.messages.extract import extract_python
from django.utils.translation.template import templatize

_Found = tuple[int, str | tuple[str, ...], list[str], str | None]


def extract(
    fileobj: IO[bytes], keywords: Mapping[str, Any], comment_tags: Collection[str], options: Mapping[str, Any]
) -> Iterator[_Found]:
    """Yield (line, function, message, comments) for each `{% translate %}` and `{% blocktranslate %}`.

    `templatize` turns a template into Python that calls gettext at the same lines; Babel's Python extractor reads it.
    """
    # Python reads meaning into indentation; a template's means nothing.
    source = "\n".join(line.lstrip() for line in templatize(fileobj.read().decode("utf-8")).split("\n"))
    yield from extract_python(io.BytesIO(source.encode("utf-8")), keywords, comment_tags, {"encoding": "utf-8"})
