"""The S3-compatible object store of STORAGE_S3_*, where contents are copied to, and how much is kept here besides."""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from portal.variables import Reader, reserve_bytes

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")
_REGION = re.compile(r"[A-Za-z0-9-]{1,40}")
_OTHERS = ("BUCKET", "REGION", "PREFIX", "ACCESS_KEY_FILE", "SECRET_KEY_FILE", "CA", "ADDRESSING")


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectStore:
    """What the variables say; without an endpoint there is no store."""

    endpoint: str = ""
    bucket: str = ""
    region: str = "us-east-1"
    #: A folder within the bucket, or nothing.
    prefix: str = ""
    #: "path" (https://store/bucket/name) or "virtual" (https://bucket.store/name).
    addressing: str = "path"
    access_key_file: Path | None = field(default=None, repr=False)
    secret_key_file: Path | None = field(default=None, repr=False)
    ca: Path | None = None
    #: Copies at the same time.
    threads: int = 4
    #: How long, or how many bytes of, verified copies stay on this machine too; None: all of them.
    local_keep: timedelta | int | None = None

    def options(self) -> dict[str, Any]:
        """Django's OPTIONS of the tier. The keys are named by their files, never held here."""
        return {
            "endpoint_url": self.endpoint,
            "bucket_name": self.bucket,
            "region_name": self.region,
            "location": self.prefix,
            "addressing_style": self.addressing,
            "access_key_file": self.access_key_file,
            "secret_key_file": self.secret_key_file,
            "ca_file": self.ca,
        }


def read(reader: Reader, *, demo: bool) -> ObjectStore:
    """The store of STORAGE_S3_ENDPOINT; a variable that cannot be used is a sentence."""
    threads = reader.number("STORAGE_S3_THREADS", 4, 1, 64)
    endpoint = reader.text("STORAGE_S3_ENDPOINT").rstrip("/")
    if not endpoint:
        for name in [*(f"STORAGE_S3_{name}" for name in _OTHERS), "STORAGE_LOCAL_KEEP"]:
            if reader.text(name):
                reader.sentences.append(f"{name} is set, but STORAGE_S3_ENDPOINT, the store that it is for, is not.")
        return ObjectStore(threads=threads)
    _check_endpoint(reader, endpoint, demo=demo)
    return ObjectStore(
        endpoint=endpoint,
        bucket=_matching(reader, "STORAGE_S3_BUCKET", _BUCKET, "", "a bucket's name such as hospital-images"),
        region=_matching(reader, "STORAGE_S3_REGION", _REGION, "us-east-1", "a region such as eu-west-3"),
        prefix=_matching(reader, "STORAGE_S3_PREFIX", _PREFIX, None, "a folder's name such as negatoscope"),
        addressing=_addressing(reader),
        access_key_file=_key_file(reader, "STORAGE_S3_ACCESS_KEY_FILE"),
        secret_key_file=_key_file(reader, "STORAGE_S3_SECRET_KEY_FILE"),
        ca=_certificates(reader),
        threads=threads,
        local_keep=_local_keep(reader),
    )


def _check_endpoint(reader: Reader, endpoint: str, *, demo: bool) -> None:
    try:
        parts = urlsplit(endpoint)
        hostname, _port = parts.hostname, parts.port
    except ValueError:
        parts, hostname = urlsplit(""), None
    if parts.scheme not in {"https", "http"} or not hostname or parts.path or parts.query or parts.username:
        reader.sentences.append(
            "STORAGE_S3_ENDPOINT must be https:// and a host, with a port where needed and nothing behind it, such as"
            " https://s3.example.org:8333; keys go into files, the bucket into STORAGE_S3_BUCKET."
        )
    elif parts.scheme == "http" and hostname not in _LOOPBACK and not demo:
        reader.sentences.append(
            f"STORAGE_S3_ENDPOINT={endpoint!r} must be https://: images would cross the network in the clear (http is"
            " for a store on this machine only)."
        )


def _matching(reader: Reader, name: str, pattern: re.Pattern[str], default: str | None, example: str) -> str:
    """A text of the right form; a default of None means that it may be left out."""
    text = reader.text(name, default or "").strip("/")
    if not text and default is None:
        return ""
    if not pattern.fullmatch(text):
        reader.sentences.append(
            f"{name}={text!r} is not {example}." if text else f"{name} is not set: the object store needs {example}."
        )
    return text


def _addressing(reader: Reader) -> str:
    style = reader.text("STORAGE_S3_ADDRESSING", "path")
    if style not in {"path", "virtual"}:
        reader.sentences.append(f"STORAGE_S3_ADDRESSING={style!r} is neither path nor virtual.")
    return style


def _key_file(reader: Reader, name: str) -> Path | None:
    if not reader.text(name):
        reader.sentences.append(
            f"{name} is not set: the object store needs a file with this key, readable by this account only."
        )
        return None
    reader.secret_file(name)
    return reader.path(name)


def _certificates(reader: Reader) -> Path | None:
    path = reader.path("STORAGE_S3_CA")
    if path is not None and "-----BEGIN CERTIFICATE-----" not in reader.file("STORAGE_S3_CA"):
        reader.sentences.append(f"STORAGE_S3_CA names {path}, which holds no certificate in PEM form.")
    return path


def _local_keep(reader: Reader) -> timedelta | int | None:
    text = reader.text("STORAGE_LOCAL_KEEP")
    if not text or text == "all":
        return None
    days = re.fullmatch(r"(\d{1,5}) ?(?:d|days?)", text)
    if days:
        return timedelta(days=int(days[1]))
    try:
        if "%" in text:
            raise ValueError(text)
        return reserve_bytes(text, 0)
    except ValueError:
        reader.sentences.append(
            f"STORAGE_LOCAL_KEEP={text!r} is neither all, nor a number of days such as 90d, nor a size such as 500G."
        )
        return None
