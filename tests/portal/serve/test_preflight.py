"""What is looked at before anything starts: each hindrance is a sentence."""

import socket
from pathlib import Path

import pytest

from portal.embedded import Refused
from portal.environment import Environment, read
from portal.serve import preflight


@pytest.fixture
def demo(tmp_path: Path) -> dict[str, str]:
    return {"PORTAL_MODE": "demo", "DATA_DIR": str(tmp_path / "data")}


def environment(variables: dict[str, str]) -> Environment:
    return read(variables)


@pytest.mark.parametrize("name", ["DATABASE_URL", "BROKER_URL"])
def test_the_demo_refuses_servers_of_others(demo: dict[str, str], name: str) -> None:
    demo[name] = "redis://db/0"
    with pytest.raises(Refused, match=f"{name} is set, and the demo runs only with the servers that it makes itself"):
        preflight.refuse_demo_database(environment(demo))


def test_a_taken_port_is_told_with_its_variable_and_its_holder() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(Refused, match=rf"Port {port} is taken by process \d+ \(.+\): .* set PORTAL_PORT to a free"):
            preflight.check_ports("127.0.0.1", {"PORTAL_PORT": port})
        assert preflight.listening("127.0.0.1", port)
    assert not preflight.listening("127.0.0.1", port)


def test_a_port_shared_by_willing_processes_is_taken_too() -> None:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        server.bind(("127.0.0.1", 0))
        server.listen()
        with pytest.raises(Refused, match="DICOM_PORT"):
            preflight.check_ports("127.0.0.1", {"DICOM_PORT": server.getsockname()[1]})


def test_two_listeners_on_one_port_are_refused() -> None:
    with pytest.raises(Refused, match="PORTAL_PORT=8000, DICOM_PORT=8000"):
        preflight.check_ports("127.0.0.1", {"PORTAL_PORT": 8000, "DICOM_PORT": 8000})


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(Refused, match=r"LISTEN_ADDRESS=192\.0\.2\.1 is not an address of this machine"):
        preflight.check_ports("192.0.2.1", {"PORTAL_PORT": 8000})


def test_a_full_disk_is_told_with_what_is_left_and_what_to_change(demo: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with pytest.raises(Refused, match=r"has .* free, less than the reserve of .* \(SPOOL_RESERVE=1000T\)"):
        preflight.check_disk(environment({**demo, "SPOOL_RESERVE": "1000T"}))
    preflight.check_disk(environment({**demo, "SPOOL_RESERVE": "0"}))


def test_one_data_folder_serves_one_supervisor(tmp_path: Path) -> None:
    with preflight.lock(tmp_path), pytest.raises(Refused, match=r"already runs on DATA_DIR .* \(process \d+\)"):
        preflight.lock(tmp_path)
    preflight.lock(tmp_path).close()


def test_a_demo_never_opens_a_production_folder_nor_the_other_way(tmp_path: Path) -> None:
    preflight.claim(tmp_path, "production")
    preflight.claim(tmp_path, "production")
    with pytest.raises(Refused, match="is a production folder, and PORTAL_MODE is demo"):
        preflight.claim(tmp_path, "demo")


def test_a_key_that_the_web_server_cannot_read_is_told_with_the_command_that_converts_it(
    tmp_path: Path, production: dict[str, str]
) -> None:
    key = tmp_path / "key.pem"
    key.write_text("-----BEGIN EC PRIVATE KEY-----\n")
    with pytest.raises(Refused, match="openssl pkcs8 -topk8 -nocrypt"):
        preflight.check_tls_key(environment(production))
