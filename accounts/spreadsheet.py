"""Cells that a spreadsheet may open: text stays text (OWASP, "CSV Injection")."""

from typing import Final

#: What makes a cell a formula in one spreadsheet or another, in both widths.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "＝", "＋", "－", "＠")


def cell(value: object) -> str:
    """Return a value as the text of one cell: one line, and no formula in any spreadsheet."""
    text = str(value).replace("\x00", "")
    guarded = f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text
    return " ".join(guarded.splitlines()) if "\n" in guarded or "\r" in guarded else guarded


def separator_of(language: str) -> str:
    """Return where spreadsheets of a language split a line: at the semicolon where decimals have a comma."""
    return ";" if language.startswith("fr") else ","
