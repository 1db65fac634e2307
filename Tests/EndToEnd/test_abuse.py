"""The service among hostile clients: bounded in time, memory and descriptors, and good to those who behave."""

import http.client
import json
import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import abuse
from program import PATIENCE, ROOT, Broker, Simulator, eventually, get

HEAD, BODY, IDLE, WRITE = 1, 1, 3, 1  # seconds, the service's own timeouts
LINGER = 1
ATTEMPTS = 5  # at figures that a machine which is busy with other things can spoil
SLACK = 3  # seconds that a busy machine may add to any of them
MEBIBYTE = 1 << 20

# The longest that the service may keep one client of each kind, and how much memory it may need for all of them.
BOUNDS = {
    "header_drip": (HEAD + LINGER, 16 * MEBIBYTE),
    "slow_body": (BODY + LINGER, 16 * MEBIBYTE),
    "long_heads": (HEAD + LINGER, 1000 * 64 * 1024),
    "large_bodies": (BODY + LINGER, 1000 * 64 * 1024),
    "silence_within_a_request": (max(HEAD, BODY) + LINGER, 16 * MEBIBYTE),
    "half_open": (0, 16 * MEBIBYTE),
    "slow_reader": (WRITE, 16 * MEBIBYTE),
    "no_reader": (WRITE, 100 * 96 * 1024),
    "metrics_unread": (WRITE, 24 * MEBIBYTE),
    "pipelining_flood": (10, 16 * MEBIBYTE),
    "idle": (IDLE + LINGER, 24 * MEBIBYTE),
    "churn": (10, 16 * MEBIBYTE),
}
TOLD = {
    "header_drip": "408", "slow_body": "408", "long_heads": "408", "large_bodies": "408",
    "silence_within_a_request": "408", "half_open": "", "idle": "",
}


