"""Kills the service at random instants, again and again, and checks after each start what it remembers.

    python3 -B crash.py ROUNDS [SEED]

Callers ask for tokens and revoke some all the time. After each kill:

- the store opens, and every record in it;
- no token is handed out whose revocation was answered with 200, before the kill or after it;
- a token that was minted LOSS seconds before the kill or earlier, and is neither revoked nor due, is still the one that
  is handed out: the vendor's own log has no mint that another token made unnecessary;
- a budget is never overdrawn by more than what may be lost with a kill.

At the end every revocation that was answered with 503, because the vendor did not take it, has reached the vendor.
"""

import collections
import http.client
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

from program import BINARY, PATIENCE, Service, Upstream, eventually, get

LIFETIME = 20  # seconds
DUE = 0.79 * LIFETIME  # a refresh comes no earlier
LOSS = 0.5  # seconds: what is durable within 20 ms and a commit on a machine that does nothing else
IN_FLIGHT = 1  # seconds that a request may lie with a vendor that is busy
LIVES = (0.05, 1.2)  # seconds from a start to the kill
TENANTS = 10
FRUGAL = "frugal"  # the tenant whose budget matters
BURST, PER_HOUR = 20, 720
CALLERS = 3
REVOCATIONS = 0.01  # of the requests


class Witness:
    """What callers saw and were told."""

    def __init__(self):
        self.lock = threading.Lock()
        self.revoking = {}  # token: when it was first asked for
        self.revoked = {}  # token: when that was answered with 200
        self.pending = set()  # tokens of which the vendor is yet to be told
        self.violations = []
        self.answers = collections.Counter()

    def handed_out(self, token, asked):
        with self.lock:
            if self.revoked.get(token, asked) < asked:
                self.violations.append(f"a revoked token was handed out {asked - self.revoked[token]:.3f} s later")

    def told(self, token, status, code):
        with self.lock:
            if status not in (200, 503):
                self.violations.append(f"a revocation was answered with {status} {code}")
            elif status == 200:
                self.revoked.setdefault(token, time.monotonic())
                self.pending.discard(token)
            elif code == "upstream_unavailable":
                self.pending.add(token)


class Caller(threading.Thread):
    """Asks for one tenant's token after the other, and revokes some, through every restart."""

    def __init__(self, place, witness, seed):
        super().__init__(daemon=True)
        self.place = place
        self.witness = witness
        self.random = random.Random(seed)
        self.ended = threading.Event()

    def run(self):
        connection, port = None, None
        while not self.ended.is_set():
            if port != self.place.port:
                port = self.place.port
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
            try:
                self.ask(connection)
            except (OSError, http.client.HTTPException):
                connection.close()
                time.sleep(0.005)

    def ask(self, connection):
        tenant = FRUGAL if self.random.random() < 0.1 else f"t{self.random.randrange(TENANTS)}"
        asked = time.monotonic()
        answer = get(0, f"/tokens/{tenant}", self.place.key, connection)
        self.witness.answers[answer.status] += 1
        if answer.status != 200:
            return
        token = answer.json["access_token"]
        self.witness.handed_out(token, asked)
        if self.random.random() < REVOCATIONS:
            self.revoke(connection, token)

    def revoke(self, connection, token):
        with self.witness.lock:
            self.witness.revoking.setdefault(token, time.monotonic())
        connection.request(
            "POST", "/revoke", urllib.parse.urlencode({"token": token}),
            {"Authorization": f"Bearer {self.place.key}", "Content-Type": "application/x-www-form-urlencoded"})
        answer = connection.getresponse()
        self.witness.told(token, answer.status, json.loads(answer.read()).get("error"))


class Place:
    """Where the service is at the moment."""

    def __init__(self, folder, upstream):
        self.folder = folder
        self.upstream = upstream.port()
        key = pathlib.Path(folder, "master_key")
        subprocess.run([BINARY, "masterkey", "new", "--output", key], check=True, capture_output=True)
        self.settings = f"store: {{sqlite: {folder}/tokenwell.db}}\nmaster_key: {{file: {key}}}"
        self.key = None
        self.port = None

    def start(self):
        service = Service(self.folder, "".join(self.tenants()), settings=self.settings)
        self.key, self.port = service.key, service.port()
        bad = [line for line in service.lines if '"level":"error"' in line or '"level":"critical"' in line]
        return service, bad

    def tenants(self):
        for name in [FRUGAL, *(f"t{number}" for number in range(TENANTS))]:
            revocable = name != FRUGAL and int(name[1:]) % 2 == 0
            budget = (BURST, PER_HOUR) if name == FRUGAL else (1000, 3600)
            yield f"""\
  {name}:
    provider: oauth2
    token_url: http://127.0.0.1:{self.upstream}/token
    client_auth: basic
    client_id: {name}
    client_secret: {{env: VENDOR_SECRET}}
    mint_budget: {{burst: {budget[0]}, per_hour: {budget[1]}}}
"""
            if revocable:
                yield f"    revocation_url: http://127.0.0.1:{self.upstream}/revoke\n"


