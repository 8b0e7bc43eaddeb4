"""The front end's built files, found by the manifest that Vite writes beside them."""

import json
import logging
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

from django import template
from django.conf import settings
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()
log = logging.getLogger(__name__)


@lru_cache(maxsize=2)
def _manifest(path: str, modified: float) -> dict[str, dict[str, Any]]:
    """Read the manifest once per build; `modified` is its time, so that a new build is noticed."""
    loaded: dict[str, dict[str, Any]] = json.loads(Path(path).read_text("utf-8"))
    return loaded


def manifest() -> dict[str, dict[str, Any]]:
    """Return the manifest: source path -> {file, css, imports}; empty when the front end was not built.

    A page asks hundreds of times, for its icons.
    """
    path = os.fspath(settings.VITE_MANIFEST)
    try:
        return _manifest(path, os.stat(path).st_mtime)  # noqa: PTH116 -- without making a Path each time
    except FileNotFoundError:
        log.warning("The front end is not built: run `make build`. Pages come without look and viewer.")
        return {}


def _address(file: str) -> str:
    return f"{settings.STATIC_URL}{file}"


def _chunks(
    source: str, entries: dict[str, dict[str, Any]], seen: dict[str, dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Collect an entry and every chunk that it imports at once, in order, each one time."""
    if source in entries and source not in seen:
        seen[source] = entries[source]
        for imported in entries[source].get("imports", []):
            _chunks(imported, entries, seen)
    return seen


@register.simple_tag
def asset(source: str) -> str:
    """Return the address of one built file, named by its source: `{% asset 'icons/icons.svg' %}`."""
    return _address(manifest().get(source, {"file": source})["file"])


@register.simple_tag
def asset_tags(*sources: str) -> SafeString:
    """Write the link and script elements of the entries, with their styles and the chunks they import at once."""
    entries = manifest()
    styles: dict[str, None] = {}
    scripts: dict[str, None] = {}
    imports: dict[str, None] = {}
    for source in sources:
        for name, chunk in _chunks(source, entries, {}).items():
            styles.update(dict.fromkeys(chunk.get("css", [])))
            if chunk["file"].endswith(".css"):
                styles[chunk["file"]] = None
            else:
                (scripts if name == source else imports)[chunk["file"]] = None
    return SafeString(
        format_html_join("", '<link rel="stylesheet" href="{}">', ((_address(file),) for file in styles))
        + format_html_join("", '<link rel="modulepreload" href="{}">', ((_address(file),) for file in imports))
        + format_html_join("", '<script type="module" src="{}"></script>', ((_address(file),) for file in scripts))
    )


@register.simple_tag
def asset_ahead(source: str) -> SafeString:
    """Fetch what a script of this page is going to import, behind everything else: to compile it now would hold the page up."""
    chunks = _chunks(source, manifest(), {}).values()
    tag = '<link rel="preload" as="script" crossorigin fetchpriority="low" href="{}">'
    return format_html_join("", tag, ((_address(chunk["file"]),) for chunk in chunks))


@register.simple_tag
def asset_warm(*sources: str) -> SafeString:
    """Fetch entries and their chunks while the reader still looks elsewhere, so that their page opens at once."""
    entries = manifest()
    files = {chunk["file"]: None for source in sources for chunk in _chunks(source, entries, {}).values()}
    return format_html_join("", '<link rel="prefetch" href="{}">', ((_address(file),) for file in files))


@register.simple_tag
def icon(name: str, css: str = "icon") -> SafeString:
    """Draw an icon of the sprite; a name without a family (`st-`, `pr-`, `sex-`, `logo`) is one of Tabler's."""
    return _drawn(name, css, asset("icons/icons.svg"))


@lru_cache(maxsize=512)
def _drawn(name: str, css: str, sprite: str) -> SafeString:
    own = name == "logo" or name.startswith(("st-", "pr-", "sex-"))
    text = '<svg class="{}" aria-hidden="true"><use href="{}#{}"/></svg>'
    return format_html(text, css, sprite, name if own else f"i-{name}")
