"""Who may ask the page's server what: its token, the name it was asked by, and which site asks.

Loopback answers without a token, as everybody on the machine who can reach it can be kept out no other way
than by `--token`; anything else, and steering, only with one. The name in `Host` is checked against DNS
rebinding: a stranger's page whose name comes to mean 127.0.0.1 is of another name still. `Origin` and
`Sec-Fetch-Site` are checked against pages of other sites that post, or include, what is here.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from meta_search.errors import ConfigError

__all__ = ["LOOPBACK", "Access", "Asked", "Refused", "granted", "is_loopback"]

LOOPBACK = "127.0.0.1"
LEAST_TOKEN = 16  # characters
TOKEN = re.compile(r"[A-Za-z0-9._~-]+")  # needs no quoting in an address, a header or a cookie
HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?")
NAVIGATION = ("none", "same-origin")  # `Sec-Fetch-Site` of what was typed, and of the page itself


class Refused(Exception):
    """A request that is not answered.

    Attributes:
        status: Of HTTP.
    """

    def __init__(self, status: int, line: str) -> None:
        super().__init__(line)
        self.status = status


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, as far as access depends on it.

    Attributes:
        method: As GET.
        path: Decoded.
        query: As it came.
        headers: By lower-case name.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]

    @property
    def tokens(self) -> list[str]:
        """What stands behind `?token=`."""
        return parse_qs(self.query).get("token", [])

    @property
    def without_token(self) -> str:
        """The address to go on with, once a cookie holds the token: `//HOST` would be another server's."""
        kept = {name: values for name, values in parse_qs(self.query).items() if name != "token"}
        path = "/" + quote(self.path).lstrip("/")
        return path + (f"?{urlencode(kept, doseq=True)}" if kept else "")


@dataclass(frozen=True, slots=True)
class Access:
    """What is asked of a request.

    Attributes:
        token: What it must carry; `None` asks for none.
        steer: Whether it may steer.
        names: Hosts it may name, beside loopback and addresses: a rebound name is none of these.
        addresses: Whether it may name any address by number, as where the server listens on all.
        cookie: Name of the cookie that holds the token: cookies know no ports.
    """

    token: str | None
    steer: bool = False
    names: frozenset[str] = field(default_factory=frozenset)
    addresses: bool = False
    cookie: str = "meta_search"

    def check(self, asked: Asked) -> None:
        """See that a request may be answered.

        Raises:
            Refused: It may not; one line.
        """
        self._check_host(asked)
        self._check_site(asked)
        if self.token is not None and not self._carries_token(asked):
            raise Refused(401, "this needs the token: open the link that `meta-search dashboard` printed")
        if asked.method == "POST" and not self.steer:
            raise Refused(403, "steering is off: start it as `meta-search dashboard --steer`")

    def cookie_of(self, asked: Asked) -> str | None:
        """The header that keeps the token where the address carried it; `None` where it did not."""
        if self.token is None or not any(self._is_it(word) for word in asked.tokens):
            return None
        return f"{self.cookie}={self.token}; Path=/; HttpOnly; SameSite=Strict"

    def _check_host(self, asked: Asked) -> None:
        found = HOST.fullmatch(asked.headers.get("host", ""))
        name = found[1].strip("[]").lower().rstrip(".") if found else ""
        if not (name == "localhost" or name in self.names or self._is_address(name)):
            raise Refused(403, "asked by a name that is not this server's: use the address that was printed")

    def _is_address(self, name: str) -> bool:
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return address.is_loopback or self.addresses

    def _check_site(self, asked: Asked) -> None:
        """Pages of others may link to the page, and neither include its data nor post."""
        if asked.method != "POST" and not asked.path.startswith("/api/"):
            return
        site, origin = asked.headers.get("sec-fetch-site"), asked.headers.get("origin")
        ours = origin is None or urlsplit(origin).netloc.lower() == asked.headers.get("host", "").lower()
        if not ours or (site is not None and site not in NAVIGATION):
            raise Refused(403, "asked by a page of another site")
        known = site is not None or origin is not None or "authorization" in asked.headers
        if asked.method == "POST" and not known:
            raise Refused(403, "a post names its Origin, or carries `Authorization: Bearer TOKEN`")

    def _carries_token(self, asked: Asked) -> bool:
        scheme, _, word = asked.headers.get("authorization", "").partition(" ")
        words = [word.strip()] if scheme.lower() == "bearer" else []
        try:
            kept = SimpleCookie(asked.headers.get("cookie", "")).get(self.cookie)
        except CookieError:
            kept = None
        words += [kept.value] if kept else []
        words += asked.tokens if asked.method != "POST" else []
        return any(self._is_it(word) for word in words)

    def _is_it(self, word: str) -> bool:
        """Compared by digests in constant time, so that neither length nor place of a fault shows."""
        one, other = (hashlib.sha256(w.encode(errors="replace")).digest() for w in (word, self.token or ""))
        return self.token is not None and hmac.compare_digest(one, other)


def granted(host: str, port: int, token: str | None, steer: bool) -> Access:
    """What a server on an address asks of requests; a token is made where one is needed and none is given.

    Args:
        host: As it was named.
        port: On which it listens.
        token: As it was given.
        steer: Whether it steers.

    Raises:
        ConfigError: A token that is too short, or cannot stand in an address.
    """
    if token is not None and (len(token) < LEAST_TOKEN or not TOKEN.fullmatch(token)):
        raise ConfigError(
            f"--token needs at least {LEAST_TOKEN} letters, digits, dots, dashes, tildes or underscores; "
            "without it one is made where one is needed"
        )
    outside = not is_loopback(host)
    if token is None and (outside or steer):
        token = secrets.token_urlsafe(24)
    names = {host.lower(), socket.gethostname().lower()} if outside else set()
    return Access(token, steer, frozenset(names), outside, f"meta_search_{port}")


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's own alone."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"
