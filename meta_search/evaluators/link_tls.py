"""TLS between workers and the gateway's process, where Ray itself uses it: with Ray's own certificates."""

from __future__ import annotations

import os
import ssl

from meta_search.errors import MetaSearchError

__all__ = ["AUTHORITY", "CERTIFICATE", "KEY", "SWITCH", "switched_on", "tls_of_ray"]

SWITCH = "RAY_USE_TLS"
CERTIFICATE, KEY, AUTHORITY = "RAY_TLS_SERVER_CERT", "RAY_TLS_SERVER_KEY", "RAY_TLS_CA_CERT"


def switched_on() -> bool:
    """Whether this process's environment has Ray use TLS."""
    return os.environ.get(SWITCH, "0").lower() in ("1", "true")


def tls_of_ray(server: bool) -> ssl.SSLContext:
    """Both ends show a certificate of the authority that Ray's settings name.

    Args:
        server: Whether it is for the end that listens.

    Raises:
        MetaSearchError: A file is not named, not there or no certificate; one line.
    """
    try:
        certificate, key, authority = (os.environ[name] for name in (CERTIFICATE, KEY, AUTHORITY))
        purpose = ssl.Purpose.CLIENT_AUTH if server else ssl.Purpose.SERVER_AUTH
        context = ssl.create_default_context(purpose, cafile=authority)
        context.load_cert_chain(certificate, key)
    except KeyError as error:
        raise MetaSearchError(f"{SWITCH}=1 needs ${error.args[0]} as well (docs/clusters.md)") from None
    except OSError as error:  # of `ssl`, too
        raise MetaSearchError(f"{SWITCH}=1: the certificates cannot be used: {error}") from error
    context.verify_mode = ssl.CERT_REQUIRED
    return context
