"""An authority and a certificate of it for one address, made with openssl: what a cluster with TLS needs."""

from __future__ import annotations

import subprocess
from pathlib import Path


def certificates(folder: Path, address: str) -> dict[str, str]:
    """Make them.

    Args:
        folder: Where the files go.
        address: Of the node, which its certificate names.

    Returns:
        Ray's environment variables that name the files and switch TLS on.
    """
    ca, key, request, signed = (folder / name for name in ("ca.crt", "node.key", "node.csr", "node.crt"))
    (extensions := folder / "node.ext").write_text(f"subjectAltName=IP:{address}\n")
    made = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    of_authority = ["-x509", "-days", "2", "-subj", "/CN=cluster", "-keyout", folder / "ca.key", "-out", ca]
    by_authority = ["-CA", ca, "-CAkey", folder / "ca.key", "-CAcreateserial", "-days", "2"]
    for command in (
        ["req", *made, *of_authority],
        ["req", *made, "-subj", f"/CN={address}", "-keyout", key, "-out", request],
        ["x509", "-req", "-in", request, *by_authority, "-extfile", extensions, "-out", signed],
    ):
        subprocess.run(["openssl", *command], check=True, capture_output=True)
    return {
        "RAY_USE_TLS": "1",
        "RAY_TLS_SERVER_CERT": str(signed),
        "RAY_TLS_SERVER_KEY": str(key),
        "RAY_TLS_CA_CERT": str(ca),
    }
