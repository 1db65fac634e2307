"""`tokenwell serve` with its store in a `redis-server`, which goes and comes back, and so does the broker."""

import pathlib
import signal
import subprocess
import tempfile
import unittest

from program import BINARY, Redis, Service, Upstream, eventually, get, sample

TENANTS = ("kept", "revoked", "late")


class RedisStoreTests(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        key = pathlib.Path(self.folder, "master_key")
        subprocess.run([BINARY, "masterkey", "new", "--output", key], check=True, capture_output=True)
        self.upstream = Upstream(lifetime=600)
        self.addCleanup(self.upstream.stop)
        self.redis = Redis()
        self.addCleanup(lambda: self.redis.stop(signal.SIGKILL))
        self.service = self.start()

    def start(self):
        settings = f"""\
master_key: {{file: {self.folder}/master_key}}
store: {{redis: {{url: 'redis://127.0.0.1:{self.redis.number}/0'}}}}
"""
        tenants = "".join(f"""\
  {name}:
    provider: oauth2
    token_url: http://127.0.0.1:{self.upstream.port()}/token
    client_auth: basic
    client_id: {name}
    client_secret: {{env: VENDOR_SECRET}}
""" for name in TENANTS)
        service = Service(self.folder, tenants, settings=settings)
        self.addCleanup(service.stop)
        return service

    def token(self, tenant):
        answer = self.service.get(f"/tokens/{tenant}")
        self.assertEqual(answer.status, 200)
        return answer.json["access_token"]

    def mints(self):
        return get(self.upstream.port(), "/counts").json

    def is_written(self):
        return sample(self.service.port(), "tokenwell_store_pending_records") == 0

    def test_a_broker_that_was_killed_goes_on_where_it_was(self):
        kept, withdrawn = self.token("kept"), self.token("revoked")
        self.assertEqual(self.service.revoke(withdrawn).status, 200)
        successor = self.token("revoked")
        eventually(self.is_written)
        minted = self.mints()
        self.service.stop(signal.SIGKILL)
        self.service = self.start()
        self.service.port()
        self.assertEqual([self.token("kept"), self.token("revoked")], [kept, successor])
        # Whoever was killed counts as one that has yet to hear of it, for another 15 s at most.
        eventually(lambda: self.service.revoke(withdrawn).status == 200)
        self.assertEqual(self.service.revoke(withdrawn).json, {"revoked": "local"})
        self.assertEqual(self.mints(), minted)

    def test_a_broker_that_waits_takes_the_place_of_one_that_is_stopped(self):
        kept = self.token("kept")
        first, self.service = self.service, self.start()
        self.assertEqual(get(first.port(), "/readyz").status, 200)
        self.assertEqual(first.stop(), 0)
        self.service.port()
        self.assertEqual(self.token("kept"), kept)
        self.assertEqual(self.mints(), {"kept": 1})

    def test_a_server_that_is_lost_and_comes_back_empty_costs_no_mint(self):
        kept, withdrawn = self.token("kept"), self.token("revoked")
        eventually(self.is_written)
        self.redis.stop(signal.SIGKILL)
        late = self.token("late")
        eventually(lambda: sample(self.service.port(), "tokenwell_store_up") == 0)
        self.assertEqual(self.service.get("/readyz").status, 200)
        self.assertEqual(self.service.get("/tenants").json["store"]["state"], "degraded")
        answer = self.service.revoke(withdrawn)
        self.assertEqual((answer.status, answer.json["error"]), (503, "store_unavailable"))
        self.assertNotEqual(self.token("revoked"), withdrawn)

        self.redis = Redis(self.redis.number)
        eventually(lambda: sample(self.service.port(), "tokenwell_store_up") == 1)
        self.assertEqual(self.service.revoke(withdrawn).status, 200)
        # It is given everything again.
        eventually(lambda: self.service.get("/tenants").json["store"] == {"state": "ok", "pending": 0})
        self.assertEqual([self.token("kept"), self.token("late")], [kept, late])
        self.assertEqual(self.mints(), {"kept": 1, "revoked": 2, "late": 1})


if __name__ == "__main__":
    unittest.main()
