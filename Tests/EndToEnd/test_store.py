"""`tokenwell serve` with its store on a disk that takes nothing more, and then takes it again."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from program import BINARY, PATIENCE, Service, Simulator, Upstream, eventually, get, sample

TENANTS = ("kept", "revoked", "late")
SAID_ONCE = ("the store takes nothing", "the store keeps what it is given again")


def run(*command):
    subprocess.run([str(word) for word in command], check=True, capture_output=True)


class SmallDisk:
    """A file system of 1 MB in memory; only root can mount it."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder, "disk")
        self.folder.mkdir()
        run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", self.folder)

    def fill(self, _):
        with open(self.folder / "filler", "wb", buffering=0) as filler:
            try:
                while filler.write(bytes(4096)):
                    pass
            except OSError:
                pass

    def free(self, _):
        (self.folder / "filler").unlink()

    def make_read_only(self):
        run("mount", "-o", "remount,ro", self.folder)

    def remove(self):
        run("umount", self.folder)


class SizeLimit:
    """A folder in which files of the service cannot grow any more (RLIMIT_FSIZE, as by `ulimit -f`)."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def fill(self, service):
        log = self.folder / "store" / "tokenwell.db-wal"
        run("prlimit", "--pid", service.pid, f"--fsize={log.stat().st_size}:")

    def free(self, service):
        run("prlimit", "--pid", service.pid, "--fsize=unlimited:")

    def remove(self):
        pass


class StoreTests(unittest.TestCase):
    def start(self):
        settings = f"""\
master_key: {{file: {self.folder}/master_key}}
store: {{sqlite: {self.disk.folder}/store/tokenwell.db}}
"""
        tenants = "".join(f"""\
  {name}:
    provider: oauth2
    token_url: http://127.0.0.1:{self.upstream.port()}/token
    client_auth: basic
    client_id: {name}
    client_secret: {{env: VENDOR_SECRET}}
""" for name in TENANTS)
        self.service = Service(self.folder, tenants, settings=settings)
        self.addCleanup(self.service.stop)
        self.port = self.service.port()

    def set_up(self, disk):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        run(BINARY, "masterkey", "new", "--output", pathlib.Path(self.folder, "master_key"))
        self.disk = disk(self.folder)
        self.addCleanup(self.disk.remove)
        self.upstream = Upstream(lifetime=600)
        self.addCleanup(self.upstream.stop)
        self.start()

    def token(self, tenant):
        answer = self.service.get(f"/tokens/{tenant}")
        self.assertEqual(answer.status, 200)
        return answer.json["access_token"]

    def mints(self):
        return get(self.upstream.port(), "/counts").json

    def store_state(self):
        return self.service.get("/tenants").json["store"]

    def times_said(self):
        return [sum(words in line for line in self.service.lines) for words in SAID_ONCE]

    def check_trouble(self, disk):
        """Nothing is lost but what the answers say, and nobody has to do more than to make room."""
        self.set_up(disk)
        kept, withdrawn = self.token("kept"), self.token("revoked")
        eventually(lambda: sample(self.port, "tokenwell_store_pending_records") == 0)

        self.disk.fill(self.service)
        late = self.token("late")
        eventually(lambda: sample(self.port, "tokenwell_store_up") == 0)
        answer = self.service.revoke(withdrawn)
        self.assertEqual((answer.status, answer.json["error"]), (503, "store_unavailable"))
        self.assertGreaterEqual(int(answer.headers["Retry-After"]), 1)
        successor = self.token("revoked")
        self.assertNotEqual(successor, withdrawn)
        # More than one attempt, and said only once.
        eventually(lambda: sample(self.port, 'tokenwell_store_commits_total{outcome="failed"}') >= 2)
        self.assertEqual(self.service.revoke(withdrawn).status, 503)
        self.assertEqual(self.times_said(), [1, 0])
        self.assertEqual(self.service.get("/readyz").status, 200)
        self.assertEqual(self.store_state()["state"], "degraded")
        self.assertGreater(self.store_state()["pending"], 0)
        self.assertEqual([self.token(name) for name in TENANTS], [kept, successor, late])

        self.disk.free(self.service)
        eventually(lambda: sample(self.port, "tokenwell_store_up") == 1)
        self.assertEqual(self.service.revoke(withdrawn).status, 200)
        self.assertEqual(self.store_state(), {"state": "ok", "pending": 0})
        self.assertEqual(self.times_said(), [1, 1])

        minted = self.mints()
        self.assertEqual(minted, {"kept": 1, "revoked": 2, "late": 1})
        self.assertEqual(self.service.stop(), 0)
        self.start()
        self.assertEqual([self.token(name) for name in TENANTS], [kept, successor, late])
        self.assertEqual(self.service.revoke(withdrawn).status, 200)
        self.assertEqual(self.mints(), minted)

    @unittest.skipUnless(os.geteuid() == 0, "only root can mount a file system")
    def test_a_full_disk(self):
        self.check_trouble(SmallDisk)

    def test_files_that_cannot_grow(self):
        self.check_trouble(SizeLimit)

    @unittest.skipUnless(os.geteuid() == 0, "only root can mount a file system")
    def test_a_read_only_disk_is_refused_at_start(self):
        self.set_up(SmallDisk)
        self.token("kept")
        self.assertEqual(self.service.stop(), 0)
        self.disk.make_read_only()
        self.assertIn("Read-only file system", self.refusal())

    def test_a_store_that_cannot_be_begun_is_refused_at_start(self):
        self.set_up(SizeLimit)
        self.assertEqual(self.service.stop(), 0)
        shutil.rmtree(self.disk.folder / "store")
        self.assertIn("SQLite", self.refusal("prlimit", "--fsize=1024"))

    def refusal(self, *before):
        """What the service says as it does not start."""
        again = subprocess.run(
            [*before, BINARY, "serve", "--config", pathlib.Path(self.folder, "tokenwell.yaml")], text=True,
            env={**os.environ, "VENDOR_SECRET": Simulator.SECRET}, capture_output=True, timeout=PATIENCE, check=False)
        self.assertEqual(again.returncode, 1)
        self.assertIn("tokenwell: error: can't open the store", again.stderr)
        return again.stderr


if __name__ == "__main__":
    unittest.main()
