"""Which endpoints load may be sent to: an allow-list of hosts, and addresses that never are.

Cloud metadata services hand out credentials to whoever asks from inside; a load generator that
accepts any URL would be a way to ask. They are refused even when somebody allow-lists them. The
address found here is the one connected to, so a name cannot change its mind afterwards.
"""

import socket
from collections.abc import Collection
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

IpAddress = IPv4Address | IPv6Address

# Link-local ranges hold the metadata services of AWS, Google, Azure, Oracle and OpenStack; the
# single addresses are Alibaba's, Azure's wire server and the AWS service over IPv6.
REFUSED_NETWORKS = tuple(
    ip_network(text)
    for text in (
        *("169.254.0.0/16", "fe80::/10", "100.100.100.200/32", "168.63.129.16/32"),
        *("fd00:ec2::254/128", "192.0.0.192/32", "0.0.0.0/8", "::/128"),
        *("224.0.0.0/4", "ff00::/8", "255.255.255.255/32"),
    )
)
REFUSED_HOSTS = frozenset({"metadata", "metadata.google.internal", "instance-data"})


class TargetRefusedError(ValueError):
    """An endpoint that this tool will not send load to."""


def resolve(host: str, port: int) -> list[tuple[int, str]]:
    """Addresses of ``host`` as (family, address); raises TargetRefusedError for an unknown name."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise TargetRefusedError(
            f"the host {host!r} cannot be resolved ({error}); check the endpoint's address"
        ) from error
    return [(int(family), str(address[0])) for family, _, _, _, address in found]


def checked_address(host: str, port: int) -> tuple[int, str]:
    """The address to connect to; raises TargetRefusedError when any address is a refused one."""
    if host.lower().rstrip(".") in REFUSED_HOSTS:
        raise TargetRefusedError(f"{host} is a metadata service; load is never sent there")
    addresses = resolve(host, port)
    for _, text in addresses:
        address = canonical_address(text)
        if any(address in network for network in REFUSED_NETWORKS):
            raise TargetRefusedError(
                f"{host} is at {text}, a metadata, link-local or multicast address; load is never "
                "sent there"
            )
    return addresses[0]


def canonical_address(text: str) -> IpAddress:
    """The address, with an IPv4 address wrapped into IPv6 unwrapped and a zone dropped."""
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def is_loopback(text: str) -> bool:
    """Whether an address is this very machine's loopback."""
    return canonical_address(text).is_loopback


def check_allowed(url: str, allowed_origins: Collection[str]) -> str:
    """The pinned address of an allowed URL: loopback, or an origin on the list.

    ``allowed_origins`` holds ``scheme://host:port`` of registered endpoints.
    Raises TargetRefusedError.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise TargetRefusedError(f"the target {url!r} is no http(s) URL")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    _, address = checked_address(parts.hostname, port)
    if not is_loopback(address) and origin_of(url) not in allowed_origins:
        raise TargetRefusedError(
            f"{origin_of(url)} is neither this machine nor a registered endpoint; register a model "
            "with this address first"
        )
    return address


def origin_of(url: str) -> str:
    """``scheme://host:port`` of a URL, port included, in lower case."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    host = (parts.hostname or "").lower()
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{port}"
