"""Secrets among the variables: by file or by value, never an example's, and read by nobody else."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from portal.variables import Misconfigured, Reader

#: Variables with a password in them: each may be named as a file instead, by the same name with `_FILE` behind it.
SECRETS = ("DATABASE_URL", "DATABASE_OWNER_URL", "BROKER_URL", "CACHE_URL", "EMAIL_URL", "DEMO_PASSWORD")
#: Every variable that names a file with a secret.
SECRET_FILES = (
    *(f"{name}_FILE" for name in SECRETS),
    *("SECRET_KEY_FILE", "METRICS_TOKEN_FILE", "STORAGE_S3_ACCESS_KEY_FILE", "STORAGE_S3_SECRET_KEY_FILE"),
)
#: What stands in the examples of this world, and is tried first by whoever looks for a way in.
_SAMPLES = re.compile(
    r"insecure|change[-_ ]?(?:me|this|it)|choose[-_ ](?:one|another)|sample|example|(?:my|your|the|a)[-_ ]?(?:secret|key|password)|"
    r"^(?:secret|password|passwd|postgres|postgresql|admin|root|orthanc|negatoscope|redis|guest|user|test|demo|\d{1,8})$",
    re.IGNORECASE,
)


def is_sample(secret: str) -> bool:
    """Whether a secret is one that everybody knows, or no secret at all: an example, a word, the same letters over and over."""
    return bool(_SAMPLES.search(secret)) or len(set(secret)) < min(len(secret), 8)


def with_secrets(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables, with those of `SECRETS` read from the files that `NAME_FILE` names.

    Raises Misconfigured for a file that cannot be read or is open to others, and for a variable that is set both ways.
    """
    reader = Reader(variables)
    found = dict(variables)
    for name in SECRETS:
        if not reader.text(f"{name}_FILE"):
            continue
        secret = reader.secret_file(f"{name}_FILE")
        if reader.text(name) and secret and reader.text(name) != secret:
            reader.sentences.append(f"{name} and {name}_FILE are both set, and differ: keep one of them.")
        found[name] = secret
    # The processes that serve are given these variables without the owner's address, and must not find it by its file.
    found.pop("DATABASE_OWNER_URL_FILE", None)
    if reader.sentences:
        raise Misconfigured(reader.sentences)
    return found


def refuse_samples(reader: Reader, **urls: str) -> None:
    """A password that everybody knows is no password: a sentence for each address that has one."""
    for name, url in urls.items():
        try:
            password = urlsplit(url).password
        except ValueError:
            continue
        if password and is_sample(password):
            reader.sentences.append(f"{name} has a password that everybody knows: give its role another.")
