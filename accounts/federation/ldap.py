"""An LDAP directory (RFC 4511), where the extra `ldap` is installed: people sign in with the password they have there.

Found by one search, recognised by a bind with their own name and password, over TLS alone.
"""

import ssl
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.backends import BaseBackend
from django.http import HttpRequest

from accounts.federation import kept, services
from accounts.federation.claims import Assertion
from accounts.federation.errors import SignInRefused
from accounts.federation.models import Protocol
from accounts.federation.refusing import said
from accounts.middleware import actor_of
from accounts.models import IdentityProvider, User
from accounts.roles import Door

try:
    with warnings.catch_warnings():
        # It asks its ASN.1 library by names that are old by now, and answers them itself.
        warnings.simplefilter("ignore", DeprecationWarning)
        import ldap3
        from ldap3.core.exceptions import (
            LDAPException,
            LDAPInvalidCredentialsResult,
            LDAPSizeLimitExceededResult,
            LDAPSocketOpenError,
        )
        from ldap3.utils.conv import escape_filter_chars
except ImportError:  # the extra is not installed
    IS_INSTALLED = False
else:
    IS_INSTALLED = True

#: Seconds for connecting, and for each answer.
_PATIENCE: Final = 8
#: A directory that takes no connection is not asked again for so many seconds.
_AWAY_SECONDS: Final = 10
_AWAY: Final = "federation:ldap-away"
#: What is asked for besides the attribute that names the person, and what OpenID Connect calls it.
_NAMES: Final = {
    "uid": "preferred_username",
    "sAMAccountName": "preferred_username",
    "mail": "email",
    "displayName": "name",
    "cn": "name",
    "givenName": "given_name",
    "sn": "family_name",
}
_GROUPS: Final = ("memberOf", "ou", "departmentNumber", "employeeType", "title")


