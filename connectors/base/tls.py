"""TLS: the certificate authorities that our clients trust, read once in a process."""

import ssl
from functools import cache

import httpx


@cache
def trusted_authorities() -> ssl.SSLContext:
    """What `verify` of every HTTP client of ours is: httpx would read 150 authorities for each.

    Kept until the process ends, so a changed bundle is seen by the next worker. The clients of
    plain HTTP on the loopback interface take it too, since httpx makes one for them as well.
    """
    return httpx.create_ssl_context()
