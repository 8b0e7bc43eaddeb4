"""The files of the front end are found by the manifest of the build."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from imaging.templatetags import assets

BUILT = {
    "css/look.css": {"file": "assets/look-12345678.css", "isEntry": True},
    "icons/icons.svg": {"file": "assets/icons-12345678.svg"},
    "_shared.js": {"file": "assets/shared-12345678.js", "css": ["assets/shared-12345678.css"]},
    "viewer/main.ts": {
        "file": "assets/viewer-12345678.js",
        "isEntry": True,
        "imports": ["_shared.js", "pages/main.ts"],
        "css": ["assets/viewer-12345678.css"],
    },
    "pages/main.ts": {"file": "assets/pages-12345678.js", "isEntry": True, "imports": ["_shared.js"]},
}


@pytest.fixture
def build(tmp_path: Path, settings: Any) -> Path:
    """A build with two entries that share a chunk."""
    settings.VITE_MANIFEST = tmp_path / "manifest.json"
    settings.VITE_MANIFEST.write_text(json.dumps(BUILT))
    return tmp_path


def test_an_entry_brings_its_styles_and_the_chunks_it_imports_each_once(build: Path) -> None:
    written = assets.asset_tags("css/look.css", "viewer/main.ts")
    assert written.count('<link rel="stylesheet"') == 3
    assert '<link rel="stylesheet" href="/static/assets/look-12345678.css">' in written
    assert written.count("shared-12345678.js") == 1
    assert '<script type="module" src="/static/assets/viewer-12345678.js"></script>' in written
    assert "<style" not in written


def test_an_icon_points_into_the_built_sprite(build: Path) -> None:
    assert 'href="/static/assets/icons-12345678.svg#i-search"' in assets.icon("search")
    assert "#st-final" in assets.icon("st-final")
    assert "#logo" in assets.icon("logo", "logo")


def test_a_new_build_is_noticed(build: Path) -> None:
    assert assets.asset("css/look.css").endswith("look-12345678.css")
    manifest = build / "manifest.json"
    manifest.write_text(json.dumps({"css/look.css": {"file": "assets/look-87654321.css"}}))
    later = manifest.stat().st_mtime + 5
    os.utime(manifest, (later, later))
    assert assets.asset("css/look.css").endswith("look-87654321.css")


def test_without_a_build_pages_still_come(tmp_path: Path, settings: Any) -> None:
    settings.VITE_MANIFEST = tmp_path / "nothing.json"
    assert assets.asset_tags("css/look.css") == ""
    assert assets.icon("search").startswith("<svg")
