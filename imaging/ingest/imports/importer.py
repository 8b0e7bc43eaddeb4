"""Works on imports: reads what was brought, registers what was confirmed, forgets what nobody wants (DESIGN 4.1).

Several processes may do this side by side on the host of the spool; each import has one of them at a time.
"""

import logging
import threading
import time
from typing import Final
from uuid import UUID

from django import db

from accounts.actor import SYSTEM
from imaging.ingest.imports import decisions, examination, registration, selectors, staged
from imaging.ingest.imports.claims import claimed
from imaging.ingest.imports.examination import Gone
from imaging.ingest.imports.taking_in import OutOfRoom
from imaging.ingest.media.scanning import Unavailable
from imaging.ingest.media.trouble import NoRoom
from imaging.ingest.models import Import
from imaging.ingest.uploads import staging

logger = logging.getLogger(__name__)

_PAUSE: Final = 0.3
#: How long to wait for a database that is away, and for a disk that is full.
_AWAY: Final = 1.0
_FULL: Final = 10.0
_TIDY_EVERY: Final = 60.0
_State = Import.State

#: Nothing is wrong with the import: wait, and try again.
_Away: Final = (db.OperationalError, db.InterfaceError)


class Importer:
    """One process's work."""

    def __init__(self) -> None:
        """Begin with nothing postponed."""
        self._retry_at: dict[UUID, float] = {}
        self._tidied = float("-inf")

    def run(self, stopping: threading.Event) -> None:
        """Work until ``stopping`` is set."""
        while not stopping.is_set():
            pause = _PAUSE
            try:
                self._tidy()
                if self.work(stopping):
                    pause = 0.0
            except _Away as error:
                # The class only: texts of database errors may quote rows.
                logger.warning("Imports wait: %s.", type(error).__name__)
                db.connections.close_all()
                pause = _AWAY
            if pause:
                stopping.wait(pause)

    def work(self, stopping: threading.Event | None = None) -> int:
        """Do what there is to do now; how many imports it was. Raises what says that the database is away."""
        done = 0
        now = time.monotonic()
        for delivery_id in selectors.at_work(postponed=[pk for pk, at in self._retry_at.items() if at > now]):
            if stopping is not None and stopping.is_set():
                break
            with claimed(delivery_id) as is_ours:
                if is_ours:
                    self._work_on(delivery_id, stopping or threading.Event())
                    done += 1
        return done

    def _work_on(self, delivery_id: UUID, stopping: threading.Event) -> None:
        delivery = Import.objects.select_related("owner", "department").filter(pk=delivery_id).first()
        if delivery is None:
            return
        try:
            if delivery.state == _State.EXAMINING:
                examination.examine(delivery, stopping=stopping)
            elif delivery.state == _State.REGISTERING:
                registration.register(delivery, stopping=stopping)
        except Gone:
            logger.info("An import was left by its owner, or by this process.")
        except (OutOfRoom, NoRoom) as error:
            Import.objects.filter(pk=delivery_id).update(problem=error.code)
            self._retry_at[delivery_id] = time.monotonic() + _FULL
        except Unavailable:
            logger.warning("The virus scanner does not answer.")
            Import.objects.filter(pk=delivery_id).update(problem="scanner")
            self._retry_at[delivery_id] = time.monotonic() + _FULL
        except _Away:
            raise
        except Exception:
            logger.exception("An import cannot be worked on.")
            decisions.fail(delivery_id=delivery_id)

    def _tidy(self) -> None:
        """Forget imports without a decision, and files that nothing needs; once a minute."""
        if time.monotonic() - self._tidied < _TIDY_EVERY:
            return
        self._tidied = time.monotonic()
        self._retry_at = {pk: at for pk, at in self._retry_at.items() if at > self._tidied}
        for delivery_id in selectors.forgotten():
            decisions.expire(actor=SYSTEM, delivery_id=delivery_id)
        for delivery_id in selectors.with_needless_files(set(staging.folders(older_than=_TIDY_EVERY))):
            staged.remove(delivery_id)
