"""An S3-compatible object store as a tier (SeaweedFS, MinIO, Ceph, AWS).

Imported only when such a tier is used: boto3 costs a second and tens of megabytes. Nothing of it leaves this module:
neither an address (``url`` refuses, so that no presigned URL can ever be given away), nor an exception of its own.
"""

import base64
import errno
import hashlib
import io
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Final, NoReturn, cast

import boto3.session
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.utils.deconstruct import deconstructible
from storages.backends.s3 import S3Storage

from imaging.storage.errors import StoreTrouble

#: What one request reads ahead, in bytes: a little more than what the services read and check in one go.
BLOCK: Final = 4 * 1024 * 1024 + 64 * 1024
#: One part of a large upload, in bytes; a store takes 10,000 of them (156 GiB).
PART: Final = 16 * 1024 * 1024
#: After a silence, readers are answered at once for so many seconds instead of waiting in their turn.
_QUIET: Final = 3.0
#: What boto would take from the account's own files and profiles.
_OURS_ALONE: Final = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}
_PROBE: Final = "negatoscope-probe"

_FULL: Final = frozenset({"XMinioStorageFull", "XMinioStorageQuotaExceeded", "QuotaExceeded", "InsufficientCapacity"})


@deconstructible(path="imaging.storage.s3.S3Tier")
class S3Tier(S3Storage):  # type: ignore[misc]
    """Objects in one bucket, private, by path-style addresses; keys are read from files, and again when these change.

    ``timeouts`` are (connect, read, write) in seconds: a reader is a person who waits, a writer is the copier.
    """

    def __init__(
        self,
        *,
        access_key_file: str | os.PathLike[str],
        secret_key_file: str | os.PathLike[str],
        ca_file: str | os.PathLike[str] | None = None,
        timeouts: tuple[float, float, float] = (2.0, 3.0, 30.0),
        addressing_style: str = "path",
        **options: Any,
    ) -> None:
        """Use the bucket that ``options`` name in django-storages' words: ``endpoint_url``, ``bucket_name``."""
        self._key_files = (Path(access_key_file), Path(secret_key_file))
        self._timeouts = timeouts
        self._lock = threading.Lock()
        self._clients: dict[tuple[Any, ...], Any] = {}
        self._quiet_until = 0.0
        super().__init__(addressing_style=addressing_style, verify=os.fspath(ca_file) if ca_file else None, **options)

    def get_default_settings(self) -> dict[str, Any]:
        """What is not given: nothing is taken from the process's own AWS variables, and nothing is ever public."""
        settings: dict[str, Any] = super().get_default_settings()
        for name in ("access_key", "secret_key", "security_token", "session_profile", "custom_domain", "default_acl"):
            settings[name] = None
        return {**settings, "querystring_auth": False, "signature_version": "s3v4", "gzip": False}

    def url(self, name: str | None, *_more: Any, **_options: Any) -> NoReturn:
        """Refuse: kept bytes have no address of their own; every reader comes through a door."""
        raise NotImplementedError(f"{name} has no URL")

    def write_durably(self, name: str, content: BinaryIO) -> None:
        """Upload ``content`` from where it stands; the store checks the SHA-256 of every request before it says yes."""
        key = self._normalize_name(name)
        first = _read_fully(content, PART)
        with _in_our_words():
            client = self._client(writing=True)
            if len(first) < PART:
                client.put_object(
                    Bucket=self.bucket_name,
                    Key=key,
                    Body=first,
                    ContentType=self.default_content_type,
                    ChecksumSHA256=base64.b64encode(hashlib.sha256(first).digest()).decode(),
                )
            else:
                self._upload_in_parts(client, key, first, content)

    def _upload_in_parts(self, client: Any, key: str, first: bytes, content: BinaryIO) -> None:
        where = {"Bucket": self.bucket_name, "Key": key}
        upload = client.create_multipart_upload(**where, ContentType=self.default_content_type)["UploadId"]
        try:
            parts: list[dict[str, Any]] = []
            part = first
            while part:
                number = len(parts) + 1
                # The signature covers the SHA-256 of the part, so that the store notices what was changed on the way.
                answer = client.upload_part(**where, UploadId=upload, PartNumber=number, Body=part)
                parts.append({"PartNumber": number, "ETag": answer["ETag"]})
                part = _read_fully(content, PART)
            client.complete_multipart_upload(**where, UploadId=upload, MultipartUpload={"Parts": parts})
        except BaseException:
            # What cannot be told now, the bucket's own rule for unfinished uploads clears (docs/storage.md).
            with suppress(ClientError, BotoCoreError):
                client.abort_multipart_upload(**where, UploadId=upload)
            raise

    def read_range(self, name: str, start: int, length: int) -> bytes:
        """``length`` bytes from ``start``; fewer at the end of the object. Raises ``OSError``."""
        return self._get(name, start, length)[0] if length else b""

    def _open(self, name: str, mode: str = "rb") -> BinaryIO:
        if mode != "rb":
            raise ValueError("Objects of a store are written by write_durably.")
        return cast("BinaryIO", io.BufferedReader(RangedFile(partial(self._get, name))))

    def _save(self, name: str, content: Any) -> str:
        content.seek(0)
        self.write_durably(name, content)
        return name

    def exists(self, name: str) -> bool:
        """Whether there is an object of this name."""
        try:
            self.size(name)
        except FileNotFoundError:
            return False
        return True

    def size(self, name: str) -> int:
        """Length in bytes. Raises ``FileNotFoundError``, and ``StoreTrouble`` when that cannot be known."""
        try:
            with self._reading() as client:
                answer = client.head_object(Bucket=self.bucket_name, Key=self._normalize_name(name))
        except FileNotFoundError:
            # An answer to HEAD does not say whether the object or the whole bucket is missing; one to GET does.
            return self._get(name, 0, 1)[1]
        return int(answer["ContentLength"])

    def delete(self, name: str) -> None:
        """Delete; what is not there is deleted already."""
        with suppress(FileNotFoundError), _in_our_words():
            self._client().delete_object(Bucket=self.bucket_name, Key=self._normalize_name(name))

    def probe(self) -> None:
        """Write and read one small object of a fixed name. Raises ``OSError`` that says what is wrong."""
        self.write_durably(_PROBE, io.BytesIO(b"This store can be written to and read from.\n"))
        self._quiet_until = 0.0
        self._get(_PROBE, 0, 1)

    def _get(self, name: str, start: int, length: int, etag: str = "") -> tuple[bytes, int, str]:
        """A range with the length and the tag of the whole object."""
        wanted = {"IfMatch": etag} if etag else {}
        key = self._normalize_name(name)
        span = f"bytes={start}-{start + length - 1}"
        try:
            with self._reading() as client:
                answer = client.get_object(Bucket=self.bucket_name, Key=key, Range=span, **wanted)
                body = answer["Body"]
                try:
                    data = body.read()
                finally:
                    body.close()
        except _OutsideObject as error:
            return b"", error.length, etag
        whole = answer.get("ContentRange", "").rpartition("/")[2]
        return data, int(whole) if whole.isdigit() else len(data), answer["ETag"]

    @contextmanager
    def _reading(self) -> Iterator[Any]:
        """The client for readers. After a silence of the store it is not asked for a few seconds."""
        if time.monotonic() < self._quiet_until:
            raise _no_answer("a moment ago")
        try:
            with _in_our_words():
                yield self._client()
        except StoreTrouble as error:
            if error.slug == "no_answer":
                self._quiet_until = time.monotonic() + _QUIET
            raise

    def _create_session(self) -> Any:
        with _keys():
            access, secret = (path.read_text(encoding="utf-8").strip() for path in self._key_files)
        return boto3.session.Session(
            aws_access_key_id=access,
            aws_secret_access_key=secret,
            botocore_session=botocore.session.Session(session_vars=_OURS_ALONE),
        )

    def _client(self, *, writing: bool = False) -> Any:
        """A client that threads share; another one after a fork, and when the keys were changed."""
        with _keys():
            stamp = (os.getpid(), *(path.stat().st_mtime_ns for path in self._key_files))
        with self._lock:
            if self._clients.get(("stamp",)) != stamp:
                self._clients = {("stamp",): stamp}
            made = self._clients.get((writing,))
            if made is None:
                made = self._clients[writing,] = self._create_session().client(
                    "s3",
                    region_name=self.region_name,
                    endpoint_url=self.endpoint_url,
                    verify=self.verify,
                    config=self._config(writing=writing),
                )
            return made

    def _config(self, *, writing: bool) -> Config:
        connect, read, write = self._timeouts
        return Config(
            signature_version="s3v4",
            connect_timeout=connect,
            read_timeout=write if writing else read,
            retries={"mode": "standard", "total_max_attempts": 2},
            max_pool_connections=64,
            tcp_keepalive=True,
            # Checksums of other kinds travel in trailers that many stores do not know; we send SHA-256 ourselves.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={"addressing_style": self.addressing_style, "payload_signing_enabled": True},
        )