def unnecessary(log, revoking, kills):
    """The mints that another token made unnecessary, with how long before a kill that token was minted, if at all."""
    by_client = collections.defaultdict(list)
    for client, token, minted in log["minted"]:
        by_client[client].append((token, minted))
    for client, mints in by_client.items():
        for (token, minted), (_, next_minted) in zip(mints, mints[1:]):
            if next_minted - minted >= DUE or revoking.get(token, next_minted) < next_minted:
                continue
            # The vendor may come to a request only after the end of who sent it.
            kill = next((kill for kill in kills if minted - IN_FLIGHT <= kill <= next_minted), None)
            yield client, None if kill is None else kill - minted


def run(rounds, seed, folder, report=print):
    """Returns what went wrong, and prints figures."""
    chance = random.Random(seed)
    upstream = Upstream(LIFETIME)
    witness, place, kills, problems, service = Witness(), Place(folder, upstream), [], [], None
    callers = [Caller(place, witness, seed + number) for number in range(CALLERS)]
    began, starts = time.monotonic(), []
    try:
        for number in range(rounds + 1):
            before = time.monotonic()
            service, bad = place.start()
            starts.append(time.monotonic() - before)
            problems += [f"round {number}: {line}" for line in bad]
            if number == 0:
                for caller in callers:
                    caller.start()
            if number < rounds:
                time.sleep(chance.uniform(*LIVES))
                service.stop(9)
                kills.append(time.monotonic())
        with witness.lock:
            pending = set(witness.pending)
        ended = time.monotonic() - LIFETIME
        minted = {token: when for _, token, when in log(place)["minted"]}
        alive = {token for token in pending if minted[token] > ended}
        eventually(lambda: alive - log(place)["revoked"].keys() == set() or not any(
            minted[token] > time.monotonic() - LIFETIME for token in alive))
        for caller in callers:
            caller.ended.set()
        for caller in callers:
            caller.join(PATIENCE)
        final = log(place)
        # What has ended before the vendor could be told needs no revocation any more.
        untold = [t for t in alive - final["revoked"].keys() if minted[t] > time.monotonic() - LIFETIME]
        problems += [f"a pending revocation never reached the vendor: {len(untold)}"] if untold else []
    finally:
        if service:
            service.stop()
        upstream.stop()
    problems += witness.violations
    losses = []
    for client, before_kill in unnecessary(final, witness.revoking, kills):
        if before_kill is None or before_kill > LOSS:
            problems.append(f"{client}: a good token was lost, {before_kill} s old at the kill")
        else:
            losses.append(before_kill)
    frugal = sum(client == FRUGAL for client, _, _ in final["minted"])
    allowed = BURST + (time.monotonic() - began) * PER_HOUR / 3600 + len(kills) / 10
    if frugal > allowed:
        problems.append(f"{FRUGAL}: {frugal} mints, and {allowed:.0f} allowed")
    starts.sort()
    report(
        f"{len(kills)} kills, seed {seed}: {sum(witness.answers.values())} answers {dict(witness.answers)}, "
        f"{len(final['minted'])} mints, {len(witness.revoked)} revocations acknowledged, {len(pending)} pending at the end\n"
        f"{len(losses)} tokens lost, at most {1000 * max(losses, default=0):.0f} ms old at the kill; "
        f"{FRUGAL}: {frugal} mints of {allowed:.0f} allowed; "
        f"start {1000 * starts[len(starts) // 2]:.0f} ms, at most {1000 * starts[-1]:.0f} ms")
    return problems


def log(place):
    return get(place.upstream, "/log").json


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 32)
    with tempfile.TemporaryDirectory() as folder:
        problems = run(rounds, seed, folder)
    for problem in problems[:20]:
        print("problem:", problem)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
