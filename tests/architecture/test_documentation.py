"""What the documentation names is there: links, commands, variables, addresses, metrics, files of the tree."""

import re
from functools import cache
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class
from django.urls import Resolver404, resolve

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]

#: Shell names of the examples, and variables of other programs and of the tests.
OTHERS = {
    *(
        "KEY",
        "PORTAL",
        "ETAG",
        "STATUS",
        "FILES",
        "STUDY",
        "SERIES",
        "DEST",
        "PATH",
        "CODE",
        "ARGS",
        "SECONDS",
        "SHOTS",
    ),
    *("RADIO_CT", "PR_SET_PDEATHSIG"),  # an application entity of the demo; a call of the kernel's
    *("PYTHON", "KILL_ROUNDS", "RELIABILITY_TABLE", "NEGATOSCOPE_DURABLE"),
}
#: Looks like a variable of ours: capitals and at least one underscore, alone between backquotes or before an equals sign.
VARIABLE = re.compile(r"`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?:=[^`]*)?`|^([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)=", re.MULTILINE)


def text_of(page: Path) -> str:
    return page.read_text("utf-8")


def anchors(page: Path) -> set[str]:
    """The places of a page that a link can name, as the forges make them of headings."""
    plain = re.sub(r"^```.*?^```", "", text_of(page), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.+)$", plain, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", re.sub(r"[`*]", "", heading).lower()).replace(" ", "-") for heading in headings}


@cache
def sources() -> str:
    """Everything that may know a name: code, templates of commands, the Makefile and the tests."""
    files = [
        *(path for part in ("portal", "accounts", "imaging", "tests") for path in (ROOT / part).rglob("*.py")),
        ROOT / "Makefile",
    ]
    here = Path(__file__)
    return "\n".join(path.read_text("utf-8") for path in files if path != here)


@cache
def options_of(command: str) -> frozenset[str]:
    app = get_commands()[command]
    made = load_command_class(app, command) if isinstance(app, str) else app
    return frozenset(
        option for action in made.create_parser("manage.py", command)._actions for option in action.option_strings
    )


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name: str) -> None:
    page = ROOT / name
    dead = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, place = target.partition("#")
        there = page.parent / path if path else page
        if not there.exists() or (place and place not in anchors(there)):
            dead.append(target)
    assert not dead


@pytest.mark.parametrize("name", NAMES)
def test_commands_and_their_options_exist(name: str) -> None:
    known = get_commands()
    for command, rest in re.findall(r"manage\.py ([a-z0-9_]+)([^`\n|]*)", text_of(ROOT / name)):
        assert command in known, command
        for option in re.findall(r"(?<![\w-])(--[a-z][a-z-]*)", rest.partition(" - ")[0]):
            assert option in options_of(command), (command, option)


@pytest.mark.parametrize("name", NAMES)
def test_targets_of_make_exist(name: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", text_of(ROOT / "Makefile"), flags=re.MULTILINE))
    named = re.findall(r"(?:`|^)make (?:-C \S+ )?([a-z-]+)", text_of(ROOT / name), flags=re.MULTILINE)
    assert set(named) <= targets


@pytest.mark.parametrize("name", NAMES)
def test_variables_are_read_somewhere(name: str) -> None:
    named = {one or other for one, other in VARIABLE.findall(text_of(ROOT / name))} - OTHERS
    unknown = {variable for variable in named if not re.search(rf"\b{variable}\b", sources()) and not _is_s3(variable)}
    assert not unknown


def _is_s3(variable: str) -> bool:
    """Variables of the store are read by their ending."""
    return variable.startswith("STORAGE_S3_") and f'"{variable.removeprefix("STORAGE_S3_")}"' in sources()


@pytest.mark.parametrize("name", NAMES)
def test_metrics_exist(name: str) -> None:
    unknown = {
        metric
        for metric in re.findall(r"\bnegatoscope_[a-z_]+[a-z]\b", text_of(ROOT / name))
        if metric not in sources()
    }
    assert not unknown - {"negatoscope_owner", "negatoscope_app"}


@pytest.mark.parametrize("name", NAMES)
def test_files_of_the_tree_exist(name: str) -> None:
    named = re.findall(r"`((?:tests|docs|imaging|accounts|portal)/[\w./-]+)`", text_of(ROOT / name))
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("name", NAMES)
def test_addresses_are_answered(name: str) -> None:
    found = re.findall(
        r"`(?:GET |POST )?(/(?:api|dicom-web|health|metrics|quarantine|conflicts|import|help)[\w/.-]*)",
        text_of(ROOT / name),
    )
    dead = []
    for address in found:
        for form in (address, f"{address}/", address.rstrip("/")):
            try:
                resolve(form)
                break
            except Resolver404:
                continue
        else:
            dead.append(address)
    assert not dead


def test_every_variable_and_metric_is_told() -> None:
    told = "\n".join(
        text_of(ROOT / "docs" / name) for name in ("install.md", "storage.md", "operations.md", "single-sign-on.md")
    )
    code = "\n".join(path.read_text("utf-8") for path in sorted((ROOT / "portal").glob("*.py")))
    variables = set(re.findall(r'reader\.\w+\(\s*"([A-Z][A-Z0-9_]+)"', code))
    assert len(variables) > 20
    metrics = set(re.findall(r'"(negatoscope_[a-z_]+)"', code))
    assert len(metrics) > 10
    assert {name for name in variables | metrics if not re.search(rf"\b{name}\b", told)} == set()
