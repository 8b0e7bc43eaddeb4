"""Carries contents from the landing tier to the others: uploads, reads back, writes down. At least once, never halfway.

Names come from digests, so that doing it again puts the same bytes in the same place. Each tier has a loop, threads and
a patience of its own: a store that is down is asked with one content at a time, and holds up no other.
"""

import hashlib
import logging
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from django import db

from imaging.storage import copying, services, tiers
from imaging.storage.copying import Claimed
from imaging.storage.errors import StorageError, StorageFull, StoreTrouble
from imaging.storage.models import CopyOrder

logger = logging.getLogger(__name__)

_CHUNK: Final = 1024 * 1024
#: Orders in hand for each thread: enough to be busy until the next turn.
_AHEAD: Final = 12
#: Seconds between two looks at what was done, and at an empty queue.
_TURN: Final = 0.2
_IDLE: Final = 0.5
#: Seconds between two questions to a store that is down, doubled up to the longest.
_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 30.0
#: Seconds that uploads under way get when the copier is told to stop.
_LAST_WORDS: Final = 3.0

_Away = (db.OperationalError, db.InterfaceError)
_Problem = CopyOrder.Problem


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a copy failed; ``of_store`` when the next content would fare no better."""

    problem: str
    of_store: bool = False
    sentence: str = ""


class TierCopier:
    """The copier of one tier; several may run, in this process or others."""

    def __init__(self, tier: str, *, threads: int, longest_pause: float = _LONGEST_PAUSE) -> None:
        """Copy to ``tier`` with so many ``threads``; ask a dead store every ``longest_pause`` seconds at least."""
        self._tier = tier
        self._threads = threads
        self._longest_pause = longest_pause
        self._hands: dict[Future[Trouble | None], Claimed] = {}
        self._pause = 0.0
        self._ask_at = 0.0
        self._extended = time.monotonic()

    def run(self, stopping: threading.Event) -> bool:
        """Copy what is ordered until ``stopping`` is set; whether every thread has come to its end."""
        # Aside: a store that does not answer takes its time.
        threading.Thread(target=self.greet, name=f"greet {self._tier}", daemon=True).start()
        pool = ThreadPoolExecutor(self._threads, thread_name_prefix=self._tier)
        while not stopping.is_set():
            try:
                busy = self.turn(pool)
            except _Away as error:
                logger.warning("%s: the database is away: %s.", self._tier, type(error).__name__)
                db.connections.close_all()
                stopping.wait(1.0)
                continue
            if not busy:
                stopping.wait(_IDLE)
        return self._stop(pool)

    def drain(self) -> None:
        """Copy what is due now, then end."""
        with ThreadPoolExecutor(self._threads, thread_name_prefix=self._tier) as pool:
            while self.turn(pool):
                pass

    def greet(self) -> None:
        """Ask the store whether it works, and say so; a store that does not holds up nothing."""
        try:
            tiers.probe(self._tier)
        except (OSError, StorageError) as error:
            logger.warning("%s cannot be used: %s. Contents stay here and wait.", self._tier, _sentence(error))
        else:
            logger.info("%s answers.", self._tier)

    def turn(self, pool: ThreadPoolExecutor) -> bool:
        """Take orders, look at what was done, write it down. False when there is nothing to do now."""
        if time.monotonic() >= self._ask_at:
            most = 1 if self._pause else self._threads * _AHEAD
            if most > len(self._hands):
                for item in copying.claim(self._tier, most - len(self._hands)):
                    self._hands[pool.submit(_copy, item)] = item
        if not self._hands:
            return False
        done, _running = wait(self._hands, timeout=_TURN)
        self._write_down([(self._hands.pop(future), future.result()) for future in done])
        if self._hands and time.monotonic() - self._extended > copying.LEASE / 4:
            copying.extend(self._hands.values())
            self._extended = time.monotonic()
        return True

    def _write_down(self, done: Sequence[tuple[Claimed, Trouble | None]]) -> None:
        arrived = [item for item, trouble in done if trouble is None]
        failed = [(item, trouble) for item, trouble in done if trouble is not None]
        copying.settle(arrived)
        if arrived:
            self._came_back()
        away = [(item, trouble) for item, trouble in failed if trouble.of_store and not arrived]
        for item, trouble in failed:
            if not (trouble.of_store and not arrived):
                copying.fail(item, trouble.problem)
                logger.warning("%s: %s was not copied: %s.", self._tier, item.content, trouble.problem)
        if away:
            self._went_away([item for item, _trouble in away], away[0][1])

    def _went_away(self, orders: Sequence[Claimed], trouble: Trouble) -> None:
        """Put off what failed, and let go of what has not begun: the store is asked again in a while."""
        if not self._pause:
            logger.warning("%s: %s. Contents stay here and wait.", self._tier, trouble.sentence)
        self._pause = min(self._pause * 2 or _FIRST_PAUSE, self._longest_pause)
        self._ask_at = time.monotonic() + self._pause
        copying.postpone(orders, trouble.problem, pause=self._pause)
        copying.give_back(self._cancelled())

    def _came_back(self) -> None:
        if self._pause:
            logger.warning("%s answers again.", self._tier)
        self._pause = self._ask_at = 0.0

    def _cancelled(self) -> list[Claimed]:
        """The orders in hand that no thread has begun; they are in hand no more."""
        return [self._hands.pop(future) for future in list(self._hands) if future.cancel()]

    def _stop(self, pool: ThreadPoolExecutor) -> bool:
        pool.shutdown(wait=False)
        unbegun = self._cancelled()
        done, running = wait(self._hands, timeout=_LAST_WORDS)
        with suppress(*_Away):
            copying.give_back(unbegun)
            self._write_down([(self._hands[future], future.result()) for future in done])
            copying.give_back(self._hands[future] for future in running)
        db.connections.close_all()
        return not running


def _copy(item: Claimed) -> Trouble | None:
    """Bring one content to its tier and read it back; None when it lies there as it should."""
    try:
        return _copied(item)
    except StorageFull:
        return Trouble(_Problem.STORE_FULL, of_store=True, sentence="the store is full")
    except StorageError as error:
        return Trouble(error.code if error.code in _Problem.values else _Problem.UNEXPECTED)
    except OSError as error:
        slug = error.slug if isinstance(error, StoreTrouble) else _Problem.STORE_ERROR
        return Trouble(slug, of_store=True, sentence=_sentence(error))
    except Exception:
        logger.exception("A content cannot be copied to %s.", item.tier)
        return Trouble(_Problem.UNEXPECTED)
    finally:
        # The database is needed only where a copy proved to be damaged.
        db.connections.close_all()


def _copied(item: Claimed) -> Trouble | None:
    # After a crash it may lie there already.
    if item.attempts > 1 and tiers.size(item.tier, item.location) == item.content.length and _is_there(item):
        return None
    with services.open(item.content) as source:
        tiers.write(item.tier, item.location, source)
    tiers.sync(item.tier, [item.location])
    return None if _is_there(item) else Trouble(_Problem.DIFFERS)


def _is_there(item: Claimed) -> bool:
    """Whether what the tier gives back is the content, byte for byte."""
    digest = hashlib.sha256()
    length = 0
    try:
        with tiers.open_for_reading(item.tier, item.location) as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                length += len(chunk)
    except FileNotFoundError:
        return False
    return (length, digest.hexdigest()) == (item.content.length, item.content.file_sha256)


def _sentence(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else "") or type(error).__name__
