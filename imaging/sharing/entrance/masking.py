"""Addresses as they are shown to who may not be their owner: enough to know one's own again."""


def masked_email(address: str) -> str:
    """Return an e-mail address with its first letter and its domain's ending: ``p•••@c•••.example``."""
    name, at, domain = address.partition("@")
    if not at:
        return ""
    host, dot, ending = domain.rpartition(".")
    return f"{name[:1]}•••@{host[:1]}•••{dot}{ending}"


def masked_phone(number: str) -> str:
    """Return the last two digits of a number: ``••• 40``."""
    return f"••• {number[-2:]}" if len(number) > 5 else ""
