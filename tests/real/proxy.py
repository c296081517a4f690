#!/usr/bin/env python3
"""Runs tiny-proxy's proxies for HTTP and SOCKS 4(a) on loopback.

proxy.py HTTP_PORT SOCKS4_PORT USER PASSWORD"""

import sys

import anyio
from tiny_proxy import HttpProxyHandler, Socks4ProxyHandler

http_port, socks4_port, user, password = sys.argv[1:]
# The proxy reads logins as ISO 8859-1; clients that send anything else send UTF-8 (RFC 7617 §2.1).
password = password.encode().decode("latin-1")


async def main():
    async with anyio.create_task_group() as group:
        for port, handler in [
            (http_port, HttpProxyHandler(user, password)),
            (socks4_port, Socks4ProxyHandler(user)),
        ]:
            listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=int(port))
            group.start_soon(listener.serve, handler.handle)


anyio.run(main)