class RangedFile(io.RawIOBase):
    """A seekable file over ranges of one object: one block in memory, however large the object is.

    ``get(start, length, etag)`` gives bytes, the object's length and its tag; the first block is asked for at once, so
    that opening what is not there fails.
    """

    def __init__(self, get: Callable[..., tuple[bytes, int, str]]) -> None:
        super().__init__()
        self._get = get
        self._position = 0
        self._start = 0
        self._block, self._length, self._etag = get(0, BLOCK)

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """Position from the start, in bytes."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move; nothing is read."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._length}[whence]
        if base + offset < 0:
            raise ValueError("negative seek position")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Fill ``buffer`` as far as the block reaches; 0 at the end. Raises ``OSError``."""
        if self._position >= self._length:
            return 0
        if not self._start <= self._position < self._start + len(self._block):
            self._block = b""  # before the next one comes, or there would be two of them
            self._block, _length, _etag = self._get(self._position, BLOCK, self._etag)
            self._start = self._position
        begin = self._position - self._start
        count = min(len(buffer), len(self._block) - begin)
        buffer[:count] = memoryview(self._block)[begin : begin + count]
        self._position += count
        return count


class _OutsideObject(Exception):
    """The range begins behind the end of an object of ``length`` bytes."""

    def __init__(self, length: int) -> None:
        super().__init__(length)
        self.length = length


