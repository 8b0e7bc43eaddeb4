"""Small files that come together: each staged as one that comes alone, with what they have in common done once.

Whose the import is, is asked once; the disk makes them durable when all have come; their rows are one statement. One
that is refused does not hurt the others.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import IntegrityError

from imaging.ingest.models import ImportedFile
from imaging.ingest.uploads import admission, refusals, services, staging
from imaging.ingest.uploads.bringers import Bringer
from imaging.ingest.uploads.services import Announced

_CHUNK: Final = 1024 * 1024

#: Of one file: its id, or why it was not kept.
Answer = UUID | refusals.Refusal


class _Part:
    """The bytes of one file in the stream of all."""

    def __init__(self, read: staging.Read, length: int) -> None:
        self._read = read
        self._left = length

    def read(self, size: int) -> bytes:
        chunk = self._read(min(size, self._left)) if self._left else b""
        self._left -= len(chunk)
        return chunk

    def skip(self) -> None:
        """Pass over what nobody took: the next file begins behind it."""
        while self.read(_CHUNK):
            pass


@dataclass(slots=True)
class _Arrival:
    file: ImportedFile
    staged: staging.StagedFile | None = None
    answer: Answer | None = None

    @contextmanager
    def answered(self) -> Iterator[None]:
        """Answer this file with what it is refused for."""
        try:
            yield
        except refusals.Refusal as refusal:
            self.answer = refusal


def create_together(
    *, user: Bringer, delivery_id: UUID, announced: Sequence[Announced], read: staging.Read
) -> list[Answer]:
    """Take new files into an import, whose bytes follow one another in a stream; an answer for each, in their order.

    Of a stream that ends early the files that came whole are kept. Raises ``Refusal`` when none may come: then nothing
    was read.
    """
    share = admission.share_of(user, delivery_id)
    admission.check_room(sum(each.length for each in announced))
    arrivals = [_Arrival(services.new_file(delivery_id, each)) for each in announced]
    with ExitStack() as ending:
        ending.callback(_forget_refused, arrivals)
        with ExitStack() as stack:
            for arrival in arrivals:
                part = _Part(read, arrival.file.length)
                with arrival.answered():
                    share.take(arrival.file.length)
                    arrival.staged = stack.enter_context(_opened(arrival.file))
                    _fill(arrival.staged, part, arrival.file.length)
                part.skip()
            for arrival in _unanswered(arrivals):
                with arrival.answered(), admission.writing():
                    _staged(arrival).sync()
        _record(user, delivery_id, _unanswered(arrivals))
    return [arrival.answer for arrival in arrivals if arrival.answer is not None]


def _unanswered(arrivals: Sequence[_Arrival]) -> list[_Arrival]:
    return [arrival for arrival in arrivals if arrival.answer is None]


def _staged(arrival: _Arrival) -> staging.StagedFile:
    assert arrival.staged is not None
    return arrival.staged


def _opened(file: ImportedFile) -> staging.StagedFile:
    try:
        return staging.StagedFile(file.delivery_id, file.pk, create=True)
    except staging.Absent as error:
        raise refusals.Closed from error


def _fill(staged: staging.StagedFile, part: _Part, length: int) -> None:
    with admission.writing():
        came = staged.fill(part.read, length)
    if came != length:
        raise refusals.CutOff


def _record(user: Bringer, delivery_id: UUID, arrivals: Sequence[_Arrival]) -> None:
    """Write the rows of files that are whole; one by one where some were announced before."""
    for arrival in arrivals:
        arrival.file.state = ImportedFile.State.RECEIVED
    try:
        if arrivals:
            services.record_files(delivery_id, [arrival.file for arrival in arrivals])
    except IntegrityError:
        for arrival in arrivals:
            with arrival.answered():
                arrival.answer = _recorded_alone(user, arrival)
        return
    for arrival in arrivals:
        arrival.answer = arrival.file.pk


def _recorded_alone(user: Bringer, arrival: _Arrival) -> UUID:
    file = arrival.file
    try:
        services.record_files(file.delivery_id, [file])
    except IntegrityError:
        return services.join(user, file, file.length, _staged(arrival)).file.pk
    return file.pk


def _forget_refused(arrivals: Sequence[_Arrival]) -> None:
    for arrival in arrivals:
        if arrival.staged is not None and not isinstance(arrival.answer, UUID):
            arrival.staged.remove()
