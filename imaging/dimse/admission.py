"""Who may call: the application entities of the admin, kept in memory, so that no association waits for the database.

One thread of the process talks to the database, for all associations: it reads the entities anew when they are asked for and
older than two seconds, and writes what happened. While the database is away the last known entities count, and the spool
keeps what they send.
"""

import ipaddress
import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django import db

from accounts.actor import Actor
from accounts.roles import Door
from imaging.ingest import quotas, receipts, selectors, senders
from imaging.ingest.receipts import Handed
from imaging.ingest.selectors import Peer
from imaging.ingest.source import Source

logger = logging.getLogger(__name__)

_FRESH: Final = 2.0
_WAIT: Final = 3.0
#: The same thing about the same peer is written once in this time.
_ONCE_IN: Final = 60.0
_QUEUE_LIMIT: Final = 10_000

CALLING_NOT_RECOGNISED: Final = (0x01, 0x01, 0x03)
CALLED_NOT_RECOGNISED: Final = (0x01, 0x01, 0x07)
TEMPORARY_CONGESTION: Final = (0x02, 0x03, 0x01)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Result, source and diagnostic of an A-ASSOCIATE-RJ (PS3.8 table 9-21), and the words for the audit."""

    codes: tuple[int, int, int]
    reason: str


@dataclass(frozen=True, slots=True)
class Caller:
    """The names and the address of an association request."""

    calling_ae_title: str
    called_ae_title: str
    address: str

    @property
    def is_loopback(self) -> bool:
        """Whether the call comes from this machine."""
        try:
            address = ipaddress.ip_address(self.address)
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)
        return bool((mapped or address).is_loopback)

    @property
    def actor(self) -> Actor:
        """The caller as it names itself."""
        return Actor(
            kind="application_entity",
            id=self.calling_ae_title,
            name=self.calling_ae_title,
            address=self.address,
            door=Door.DIMSE,
        )


class Admission:
    """Decides about association requests."""

    def __init__(self, *, ae_title: str, is_demo: bool) -> None:
        """``ae_title`` is our own. The demo knows every sender on loopback; such a one acts for no department."""
        self._ae_title = ae_title
        self._is_demo = is_demo
        self._peers: Mapping[str, Peer] | None = None
        self._used_up: frozenset[quotas.Sender] = frozenset()
        self._refused: list[Handed] = []
        self._read_at = -_FRESH
        self._asked = threading.Condition()
        self._tasks: queue.Queue[Callable[[], None] | None] = queue.Queue(_QUEUE_LIMIT)
        self._told: dict[tuple[str, ...], float] = {}
        self._thread = threading.Thread(target=self._work, name="admission", daemon=True)

    def start(self) -> None:
        """Start the thread that talks to the database."""
        self._thread.start()

    def stop(self, timeout: float = 3.0) -> None:
        """Write what is still to be written."""
        self._tasks.put(None)
        self._thread.join(timeout)

    def decide(self, caller: Caller) -> Peer | Refusal:
        """The peer, or why it is refused. Waits for the database for a few seconds at most."""
        peers = self._current()
        if peers is None:
            return Refusal(TEMPORARY_CONGESTION, "the application entities cannot be read")
        if not self._is_demo and caller.called_ae_title != self._ae_title:
            return Refusal(CALLED_NOT_RECOGNISED, "called AE title not recognised")
        peer = peers.get(caller.calling_ae_title)
        if peer is None:
            named = caller.calling_ae_title.isascii() and caller.calling_ae_title.isprintable()
            if self._is_demo and caller.is_loopback and caller.calling_ae_title and named:
                return Peer(ae_title=caller.calling_ae_title)
            return Refusal(CALLING_NOT_RECOGNISED, "calling AE title not recognised")
        if peer.loopback_only and not caller.is_loopback:
            return Refusal(CALLING_NOT_RECOGNISED, "this application entity calls from this machine only")
        if peer.address and not _same(peer.address, caller.address):
            return Refusal(CALLING_NOT_RECOGNISED, "this application entity calls from another address")
        return peer

    def source_of(self, peer: Peer, caller: Caller) -> Source:
        """The sender of the objects that come over this association."""
        return Source(
            door=Door.DIMSE,
            sender=peer.ae_title,
            address=caller.address,
            called_ae_title=caller.called_ae_title,
            department_ids=peer.department_ids,
        )

    def tell_accepted(self, caller: Caller) -> None:
        """Have an accepted association written down, once a minute for each peer."""
        if self._is_news("accepted", caller.calling_ae_title, caller.address):
            detail = {"called_ae_title": caller.called_ae_title}
            self._do(lambda: senders.association_accepted(actor=caller.actor, detail=detail))
            self._do(lambda: senders.seen(ae_titles=[caller.calling_ae_title]))

    def tell_refused(self, caller: Caller, refusal: Refusal) -> None:
        """Have a refused association written down, once a minute for each peer and reason."""
        if self._is_news("refused", caller.calling_ae_title, caller.address, refusal.reason):
            logger.warning(
                "Association from %r at %s refused: %s.", caller.calling_ae_title, caller.address, refusal.reason
            )
            detail: dict[str, Any] = {"called_ae_title": caller.called_ae_title, "reason": refusal.reason}
            self._do(lambda: senders.association_refused(actor=caller.actor, detail=detail))

    def is_used_up(self, source: Source) -> bool:
        """Whether the sender's quota is used up, as of a moment ago; never waits."""
        if time.monotonic() - self._read_at >= _FRESH:
            self._do(self._read)
        return (source.door, source.sender) in self._used_up

    def tell_object_refused(self, source: Source, words: str) -> None:
        """Have a refused object counted on the sender's receipt."""
        handed = Handed(
            door=source.door, sender=source.sender, address=source.address, outcome="refused", refusal=words
        )
        self._refused.append(handed)
        if len(self._refused) == 1:
            self._do(self._write_refused)

    def _write_refused(self) -> None:
        refused, self._refused = self._refused, []
        receipts.record(refused)

    def _is_news(self, *key: str) -> bool:
        now = time.monotonic()
        if len(self._told) > _QUEUE_LIMIT:
            self._told = {old: at for old, at in self._told.items() if now - at < _ONCE_IN}
        if now - self._told.get(key, -_ONCE_IN) < _ONCE_IN:
            return False
        self._told[key] = now
        return True

    def _do(self, task: Callable[[], None]) -> None:
        try:
            self._tasks.put_nowait(task)
        except queue.Full:
            logger.critical("AUDIT ALARM: the DICOM door writes more than the database takes.")

    def _current(self) -> Mapping[str, Peer] | None:
        with self._asked:
            if time.monotonic() - self._read_at >= _FRESH:
                self._do(self._read)
                self._asked.wait_for(lambda: time.monotonic() - self._read_at < _FRESH, _WAIT)
            return self._peers

    def _read(self) -> None:
        if time.monotonic() - self._read_at < _FRESH:
            return
        found, used_up = selectors.peers(), quotas.exhausted()
        with self._asked:
            self._peers, self._used_up = found, used_up
            self._read_at = time.monotonic()
            self._asked.notify_all()

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            try:
                db.close_old_connections()
                task()
            except Exception as error:  # noqa: BLE001 -- the thread must outlive whatever one task meets
                # The class only: texts of database errors may quote rows.
                logger.warning("The DICOM door cannot reach the database (%s).", type(error).__name__)
        db.connections.close_all()


def _same(known: str, address: str) -> bool:
    try:
        first, second = ipaddress.ip_address(known), ipaddress.ip_address(address)
    except ValueError:
        return False
    return (getattr(first, "ipv4_mapped", None) or first) == (getattr(second, "ipv4_mapped", None) or second)
