"""Which addresses a channel may talk to: a webhook must not become a way into the machine's own network."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

_METADATA = frozenset(map(ip_address, ("169.254.169.254", "100.100.100.200", "192.0.0.192", "fd00:ec2::254")))
"""Where clouds answer any program of the machine with its credentials."""
_NAT64 = ip_network("64:ff9b::/96")


def url_fault(url: str, *, allow_http: bool = False) -> str:
    """What keeps this URL from being posted to, in words that quote nothing of it; "" when nothing does."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is not a URL"
    if not url.isprintable() or " " in url:
        return "holds spaces or control characters"
    if parts.scheme not in ("http", "https") or not host:
        return "does not begin with https:// and a host"
    if parts.scheme == "http" and not allow_http:
        return "begins with http://; messages go over https:// only"
    if "@" in parts.netloc:
        return "holds a user name or password; leave them out"
    return ""


def address_fault(address: str, *, allow_private: bool = False, plain: bool = False) -> str:
    """Why nothing may be sent to this connected address ("10.0.0.1"), "" when it may. `plain` is without TLS."""
    found = _meant(ip_address(address.partition("%")[0]))
    if found in _METADATA or found.is_link_local or found.is_multicast or found.is_unspecified:
        return "is link-local or a cloud's metadata service"
    if plain:
        return "" if found.is_loopback else "is not this machine, and http:// is allowed for this machine only"
    if not found.is_global and not allow_private:
        return "is private; allow_private: true permits it"
    return ""


def _meant(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address inside an IPv6 one that leads to it."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
