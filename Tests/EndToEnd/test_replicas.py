"""Three brokers on one Redis: the vendor sees one, whatever becomes of them or of Redis."""

import collections
import concurrent.futures
import itertools
import random
import signal
import statistics
import tempfile
import time
import unittest

import chaos
import replicas
import storm
from program import Simulator, eventually, sample

REQUESTS = 10_000
CONNECTIONS = 200  # to each replica
READERS = 80  # at each replica
REVOCATIONS = 15
FEED = 0.1  # seconds within which news reach every replica
LEASE = 2.5  # seconds that a lost minter can hold others up
GONE = 15  # seconds without a sign of life after which a replica is no member
SLACK = 3  # seconds that a busy machine may add
CHAOS = 20, 15303  # seconds, and a seed that has most kinds of mishaps and of drops


class ReplicasTests(unittest.TestCase):
    def start(self, *names, lifetime=300, settings="", secret=Simulator.SECRET):
        """Replicas with a tenant of each name, each at a vendor of its own, of which nothing has been minted."""
        storm.most_callers(REQUESTS)
        self.vendors = {
            name: Simulator("pageup", lifetime, "--id", name, secret=secret) for name in names}
        for vendor in self.vendors.values():
            self.addCleanup(vendor.stop)
        tenants = "".join(replicas.pageup(name, vendor) for name, vendor in self.vendors.items())
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.cluster = replicas.Cluster(folder, tenants, settings)
        self.addCleanup(self.cluster.close)
        self.cluster.start()
        self.all = self.cluster.replicas
        return self.all

    def mints(self):
        return {name: vendor.mints() for name, vendor in self.vendors.items()}

    def tokens(self, name):
        """What each replica hands out."""
        return [replica.token(name) for replica in self.cluster.replicas]

    def assert_one(self, tokens):
        self.assertEqual(len(set(tokens)), 1, "replicas hand out different tokens")

    def in_background(self, call, *arguments):
        pool = concurrent.futures.ThreadPoolExecutor(1)
        self.addCleanup(pool.shutdown)
        return pool.submit(call, *arguments)

    # MARK: - One mint

    def test_ten_thousand_cold_callers_cause_one_mint(self):
        self.start("acme", "globex")
        for name, vendor in self.vendors.items():
            with self.subTest(name):
                # So that all of the first wait for it.
                vendor.slow_down(seconds=1)
                request = storm.get(f"/tokens/{name}", self.cluster.key)
                begun = time.monotonic()
                bodies = replicas.stampede([one.port for one in self.all], request, REQUESTS, CONNECTIONS)
                print(f"\n{REQUESTS} callers: {time.monotonic() - begun:.1f} s, {vendor.mints()} mint", end="")
                self.assertEqual({status: len(some) for status, some in bodies.items()}, {200: REQUESTS})
                self.assert_one(body["access_token"] for body in bodies[200])
                self.assertEqual(vendor.attempts(), 1)

    def test_what_one_replica_mints_the_others_have_at_once(self):
        first, *others = self.start("acme")
        self.assert_one(self.tokens("acme"))
        seconds = []
        for _ in range(10):
            self.assertEqual(first.refresh("acme").status, 200)
            news, told = first.fingerprint("acme"), time.monotonic()
            for other in others:
                eventually(lambda one=other: one.fingerprint("acme") == news)
                seconds.append(time.monotonic() - told)
        print(f"\nnews: median {1000 * statistics.median(seconds):.0f} ms, at most {1000 * max(seconds):.0f} ms", end="")
        self.assertLess(statistics.median(seconds), FEED)
        self.assertLess(max(seconds), FEED + SLACK)
        self.assert_one(self.tokens("acme"))
        self.assertEqual(self.mints(), {"acme": 11})

    def test_one_replica_refreshes_ahead(self):
        lifetime, rounds = 6, 2
        self.start("acme", lifetime=lifetime)
        callers = [replicas.BalancedCaller(self.all, ["acme"], seed) for seed in range(2)]
        begun = time.monotonic()
        for caller in callers:
            caller.start()
        eventually(lambda: self.mints()["acme"] == 1 + rounds)
        seconds = time.monotonic() - begun
        for caller in callers:
            caller.end()
        self.assertEqual([failure for caller in callers for failure in caller.failures], [])
        # One that all had minted would have come much earlier.
        self.assertGreater(seconds, rounds * 0.8 * lifetime)
        self.assertGreater(self.clients("acme")["smallest_interval"], 0.79 * lifetime)

    def clients(self, name):
        return self.vendors[name].clients()[0]

    # MARK: - Rolling deploy

    def test_a_rolling_deploy_fails_no_caller_and_mints_nothing(self):
        self.start("acme", "globex")
        balanced = list(self.all)
        callers = [replicas.BalancedCaller(balanced, ["acme", "globex"], seed) for seed in range(6)]
        for caller in callers:
            caller.start()
        eventually(lambda: all(caller.answers > 50 for caller in callers))
        for old in list(balanced):
            # As with maxUnavailable: 0.
            new = self.cluster.add()
            eventually(new.is_ready)
            balanced.append(new)
            self.assertEqual(old.stop(), 0)
            balanced.remove(old)
            time.sleep(0.3)
        for caller in callers:
            caller.end()
        answers = sum(caller.answers for caller in callers)
        print(f"\n{answers} answers, {sum(caller.elsewhere for caller in callers)} asked elsewhere", end="")
        self.assertEqual([failure for caller in callers for failure in caller.failures], [])
        self.assertGreater(answers, 500)
        self.assertEqual(self.mints(), {"acme": 1, "globex": 1})

    # MARK: - Revocation

    def test_a_revoked_token_is_handed_out_by_no_replica_after_the_answer(self):
        self.start("acme")
        self.tokens("acme")
        readers = replicas.Readers(self.all, "acme", READERS)
        readers.start()
        revoked, seconds = {}, []
        for number in range(REVOCATIONS):
            token = random.choice(self.all).token("acme")
            begun = time.monotonic()
            answer = self.all[number % len(self.all)].revoke(token)
            revoked[token] = time.monotonic()
            self.assertEqual((answer.status, answer.json), (200, {"revoked": "local"}))
            seconds.append(revoked[token] - begun)
            time.sleep(0.05)
        readers.end()
        late = [
            (number, asked - revoked[token]) for number, asked, _, token in readers.seen
            if asked > revoked.get(token, asked)]
        print(f"\n{len(readers.seen)} answers; revocation: median {1000 * statistics.median(seconds):.0f} ms, "
              f"at most {1000 * max(seconds):.0f} ms", end="")
        self.assertEqual(late, [], "handed out after its revocation was answered")
        self.assertEqual(collections.Counter(status for _, _, status, _ in readers.seen).keys(), {200})
        self.assertGreater(len({number for number, *_ in readers.seen}), 1)
        self.assertEqual(self.mints(), {"acme": 1 + REVOCATIONS})

    # MARK: - The minter is lost

    def test_a_minter_that_is_killed_or_stopped_holds_others_up_for_the_lease(self):
        """Two tenants, each with a replica that holds its claim: one is killed, the other sent to sleep."""
        killed, stopped, third = self.start("acme", "globex", "initech", settings="deadline: 15s")
        kept = third.token("initech")
        for name, minter in (("acme", killed), ("globex", stopped)):
            self.vendors[name].slow_down(seconds=8)
            self.in_background(minter.get, f"/tokens/{name}")
            eventually(lambda one=minter, name=name: self.is_minting(one, name))
        # This lets the requests reach the vendors, which count them when they answer.
        time.sleep(0.3)
        begun = time.monotonic()
        killed.stop(signal.SIGKILL)
        stopped.send_to_sleep()
        self.cluster.replicas.remove(killed)

        waiting = {name: self.in_background(self.timed_token, third, name) for name in ("acme", "globex")}
        # One that neither answers nor is gone may hand it out yet.
        answer = third.revoke(kept)
        self.assertEqual(answer.status, 503)
        self.assertGreaterEqual(int(answer.headers["Retry-After"]), 1)
        self.assertNotEqual(third.token("initech"), kept)

        tokens = {}
        for name, asked in waiting.items():
            tokens[name], at = asked.result()
            print(f"\n{name}: {at - begun:.1f} s after its minter was lost", end="")
            self.assertLess(at - begun, LEASE + SLACK)
        eventually(lambda: third.revoke(kept).status == 200)
        print(f"\nrevoked {time.monotonic() - begun:.1f} s after a member was lost", end="")
        self.assertLess(time.monotonic() - begun, GONE + SLACK)

        stopped.wake_up()
        # The vendor's answer has long been waiting for it. What it is asked first may have come while it was no member.
        for _ in range(20):
            self.assertEqual(third.token("globex"), tokens["globex"])
            time.sleep(0.02)
        self.assertEqual([stopped.token("acme"), stopped.token("globex")], [tokens["acme"], tokens["globex"]])
        self.assertNotEqual(stopped.token("initech"), kept)
        self.assert_one(self.tokens("initech"))
        # The lost minters' own were made, and nobody has them.
        self.assertEqual(self.mints(), {"acme": 2, "globex": 2, "initech": 2})

    def is_minting(self, replica, name):
        return replica.get(f"/tenants/{name}").json["minting"]

    @staticmethod
    def timed_token(replica, name):
        return replica.token(name), time.monotonic()

    # MARK: - Redis is lost

    def start_with_a_revocation(self):
        """Replicas with two tokens, and a third that was revoked; what was minted, and a caller that asks for both."""
        self.start("kept", "revoked", "late")
        self.kept, self.withdrawn = self.tokens("kept")[0], self.tokens("revoked")[0]
        self.assertEqual(self.all[0].revoke(self.withdrawn).status, 200)
        self.successor = self.tokens("revoked")[0]
        self.cluster.settle()
        self.cluster.meet()
        caller = replicas.BalancedCaller(self.all, ["kept", "revoked"], seed=1)
        caller.start()
        return self.mints(), caller

    def test_redis_that_is_paused_or_emptied_costs_no_token(self):
        minted, caller = self.start_with_a_revocation()
        self.cluster.redis.ask("CLIENT", "PAUSE", 3000, "ALL")
        end = time.monotonic() + 3
        while time.monotonic() < end:
            self.assert_serving()
            time.sleep(0.1)
        self.cluster.settle()
        self.assertEqual(self.mints(), minted)

        written = self.cluster.records()
        self.assertGreater(len(written), len(self.vendors))
        self.cluster.redis.ask("FLUSHALL")
        # The token that was revoked was still there, and is of no use to anybody.
        eventually(lambda: len(self.cluster.records()) >= len(written) - 1)
        self.assert_serving()
        # It has nothing but what the others have written again.
        self.all[2].stop(signal.SIGKILL)
        self.all[2].start()
        self.assert_serving()
        self.assertEqual(self.all[2].revoke(self.withdrawn).status, 200)
        self.assertEqual(self.mints(), minted)
        caller.end()
        self.assertEqual(caller.failures, [])

    def test_redis_that_is_lost_costs_no_token(self):
        minted, caller = self.start_with_a_revocation()
        self.cluster.stop_redis()
        for replica in self.all:
            eventually(lambda one=replica: not one.is_store_up())
            store = replica.get("/tenants").json["store"]
            self.assertEqual(store["state"], "degraded")
            self.assertIn("since", store)
        self.assert_serving()
        self.assertEqual(self.mints(), minted)
        # Nobody has that one; it falls to one replica to mint it.
        answers = [replica.get("/tokens/late") for replica in self.all * 2]
        self.assertEqual({answer.status for answer in answers}, {200, 503})
        late = {answer.json["access_token"] for answer in answers if answer.status == 200}
        self.assertEqual((len(late), self.mints()["late"]), (1, 1))
        for answer in answers:
            self.assertTrue(answer.status == 200 or int(answer.headers["Retry-After"]) >= 1)
        withdrawn_at = time.monotonic()
        answer = self.all[1].revoke(self.kept)
        self.assertEqual((answer.status, answer.json["error"]), (503, "store_unavailable"))

        # Those who have no token are asked for it in the very moment of the return.
        readers = replicas.Readers(self.all, "late", 5)
        readers.start()
        self.cluster.start_redis()
        self.cluster.settle()
        for replica in self.all:
            eventually(lambda one=replica: one.get("/tokens/late").status == 200)
        readers.end()
        self.assertEqual(self.mints()["late"], 1, "minted again, though a replica had a good token")
        self.assertEqual(set(self.tokens("late")), late)
        self.assertEqual(set(self.tokens("revoked")), {self.successor})
        self.assertEqual(self.all[0].revoke(self.kept).status, 200)
        self.assertNotIn(self.kept, self.tokens("kept"))
        self.assertEqual(self.mints(), minted | {"kept": minted["kept"] + 1, "late": 1})
        caller.end()
        # Where it was revoked it has a successor before Redis is back only if the mint falls to that replica.
        self.assertEqual([failure for failure in caller.failures if not isinstance(failure, replicas.Seen) or (
            failure.tenant, failure.replica, failure.answered > withdrawn_at) != ("kept", 1, True)], [])

    def assert_serving(self):
        for replica in self.all:
            self.assertEqual([replica.token("kept"), replica.token("revoked")], [self.kept, self.successor])
            self.assertTrue(replica.is_ready())

    # MARK: - Suspension

    def test_a_refused_credential_is_tried_by_nobody_until_an_operator_says_so(self):
        self.start("acme", secret="another")
        with concurrent.futures.ThreadPoolExecutor(30) as pool:
            answers = list(pool.map(lambda replica: replica.get("/tokens/acme"), self.all * 10))
        self.assertEqual({(one.status, one.json["error"]) for one in answers}, {(502, "upstream_rejected")})
        attempts = self.vendors["acme"].attempts()
        print(f"\n{attempts} attempts with a wrong secret", end="")
        self.assertLessEqual(attempts, len(self.all))
        for replica in self.all:
            eventually(lambda one=replica: sample(one.port, 'tokenwell_suspended{tenant="acme"}') == 1)

        vendor = self.vendors["acme"]
        port = vendor.port()
        vendor.stop()
        # From now on it has the secret that the brokers have.
        self.vendors["acme"] = vendor = Simulator("pageup", 300, "--id", "acme", port=port)
        self.addCleanup(vendor.stop)
        vendor.port()
        self.assertEqual({one.get("/tokens/acme").status for one in self.all}, {502})
        self.assertEqual(vendor.attempts(), 0)
        self.assertEqual(self.all[1].refresh("acme").status, 200)
        lifted = time.monotonic()
        for replica in self.all:
            eventually(lambda one=replica: one.get("/tokens/acme").status == 200)
        self.assertLess(time.monotonic() - lifted, FEED + SLACK)
        self.assert_one(self.tokens("acme"))
        self.assertEqual(vendor.attempts(), 1)

    # MARK: - All of it at random

    def test_a_seed_repeats_the_steps_of_chaos(self):
        def steps(seed):
            return list(itertools.islice(chaos.plan(60, seed), 20))
        self.assertEqual(steps(8), steps(8))
        self.assertNotEqual(steps(8), steps(9))

    def test_a_short_run_of_chaos(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        print()
        self.assertEqual(chaos.run(*CHAOS, folder), [])


if __name__ == "__main__":
    unittest.main()
