"""The backend of an object store by itself, against moto: blocks, errors, and what is never given away."""

import errno
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from imaging.storage import s3
from imaging.storage.errors import StoreTrouble
from imaging.storage.s3 import S3Tier
from tests import object_store

DATA = bytes(range(256)) * 40


@pytest.fixture
def endpoint() -> Iterator[str]:
    with mock_aws():
        yield "https://s3.amazonaws.com"


@pytest.fixture
def tier(endpoint: str, tmp_path: Path) -> S3Tier:
    options = object_store.options(endpoint, tmp_path, location="here")["OPTIONS"]
    keys = {"aws_access_key_id": object_store.ACCESS_KEY, "aws_secret_access_key": object_store.SECRET_KEY}
    boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", **keys).create_bucket(Bucket=object_store.BUCKET)
    return S3Tier(**options)


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "BLOCK", 1000)


def test_a_file_over_ranges_reads_like_a_file(tier: S3Tier, small_blocks: None) -> None:
    tier.write_durably("a/b", io.BytesIO(DATA))
    real = io.BytesIO(DATA)
    with tier.open("a/b") as file:
        for offset, whence, size in [(0, 0, 10), (990, 0, 30), (-5, 2, 10), (3, 0, 5000), (-20, 1, 1), (20_000, 0, 1)]:
            assert file.seek(offset, whence) == real.seek(offset, whence)
            assert file.read(size) == real.read(size)
        file.seek(0)
        assert file.read() == DATA
        with pytest.raises(ValueError, match="negative"):
            file.seek(-1)


def test_an_object_that_changes_while_it_is_read_is_not_mixed(tier: S3Tier, small_blocks: None) -> None:
    tier.write_durably("changing", io.BytesIO(DATA))
    with tier.open("changing") as file:
        file.read(10)
        tier.write_durably("changing", io.BytesIO(DATA[::-1]))
        with pytest.raises(StoreTrouble, match="412"):
            file.read()


def test_ranges_end_with_the_object(tier: S3Tier) -> None:
    tier.write_durably("a", io.BytesIO(DATA))
    assert tier.read_range("a", len(DATA) - 3, 10) == DATA[-3:]
    assert tier.read_range("a", len(DATA) + 3, 10) == b""
    assert tier.read_range("a", 0, 0) == b""
    tier.write_durably("empty", io.BytesIO())
    assert tier.read_range("empty", 0, 10) == b""
    with tier.open("empty") as file:
        assert file.read() == b""


def test_what_is_not_there_is_a_file_that_is_not_there(tier: S3Tier) -> None:
    for ask in (tier.size, tier.open, lambda name: tier.read_range(name, 0, 1)):
        with pytest.raises(FileNotFoundError):
            ask("nowhere")
    assert not tier.exists("nowhere")
    tier.delete("nowhere")


def test_a_bucket_that_is_not_there_is_never_an_object_that_is_not_there(endpoint: str, tmp_path: Path) -> None:
    options = object_store.options(endpoint, tmp_path, bucket_name="not-made")["OPTIONS"]
    tier = S3Tier(**options)
    for ask in (tier.size, tier.exists, tier.open, lambda name: tier.write_durably(name, io.BytesIO(b"x"))):
        with pytest.raises(StoreTrouble) as refusal:
            ask("a")
        assert refusal.value.slug == "no_bucket"


def test_large_contents_go_up_in_parts_and_replace_what_was_there(
    tier: S3Tier, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = 5 * 1024 * 1024  # the least that a store takes
    monkeypatch.setattr(s3, "PART", part)
    data = os.urandom(part * 2 + 17)
    for content in (b"before", data):
        tier.write_durably("large", io.BytesIO(content))
        assert tier.size("large") == len(content)
        assert tier.open("large").read() == content
    assert tier.read_range("large", part - 2, 4) == data[part - 2 : part + 2]


def test_names_stay_in_their_folder(tier: S3Tier, endpoint: str) -> None:
    tier.write_durably("inside", io.BytesIO(b"x"))
    assert tier.connection.Bucket(object_store.BUCKET).Object("here/inside").content_length == 1
    with pytest.raises(Exception, match="denied"):
        tier.read_range("../outside", 0, 1)


@pytest.mark.parametrize("variable", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"])
def test_nothing_is_taken_from_the_process(tier: S3Tier, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "other")
    tier.write_durably("own", io.BytesIO(b"x"))
    assert tier.connection.meta.client._request_signer._credentials.access_key == object_store.ACCESS_KEY


def test_no_address_is_given(tier: S3Tier) -> None:
    for name in ("a", None):
        with pytest.raises(NotImplementedError):
            tier.url(name)


@pytest.mark.parametrize(
    ("status", "code", "slug", "number"),
    [
        (403, "SignatureDoesNotMatch", "key_refused", errno.EACCES),
        (401, "", "key_refused", errno.EACCES),
        (404, "NoSuchBucket", "no_bucket", errno.ENODEV),
        (507, "", "store_full", errno.ENOSPC),
        (503, "SlowDown", "store_error", errno.EIO),
    ],
)
def test_answers_are_put_in_our_words(status: int, code: str, slug: str, number: int) -> None:
    answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    trouble = s3._translated(s3.ClientError(answer, "GetObject"))
    assert isinstance(trouble, StoreTrouble)
    assert (trouble.slug, trouble.errno) == (slug, number)
