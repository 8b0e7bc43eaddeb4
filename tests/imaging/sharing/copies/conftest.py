"""Studies to be shared without identity, and the background that makes their copies."""

from collections.abc import Callable

import pytest

from imaging.pipeline import steps
from imaging.queues import LONG, SHORT

Background = Callable[[], None]


@pytest.fixture
def background(decoders: object, data_dir: object) -> Background:
    """Do all that waits."""

    def run() -> None:
        steps.drain()
        while steps.run_next(LONG) or steps.run_next(SHORT):
            steps.drain()

    return run
