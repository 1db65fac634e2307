"""`tokenwell serve` whose configuration changes while it is asked, at 10,000 tenants, and over a `kill -9`."""

import http.client
import os
import pathlib
import signal
import subprocess
import tempfile
import threading
import time
import unittest

from program import BINARY, PATIENCE, Service, Upstream, eventually, get, post, sample

TENANTS = 10_000


def tenants(upstream, count, changed=None):
    """Tenants `t0` and so on with a secret's file each; that of `changed` has another client."""
    return "".join(f"""\
  t{number}:
    provider: oauth2
    token_url: http://127.0.0.1:{upstream.port()}/token
    client_id: {"another" if number == changed else f"t{number}"}
    client_secret: {{file: secrets/t{number}}}
    scopes: [read]
""" for number in range(count))


class Load:
    """Asks for tokens on a connection of its own until it is stopped; notes what is no 200, and the longest answer."""

    def __init__(self, service, paths):
        self.failures, self.longest, self.count = [], 0.0, 0
        self._on = True
        self._thread = threading.Thread(target=self._ask, args=(service.port(), service.key, paths), daemon=True)
        self._thread.start()

    def _ask(self, port, key, paths):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        while self._on:
            start = time.monotonic()
            answer = get(port, paths[self.count % len(paths)], key, connection)
            self.longest = max(self.longest, time.monotonic() - start)
            self.count += 1
            if answer.status != 200:
                self.failures.append((answer.status, answer.body))
        connection.close()

    def stop(self):
        self._on = False
        self._thread.join(PATIENCE)


class ReloadTests(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        self.upstream = Upstream(3600)
        self.addCleanup(self.upstream.stop)

    def start(self, count, settings=""):
        secrets = pathlib.Path(self.folder, "secrets")
        secrets.mkdir(exist_ok=True)
        for number in range(count):
            secrets.joinpath(f"t{number}").write_text("s3cret")
        service = Service(self.folder, tenants(self.upstream, count), settings=settings)
        self.addCleanup(service.stop)
        service.port()
        return service

    def rewrite(self, old, new):
        path = pathlib.Path(self.folder, "tokenwell.yaml")
        text = path.read_text()
        self.assertIn(old, text)
        # Replaced as a whole, as an editor does.
        pathlib.Path(self.folder, "next").write_text(text.replace(old, new))
        os.rename(pathlib.Path(self.folder, "next"), path)

    def test_of_ten_thousand_tenants_one_changes_and_no_request_fails_or_waits(self):
        service = self.start(TENANTS)
        before = service.get("/tokens/t1").json["access_token"]
        load = Load(service, [f"/tokens/t{number}" for number in range(50)])
        eventually(lambda: load.count > 200)
        quiet, load.longest = load.longest, 0.0
        self.rewrite("client_id: t7\n", "client_id: another\n")
        start = time.monotonic()
        answer = post(service.port(), "/reload", {}, service.key)
        took = time.monotonic() - start
        load.stop()
        print(f"\nreloaded in {took:.2f} s; {load.count} requests, the longest {1000 * load.longest:.0f} ms, "
              f"before it {1000 * quiet:.0f} ms", end="")
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(answer.json["tenants"]["changed"], {"count": 1, "names": ["t7"]})
        self.assertEqual(load.failures, [])
        self.assertEqual(service.get("/tokens/t1").json["access_token"], before)

    def test_a_changed_file_is_found_and_what_was_reloaded_outlives_kill_9(self):
        master = pathlib.Path(self.folder, "master_key")
        subprocess.run([BINARY, "masterkey", "new", "--output", master], check=True, capture_output=True)
        settings = f"master_key: {{file: {master}}}\nstore: {{sqlite: {self.folder}/tokenwell.db}}"
        service = self.start(3, settings)
        tokens = {name: service.get(f"/tokens/{name}").json["access_token"] for name in ("t0", "t1", "t2")}
        pathlib.Path(self.folder, "secrets", "t1").write_text("rotated")
        self.rewrite("  t2:", "  t3:")
        eventually(lambda: service.get("/tokens/t2").status == 404)
        self.assertEqual(sample(service.port(), "tokenwell_configuration_last_reload_successful"), 1)
        # Durable 20 ms and a commit later.
        eventually(lambda: sample(service.port(), "tokenwell_store_pending_records") == 0)
        service.stop(signal.SIGKILL)

        self.rewrite("  t3:", "  t2:")
        again = Service.__new__(Service)
        again.key = service.key
        super(Service, again).__init__(
            "serve", "--config", str(pathlib.Path(self.folder, "tokenwell.yaml")), VENDOR_SECRET="none")
        self.addCleanup(again.stop)
        for name in ("t0", "t1"):
            self.assertEqual(again.get(f"/tokens/{name}").json["access_token"], tokens[name])
        self.assertNotEqual(again.get("/tokens/t2").json["access_token"], tokens["t2"], "it was removed")


if __name__ == "__main__":
    unittest.main()