@contextmanager
def _keys() -> Iterator[None]:
    """A key file that is gone must not look like an object that is gone."""
    try:
        yield
    except (OSError, UnicodeDecodeError):
        raise StoreTrouble(errno.EACCES, "the object store's keys cannot be read", slug="key_refused") from None


def _no_answer(how: str) -> StoreTrouble:
    return StoreTrouble(errno.EHOSTUNREACH, f"the object store did not answer ({how})", slug="no_answer")


@contextmanager
def _in_our_words() -> Iterator[None]:
    """Make ``OSError`` of what boto says. Its own texts hold addresses and names, and stay here."""
    try:
        yield
    except ClientError as error:
        raise _translated(error) from None
    except BotoCoreError as error:
        raise _no_answer(type(error).__name__) from None


def _translated(error: ClientError) -> Exception:
    code = str(error.response.get("Error", {}).get("Code", ""))
    answer = error.response.get("ResponseMetadata", {})
    status = int(answer.get("HTTPStatusCode", 0))
    if code == "NoSuchBucket":
        return StoreTrouble(errno.ENODEV, "the object store has no such bucket", slug="no_bucket")
    if status == 404:
        return FileNotFoundError(errno.ENOENT, "the object store has no such object")
    if status == 416:
        whole = str(answer.get("HTTPHeaders", {}).get("content-range", "")).rpartition("/")[2]
        return _OutsideObject(int(whole) if whole.isdigit() else 0)
    if status in {401, 403}:
        return StoreTrouble(errno.EACCES, f"the object store refuses our key ({code})", slug="key_refused")
    if status == 507 or code in _FULL:
        return StoreTrouble(errno.ENOSPC, "the object store is full", slug="store_full")
    return StoreTrouble(errno.EIO, f"the object store answers {status} ({code})", slug="store_error")


def _read_fully(content: BinaryIO, size: int) -> bytes:
    """``size`` bytes, or what is left; raw files may give fewer at a time."""
    data = content.read(size)
    if len(data) in {0, size}:
        return data
    parts = [data]
    missing = size - len(data)
    while missing and (data := content.read(missing)):
        parts.append(data)
        missing -= len(data)
    return b"".join(parts)
