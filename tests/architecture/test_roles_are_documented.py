"""`docs/roles.md` has the table of roles as the code has it: run `python -m tests.architecture.test_roles_are_documented` to write it."""

from pathlib import Path
from typing import Final

from accounts.labels import Label
from accounts.roles import POWERS, Capability, Right, Role

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "roles.md"
_BEGIN, _END = "<!-- roles: begin -->", "<!-- roles: end -->"


def table() -> str:
    """The table of roles, in the order of the code."""
    rights = [str(right) for right in Right]
    lines = [
        f"| role | {' | '.join(rights)} | clears | and besides |",
        f"|---|{'---|' * (len(rights) + 2)}",
    ]
    for role in Role:
        powers = POWERS[role]
        marks = ["✓" if right in powers.rights else "–" for right in Right]
        clears = ", ".join(str(label.value) for label in Label if label in powers.clears) or "–"
        besides = ", ".join(_english(item) for item in Capability if item in powers.capabilities)
        lines.append(f"| {_words(role)} | {' | '.join(marks)} | {clears} | {besides} |")
    return "\n".join(lines)


def _words(role: Role) -> str:
    return role.value.replace("_", " ")


def _english(item: Capability) -> str:
    return item.value.replace("_", " ")


def test_the_documented_table_of_roles_is_that_of_the_code() -> None:
    page = PAGE.read_text("utf-8")
    told = page.partition(_BEGIN)[2].partition(_END)[0].strip()
    assert told == table(), "Write it with: python -m tests.architecture.test_roles_are_documented"


def test_every_role_is_in_the_table_and_none_clears_what_nobody_may() -> None:
    assert set(POWERS) == set(Role)
    assert all(Label.RESTRICTED not in powers.clears for powers in POWERS.values())


def test_who_runs_the_portal_or_reads_the_audit_sees_no_image() -> None:
    for role in (Role.ADMINISTRATOR, Role.INTEGRATOR, Role.PRIVACY_OFFICER):
        assert not POWERS[role].rights


if __name__ == "__main__":
    before, _, rest = PAGE.read_text("utf-8").partition(_BEGIN)
    PAGE.write_text(f"{before}{_BEGIN}\n{table()}\n{_END}{rest.partition(_END)[2]}", "utf-8")
