"""Each file and function does one thing, and its name says which."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("portal", "accounts", "imaging", "tests")
MEANINGLESS = {"utils", "helpers", "common", "misc", "manager", "util", "helper"}


def _sources() -> Iterator[Path]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "migrations" not in path.parts and "data" not in path.relative_to(ROOT).parts[1:-1]:
                yield path


def test_no_file_is_longer_than_400_lines() -> None:
    long = [f"{path.relative_to(ROOT)}: {n}" for path in _sources() if (n := len(path.read_text().splitlines())) > 400]
    assert not long


def test_no_function_is_longer_than_50_lines() -> None:
    long = []
    for path in _sources():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                if length > 50:
                    long.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {length}")
    assert not long


def test_no_name_explains_nothing() -> None:
    found = [str(path.relative_to(ROOT)) for path in _sources() if {path.stem, path.parent.name} & MEANINGLESS]
    assert not found


def test_no_first_party_import_hides_in_a_function() -> None:
    hidden = []
    for path in _sources():
        if path.relative_to(ROOT).parts[0] == "tests":
            continue
        for function in ast.walk(ast.parse(path.read_text())):
            if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            for node in ast.walk(function):
                module = node.module if isinstance(node, ast.ImportFrom) else None
                if module and module.split(".")[0] in {"portal", "accounts", "imaging"}:
                    hidden.append(f"{path.relative_to(ROOT)}:{node.lineno} {module}")
    assert not hidden
