"""What every answer of the page's server says to browsers: nothing comes from elsewhere, nothing is guessed,
nobody frames it, and what it says of a run is not kept."""

from __future__ import annotations

import secrets

__all__ = ["NONCE", "data_headers", "file_headers", "new_nonce", "page_headers"]

NONCE = "__NONCE__"
"""Stands in `index.html` for the number of one answer, by which the editor's style elements are known."""

COMMON = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "DENY",
}
CLOSED = "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


def new_nonce() -> str:
    """A number that nobody guesses."""
    return secrets.token_urlsafe(16)


def page_headers(nonce: str) -> dict[str, str]:
    """Of `index.html`."""
    policy = (
        "default-src 'none'; script-src 'self'; "
        f"style-src 'self' 'nonce-{nonce}'; img-src data: 'self'; connect-src 'self'; font-src 'self'; "
        f"{CLOSED}"
    )
    return {
        **COMMON,
        "content-security-policy": policy,
        "content-type": "text/html; charset=utf-8",
        "cache-control": "no-store",
    }


def data_headers(kind: str = "application/json") -> dict[str, str]:
    """Of what is said of a run: not kept, as it may be secret and changes."""
    return {
        **COMMON,
        "content-security-policy": f"default-src 'none'; {CLOSED}",
        "content-type": kind,
        "cache-control": "no-store",
    }


def file_headers(kind: str, tag: str) -> dict[str, str]:
    """Of a file of the page: kept, and asked for again."""
    return {
        **COMMON,
        "content-security-policy": f"default-src 'none'; {CLOSED}",
        "content-type": kind,
        "cache-control": "no-cache",
        "etag": tag,
        "vary": "accept-encoding",
    }
