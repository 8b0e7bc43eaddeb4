"""The LDAP directory of LDAP_*, whose people may sign in with the password that they have there."""

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from portal.variables import Reader

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_OTHERS = ("BASE_DN", "BIND_DN", "BIND_PASSWORD_FILE", "CA_FILE", "USER_FILTER", "SUBJECT_ATTRIBUTE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """What the variables say; without a host there is no directory."""

    host: str = ""
    port: int = 636
    #: TLS from the first byte (ldaps); otherwise STARTTLS before anything is said.
    is_ldaps: bool = True
    #: Neither: on this very machine in a demo alone.
    is_plain: bool = False
    base_dn: str = ""
    bind_dn: str = ""
    bind_password: str = field(default="", repr=False)
    ca_file: Path | None = None
    #: `{}` stands for what was typed.
    user_filter: str = "(uid={})"
    #: What names a person for good.
    subject_attribute: str = "entryUUID"


def read(reader: Reader, *, demo: bool) -> Directory:
    """The directory of LDAP_URL; a variable that cannot be used is a sentence."""
    url = reader.text("LDAP_URL")
    if not url:
        for name in (f"LDAP_{name}" for name in _OTHERS):
            if reader.text(name):
                reader.sentences.append(f"{name} is set, but LDAP_URL, the directory that it is for, is not.")
        return Directory()
    parts = urlsplit(url)
    is_ldaps = parts.scheme == "ldaps"
    if parts.scheme not in {"ldap", "ldaps"} or not parts.hostname or parts.path.strip("/") or parts.username:
        reader.sentences.append("LDAP_URL is not of the form ldaps://host:636 or ldap://host:389 (with STARTTLS).")
    user_filter = reader.text("LDAP_USER_FILTER", "(uid={})")
    if user_filter.count("{}") != 1 or not (user_filter.startswith("(") and user_filter.endswith(")")):
        reader.sentences.append("LDAP_USER_FILTER needs brackets around it and {} once, such as (uid={}).")
    base_dn = reader.text("LDAP_BASE_DN")
    if not base_dn:
        reader.sentences.append("LDAP_BASE_DN is not set: LDAP_URL needs the place where people are looked for.")
    plain = demo and parts.hostname in _LOOPBACK and not is_ldaps and not reader.text("LDAP_CA_FILE")
    return Directory(
        host=parts.hostname or "",
        port=parts.port or (636 if is_ldaps else 389),
        is_ldaps=is_ldaps,
        is_plain=plain,
        base_dn=base_dn,
        bind_dn=reader.text("LDAP_BIND_DN"),
        bind_password=reader.secret_file("LDAP_BIND_PASSWORD_FILE"),
        ca_file=reader.path("LDAP_CA_FILE"),
        user_filter=user_filter,
        subject_attribute=reader.text("LDAP_SUBJECT_ATTRIBUTE", "entryUUID"),
    )
