"""`tokenwell serve` with both vendors simulated in processes of their own, so that they can fail."""

import concurrent.futures
import http.client
import itertools
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

from program import PATIENCE, Broker, Simulator, eventually, get


class ServiceTests(unittest.TestCase):
    def start(self, pageup_lifetime=300, before=()):
        """A broker that has minted nothing yet."""
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.pageup = Simulator("pageup", pageup_lifetime)
        self.addCleanup(self.pageup.stop)
        self.ukg = Simulator("ukg", 3600)
        self.addCleanup(self.ukg.stop)
        self.broker = Broker(folder, self.pageup, self.ukg, before)
        self.addCleanup(self.broker.stop)
        self.port = self.broker.port()

    def ask_at_once(self, path, callers):
        """That many callers, each on a connection of its own, which ask only once all of them are connected."""
        ready = threading.Barrier(callers, timeout=PATIENCE)

        def ask():
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
            connection.connect()
            ready.wait()
            try:
                return get(self.port, path, self.broker.key, connection)
            finally:
                connection.close()

        pool = concurrent.futures.ThreadPoolExecutor(callers)
        self.addCleanup(pool.shutdown)
        return [pool.submit(ask) for _ in range(callers)]

    def test_a_hundred_cold_callers_cause_one_mint(self):
        self.start()
        for tenant, simulator in (("acme", self.pageup), ("globex", self.ukg)):
            with self.subTest(tenant):
                answers = [asked.result() for asked in self.ask_at_once(f"/tokens/{tenant}", 100)]
                self.assertEqual({answer.status for answer in answers}, {200})
                self.assertEqual(len({answer.json["access_token"] for answer in answers}), 1)
                self.assertEqual(simulator.mints(), 1)

    def test_more_clients_than_descriptors_stop_no_mint(self):
        self.start(before=("prlimit", "--nofile=64:64"))
        mine = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        self.addCleanup(mine.close)
        self.assertEqual(get(self.port, "/livez", connection=mine).status, 200)
        for _ in range(140):
            self.enterContext(socket.create_connection(("127.0.0.1", self.port), PATIENCE))
        self.assertEqual(get(self.port, "/tokens/acme", self.broker.key, mine).status, 200)

    def test_a_lost_vendor_is_noticed_only_at_the_tokens_margin(self):
        lifetime, margin = 10, 1
        self.start(pageup_lifetime=lifetime)
        token = self.broker.get("/tokens/acme").json["access_token"]
        served_until = time.monotonic() + lifetime - margin
        self.pageup.stop(signal.SIGKILL)

        asked, answer = time.monotonic(), self.broker.get("/tokens/acme")
        while answer.status == 200:
            self.assertEqual(answer.json["access_token"], token)
            self.assertLess(asked, served_until, "handed out within its margin")
            time.sleep(0.02)
            asked, answer = time.monotonic(), self.broker.get("/tokens/acme")
        self.assertGreater(asked, served_until - 1, "withheld before its margin")
        self.assertEqual((answer.status, answer.json["error"]), (503, "upstream_unavailable"))
        self.assertGreaterEqual(int(answer.headers["Retry-After"]), 1)

        self.assertEqual(self.broker.get("/readyz").status, 200)
        self.assertEqual(self.broker.get("/tokens/globex").status, 200)

    def test_sigterm_under_load_loses_no_accepted_request(self):
        self.start()
        self.assertEqual(self.broker.get("/tokens/globex").status, 200)
        self.pageup.slow_down(seconds=2)
        waiting = self.ask_at_once("/tokens/acme", 50)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            load = [pool.submit(self.ask_until_closed, "/tokens/globex") for _ in range(8)]
            eventually(lambda: self.pageup.attempts() == 1)
            # The fifty have been sent; this lets the last of them be read.
            time.sleep(0.5)
            self.assertEqual(self.broker.stop(), 0)
            answered = [asked.result() for asked in load]
        self.assertEqual([asked.result().status for asked in waiting], [200] * 50)
        self.assertGreater(min(answered), 1)
        self.assertEqual(self.pageup.mints(), 1)

    def test_curl_and_gzip_read_what_is_compressed(self):
        self.start()
        for path in ("/openapi.yaml", "/metrics"):
            with self.subTest(path):
                plain = get(self.port, path).body
                self.assertEqual(self.curl(path, "--compressed").split(b"\n")[0], plain.split(b"\n")[0])
                coded = self.curl(path, "--header", "Accept-Encoding: gzip")
                self.assertLess(len(coded), len(plain) / 3)
                unpacked = subprocess.run(
                    ["gzip", "-dc"], input=coded, capture_output=True, timeout=PATIENCE, check=True).stdout
                self.assertEqual(unpacked.split(b"\n")[0], plain.split(b"\n")[0])
        self.assertEqual(self.curl("/openapi.yaml", "--compressed"), get(self.port, "/openapi.yaml").body)

    def curl(self, path, *options):
        """What curl writes; a body that it cannot decode is an error."""
        return subprocess.run(
            ["curl", "--silent", "--show-error", "--fail", *options, f"http://127.0.0.1:{self.port}{path}"],
            capture_output=True, timeout=PATIENCE, check=True).stdout

    def ask_until_closed(self, path):
        """Asks over and over on one connection until an answer announces its end; returns how many came."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        self.addCleanup(connection.close)
        for count in itertools.count(1):
            answer = get(self.port, path, self.broker.key, connection)
            self.assertEqual(answer.status, 200)
            if answer.headers.get("Connection") == "close":
                return count
