"""A directory that other people wrote: OpenLDAP's slapd, on loopback, by TLS alone."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from accounts.audit import Action
from accounts.audit.models import AuditEvent
from accounts.models import Department, FederatedIdentity, IdentityProvider, Membership, User
from portal import directory
from portal.variables import Reader
from tests.accounts.federation.conftest import rule
from tests.peers import find
from tests.portal.processes import eventually
from tests.ports import free_port
from tests.receivers import certificate

pytestmark = [
    pytest.mark.conformance,
    pytest.mark.django_db,
    # The library checks the certificate's name a second time, by a function that Python 3.12 no longer has.
    pytest.mark.filterwarnings("ignore:ssl.match_hostname:DeprecationWarning"),
]
SECRET = "the directory's password"
BASE = "dc=hospital,dc=example"
PEOPLE = f"""
dn: {BASE}
objectClass: dcObject
objectClass: organization
o: Hospital
dc: hospital

dn: cn=portal,{BASE}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: portal
userPassword: for-searching

dn: uid=anna,{BASE}
objectClass: inetOrgPerson
uid: anna
cn: Anna Weber
sn: Weber
displayName: Anna Weber
mail: anna@hospital.example
employeeType: pacs-emergency
userPassword: {SECRET}

dn: uid=ben,{BASE}
objectClass: inetOrgPerson
uid: ben
cn: Ben
sn: Ben
userPassword: {SECRET}
"""


def _configuration(root: Path, folder: Path) -> str:
    schemas = "".join(f"include {root}/etc/ldap/schema/{name}.schema\n" for name in ("core", "cosine", "inetorgperson"))
    return (
        f"{schemas}modulepath {root}/usr/lib/ldap\nmoduleload back_mdb\npidfile {folder}/pid\n"
        f"TLSCertificateFile {folder}/cert.pem\nTLSCertificateKeyFile {folder}/key.pem\n"
        "security simple_bind=128\n"
        f'database mdb\nsuffix "{BASE}"\nrootdn "cn=root,{BASE}"\nrootpw unused\ndirectory {folder}/data\n'
        "access to attrs=userPassword by anonymous auth by * none\n"
        f'access to * by dn.exact="cn=portal,{BASE}" read by self read by anonymous auth\n'
    )


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """A directory that runs: its port, and the certificate of its authority."""
    slapd = Path(find("slapd"))
    # slapadd is the same program by another name, and may be missing where the package was only unpacked.
    root, folder, number = slapd.parents[2], tmp_path_factory.mktemp("slapd"), free_port()
    chain, key = certificate("localhost")
    (folder / "cert.pem").write_bytes(chain)
    (folder / "key.pem").write_bytes(key)
    (folder / "data").mkdir()
    (folder / "slapd.conf").write_text(_configuration(root, folder))
    (folder / "people.ldif").write_text(PEOPLE)
    environment = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    fill = [str(slapd), "-T", "add", "-f", f"{folder}/slapd.conf", "-l", f"{folder}/people.ldif"]
    subprocess.run(fill, check=True, capture_output=True, env=environment)
    command = [str(slapd), "-d", "0", "-f", f"{folder}/slapd.conf", "-h", f"ldap://localhost:{number}/"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment)
    try:
        eventually(lambda: (folder / "pid").exists() or process.poll() is not None)
        assert process.poll() is None, (folder / "log").read_text()
        yield number, folder / "cert.pem"
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture
def hospital_directory(
    port: tuple[int, Path], settings: Any, emergency: Department, tmp_path: Path
) -> IdentityProvider:
    """The directory as a hospital would name it: by variables, and by a row with a rule."""
    cache.clear()
    password = tmp_path / "password"
    password.write_text("for-searching")
    password.chmod(0o600)
    reader = Reader(
        {
            "LDAP_URL": f"ldap://localhost:{port[0]}",
            "LDAP_BASE_DN": BASE,
            "LDAP_BIND_DN": f"cn=portal,{BASE}",
            "LDAP_BIND_PASSWORD_FILE": str(password),
            "LDAP_CA_FILE": str(port[1]),
        }
    )
    settings.DIRECTORY = directory.read(reader, demo=False)
    assert not reader.sentences
    provider = IdentityProvider.objects.create(name="Directory", slug="directory", protocol="ldap")
    rule(provider, emergency, claim="employeeType")
    return provider


def sign_in(client: Client, login: str, password: str = SECRET) -> Any:
    return client.post("/account/login/", {"login": login, "password": password})


def is_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_a_person_signs_in_with_the_directorys_password(client: Client, hospital_directory: IdentityProvider) -> None:
    assert sign_in(client, "anna").status_code == 302
    assert is_in(client)
    anna = User.objects.get(username="anna")
    assert (anna.display_name, anna.email) == ("Anna Weber", "anna@hospital.example")
    assert not anna.has_usable_password()
    assert len(FederatedIdentity.objects.get(user=anna).subject) == 36
    assert Membership.objects.get(user=anna).department.code == "emergency"
    assert client.get("/").status_code == 200


@pytest.mark.parametrize(
    ("login", "password"),
    [("anna", "wrong"), ("anna", ""), ("anna)(uid=*", SECRET), ("*", SECRET), ("an*", SECRET), ("nobody", SECRET)],
)
def test_nobody_else_comes_in(client: Client, hospital_directory: IdentityProvider, login: str, password: str) -> None:
    sign_in(client, login, password)
    assert not is_in(client)
    assert not User.objects.exists()


def test_a_name_that_many_have_is_nobody_s(client: Client, hospital_directory: IdentityProvider, settings: Any) -> None:
    settings.DIRECTORY = replace(settings.DIRECTORY, user_filter="(|(uid={})(objectClass=*))")
    assert "do not go together" in sign_in(client, "anna").content.decode()
    assert not is_in(client)


def test_who_gets_nothing_by_a_rule_is_told(client: Client, hospital_directory: IdentityProvider) -> None:
    said = sign_in(client, "ben").content.decode()
    assert "may not come in" in said
    assert not is_in(client)


def test_an_account_of_the_same_name_is_not_opened(
    client: Client, hospital_directory: IdentityProvider, charlie: User
) -> None:
    User.objects.filter(pk=charlie.pk).update(username="anna")
    sign_in(client, "anna")
    assert not is_in(client)


def test_a_directory_that_is_not_trusted_or_down_hears_no_password(
    client: Client, hospital_directory: IdentityProvider, settings: Any, port: tuple[int, Path], tmp_path: Path
) -> None:
    (tmp_path / "other.pem").write_bytes(certificate("localhost")[0])
    reader = Reader(
        {"LDAP_URL": f"ldap://localhost:{port[0]}", "LDAP_BASE_DN": BASE, "LDAP_CA_FILE": str(tmp_path / "other.pem")}
    )
    settings.DIRECTORY = directory.read(reader, demo=False)
    assert "does not answer" in sign_in(client, "anna").content.decode()
    cache.clear()
    settings.DIRECTORY = directory.read(
        Reader({"LDAP_URL": f"ldaps://localhost:{free_port()}", "LDAP_BASE_DN": BASE}), demo=False
    )
    for _attempt in range(2):
        assert "does not answer" in sign_in(client, "anna").content.decode()
    assert not is_in(client)
    refused = [event.detail.get("why", "") for event in AuditEvent.objects.filter(action=Action.USER_REFUSED)]
    assert refused.count("LDAP: LDAPSocketOpenError") >= 1
    assert refused.count("LDAP: did not answer a moment ago") == 1
    assert SECRET not in str(refused)


def test_variables_that_cannot_be_used_are_sentences() -> None:
    for given, named in (
        ({"LDAP_BASE_DN": BASE}, "LDAP_URL"),
        ({"LDAP_URL": "http://localhost", "LDAP_BASE_DN": BASE}, "LDAP_URL"),
        ({"LDAP_URL": "ldaps://localhost"}, "LDAP_BASE_DN"),
        ({"LDAP_URL": "ldaps://localhost", "LDAP_BASE_DN": BASE, "LDAP_USER_FILTER": "uid=x"}, "LDAP_USER_FILTER"),
    ):
        reader = Reader(given)
        directory.read(reader, demo=False)
        assert named in reader.sentences[0]
