"""A real S3-compatible store for tests: SeaweedFS out of its wheel, on loopback, with keys, ended by its process id."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.ports import free_port

ACCESS_KEY = "negatoscope"
SECRET_KEY = "a-secret-of-the-tests"
BUCKET = "images"
_ADMINISTRATOR = "administrator"
_PORTS = ("master", "volume", "filer", "s3")
#: The store speaks gRPC at the number of each port plus this.
_GRPC = 10_000


def _identities() -> list[dict[str, Any]]:
    """Who may use the store: its administrator, and we with what docs/storage.md tells one to allow, and no more."""
    allowed = {"administrator": ["Admin", "Read", "Write", "List", "Tagging"]}
    allowed["negatoscope"] = [f"{action}:{BUCKET}" for action in ("Read", "Write", "List")]
    keys = {"administrator": _ADMINISTRATOR, "negatoscope": ACCESS_KEY}
    return [
        {"name": name, "credentials": [{"accessKey": keys[name], "secretKey": SECRET_KEY}], "actions": actions}
        for name, actions in allowed.items()
    ]


@dataclass
class ObjectStore:
    """One store in a folder: it can be stopped, killed and started again with what it kept."""

    folder: Path
    ports: dict[str, int] = field(default_factory=lambda: {name: free_port(above=_GRPC) for name in _PORTS})
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def endpoint(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.ports['s3']}"

    def start(self) -> None:
        """Start it, and wait until it takes an object."""
        data = self.folder / "weed"
        data.mkdir(parents=True, exist_ok=True)
        keys = self.folder / "s3.json"
        keys.write_text(json.dumps({"identities": _identities()}))
        with (self.folder / "weed.log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    str(Path(sys.executable).parent / "weed"),
                    "server",
                    f"-dir={data}",
                    "-ip=127.0.0.1",
                    "-ip.bind=127.0.0.1",
                    f"-master.port={self.ports['master']}",
                    f"-volume.port={self.ports['volume']}",
                    f"-filer.port={self.ports['filer']}",
                    f"-filer.localSocket={self.folder / 'filer.sock'}",
                    "-filer",
                    "-s3",
                    f"-s3.port={self.ports['s3']}",
                    "-s3.port.iceberg=0",
                    "-s3.port.lance=0",
                    f"-s3.localSocket={self.folder / 's3.sock'}",
                    "-s3.autoCreateBucket=false",
                    f"-s3.config={keys}",
                    "-master.volumeSizeLimitMB=512",
                    "-master.telemetry=false",
                    "-volume.max=30",
                ],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + 60
        while not self._takes_objects():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the object store does not start: {(self.folder / 'weed.log').read_text()[-2000:]}")
            time.sleep(0.1)

    def client(self) -> Any:
        """A client of the store's administrator."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=_ADMINISTRATOR,
            aws_secret_access_key=SECRET_KEY,
            region_name="us-east-1",
            config=Config(
                connect_timeout=2, read_timeout=10, retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}
            ),
        )

    def _takes_objects(self) -> bool:
        try:
            client = self.client()
            with contextlib.suppress(client.exceptions.BucketAlreadyExists, client.exceptions.BucketAlreadyOwnedByYou):
                client.create_bucket(Bucket=BUCKET)
            client.put_object(Bucket=BUCKET, Key="started", Body=b"yes")
        except (BotoCoreError, ClientError):
            return False
        return True

    def kill(self) -> None:
        """End it at once, as a power cut does; what it kept stays."""
        if self.process is not None and self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.wait(60)
        self.process = None

    def names(self, prefix: str = "") -> list[str]:
        """Names of all objects."""
        pages = self.client().get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", ())]


def options(endpoint: str, folder: Path, **changes: Any) -> dict[str, Any]:
    """An entry of STORAGES for the store at `endpoint`, with its keys in files of `folder`."""
    access, secret = folder / "access-key", folder / "secret-key"
    if not access.exists():
        access.write_text(ACCESS_KEY + "\n")
        secret.write_text(SECRET_KEY + "\n")
        access.chmod(0o600)
        secret.chmod(0o600)
    values: dict[str, Any] = {
        "endpoint_url": endpoint,
        "bucket_name": BUCKET,
        "region_name": "us-east-1",
        "access_key_file": access,
        "secret_key_file": secret,
    }
    return {"BACKEND": "imaging.storage.s3.S3Tier", "OPTIONS": {**values, **changes}}


def environment_of(endpoint: str, folder: Path) -> dict[str, str]:
    """The environment of a portal whose contents are copied to the store at `endpoint`, with its keys in `folder`."""
    chosen = options(endpoint, folder)["OPTIONS"]
    return {
        "STORAGE_S3_ENDPOINT": endpoint,
        "STORAGE_S3_BUCKET": BUCKET,
        "STORAGE_S3_ACCESS_KEY_FILE": str(chosen["access_key_file"]),
        "STORAGE_S3_SECRET_KEY_FILE": str(chosen["secret_key_file"]),
    }
