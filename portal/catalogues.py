"""Message catalogues without gettext's own tools: extract, update and compile with Babel.

`python -m portal.catalogues update` rewrites the French catalogue from the sources, keeping what is translated;
`python -m portal.catalogues check` fails when a message has no French;
`python -m portal.catalogues compile` makes the binary catalogue that Django reads.
"""

import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
CATALOGUE = ROOT / "portal" / "locale" / "fr" / "LC_MESSAGES" / "django.po"
_METHODS = [
    ("**.py", "python"),
    ("**.html", "portal.template_messages:extract"),
    ("**.txt", "portal.template_messages:extract"),
]
_KEYWORDS: dict[str, tuple[int | tuple[int, str], ...] | None] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
_FOLDERS = ("accounts", "imaging", "portal", "templates")


def extract() -> Catalog:
    """Return every message of code and templates, with where it stands."""
    catalogue = Catalog(project="Negatoscope", charset="utf-8")
    for folder in _FOLDERS:
        found = extract_from_dir(
            ROOT / folder,
            method_map=_METHODS,
            keywords=_KEYWORDS,
            comment_tags=("Translators:",),
            strip_comment_tags=True,
        )
        for filename, _line, message, comments, context in found:
            if message:
                catalogue.add(message, locations=[(f"{folder}/{filename}", 0)], auto_comments=comments, context=context)
    return catalogue


def update() -> list[str]:
    """Rewrite the French catalogue from the sources and return the messages that have no French yet."""
    with CATALOGUE.open("rb") as file:
        french = read_po(file, locale="fr")
    french.update(extract(), no_fuzzy_matching=True)
    french.obsolete.clear()
    with CATALOGUE.open("wb") as file:
        write_po(file, french, sort_output=True, no_location=False, include_lineno=False, width=120)
    return [str(message.id) for message in french if message.id and not _complete(message.string or "")]


def untranslated() -> list[str]:
    """Return the messages of code and templates that have no French, without writing anything."""
    with CATALOGUE.open("rb") as file:
        french = {(m.context, m.id): m.string for m in read_po(file, locale="fr") if m.id and not m.fuzzy}
    return [str(m.id) for m in extract() if m.id and not _complete(french.get((m.context, m.id)) or "")]


def _complete(translated: str | tuple[str, ...] | list[str]) -> bool:
    return bool(translated) if isinstance(translated, str) else all(translated)


def compile_catalogue() -> None:
    """Make the binary catalogue beside the text one."""
    with CATALOGUE.open("rb") as file:
        french = read_po(file, locale="fr")
    with CATALOGUE.with_suffix(".mo").open("wb") as file:
        write_mo(file, french)


def main(arguments: list[str]) -> int:
    """Run `update`, `check` or `compile`."""
    if arguments == ["compile"]:
        compile_catalogue()
        return 0
    if arguments in (["update"], ["check"]):
        missing = update() if arguments == ["update"] else untranslated()
        for message in missing:
            print(f"No French yet: {message}")
        return 1 if missing else 0
    print(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
