"""Everything that a request's body can write, as the code has it: forms, pages of the administration, the REST API.

Fields are read from the running application, so that nothing is missed that is inherited or made on the fly; the names
that views take out of ``request.POST`` by hand are read from the source.
"""

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django import forms
from django.contrib.admin import site
from django.contrib.admin.utils import flatten_fieldsets
from django.http import HttpRequest

import accounts
import imaging
from imaging.api import docs

ROOT = Path(__file__).parents[2]
PACKAGES = (accounts, imaging)


def of_forms() -> dict[str, list[str]]:
    """Fields of every class of a form, by its place; bases without a field of their own are left out."""
    for package in PACKAGES:
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if ".management." not in module.name:
                importlib.import_module(module.name)
    found = {}
    for form in _below(forms.BaseForm):
        place = form.__module__
        # Forms that the administration makes for one page are read from the page.
        if place.partition(".")[0] in {"accounts", "imaging"} and "<locals>" not in form.__qualname__:
            fields: dict[str, Any] = getattr(form, "base_fields", {})
            if fields:
                found[f"{place}.{form.__name__}"] = sorted(fields)
    return found


def _below(kind: type[Any]) -> Iterator[type[Any]]:
    for inner in kind.__subclasses__():
        yield inner
        yield from _below(inner)


def of_administration(request: HttpRequest) -> dict[str, list[str]]:
    """Fields that can be typed on the page of each table, for somebody with every right."""
    found = {}
    for model, page in sorted(site._registry.items(), key=lambda pair: pair[0]._meta.label):
        shown = set()
        if page.has_add_permission(request):
            shown |= set(flatten_fieldsets(page.get_fieldsets(request))) - set(page.get_readonly_fields(request))
        if page.has_change_permission(request):
            one = model()
            locked = set(page.get_readonly_fields(request, one))
            shown |= set(flatten_fieldsets(page.get_fieldsets(request, one))) - locked
        shown |= set(page.list_editable or ())
        for inline in page.get_inline_instances(request):
            if inline.has_add_permission(request, None) or inline.has_change_permission(request):
                inner = set(flatten_fieldsets(inline.get_fieldsets(request))) - set(inline.get_readonly_fields(request))
                shown |= {f"{inline.model._meta.model_name}.{name}" for name in inner}
        if shown:
            found[model._meta.label] = sorted(shown)
    return found


def of_interface() -> dict[str, list[str]]:
    """Members of each body that the REST API takes, by operation; `*` for bytes that are objects."""
    described = docs.description()
    kinds = described["components"]["schemas"]
    found = {}
    for methods in described["paths"].values():
        for operation in methods.values():
            for media_type, body in operation.get("requestBody", {}).get("content", {}).items():
                name = body["schema"].get("$ref", "").rpartition("/")[2]
                members = sorted(kinds[name]["properties"]) if name else ["*"]
                found[f"{operation['operationId']} {media_type}"] = members
    return found


def of_views() -> dict[str, list[str]]:
    """Names that code takes out of ``….POST`` itself, by module; ``*`` where the name is not written there."""
    found: dict[str, list[str]] = {}
    for package in PACKAGES:
        for path in sorted(Path(package.__path__[0]).rglob("*.py")):
            names = set(_posted(ast.parse(path.read_text())))
            if names:
                found[str(path.relative_to(ROOT))] = sorted(names)
    return found


def _posted(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        taken: ast.expr | None = None
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is_post(node.func.value):
            if node.func.attr in {"get", "getlist", "pop"} and node.args:
                taken = node.args[0]
        elif isinstance(node, ast.Subscript) and _is_post(node.value):
            taken = node.slice
        elif isinstance(node, ast.Compare) and any(_is_post(one) for one in node.comparators):
            taken = node.left
        if taken is not None:
            yield str(taken.value) if isinstance(taken, ast.Constant) else "*"


def _is_post(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "POST"