def p99(times):
    return sorted(times)[len(times) * 99 // 100]


def milliseconds(seconds):
    return f"{1000 * seconds:.2f} ms"


class Neighbor:
    """A client that behaves: one connection, a request every two milliseconds."""

    def __init__(self, broker):
        self.broker = broker
        self.connection = http.client.HTTPConnection("127.0.0.1", broker.port(), timeout=PATIENCE)

    def ask(self):
        """How many seconds it took to get a token."""
        begun = time.monotonic()
        answer = get(self.broker.port(), "/tokens/acme", self.broker.key, self.connection)
        seconds = time.monotonic() - begun
        if answer.status != 200:
            raise AssertionError(answer.body)
        time.sleep(0.002)
        return seconds


class BrokerTestCase(unittest.TestCase):
    """Has a broker that has minted a token of each tenant."""

    def start(self, settings, before=()):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        pageup, ukg = Simulator("pageup", 300), Simulator("ukg", 3600)
        self.addCleanup(pageup.stop)
        self.addCleanup(ukg.stop)
        broker = Broker(folder, pageup, ukg, before, settings)
        self.addCleanup(broker.stop)
        for tenant in ("acme", "globex"):
            self.assertEqual(broker.get(f"/tokens/{tenant}").status, 200)
        return broker

    def refused(self, broker, reason, connection=None):
        """How many connections were refused for that reason."""
        series = f'tokenwell_connections_refused_total{{reason="{reason}"}} '
        lines = get(broker.port(), "/metrics", connection=connection).body.decode().splitlines()
        return next(int(line.removeprefix(series)) for line in lines if line.startswith(series))

    def connect(self, broker, source="127.0.0.1"):
        return self.enterContext(
            socket.create_connection(("127.0.0.1", broker.port()), PATIENCE, source_address=(source, 0)))

    def keep_alive(self, broker):
        connection = http.client.HTTPConnection("127.0.0.1", broker.port(), timeout=PATIENCE)
        self.addCleanup(connection.close)
        self.assertEqual(get(broker.port(), "/livez", connection=connection).status, 200)
        return connection


class AbuseTests(BrokerTestCase):
    def test_every_abuse_is_bounded_and_a_neighbor_hardly_notices(self):
        broker = self.start(f"timeouts: {{head: {HEAD}s, body: {BODY}s, idle: {IDLE}s, write: {WRITE}s}}")
        neighbor = Neighbor(broker)
        self.addCleanup(neighbor.connection.close)
        memory = broker.memory()
        for kind in abuse.KINDS:
            with self.subTest(kind.__name__):
                self.try_hard(lambda: self.check(kind.__name__, broker, neighbor))
        eventually(lambda: broker.memory() - memory < 8 * MEBIBYTE)

    def try_hard(self, check):
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return check()
            except AssertionError:
                if attempt == ATTEMPTS:
                    raise

    def check(self, name, broker, neighbor):
        """One abuse, beside which the neighbor is served as usual, and after which everything is as before it."""
        bound, memory_bound = BOUNDS[name]
        before = [neighbor.ask() for _ in range(300)]
        descriptors, memory = broker.descriptors(), broker.memory()
        # It gives way to the others, since in truth it has a machine of its own.
        hostile = subprocess.Popen(
            [sys.executable, "-B", ROOT / "Tests" / "EndToEnd" / "abuse.py", name, str(broker.port())],
            stdout=subprocess.PIPE, text=True, preexec_fn=lambda: os.nice(19))
        beside, peak = [], memory
        while hostile.poll() is None or len(beside) < 300:
            beside.append(neighbor.ask())
            if len(beside) % 20 == 0:
                peak = max(peak, broker.memory())
        with hostile:
            seen = json.loads(hostile.stdout.read())
        eventually(lambda: broker.descriptors() <= descriptors)
        print(
            f"\n{name}: {len(seen)} times, the last {seen[-1]}; neighbor's p99 {milliseconds(p99(before))} before, {milliseconds(p99(beside))} beside "
            f"({len(beside)} requests); memory {memory / MEBIBYTE:.1f} MiB before, {peak / MEBIBYTE:.1f} at most, "
            f"{broker.memory() / MEBIBYTE:.1f} after", end="", flush=True)

        for once in seen:
            self.assertEqual(once.get("never ended", 0), 0)
            self.assertLess(once["seconds"], bound + SLACK)
            if name in TOLD:
                self.assertEqual(once["told"], {TOLD[name]: once["connections"]})
            if name == "pipelining_flood":
                self.assertEqual(once["answers"], 100_000)
        self.assertLess(peak - memory, memory_bound)
        self.assertLess(p99(beside), max(2 * p99(before), p99(before) + 0.010))


class LimitTests(BrokerTestCase):
    def test_one_address_has_its_share_of_the_connections(self):
        broker = self.start("connections: {maximum: 60, per_address: 40}")
        descriptors = broker.descriptors()
        mine = self.keep_alive(broker)
        hostile = [self.connect(broker) for _ in range(100)]
        eventually(lambda: self.refused(broker, "address", mine) == 61)
        self.assertEqual(sum(is_ended(link, patience=0) for link in hostile), 61)
        self.assertTrue(any("connections refused" in line for line in broker.lines))

        other = self.connect(broker, source="127.0.0.2")
        other.sendall(abuse.GET)
        self.assertTrue(other.recv(100).startswith(b"HTTP/1.1 200 "))
        others = [self.connect(broker, source="127.0.0.2") for _ in range(30)]
        eventually(lambda: self.refused(broker, "maximum", mine) == 11)
        self.assertEqual(sum(is_ended(link, patience=0) for link in others), 11)

        for link in [*hostile, other, *others]:
            link.close()
        eventually(lambda: broker.descriptors() <= descriptors + 1)
        self.assertEqual(broker.get("/livez").status, 200)

    def test_without_descriptors_clients_are_turned_away_until_there_are_again(self):
        broker = self.start("connections: {maximum: 1000}")
        mine = self.keep_alive(broker)
        # As if something else had opened all that it may.
        soft, hard = resource.prlimit(broker.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(broker.pid, resource.RLIMIT_NOFILE, (broker.descriptors(), hard))
        # A connection of before may just be closing, and leave its descriptor.
        eventually(lambda: is_ended(self.connect(broker), patience=0.3))
        for _ in range(3):
            self.assertTrue(is_ended(self.connect(broker), patience=PATIENCE))
        self.assertGreaterEqual(self.refused(broker, "descriptors", mine), 3)
        cpu = cpu_seconds(broker.pid)
        time.sleep(1)
        self.assertLess(cpu_seconds(broker.pid) - cpu, 0.2, "waiting for descriptors is no work")
        self.assertEqual(get(broker.port(), "/tokens/acme", broker.key, mine).status, 200)

        resource.prlimit(broker.pid, resource.RLIMIT_NOFILE, (soft, hard))
        eventually(lambda: not is_ended(self.connect(broker), patience=0.2))
        self.assertEqual(broker.get("/tokens/acme").status, 200)

    def test_a_flood_beyond_the_descriptors_passes(self):
        broker = self.start("timeouts: {idle: 1s}", before=("prlimit", "--nofile=100:100"))
        descriptors = broker.descriptors()
        for _ in range(10):
            links = [socket.create_connection(("127.0.0.1", broker.port()), PATIENCE) for _ in range(300)]
            for link in links:
                link.close()
        eventually(lambda: broker.descriptors() <= descriptors)
        self.assertEqual(broker.get("/tokens/acme").status, 200)
        self.assertGreater(sum(self.refused(broker, reason) for reason in ("maximum", "address", "descriptors")), 0)


class PipelineTests(BrokerTestCase):
    def test_an_answer_does_not_wait_for_a_slow_one_behind_it(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        pageup, ukg = Simulator("pageup", 300), Simulator("ukg", 3600)
        self.addCleanup(pageup.stop)
        self.addCleanup(ukg.stop)
        broker = Broker(folder, pageup, ukg)
        self.addCleanup(broker.stop)
        link = self.connect(broker)
        pageup.slow_down(seconds=2)
        cold = f"GET /tokens/acme HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {broker.key}\r\n\r\n".encode()
        begun = time.monotonic()
        link.sendall(abuse.GET + cold)
        self.assertTrue(link.recv(65536).startswith(b"HTTP/1.1 200 "))
        self.assertLess(time.monotonic() - begun, 1)
        self.assertIn(b"access_token", link.recv(65536))


def is_ended(link, patience=1.0):
    """Whether the service ends a connection on which nothing was sent."""
    link.settimeout(patience)
    try:
        return link.recv(1) == b""
    except ConnectionResetError:
        return True
    except (TimeoutError, BlockingIOError):
        return False


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
