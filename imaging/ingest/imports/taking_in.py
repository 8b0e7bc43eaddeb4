"""Takes many files in: made durable by a few threads, registered in batches, told one by one."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from django.db import connections

from imaging.dicom.header import Header
from imaging.ingest import intake, services
from imaging.ingest.media.found import Found
from imaging.ingest.media.trouble import MediaError
from imaging.ingest.registrar import BATCH
from imaging.ingest.services import Held, QuotaReached, Refused, SpoolError, SpoolFull
from imaging.ingest.source import Source

#: Making a file durable waits for the disk most of the time.
THREADS: Final = 4
_AHEAD: Final = 16
#: Bytes of a batch: what waits for its registration must not fill the disk.
_BATCH_OCTETS: Final = 1024 * 1024 * 1024
REFUSED: Final = "refused"


class OutOfRoom(Exception):
    """The spool takes no more now; ``code`` is ``disk_full``, ``quota`` or ``disk``. What was told before is kept."""

    def __init__(self, code: str) -> None:
        """Keep the reason."""
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Offer:
    """A file, who hands it over, and what the caller knows it by."""

    found: Found
    source: Source
    key: Any = None


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one: ``outcome`` is a value of ``intake.Outcome``, or ``refused`` with its ``code``.

    ``reason`` is why it is in quarantine: for the log of who decides, not for who sent it.
    """

    offer: Offer
    outcome: str
    code: str = ""
    reason: str = ""
    header: Header | None = None


class _Taking:
    """One run: what is on its way to the disk, and what lies there and waits for its batch."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self._ahead: deque[tuple[Offer, Future[Held]]] = deque()
        self._held: list[tuple[Offer, Held]] = []
        self._octets = 0

    def offer(self, offer: Offer) -> None:
        self._ahead.append((offer, self._pool.submit(_hold, offer)))

    @property
    def is_ahead(self) -> bool:
        return len(self._ahead) >= _AHEAD

    @property
    def is_busy(self) -> bool:
        return bool(self._ahead)

    def settle_oldest(self) -> Iterator[Taken]:
        """Wait for the oldest file; tell what became of it, or of its batch when that is full."""
        offer, future = self._ahead.popleft()
        try:
            held = future.result()
        except Refused as refusal:
            yield Taken(offer, REFUSED, refusal.code)
            return
        except MediaError as error:
            yield Taken(offer, REFUSED, str(error.trouble.value))
            return
        except SpoolError as error:
            raise OutOfRoom(_room(error)) from error
        self._held.append((offer, held))
        self._octets += offer.found.length
        if len(self._held) >= BATCH or self._octets >= _BATCH_OCTETS:
            yield from self.register()

    def register(self) -> Iterator[Taken]:
        """Register what lies on disk."""
        batch, self._held, self._octets = self._held, [], 0
        results = intake.register([held for _offer, held in batch])
        for (offer, _held), result in zip(batch, results, strict=True):
            yield Taken(offer, str(result.outcome), "", result.reason, result.header)

    def let_go(self) -> None:
        """Leave what is durable to the registrar."""
        for _offer, future in self._ahead:
            if not future.cancel() and future.exception() is None:
                future.result().claim.give_back()
        for _offer, held in self._held:
            held.claim.give_back()
        self._ahead.clear()
        self._held.clear()


def take_in(offers: Iterable[Offer], *, should_stop: Callable[[], bool] = lambda: False) -> Iterator[Taken]:
    """Hand over each offer; tell what became of each as soon as it is known.

    ``should_stop`` ends it after what is on its way. Raises ``OutOfRoom``, after telling of what was kept.
    """
    with ThreadPoolExecutor(THREADS, thread_name_prefix="take-in") as pool:
        taking = _Taking(pool)
        try:
            yield from _take_in(taking, offers, should_stop)
        finally:
            taking.let_go()
            _close_connections(pool)


def _take_in(taking: _Taking, offers: Iterable[Offer], should_stop: Callable[[], bool]) -> Iterator[Taken]:
    full: OutOfRoom | None = None
    for offer in offers:
        if should_stop():
            break
        taking.offer(offer)
        try:
            while taking.is_ahead:
                yield from taking.settle_oldest()
        except OutOfRoom as error:
            full = error
            break
    while taking.is_busy:
        try:
            yield from taking.settle_oldest()
        except OutOfRoom as error:
            full = error
    yield from taking.register()
    if full is not None:
        raise full


def _hold(offer: Offer) -> Held:
    with offer.found.stream() as stream:
        return services.hold(stream, source=offer.source)


def _room(error: SpoolError) -> str:
    if isinstance(error, QuotaReached):
        return "quota"
    return "disk_full" if isinstance(error, SpoolFull) else "disk"


def _close_connections(pool: ThreadPoolExecutor) -> None:
    """Each thread closes its own connections: they meet, so that none of them does it twice and another never."""
    meeting = threading.Barrier(THREADS)

    def close() -> None:
        meeting.wait()
        connections.close_all()

    for future in [pool.submit(close) for _ in range(THREADS)]:
        future.result()
