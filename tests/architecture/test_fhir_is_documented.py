"""`docs/conformance/fhir.md` claims what the facade has: run `python -m tests.architecture.test_fhir_is_documented` to write it."""

from pathlib import Path
from typing import Final

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "conformance" / "fhir.md"
_BEGIN, _END = "<!-- fhir: begin -->", "<!-- fhir: end -->"


def claims() -> str:
    """A table for each kind of resource, in the order of the registry."""
    from imaging.ehr.fhir.registry import KINDS  # run as a program, Django has to be there first

    lines: list[str] = []
    for kind in KINDS.values():
        does = ["read", *(["create", "update"] if kind.is_written else []), *(["search"] if kind.is_searched else [])]
        lines += [f"## {kind.name}", "", f"{kind.about} Interactions: {', '.join(does)}.", ""]
        if kind.sorts:
            lines[-2] += f" Sorted by {', '.join(f'`{name}`' for name in kind.sorts)}."
        if kind.parameters:
            lines += ["| parameter | type | what |", "|---|---|---|"]
            lines += [f"| `{found.name}` | {found.type.value} | {_cell(found.about)} |" for found in kind.parameters]
            lines.append("")
        if kind.includes:
            lines += [f"`_include`: {', '.join(f'`{name}`' for name in kind.includes)}.", ""]
        if kind.reverse_includes:
            lines += [f"`_revinclude`: {', '.join(f'`{name}`' for name in kind.reverse_includes)}.", ""]
    return "\n".join(lines).strip()


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def test_what_is_claimed_of_fhir_is_what_the_facade_has() -> None:
    page = PAGE.read_text("utf-8")
    told = page.partition(_BEGIN)[2].partition(_END)[0].strip()
    assert told == claims(), "Write it with: python -m tests.architecture.test_fhir_is_documented"


if __name__ == "__main__":
    import django

    django.setup()
    before, _, rest = PAGE.read_text("utf-8").partition(_BEGIN)
    PAGE.write_text(f"{before}{_BEGIN}\n{claims()}\n{_END}{rest.partition(_END)[2]}", "utf-8")
