"""French is complete: every message of code and templates is translated, none is fuzzy, no placeholder is lost."""

import string
from pathlib import Path

from babel.messages.pofile import read_po

from portal.catalogues import CATALOGUE, extract

ROOT = Path(__file__).resolve().parents[2]


def _french() -> dict[object, object]:
    with CATALOGUE.open("rb") as file:
        catalogue = read_po(file, locale="fr", abort_invalid=True)
    return {(message.context, message.id): message for message in catalogue if message.id}


def _fields(text: str) -> set[str]:
    braces = {name for _, name, _, _ in string.Formatter().parse(text) if name} if "{" in text else set()
    percents = {word.split(")")[0] for word in text.split("%(")[1:]}
    return braces | percents


def test_every_message_is_translated_into_french() -> None:
    french = _french()
    missing = [message.id for message in extract() if message.id and (message.context, message.id) not in french]
    assert not missing, f"{len(missing)} messages have no French: {missing[:10]}"


def test_no_french_message_is_empty_fuzzy_or_unused() -> None:
    used = {(message.context, message.id) for message in extract() if message.id}
    faulty = [
        key
        for key, message in _french().items()
        if message.fuzzy
        or key not in used
        or not all(message.string if isinstance(message.string, tuple | list) else [message.string])
    ]
    assert not faulty


def test_placeholders_survive_translation() -> None:
    lost = []
    for message in _french().values():
        singular = message.id if isinstance(message.id, str) else message.id[-1]
        translated = message.string if isinstance(message.string, str) else message.string[-1]
        if _fields(singular) != _fields(translated):
            lost.append(message.id)
    assert not lost
