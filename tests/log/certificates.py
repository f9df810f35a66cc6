"""Certificates for the tests, by the `openssl` command: an authority, what it signed, and a stranger."""

import subprocess
from pathlib import Path


def authority(directory: Path, name: str) -> Path:
    """Make an authority; return its certificate, which has the key beside it."""
    certificate = directory / f"{name}.pem"
    _openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"),
        *("-subj", f"/CN={name}", "-keyout", str(_key(certificate)), "-out", str(certificate)),
    )
    return certificate


def signed(by: Path, name: str, *, password: str = "") -> tuple[Path, Path]:
    """Make a key and the certificate of `name` at 127.0.0.1; return both files, the certificate first."""
    certificate = by.with_name(f"{name}.pem")
    shut = ("-aes256", "-pass", f"pass:{password}") if password else ()
    _openssl(
        *("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", *shut),
        *("-out", str(_key(certificate))),
    )
    _openssl(
        *("req", "-x509", "-CA", str(by), "-CAkey", str(_key(by)), "-key", str(_key(certificate)), "-days", "2"),
        *("-passin", f"pass:{password}", "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1"),
        *("-addext", "basicConstraints=critical,CA:FALSE", "-out", str(certificate)),
    )
    return certificate, _key(certificate)


def _key(certificate: Path) -> Path:
    return certificate.with_suffix(".key")


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=20)
