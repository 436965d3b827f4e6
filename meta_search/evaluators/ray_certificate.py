"""A certificate made for one run, which Ray's servers on this machine ask their callers for.

Ray looks at the token of a call only after it has read the call, and one kind of call ends its servers before
that (`RaySyncer.StartSync`, as of 2.60). Without the run's key a connection does not get that far.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from meta_search.evaluators.link_tls import AUTHORITY, CERTIFICATE, KEY, SWITCH

__all__ = ["certificate"]

NAMES = "subjectAltName=IP:127.0.0.1,IP:::1,DNS:localhost"
DAYS = "1000"


def certificate(folder: Path) -> dict[str, str]:
    """Make a key, and the certificate that is its own authority.

    Args:
        folder: Where the two files go; for this account only.

    Returns:
        What Ray must find in its environment; nothing where `openssl` is not installed, or cannot do it.
    """
    openssl = shutil.which("openssl")
    if openssl is None:
        return {}
    key, made = folder / "key.pem", folder / "certificate.pem"
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    says = ["-x509", "-days", DAYS, "-subj", "/CN=meta-search", "-addext", NAMES]
    command = [openssl, "req", *kind, *says, "-keyout", str(key), "-out", str(made)]
    environment = {"PATH": os.defpath, "HOME": str(folder), "RANDFILE": os.devnull}
    done = subprocess.run(command, capture_output=True, env=environment, check=False)
    if done.returncode != 0:
        return {}
    key.chmod(0o600)
    return {SWITCH: "1", CERTIFICATE: str(made), KEY: str(key), AUTHORITY: str(made)}
