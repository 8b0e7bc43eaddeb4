"""Runs Django's deployment check against production settings made up for the purpose: no warning is allowed."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from portal.variables import BASE_DIR


def main() -> int:
    """Return the exit code of `manage.py check --deploy --fail-level WARNING`."""
    with tempfile.TemporaryDirectory() as folder:
        key = Path(folder) / "secret-key"
        key.touch(0o600)
        key.write_text(os.urandom(48).hex())
        variables = {
            "PATH": os.environ.get("PATH", ""),
            "ENV_FILE": "",
            "PORTAL_MODE": "production",
            "DATA_DIR": folder,
            "SECRET_KEY_FILE": str(key),
            "PUBLIC_URL": "https://imaging.example.org",
            "LISTEN_ADDRESS": "127.0.0.1",
            "DATABASE_URL": "postgresql://application@/check",
            "DATABASE_OWNER_URL": "postgresql://owner@/check",
            "BROKER_URL": "redis://127.0.0.1:6379/0",
            "EMAIL_URL": "smtp://mail.example.org:25",
            "TRUSTED_PROXIES": "127.0.0.1",
        }
        command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
        return subprocess.run(command, cwd=BASE_DIR, env=variables, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
