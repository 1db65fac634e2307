"""Hostile clients of a service, each kind a function that ends by itself.

    python3 -B abuse.py KIND PORT

runs one in a process of its own, so that it does not slow down who measures, again and again for a while if it is soon
done, and prints what it saw each time as JSON.
"""

import collections
import json
import resource
import select
import socket
import struct
import sys
import time

TICK = 0.05  # seconds between a dripping client's bytes
WHILE = 1.0  # seconds that each kind goes on at least
PATIENCE = 20.0  # seconds after which a client that was not ended gives up
GET = b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"
METRICS = b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n" * 100
MARK = b"HTTP/1.1 200"
LONG_HEAD = b"GET /livez HTTP/1.1\r\nHost: a\r\nA: " + b"a" * 7000 + b"\r\nB: " + b"b" * 7000
POST = b"POST /tokens/acme HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n"


class Client:
    """A connection that never waits, and notes when the service ended it."""

    def __init__(self, port, receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setblocking(False)
        self.begun = time.monotonic()
        self.seconds = None
        self.received = b""
        self.offset = 0
        self.answers = 0
        self._end = select.poll()
        self._end.register(self.socket, select.POLLRDHUP)

    @property
    def is_open(self):
        if self.seconds is None and self._end.poll(0):
            self.seconds = time.monotonic() - self.begun
        return self.seconds is None

    def send(self, data):
        """Sends what there is room for; how many bytes that was."""
        try:
            return self.socket.send(data)
        except OSError:
            return 0

    def stream(self, data):
        """Sends on where the last call left off, while there is room."""
        while self.offset < len(data) and (sent := self.send(memoryview(data)[self.offset:self.offset + 65536])):
            self.offset += sent

    def receive(self, count=65536):
        """What has arrived, which is kept."""
        try:
            data = self.socket.recv(count)
        except OSError:
            data = b""
        self.received += data
        return data

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


def until_ended(clients, act=lambda client: None):
    """Has each client act, over and over, until the service has ended it; how long the last took, and what all were told."""
    end = time.monotonic() + PATIENCE
    while (still := [client for client in clients if client.is_open]) and time.monotonic() < end:
        for client in still:
            act(client)
        time.sleep(TICK)
    for client in clients:
        client.receive()
    told = collections.Counter(client.received[9:12].decode() for client in clients)
    return {
        "connections": len(clients), "never ended": len(still), "told": told,
        "seconds": max((client.seconds for client in clients if client.seconds is not None), default=None),
    }


def header_drip(port):
    clients = [Client(port) for _ in range(300)]
    for client in clients:
        client.send(b"GET /")
    return until_ended(clients, lambda client: client.send(b"a"))


def slow_body(port):
    clients = [Client(port) for _ in range(300)]
    for client in clients:
        client.send(POST)
    return until_ended(clients, lambda client: client.send(b"a"))


def long_heads(port):
    """As much of a head as is taken, and no end of it."""
    clients = [Client(port) for _ in range(1000)]
    for client in clients:
        client.send(LONG_HEAD)
    return until_ended(clients)


def large_bodies(port):
    """All but the end of one, from nobody who has said who it is."""
    clients = [Client(port) for _ in range(1000)]
    for client in clients:
        client.send(POST + b"a" * 19_000)
    return until_ended(clients)


def silence_within_a_request(port):
    """As one whose machine is gone looks to the service: nothing comes any more, not even an end."""
    clients = [Client(port) for _ in range(300)]
    for number, client in enumerate(clients):
        client.send((b"GET / HTTP/1.1\r\nHo", POST + b"grant_type=")[number % 2])
    return until_ended(clients)


def half_open(port):
    """Finished, in the middle of a request."""
    clients = [Client(port) for _ in range(300)]
    for number, client in enumerate(clients):
        client.send((b"GET / HTTP/1.1\r\nHo", POST + b"grant_type=")[number % 2])
        client.socket.shutdown(socket.SHUT_WR)
    return until_ended(clients)


def slow_reader(port):
    """Asks for much and takes a byte at a time."""
    requests = b"GET /openapi.yaml HTTP/1.1\r\nHost: a\r\n\r\n" * 1000
    clients = [Client(port, receive_buffer=4096) for _ in range(50)]

    def act(client):
        client.stream(requests)
        client.receive(1)

    return until_ended(clients, act)


def metrics_unread(port):
    """Has a page made for each, which is larger than the kernel takes, and reads none."""
    clients = [Client(port, receive_buffer=4096) for _ in range(300)]
    return until_ended(clients, lambda client: client.stream(METRICS))


def no_reader(port):
    """A hundred thousand requests, whose answers nobody reads."""
    requests = GET * 100_000
    return until_ended([Client(port) for _ in range(100)], lambda client: client.stream(requests))


def pipelining_flood(port):
    """A hundred thousand requests on four connections, whose answers are read as fast as they come."""
    requests = GET * 25_000
    clients = [Client(port) for _ in range(4)]
    begun = time.monotonic()
    while (still := [client for client in clients if client.answers < 25_000]) and time.monotonic() - begun < PATIENCE:
        for client in still:
            client.stream(requests)
            client.receive()
            # The last of it may be the beginning of a mark.
            client.answers += client.received.count(MARK)
            client.received = client.received.rpartition(MARK)[2][1 - len(MARK):]
    seconds = time.monotonic() - begun
    for client in clients:
        client.socket.close()
    return {"connections": len(clients), "answers": sum(client.answers for client in clients), "seconds": seconds}


def idle(port):
    return until_ended([Client(port) for _ in range(2000)])


def churn(port):
    """Five thousand that come and go: at once, within a request, after one; half of them by a reset."""
    begun = time.monotonic()
    for number in range(5000):
        client = Client(port)
        client.send((b"", b"GET /li", GET)[number % 3])
        client.reset() if number % 2 else client.socket.close()
    return {"connections": 5000, "seconds": time.monotonic() - begun}


KINDS = [
    header_drip, slow_body, long_heads, large_bodies, silence_within_a_request, half_open, slow_reader, metrics_unread, no_reader,
    pipelining_flood, idle, churn,
]

if __name__ == "__main__":
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    abuse = {kind.__name__: kind for kind in KINDS}[sys.argv[1]]
    start, seen = time.monotonic(), []
    while not seen or time.monotonic() - start < WHILE:
        seen.append(abuse(int(sys.argv[2])))
    print(json.dumps(seen))
