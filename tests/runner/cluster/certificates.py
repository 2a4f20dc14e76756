"""Certificates for TLS on the loopback interface, made by `openssl`."""

from __future__ import annotations

import subprocess
from pathlib import Path

NAMES = "subjectAltName=IP:127.0.0.1,DNS:localhost"


def openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def make_authority(folder: Path) -> tuple[Path, Path]:
    """Certificate and key of a new certificate authority."""
    folder.mkdir()
    certificate, key = folder / "authority.pem", folder / "authority.key"
    new = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=the test's authority")
    openssl(*new, "-addext", "keyUsage=critical,keyCertSign", "-keyout", str(key), "-out", str(certificate))
    return certificate, key


def make_certificate(folder: Path, authority: tuple[Path, Path]) -> dict[str, str]:
    """A certificate signed by the authority, as Dask's settings name its files, for scheduler, workers and client."""
    certificate, key, request = folder / "own.pem", folder / "own.key", folder / "own.csr"
    names = folder / "names"
    names.write_text(NAMES, encoding="ascii")
    new = ("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost")
    openssl(*new, "-keyout", str(key), "-out", str(request))
    sign = ("x509", "-req", "-in", str(request), "-CA", str(authority[0]), "-CAkey", str(authority[1]))
    openssl(*sign, "-CAcreateserial", "-days", "2", "-extfile", str(names), "-out", str(certificate))
    settings = {"CA_FILE": str(authority[0])}
    for who in ("SCHEDULER", "WORKER", "CLIENT"):
        settings |= {f"{who}__CERT": str(certificate), f"{who}__KEY": str(key)}
    return {f"DASK_DISTRIBUTED__COMM__TLS__{name}": value for name, value in settings.items()}
