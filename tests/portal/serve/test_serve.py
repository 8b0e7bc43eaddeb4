"""`manage.py serve` as a person runs it: production over TLS, the demo, two clones, kills."""

import datetime as dt
import http.client
import signal
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from portal.embedded import paths, postgres, redis
from tests.portal.processes import Running, eventually, mentioning, python, running, variables
from tests.ports import free_port

pytestmark = pytest.mark.processes

HOST = "imaging.example.org"

#: As few processes as can be.
SMALL = {"WEB_WORKERS": "1", "SHORT_WORKERS": "1", "LONG_WORKERS": "1", "DICOM_PROCESSES": "1"}


def free_ports() -> dict[str, str]:
    """Ports that nobody uses at this moment."""
    return {name: str(free_port()) for name in ("PORTAL_PORT", "DICOM_PORT", "HL7_PORT")}


@contextmanager
def serving(environment: dict[str, str], log: Path) -> Iterator[Running]:
    with running(python("manage.py", "serve"), environment, log) as program:
        yield program


def refused(environment: dict[str, str], log: Path) -> str:
    """What `serve` says when it does not start."""
    with serving(environment, log) as program:
        assert program.popen.wait(30) == 1, program.output
        assert "Traceback" not in program.output
        return program.output


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for HOST that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = dt.datetime.now(dt.UTC)  # noqa: TID251 -- not the portal's time
    made = (
        x509.CertificateBuilder(subject_name=name, issuer_name=name, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    cert_path, key_path = folder / "cert.pem", folder / "key.pem"
    cert_path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    formats = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    key_path.write_bytes(key.private_bytes(*formats))
    return cert_path, key_path


def get(
    port: str, path: str, trusted: Path, version: ssl.TLSVersion | None = None
) -> tuple[int, http.client.HTTPMessage, bytes]:
    """A verified request over TLS to HOST, at this machine's address: status, headers, body."""
    context = ssl.create_default_context(cafile=str(trusted))
    if version:
        context.maximum_version = version
    raw = socket.create_connection(("127.0.0.1", int(port)), timeout=10)
    with context.wrap_socket(raw, server_hostname=HOST) as secured:
        connection = http.client.HTTPSConnection(HOST)
        connection.sock = secured
        connection.request("GET", path, headers={"Connection": "close"})
        with connection.getresponse() as answer:
            return answer.status, answer.headers, answer.read()


def test_production_serves_over_tls_with_servers_of_others(tmp_path: Path, production: dict[str, str]) -> None:
    cert, _ = certificate(tmp_path)
    ports = free_ports()
    with postgres.running(tmp_path / "other") as database:
        broker = redis.start(tmp_path / "other")
        environment = variables(**production, **ports, SPOOL_RESERVE="0", **SMALL)
        environment |= {
            "DATABASE_URL": database.app_url,
            "DATABASE_OWNER_URL": database.owner_url,
            "BROKER_URL": broker.broker_url,
            "CACHE_URL": broker.url,
        }
        try:
            with serving(environment, tmp_path / "output") as program:
                program.says("Negatoscope is ready", 180)
                for path in ("/health/live", "/health/ready"):
                    status, _, body = get(ports["PORTAL_PORT"], path, cert)
                    assert (status, body) == (200, b"ok")
                status, headers, _ = get(ports["PORTAL_PORT"], "/account/login/", cert, ssl.TLSVersion.TLSv1_2)
                assert status == 200
                assert headers["Strict-Transport-Security"].startswith("max-age=31536000")
                assert "__Host-csrf" in headers["Set-Cookie"]
                assert "demo" not in program.output.lower()
                serving_processes = mentioning(f"PORTAL_SUPERVISOR={paths.digest(tmp_path / 'data')}")
                assert len(serving_processes) >= 6
                for line in serving_processes:
                    assert b"DATABASE_OWNER_URL" not in Path(f"/proc/{line.split()[0]}/environ").read_bytes()
                assert program.ends(signal.SIGTERM) == 0
        finally:
            broker.stop()


def test_production_without_its_variables_says_each_in_a_sentence(tmp_path: Path) -> None:
    said = refused(variables(DATA_DIR=str(tmp_path / "data")), tmp_path / "output").splitlines()
    for name in ("SECRET_KEY_FILE", "PUBLIC_URL", "LISTEN_ADDRESS", "DATABASE_URL", "DATABASE_OWNER_URL", "EMAIL_URL"):
        assert sum(line.startswith(f"{name} is not set: production needs ") for line in said) == 1


def test_the_demo_with_a_database_of_others_is_refused(tmp_path: Path) -> None:
    environment = variables(PORTAL_MODE="demo", DATA_DIR=str(tmp_path / "data"), DATABASE_URL="postgresql://a:b@db/c")
    assert "DATABASE_URL is set, and the demo runs only with the servers" in refused(environment, tmp_path / "output")


def test_the_demo_goes_on_after_kills_stops_when_asked_and_shares_nothing(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    environment = variables(PORTAL_MODE="demo", DATA_DIR=str(data_dir), SPOOL_RESERVE="0", **SMALL, **free_ports())

    with serving(environment, tmp_path / "first") as program:
        program.says("migrate ", 180)
        kill(program, data_dir)

    with serving(environment, tmp_path / "second") as program:
        program.says("Negatoscope is ready", 180)
        # The lines about what runs come after the one that says so.
        program.says("negatoscope-demo", 30)
        same_folder = refused({**environment, **free_ports()}, tmp_path / "same-folder")
        assert f"Negatoscope already runs on DATA_DIR {data_dir} (process {program.popen.pid})" in same_folder
        same_port = refused({**environment, "DATA_DIR": str(tmp_path / "clone")}, tmp_path / "same-port")
        assert f"Port {environment['PORTAL_PORT']} is taken by process" in same_port
        assert "set PORTAL_PORT to a free port" in same_port
        kill(program, data_dir)

    with serving(environment, tmp_path / "third") as program:
        program.says("Negatoscope is ready", 180)
        assert "Making the database" not in program.output
        assert "migrate " not in program.output
        assert program.ends(signal.SIGINT) == 0
        assert not mentioning(str(data_dir))


def kill(program: Running, data_dir: Path) -> None:
    """Kill the supervisor outright and see everything else go."""
    program.popen.kill()
    program.popen.wait()
    eventually(lambda: not mentioning(str(data_dir)), 10)
