"""Many callers at once, each on a connection of its own, in one process that never waits for one of them."""

import collections
import json
import re
import resource
import select
import socket
import time

LENGTH = re.compile(rb"\r\nContent-Length: (\d+)\r\n", re.IGNORECASE)


class Caller:
    """A connection, for one request at a time."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setblocking(False)
        self.received = b""
        self.begun = None
        self.seconds = None

    def ask(self, request):
        self.received = b""
        self.seconds = None
        self.begun = time.monotonic()
        # There is room for it: all that was sent before was read.
        self.socket.sendall(request)

    def receive(self):
        """Takes what has arrived; whether that was the last of the answer."""
        data = self.socket.recv(65536)
        self.received += data
        end = self.received.find(b"\r\n\r\n") + 4
        length = LENGTH.search(self.received[:end])
        is_whole = length is not None and len(self.received) >= end + int(length[1])
        if is_whole or not data:
            self.seconds = time.monotonic() - self.begun
        return self.seconds is not None

    @property
    def status(self):
        """0 for an answer that did not come."""
        return int(self.received[9:12] or 0)

    @property
    def json(self):
        return json.loads(self.received.partition(b"\r\n\r\n")[2])


def most_callers(wanted):
    """How many of so many callers the limit of open files allows, which the service has as well; raises it first."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    # The service keeps a quarter for other things.
    return min(wanted, hard * 3 // 4 - 100)


def storm(port, requests, patience):
    """Sends each request over a connection of its own, once all of them are there; the callers, with their answers."""
    callers = [Caller(port) for _ in requests]
    with select.epoll() as poll:
        by_descriptor = {caller.socket.fileno(): caller for caller in callers}
        for descriptor in by_descriptor:
            poll.register(descriptor, select.EPOLLIN)
        for caller, request in zip(callers, requests):
            caller.ask(request)
        end = time.monotonic() + patience
        while by_descriptor and (left := end - time.monotonic()) > 0:
            for descriptor, _ in poll.poll(left):
                if by_descriptor[descriptor].receive():
                    by_descriptor.pop(descriptor).socket.close()
    for caller in by_descriptor.values():
        caller.socket.close()
    return callers


def ask_all(port, requests, connections=64, per_second=float("inf")):
    """Sends the requests over so many connections, each as soon as the one before it is answered, and no more a second than
    that; how many answers of each status came, and how many seconds it took."""
    requests, statuses, busy, asked = list(requests), collections.Counter(), {}, 0
    # In turn, so that none is idle for so long that the service closes it.
    idle = collections.deque(Caller(port) for _ in range(connections))
    begun = time.monotonic()
    with select.epoll() as poll:
        for caller in idle:
            poll.register(caller.socket.fileno(), select.EPOLLIN)
        while busy or asked < len(requests):
            due = min(len(requests), (time.monotonic() - begun) * per_second)
            while idle and asked < due:
                caller = idle.popleft()
                busy[caller.socket.fileno()] = caller
                caller.ask(requests[asked])
                asked += 1
            for descriptor, _ in poll.poll(0.01):
                if busy[descriptor].receive():
                    caller = busy.pop(descriptor)
                    statuses[caller.status] += 1
                    idle.append(caller)
    for caller in idle:
        caller.socket.close()
    return statuses, time.monotonic() - begun


def get(path, key):
    """The bytes of a request."""
    return f"GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key}\r\n\r\n".encode()
