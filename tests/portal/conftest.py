"""What the tests of the portal share."""

from pathlib import Path

import pytest


@pytest.fixture
def production(tmp_path: Path) -> dict[str, str]:
    """Everything that production needs."""
    secret_key = tmp_path / "secret_key"
    secret_key.touch(0o600)
    secret_key.write_text("m2Vf9Qk0pXr7" * 6)
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).write_text("x")
    return {
        "DATA_DIR": str(tmp_path / "data"),
        "SECRET_KEY_FILE": str(secret_key),
        "PUBLIC_URL": "https://imaging.example.org",
        "LISTEN_ADDRESS": "127.0.0.1",
        "DATABASE_URL": "postgresql://app:a@db/negatoscope",
        "DATABASE_OWNER_URL": "postgresql://owner:o@db/negatoscope",
        "BROKER_URL": "redis://127.0.0.1:6379/0",
        "EMAIL_URL": "smtp://user:p%40ss@mail.example.org:587",
        "TLS_CERT": str(tmp_path / "cert.pem"),
        "TLS_KEY": str(tmp_path / "key.pem"),
    }
