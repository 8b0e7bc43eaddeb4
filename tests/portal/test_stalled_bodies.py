"""A body is what was sent, however it comes; one that stalls ends in TimeoutError, and its thread with its connection."""

import io
import threading
from collections.abc import Callable
from typing import Any

import pytest

from portal.stalled_bodies import PatientInput, StalledBodies


def patient(stream: Any, seconds: float = 5.0) -> PatientInput:
    return PatientInput(stream, seconds, threading.Semaphore(10))


def test_a_body_is_read_as_a_file_would_be() -> None:
    content = b"one\ntwo\n" + bytes(range(256)) * 4000
    body = patient(io.BytesIO(content))
    assert body.readline() == b"one\n"
    assert body.readline(2) == b"tw"
    assert body.read(2) == b"o\n"
    assert body.read(300_000) == content[8:300_008]
    assert body.read() == content[300_008:]
    assert body.read(5) == b""
    assert body.readline() == b""


class Stalling(io.BytesIO):
    """Waits at its end until its connection is gone."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.gone = threading.Event()

    def read(self, size: int | None = -1, /) -> bytes:
        found = super().read(size)
        if not found:
            self.gone.wait(10)
        return found


def test_a_body_that_stalls_ends_in_a_timeout() -> None:
    stream = Stalling(b"abc")
    body = patient(stream, 0.1)
    with pytest.raises(TimeoutError):
        body.read(10)
    stream.gone.set()


def test_an_error_of_the_connection_reaches_the_reader() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        patient(Broken()).read(1)


def test_the_application_gets_a_body_that_does_not_wait_for_ever() -> None:
    stream = Stalling(b"abc")

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        try:
            environ["wsgi.input"].read()
        except TimeoutError:
            return [b"stalled"]
        return [b"read"]

    wrapped = StalledBodies(application, seconds=0.1)
    assert wrapped({"wsgi.input": stream}, None) == [b"stalled"]
    stream.gone.set()
    assert wrapped({"wsgi.input": io.BytesIO(b"abc")}, None) == [b"read"]


def test_a_request_without_a_body_needs_no_thread() -> None:
    before = threading.active_count()
    body = patient(io.BytesIO(b""))
    body.close()
    assert threading.active_count() == before
