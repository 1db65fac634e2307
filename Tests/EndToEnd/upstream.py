"""An OAuth 2.0 token endpoint on the loopback that mints as fast as it is asked, and never bans.

    python3 -B upstream.py LIFETIME [LENGTH]

runs one in a process of its own, with tokens of so many seconds and characters (64), until it is interrupted. It prints its
address; `GET /counts` answers how many tokens each client was given. A client whose id begins with HANGING is never
answered.

It takes revocations at /revoke, but one in three only when it is asked again. `GET /log` answers what happened: each token
with its client and when it was minted, and each that was revoked, with seconds of the monotonic clock.
"""

import asyncio
import base64
import collections
import json
import random
import re
import secrets
import signal
import sys
import time
import urllib.parse

HANGING = "hanging-"
LENGTH = re.compile(rb"\r\nContent-Length: (\d+)\r\n", re.IGNORECASE)
BASIC = re.compile(rb"\r\nAuthorization: Basic (\S+)\r\n", re.IGNORECASE)


class Upstream:
    """What all connections share."""

    def __init__(self, lifetime, length=64):
        self.lifetime = lifetime
        self.length = length
        self.mints = collections.Counter()
        self.minted = []
        self.revoked = {}
        self.refused = set()

    def answer(self, head, body):
        """Status and body of an answer; None for one that never comes."""
        if head.startswith(b"GET /counts "):
            return 200, json.dumps(self.mints)
        if head.startswith(b"GET /log "):
            return 200, json.dumps({"minted": self.minted, "revoked": self.revoked})
        if head.startswith(b"POST /revoke "):
            return self.revoke(urllib.parse.parse_qs(body.decode())["token"][0]), ""
        client = base64.b64decode(BASIC.search(head)[1]).split(b":")[0].decode()
        self.mints[client] += 1
        if client.startswith(HANGING):
            return None
        token = secrets.token_urlsafe(self.length)[:self.length]
        self.minted.append((client, token, time.monotonic()))
        return 200, json.dumps({"access_token": token, "token_type": "Bearer", "expires_in": self.lifetime})

    def revoke(self, token):
        if token not in self.refused and random.random() < 1 / 3:
            self.refused.add(token)
            return 503
        self.revoked[token] = time.monotonic()
        return 200


class Connection(asyncio.Protocol):
    """Takes one request after the other."""

    def __init__(self, upstream):
        self.upstream = upstream
        self.transport = None
        self.received = b""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.received += data
        while (end := self.received.find(b"\r\n\r\n") + 4) >= 4:
            head = self.received[:end]
            length = LENGTH.search(head)
            whole = end + (int(length[1]) if length else 0)
            if len(self.received) < whole:
                return
            answer = self.upstream.answer(head, self.received[end:whole])
            self.received = self.received[whole:]
            if answer:
                status, body = answer
                self.transport.write(
                    f"HTTP/1.1 {status} \r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
                    .encode())


async def main():
    loop = asyncio.get_running_loop()
    upstream = Upstream(*map(int, sys.argv[1:]))
    server = await loop.create_server(lambda: Connection(upstream), "127.0.0.1", 0, backlog=4096)
    print(f"listening at 127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    await ended.wait()


if __name__ == "__main__":
    asyncio.run(main())
