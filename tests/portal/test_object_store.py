"""The variables of the object store: one clear sentence for each that cannot be used, and nothing loaded without one."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from portal.environment import Environment, Misconfigured, read
from tests.portal.processes import ROOT


@pytest.fixture
def store(production: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """Production with a store that can be used."""
    for name in ("access", "secret"):
        (tmp_path / name).write_text("a-key\n")
        (tmp_path / name).chmod(0o600)
    return {
        **production,
        "STORAGE_S3_ENDPOINT": "https://s3.example.org:8333",
        "STORAGE_S3_BUCKET": "hospital-images",
        "STORAGE_S3_ACCESS_KEY_FILE": str(tmp_path / "access"),
        "STORAGE_S3_SECRET_KEY_FILE": str(tmp_path / "secret"),
    }


def sentence(variables: dict[str, str]) -> str:
    with pytest.raises(Misconfigured) as refusal:
        read(variables)
    assert len(refusal.value.sentences) <= 2
    return refusal.value.sentences[0]


def test_without_an_endpoint_there_is_no_store(production: dict[str, str]) -> None:
    assert not read(production).object_store.endpoint


def test_a_store_is_read_and_its_keys_stay_in_their_files(store: dict[str, str]) -> None:
    environment: Environment = read(store)
    options = environment.object_store.options()
    assert options["endpoint_url"] == "https://s3.example.org:8333"
    assert options["access_key_file"] == Path(store["STORAGE_S3_ACCESS_KEY_FILE"])
    assert "a-key" not in repr(environment) + repr(options)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("STORAGE_S3_ENDPOINT", "http://s3.example.org", "must be https://: images would cross the network"),
        ("STORAGE_S3_ENDPOINT", "s3.example.org", "must be https:// and a host"),
        ("STORAGE_S3_ENDPOINT", "https://key:secret@s3.example.org", "must be https:// and a host"),
        ("STORAGE_S3_ENDPOINT", "https://s3.example.org/bucket", "must be https:// and a host"),
        ("STORAGE_S3_ENDPOINT", "https://s3.example.org:port", "must be https:// and a host"),
        ("STORAGE_S3_BUCKET", "", "STORAGE_S3_BUCKET is not set"),
        ("STORAGE_S3_BUCKET", "Images", "is not a bucket's name"),
        ("STORAGE_S3_REGION", "here or there", "is not a region"),
        ("STORAGE_S3_PREFIX", "../other", "is not a folder's name"),
        ("STORAGE_S3_ADDRESSING", "round", "is neither path nor virtual"),
        ("STORAGE_S3_ACCESS_KEY_FILE", "", "STORAGE_S3_ACCESS_KEY_FILE is not set"),
        ("STORAGE_S3_SECRET_KEY_FILE", "/nowhere/key", "cannot be read"),
        ("STORAGE_S3_CA", __file__, "holds no certificate"),
        ("STORAGE_S3_THREADS", "0", "is not a whole number from 1 to 64"),
        ("STORAGE_LOCAL_KEEP", "5%", "is neither all, nor a number of days"),
        ("STORAGE_LOCAL_KEEP", "some", "is neither all, nor a number of days"),
    ],
)
def test_what_cannot_be_used_is_a_sentence(store: dict[str, str], name: str, value: str, expected: str) -> None:
    assert expected in sentence({**store, name: value})


def test_a_variable_without_a_store_is_a_sentence(production: dict[str, str]) -> None:
    said = sentence({**production, "STORAGE_LOCAL_KEEP": "90d"})
    assert said == "STORAGE_LOCAL_KEEP is set, but STORAGE_S3_ENDPOINT, the store that it is for, is not."


def test_http_is_for_a_store_on_this_machine(store: dict[str, str]) -> None:
    assert read({**store, "STORAGE_S3_ENDPOINT": "http://127.0.0.1:8333/"}).object_store.endpoint


@pytest.mark.parametrize(
    ("value", "kept"),
    [("", None), ("all", None), ("90d", timedelta(days=90)), ("1 day", timedelta(days=1)), ("500G", 500 * 1024**3)],
)
def test_what_stays_here_is_an_age_or_a_size(store: dict[str, str], value: str, kept: object) -> None:
    assert read({**store, "STORAGE_LOCAL_KEEP": value}).object_store.local_keep == kept


def test_processes_load_nothing_of_the_store_before_they_read_from_it(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("a-key")
    (tmp_path / "key").chmod(0o600)
    environment = {
        **os.environ,
        "STORAGE_S3_ENDPOINT": "http://127.0.0.1:9",
        "STORAGE_S3_BUCKET": "images",
        "STORAGE_S3_ACCESS_KEY_FILE": str(tmp_path / "key"),
        "STORAGE_S3_SECRET_KEY_FILE": str(tmp_path / "key"),
    }
    script = (
        "import sys, django; django.setup(); import portal.urls; from imaging.storage import services, tiers;"
        "assert tiers.copy_tiers() == ('tier-s3',);"
        "print([name for name in ('boto3', 'botocore', 'storages') if name in sys.modules])"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, check=False, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
