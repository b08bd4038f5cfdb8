"""Certificates for the tests of this folder."""

from __future__ import annotations

import ssl

import pytest
import trustme

from tests._transport.transports import server_context


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """A certificate authority nobody trusts by default."""
    return trustme.CA()


@pytest.fixture(scope="session")
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    """A server's context with a certificate for localhost."""
    return server_context(authority, "localhost")


@pytest.fixture(scope="session")
def client_tls(authority: trustme.CA) -> ssl.SSLContext:
    """A client's context that trusts the authority."""
    return ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
