"""Whatever a browser, the network and dying processes do, in any order: the bytes that arrive are the bytes that were sent."""

import hashlib
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts.models import User
from imaging.ingest.models import ImportedFile
from imaging.ingest.uploads import refusals, services, staging
from imaging.ingest.uploads.protocol import Checksum
from imaging.ingest.uploads.services import Announced, Body
from tests.imaging.ingest.uploads.conftest import Sender

pytestmark = pytest.mark.django_db(transaction=True)


class Killed(BaseException):
    """The process dies here: nothing after it is done."""


def reader(content: bytes, *, breaks_after: int | None = None, kill: bool = False) -> Any:
    """A stream of this content, in small reads, that may end early or take the process with it."""
    state = {"at": 0}

    def read(size: int) -> bytes:
        at = state["at"]
        if breaks_after is not None and at >= breaks_after:
            if kill:
                raise Killed
            return b""
        end = min(at + min(size, 7), len(content) if breaks_after is None else breaks_after)
        state["at"] = end
        return content[at:end]

    return read


class Uploading(RuleBasedStateMachine):
    """One file on its way."""

    user: User
    delivery_id: UUID

    @initialize(content=st.binary(min_size=0, max_size=60), first=st.integers(0, 60), printed=st.booleans())
    def create(self, content: bytes, first: int, printed: bool) -> None:
        self.content = content
        self.print = hashlib.sha256(content + str(id(self)).encode()).hexdigest() if printed else ""
        self.announced = Announced(path="a", length=len(content), fingerprint=self.print)
        body = Body(reader(content, breaks_after=min(first, len(content))), len(content)) if first else None
        self.file: UUID = services.create(
            user=self.user, delivery_id=self.delivery_id, announced=self.announced, body=body
        ).file.pk
        self.low = min(first, len(content))

    def _offset(self) -> int:
        return services.find(user=self.user, file_id=self.file).offset

    @rule(size=st.integers(0, 60), cut=st.integers(0, 60))
    def append(self, size: int, cut: int) -> None:
        offset = self._offset()
        piece = self.content[offset : offset + size]
        upload = services.append(
            user=self.user,
            file_id=self.file,
            offset=offset,
            body=Body(reader(piece, breaks_after=min(cut, len(piece))), len(piece)),
        )
        assert upload.offset == offset + min(cut, len(piece))
        self.low = upload.offset

    @rule(size=st.integers(1, 60), cut=st.integers(0, 59))
    def append_and_die(self, size: int, cut: int) -> None:
        offset = self._offset()
        piece = self.content[offset : offset + size]
        if not piece:
            return
        body = Body(reader(piece, breaks_after=min(cut, len(piece) - 1), kill=True), len(piece))
        with pytest.raises(Killed):
            services.append(user=self.user, file_id=self.file, offset=offset, body=body)
        assert self._offset() >= self.low

    @rule(size=st.integers(1, 60), is_right=st.booleans(), cut=st.integers(0, 60))
    def append_with_digest(self, size: int, is_right: bool, cut: int) -> None:
        offset = self._offset()
        piece = self.content[offset : offset + size]
        if not piece:
            return
        checksum = Checksum("sha256", hashlib.sha256(piece if is_right else piece + b"!").digest())
        body = Body(reader(piece, breaks_after=min(cut, len(piece))), len(piece), checksum)
        if is_right and cut >= len(piece):
            services.append(user=self.user, file_id=self.file, offset=offset, body=body)
            self.low = offset + len(piece)
        else:
            with pytest.raises(refusals.Damaged):
                services.append(user=self.user, file_id=self.file, offset=offset, body=body)
            assert self._offset() == offset

    @rule(lie=st.integers(0, 80))
    def append_elsewhere(self, lie: int) -> None:
        offset = self._offset()
        if lie == offset:
            return
        with pytest.raises(refusals.WrongOffset):
            services.append(user=self.user, file_id=self.file, offset=lie, body=Body(reader(b"x"), 1))
        assert self._offset() == offset

    @precondition(lambda self: self.print)
    @rule(first=st.integers(1, 60))
    def announce_again(self, first: int) -> None:
        body = Body(reader(self.content, breaks_after=min(first, len(self.content))), len(self.content))
        again = services.create(user=self.user, delivery_id=self.delivery_id, announced=self.announced, body=body)
        assert again.file.pk == self.file
        assert again.offset >= self.low
        self.low = again.offset

    @invariant()
    def what_lies_there_is_what_was_sent(self) -> None:
        if not hasattr(self, "file"):
            return
        there = staging.path_of(self.delivery_id, self.file).read_bytes()
        assert there == self.content[: len(there)]
        assert len(there) >= self.low
        row = ImportedFile.objects.get(pk=self.file)
        assert row.state != ImportedFile.State.RECEIVED or len(there) == len(self.content)


def test_bytes_arrive_as_they_were_sent_in_any_order_of_events(sender: Sender, alice: User) -> None:
    class Here(Uploading):
        user, delivery_id = alice, sender.delivery.pk

    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=40, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck), database=None
        ),
    )  # fmt: skip
