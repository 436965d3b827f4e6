"""Addresses of endpoints: what users type as `llm.base_url`, made one thing, and the way there."""

from __future__ import annotations

import ipaddress
import re
import urllib.parse
import urllib.request

from meta_search.text import SECRETS

__all__ = [
    *(
        "candidates",
        "complaint",
        "is_loopback",
        "has_credentials",
        "joined",
        "normal_url",
        "other_scheme",
        "proxy_of",
        "PASSWORD",
    ),
    *("takes_azure_key", "versioned"),
]

PATHS = re.compile(
    r"/+(chat/completions|completions|models|responses|messages|embeddings|api/(chat|generate|tags))/*$"
)
VERSION = re.compile(r"/v\d+\w*(/|$)|/openai/deployments/", re.IGNORECASE)
PASSWORD = "holds a password"
SECRET = re.compile(rf"(^|[-_.])({SECRETS})$", re.IGNORECASE)
# Where the APIs are of those who have them elsewhere than below `/v1`.
ELSEWHERE = {
    "generativelanguage.googleapis.com": "/v1beta/openai",
    "openrouter.ai": "/api/v1",
    "api.groq.com": "/openai/v1",
    ".openai.azure.com": "/openai/v1",
}


def normal_url(typed: str) -> str:
    """The root of an API from what was typed: without blanks, a slash at the end, or the path of a call; its
    query stays (Azure's `?api-version=…`)."""
    typed = typed.strip().strip("'\"")
    if "://" not in typed:
        host = urllib.parse.urlsplit(f"//{typed}").hostname or ""
        near = is_loopback(host) or _is_number(host) or "." not in host or re.search(r":(?!443\b)\d+", typed)
        typed = f"{'http' if near else 'https'}://{typed}"
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
    return None if VERSION.search(path) else joined(root, "v1")


def candidates(root: str) -> list[str]:
    """Where else the API may be, where it is not at the root that was typed."""
    parts = urllib.parse.urlsplit(root)
    host, found = parts.hostname or "", []
    for name, path in ELSEWHERE.items():
        known = host.endswith(name) if name.startswith(".") else host == name
        if known and path not in parts.path and "/deployments/" not in parts.path:
            found.append(urllib.parse.urlunsplit((parts.scheme, parts.netloc, path, parts.query, "")))
    below = versioned(root)
    found += [below] if below else []
    if parts.path.endswith("/api"):  # Ollama's own API, beside the one that is asked here
        path = f"{parts.path.removesuffix('/api')}/v1"
        found.append(urllib.parse.urlunsplit((parts.scheme, parts.netloc, path, parts.query, "")))
    return found


def complaint(typed: str) -> str:
    """What is wrong with an address as it was typed, and what to type; empty where it may be right."""
    like = "type it as http://HOST:PORT/v1"
    text = typed.strip().strip("'\"")
    if text.startswith(("/", "unix:", "file:", ".")):
        return f"must begin with http:// or https://: {like} (put a server before a socket or a file)"
    try:
        parts = urllib.parse.urlsplit(normal_url(text))
        _, host, password = parts.port, parts.hostname, has_credentials(normal_url(text))
    except ValueError as error:
        return f"is no URL ({error}): {like}"
    if parts.scheme not in ("http", "https"):
        return f"begins with {parts.scheme}://: only http:// and https:// are possible"
    if not host or host in ("http", "https") or re.search(r"\s", text):
        return f"is no URL: {like}"
    return PASSWORD if password else ""


def has_credentials(address: str) -> bool:
    """Whether an address, or the path of a file, holds a password: before its host, or in its query."""
    try:
        parts = urllib.parse.urlsplit(address if "://" in address else f"//{address}")
    except ValueError:
        return "@" in address
    if "://" not in address and ":" not in parts.netloc.rpartition("@")[0]:  # a file called a@b
        return False
    query = urllib.parse.parse_qsl(parts.query)
    return bool("@" in parts.netloc or any(SECRET.search(name) for name, value in query if value))


def other_scheme(url: str) -> str:
    """The URL with http for https, and the other way round."""
    return f"http{url[5:]}" if url.startswith("https:") else f"https{url[4:]}"


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
