"""Addresses of endpoints: what users type as `llm.base_url`, made one thing, and the way there."""

from __future__ import annotations

import ipaddress
import re
import urllib.parse
import urllib.request

__all__ = ["is_loopback", "joined", "normal_url", "proxy_of", "takes_azure_key", "versioned"]

PATHS = re.compile(r"/+(chat/completions|completions|models|responses)/*$")


def normal_url(typed: str) -> str:
    """The root of an API from what was typed: without blanks, a slash at the end, or the path of a call; its
    query stays (Azure's `?api-version=…`)."""
    typed = typed.strip().strip("'\"")
    if "://" not in typed:
        host = urllib.parse.urlsplit(f"//{typed}").hostname or ""
        typed = f"{'http' if is_loopback(host) or _is_number(host) else 'https'}://{typed}"
    parts = urllib.parse.urlsplit(typed)
    path = PATHS.sub("", parts.path.rstrip("/")).rstrip("/")
    return urllib.parse.urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))


def joined(root: str, path: str) -> str:
    """The URL of a call: `path` within the API, before the root's query."""
    parts = urllib.parse.urlsplit(root)
    return urllib.parse.urlunsplit(
        (parts.scheme, parts.netloc, f"{parts.path.rstrip('/')}/{path.lstrip('/')}", parts.query, "")
    )


def versioned(root: str) -> str | None:
    """The root with the `/v1` that most APIs have; `None` where its path names a version already."""
    path = urllib.parse.urlsplit(root).path
    return None if re.search(r"/v\d+\w*(/|$)|/openai/deployments/", path) else joined(root, "v1")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, which no proxy reaches."""
    host = host.strip("[]").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_number(host: str) -> bool:
    try:
        return bool(ipaddress.ip_address(host))
    except ValueError:
        return False


def proxy_of(url: str) -> str | None:
    """The proxy that the environment names for a URL; none for this machine."""
    parts = urllib.parse.urlsplit(url)
    host = parts.hostname or ""
    if is_loopback(host) or urllib.request.proxy_bypass(host):
        return None
    return urllib.request.getproxies().get(parts.scheme)


def takes_azure_key(root: str) -> bool:
    """Whether an endpoint is Azure's, which takes keys in the header `api-key`."""
    parts = urllib.parse.urlsplit(root)
    return (parts.hostname or "").endswith(".azure.com") or "/openai/deployments/" in f"{parts.path}/"
