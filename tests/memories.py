"""What a process of the portal remembers for a moment, and a new one does not."""

import contextlib

from django.core.cache import cache
from redis.exceptions import RedisError

from accounts import throttling
from accounts.audit import coalescing
from accounts.signing_in import enrolment, policy
from imaging.dicomweb import kept_answers, kept_pictures
from imaging.studies.reading import decisions, metadata
from imaging.viewer import download_turns


def free_downloads() -> int:
    """How many downloads this process could begin now."""
    taken = 0
    while download_turns._places.acquire(blocking=False):
        taken += 1
    for _number in range(taken):
        download_turns._places.release()
    return taken


def forget() -> None:
    """Be a new process: nothing is remembered by primary key, and nothing for a second more or less."""
    metadata.remembered.clear()
    coalescing.forget_all()
    # The places of downloads are kept by primary key too, in the cache of all processes.
    with contextlib.suppress(RedisError):
        cache.clear()
    decisions.remembered.clear()
    policy.forget()
    enrolment.forget_all()
    kept_answers.remembered.clear()
    kept_pictures.drawn_lately.clear()
    throttling.begin_anew()
