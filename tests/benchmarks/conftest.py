"""The decoder pool, the registered studies and the large archive of the measurements."""

from collections.abc import Iterator

import pytest
from django.template import Template
from django.test import utils

from tests.benchmarks.large_database import browser, large_archive_in_use, large_database, radiologist, scope
from tests.benchmarks.many_requests import many_requests, many_requests_in_use
from tests.benchmarks.open_links import demo, drawn_by_a_pool, many_opens, nobody_tried_before
from tests.decoder_pools import own_pool, pool, register, shared_pool, sockets

__all__ = [
    "browser",
    "demo",
    "drawn_by_a_pool",
    "large_archive_in_use",
    "large_database",
    "many_opens",
    "many_requests",
    "many_requests_in_use",
    "nobody_tried_before",
    "own_pool",
    "pool",
    "radiologist",
    "register",
    "scope",
    "shared_pool",
    "sockets",
]


@pytest.fixture(autouse=True, scope="session")
def _rendered_as_served() -> Iterator[None]:
    """Under test Django copies the context of every template for who wants to look into it; no server does."""
    instrumented = Template._render
    Template._render = utils._TestState.saved_data.template_render  # type: ignore[attr-defined]
    yield
    Template._render = instrumented
