"""The layers of the house hold: imports by import-linter, foreign keys by walking the models."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from django.apps import apps
from django.db.models import ForeignKey, ManyToManyField

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
LAYERS = next(contract["layers"] for contract in CONTRACTS if contract["name"] == "imaging: one way down")


def _height(package: str) -> int:
    for height, layer in enumerate(reversed(LAYERS)):
        if package in {name.strip(" ()") for name in layer.split("|")}:
            return height
    raise AssertionError(f"{package} is in no layer of pyproject.toml")


def _package(model: type) -> str:
    return model.__module__.split(".")[1]


def test_imports_keep_their_direction() -> None:
    result = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout


def test_foreign_keys_point_down() -> None:
    upward = []
    for model in apps.get_app_config("imaging").get_models():
        for field in [*model._meta.fields, *model._meta.many_to_many]:
            if not isinstance(field, ForeignKey | ManyToManyField) or field.related_model._meta.app_label != "imaging":
                continue
            source, target = _package(model), _package(field.related_model)
            if source != target and _height(source) <= _height(target):
                upward.append(f"{model.__name__}.{field.name}: {source} -> {target}")
    assert not upward


def test_accounts_has_no_foreign_key_into_imaging() -> None:
    for model in apps.get_app_config("accounts").get_models():
        for field in model._meta.fields:
            assert field.related_model is None or field.related_model._meta.app_label != "imaging"


@pytest.mark.parametrize("door", ["dimse", "dicomweb", "viewer", "api"])
def test_doors_ask_selectors_and_services_only(door: str) -> None:
    offenders = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in sorted((ROOT / "imaging" / door).rglob("*.py"))
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if ".objects" in line or ".raw(" in line or "connection.cursor" in line
    ]
    assert not offenders


def test_only_the_network_door_knows_pynetdicom() -> None:
    offenders = [
        str(path.relative_to(ROOT))
        for package in ("accounts", "imaging")
        for path in sorted((ROOT / package).rglob("*.py"))
        if "pynetdicom" in path.read_text() and path.relative_to(ROOT).parts[:2] != ("imaging", "dimse")
    ]
    assert not offenders