class DirectoryBackend(BaseBackend):
    """Asked after the portal's own passwords: Django's way to say yes or no to a name and a password."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **_more: Any,
    ) -> User | None:
        """Return the account of somebody whose password the directory accepts; None for anybody else."""
        # An empty password would be an anonymous bind, which directories accept (RFC 4513, section 5.1.2).
        if not (IS_INSTALLED and settings.DIRECTORY.host and request is not None and username and password):
            return None
        provider = IdentityProvider.objects.speaking(Protocol.LDAP).first()
        if provider is None or "\x00" in username + password or len(username) > 150:
            return None
        actor = actor_of(request, Door.PAGE)
        try:
            assertion = recognise(provider, username, password)
            if assertion is None:
                return None
            if services.revoke_what_is_gone(actor=actor, provider=provider, assertion=assertion):
                raise SignInRefused("not_admitted", "required claim missing")
            return services.admit(actor=actor, provider=provider, assertion=assertion).user
        except SignInRefused as refusal:
            services.record_refusal(actor=actor, provider=provider, refusal=refusal)
            messages.error(request, " ".join(said(provider, refusal)))
            return None

    def get_user(self, user_id: int) -> User | None:
        """Return the account of a session that began here, while it may sign in."""
        return User.objects.filter(pk=user_id, is_active=True).first()


def recognise(provider: IdentityProvider, username: str, password: str) -> Assertion | None:
    """Return who has this name and password in the directory; None for nobody.

    Raises :class:`SignInRefused` (``no_answer``, ``not_set_up``) when the directory cannot be asked.
    """
    if kept.get(_AWAY):
        # Whoever mistypes a password of the portal's own would wait for it as well, and keep a reader waiting.
        raise SignInRefused("no_answer", "LDAP: did not answer a moment ago")
    try:
        found = _found(username)
        if found is None or not _is_right(found["dn"], password):
            return None
    except LDAPSocketOpenError as error:
        kept.put(_AWAY, True, _AWAY_SECONDS)
        raise SignInRefused("no_answer", f"LDAP: {type(error).__name__}") from error
    except LDAPSizeLimitExceededResult:
        # Many of one name are nobody, as two are.
        return None
    except LDAPException as error:
        # Its class alone: the text may quote what was typed.
        raise SignInRefused("no_answer", f"LDAP: {type(error).__name__}") from error
    except (OSError, ssl.SSLError) as error:
        raise SignInRefused("no_answer", f"LDAP: {type(error).__name__}") from error
    return _assertion(provider, found)


def _found(username: str) -> dict[str, Any] | None:
    directory = settings.DIRECTORY
    wanted = directory.user_filter.replace("{}", escape_filter_chars(username))
    with _connection(directory.bind_dn, directory.bind_password) as connection:
        connection.search(
            directory.base_dn,
            wanted,
            attributes=[directory.subject_attribute, *_NAMES, *_GROUPS],
            size_limit=2,
            time_limit=_PATIENCE,
        )
        entries = [entry for entry in connection.response or [] if entry.get("type") == "searchResEntry"]
    # Two of one name are nobody.
    return entries[0] if len(entries) == 1 else None


def _is_right(dn: str, password: str) -> bool:
    if not dn:
        # A bind without a name is anonymous, and succeeds with any password.
        return False
    try:
        with _connection(dn, password):
            return True
    except LDAPInvalidCredentialsResult:
        return False


@contextmanager
def _connection(dn: str, password: str) -> Iterator[Any]:
    """Open a connection, encrypted before a name or password is said; referrals to other servers are not followed."""
    directory = settings.DIRECTORY
    tls = ldap3.Tls(
        validate=ssl.CERT_REQUIRED,
        version=ssl.PROTOCOL_TLS_CLIENT,
        ca_certs_file=str(directory.ca_file) if directory.ca_file else None,
        # With it Python itself holds the certificate to the name.
        sni=directory.host,
    )
    server = ldap3.Server(
        directory.host,
        port=directory.port,
        use_ssl=directory.is_ldaps,
        tls=tls,
        get_info=ldap3.NONE,
        connect_timeout=_PATIENCE,
    )
    connection = ldap3.Connection(
        server,
        user=dn or None,
        password=password or None,
        authentication=ldap3.SIMPLE if dn else ldap3.ANONYMOUS,
        auto_referrals=False,
        read_only=True,
        check_names=False,
        raise_exceptions=True,
        receive_timeout=_PATIENCE,
    )
    try:
        connection.open(read_server_info=False)
        if not (directory.is_ldaps or directory.is_plain):
            connection.start_tls(read_server_info=False)
        connection.bind(read_server_info=False)
        yield connection
    finally:
        opened = connection.socket
        with suppress(LDAPException, OSError):
            connection.unbind()
        if opened is not None:
            # The library leaves it open where the bind was refused.
            opened.close()


def _assertion(provider: IdentityProvider, entry: dict[str, Any]) -> Assertion:
    raw = {name.lower(): values for name, values in entry["raw_attributes"].items()}
    subjects = raw.get(settings.DIRECTORY.subject_attribute.lower()) or []
    if len(subjects) != 1 or not 0 < len(subjects[0]) <= 120:
        raise SignInRefused("not_set_up", "LDAP: the attribute that names a person is not there")
    claims: dict[str, Any] = {"dn": entry["dn"]}
    for name in (*_NAMES, *_GROUPS):
        values = [value.decode("utf-8", "replace") for value in raw.get(name.lower(), [])]
        if values:
            claims[name] = values
            claims.setdefault(_NAMES.get(name, name), values[0])
    return Assertion(issuer=f"ldap:{provider.slug}", subject=_readable(subjects[0]), claims=claims)


def _readable(subject: bytes) -> str:
    """Return a text as it is, and what is none (Active Directory's objectGUID) as hexadecimal digits."""
    text = subject.decode("ascii", "replace")
    return text if text.isprintable() and "\N{REPLACEMENT CHARACTER}" not in text else subject.hex()
