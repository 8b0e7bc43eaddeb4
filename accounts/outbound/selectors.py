"""Which hosts may be called."""

from accounts.outbound import policies
from accounts.outbound.errors import Refused
from accounts.outbound.models import OutboundHost
from accounts.outbound.policies import Target


def listed(address: str) -> tuple[Target, OutboundHost]:
    """Return the address in its parts, and the row that allows it.

    Raises ``Refused``: not an address, not https (unless the row's own loopback), or a host that nobody listed.
    """
    target = policies.target_of(address)
    row = OutboundHost.objects.filter(host=target.host.lower(), port=target.port, is_active=True).first()
    if row is None:
        raise Refused("host_not_listed")
    if not target.is_encrypted and not any(
        policies.is_allowed(network.partition("/")[0], networks=[network], encrypted=False) for network in row.networks
    ):
        raise Refused("not_https")
    return target, row
