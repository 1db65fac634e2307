"""Mishaps at random, over three replicas with callers that ask all the time, and what holds through all of them.

    python3 -B chaos.py SECONDS [SEED]

goes on for so many seconds; the same seed gives the same steps. In each step something befalls a replica's process, or
Redis or a replica's way to it, or a vendor, or several of them; tokens are revoked and reported meanwhile; then it is over.
After each step:

- no vendor has banned its client, or been asked more often than the budget allows, or minted a token while a good one was
  there, but for tokens that were dropped and for minters that were lost or cut off;
- no token was handed out whose revocation had been answered with 200, but by a replica that was cut off or asleep then and
  has not returned for longer than RETURN;
- no caller was refused by a replica whose last token was still good;
- no caller was given another tenant's token, or one within its margin;
- every replica that runs is ready, and answers.

At the end all replicas hand out the same tokens, and the store has everything.
"""

import collections
import contextlib
import queue
import random
import signal
import sys
import tempfile
import threading
import time

import replicas
from program import PATIENCE, Simulator, eventually

LIFETIME = {"pageup": 40, "ukg": 3600}  # seconds
# In any 600 s, which is what the simulators look at, less than the ban: 60 mints at PageUp, 20 at UKG.
BUDGET = {"pageup": (20, 228), "ukg": (8, 66)}  # burst, an hour
PAGEUP = ("acme", "umbrella")  # tenants with a vendor each
UKG = ("globex-eu", "globex-us", "globex-jp")  # tenants of one application
DUE = 0.79  # of its lifetime: no token has a successor earlier
CALLERS = 12
PAUSE = 0.002  # seconds between a caller's requests
RETURN = 7  # seconds after which a replica that was away knows what it has missed
SLOW = 2  # seconds that a slow vendor takes
AT_ONCE = 0.5  # seconds within which two things may have happened in either order
HEARD = 2  # seconds after which all know of a new replica
PATIENT = 40  # seconds within which a revocation that is repeated comes to 200, whatever befell anybody

PROCESS = ("killed", "asleep", "replaced")
AWAY = ("cut_off", "hanging")
REDIS = ("redis_lost", "redis_emptied", "redis_frozen", "redis_full", "redis_read_only")
VENDOR = ("vendor_down", "vendor_slow")
# What may cost a mint that would have been needless: the minter is lost, or mints on its own.
COSTLY = ("killed", "asleep", *AWAY)

# Several mishaps, each a kind and whom it befalls (None: there is but one), for `hold` seconds; then `rest` seconds without
# one. `drops` are done in the midst: whether by revocation, the tenant, and the replica that is told.
Step = collections.namedtuple("Step", "mishaps hold rest drops")
Window = collections.namedtuple("Window", "kind whom begin end")


def plan(seconds, seed):
    """The steps of a run, without end; they depend on nothing else."""
    chance = random.Random(seed)
    while True:
        # A few are longer than a lost member counts.
        hold = chance.uniform(0.3, 2.5) if seconds < 60 or chance.random() < 0.9 else chance.uniform(2.5, 18)
        rest = chance.uniform(0.2, 1.5)
        # A long run has to come by with what the vendors allow in an hour.
        share = 0.35 if seconds < 60 else 0.12
        yield Step(tuple(mishaps(chance)), hold, rest, tuple(drops(chance, share)))


def mishaps(chance):
    """In the order in which they begin. They end in the reverse one: no process starts without Redis."""
    kinds = chance.choice(("process", "redis", "process", "redis", "vendor", "both", "both", "none"))
    if kinds in ("process", "both"):
        yield chance.choice(PROCESS), chance.randrange(replicas.COUNT)
    if kinds in ("redis", "both"):
        kind = chance.choice(AWAY + REDIS)
        yield kind, chance.randrange(replicas.COUNT) if kind in AWAY else None
    if kinds == "vendor" or chance.random() < 0.1:
        yield chance.choice(VENDOR), chance.choice((*PAGEUP, "ukg"))


def drops(chance, share):
    if chance.random() < share:
        name = chance.choice(UKG) if chance.random() < 0.1 else chance.choice(PAGEUP)
        yield chance.random() < 0.7, name, chance.randrange(replicas.COUNT)


def margin(name):
    """Seconds before its end from which a token is handed out to nobody."""
    return min(30, LIFETIME["ukg" if name in UKG else "pageup"] / 10)


class Windows:
    """When what befell whom."""

    def __init__(self):
        self.all = []
        self._open = {}
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def open(self, kind, whom):
        begin = time.monotonic()
        with self._lock:
            self._open[kind, whom] = begin
        try:
            yield
        finally:
            with self._lock:
                self.all.append(Window(kind, whom, self._open.pop((kind, whom)), time.monotonic()))

    def during(self, begin, end, kinds, whom=None):
        """Those of these kinds that overlap so much time, and of `whom` if that is given."""
        with self._lock:
            some = self.all + [Window(*key, since, float("inf")) for key, since in self._open.items()]
        return [window for window in some if window.kind in kinds and window.begin <= end and window.end >= begin
                and (whom is None or window.whom == whom)]


class Stage:
    """Three replicas, Redis with a link to each, the vendors, and everything that can befall them."""

    def __init__(self, folder, stack):
        self.windows = Windows()
        self.vendors = {name: Simulator("pageup", LIFETIME["pageup"], "--id", name) for name in PAGEUP}
        self.vendors["ukg"] = Simulator("ukg", LIFETIME["ukg"], *(word for name in UKG for word in ("--permit", name)))
        for vendor in self.vendors.values():
            stack.callback(vendor.stop)
        self.cluster = replicas.Cluster(folder, "".join(self.tenants()), "deadline: 2s", are_linked=True)
        stack.callback(self.cluster.close)
        self.all = self.cluster.start().replicas
        self.cluster.meet()

    def tenants(self):
        for name in PAGEUP:
            yield replicas.pageup(name, self.vendors[name], budget=BUDGET["pageup"])
        for name in UKG:
            burst, per_hour = BUDGET["ukg"]
            yield f"""\
  {name}:
    provider: ukg
    base_url: http://127.0.0.1:{self.vendors["ukg"].port()}
    application_id: app-1
    application_secret: {{env: VENDOR_SECRET}}
    client_id: {name}
    mint_budget: {{burst: {burst}, per_hour: {per_hour}}}
"""

    def befall(self, kind, whom):
        """Lasts as long as the context."""
        stack = contextlib.ExitStack()
        stack.enter_context(self.windows.open(kind, whom))
        stack.enter_context(getattr(self, kind)(*(() if whom is None else (whom,))))
        return stack

    @contextlib.contextmanager
    def killed(self, number):
        self.all[number].stop(9)
        yield
        self.all[number].start()

    @contextlib.contextmanager
    def asleep(self, number):
        self.all[number].send_to_sleep()
        yield
        self.all[number].wake_up()

    @contextlib.contextmanager
    def replaced(self, number):
        status = self.all[number].stop()
        if status != 0:
            raise AssertionError(f"replica {number} ended with {status}")
        yield
        self.all[number].start()

    @contextlib.contextmanager
    def cut_off(self, number):
        self.cluster.links[number].cut()
        yield
        self.cluster.links[number].mend()

    @contextlib.contextmanager
    def hanging(self, number):
        self.cluster.links[number].hang()
        yield
        self.cluster.links[number].mend()

    @contextlib.contextmanager
    def redis_lost(self):
        self.cluster.stop_redis()
        yield
        self.cluster.start_redis()

    @contextlib.contextmanager
    def redis_emptied(self):
        self.cluster.redis.ask("FLUSHALL")
        yield

    @contextlib.contextmanager
    def redis_frozen(self):
        # CLIENT PAUSE has no end before its time.
        self.cluster.redis.send(signal.SIGSTOP)
        yield
        self.cluster.redis.send(signal.SIGCONT)

    @contextlib.contextmanager
    def redis_full(self):
        self.cluster.redis.ask("CONFIG", "SET", "maxmemory", 1)
        yield
        self.cluster.redis.ask("CONFIG", "SET", "maxmemory", 0)

    @contextlib.contextmanager
    def redis_read_only(self):
        """As one that was the primary; it finds nobody to copy from, so that it keeps what it has."""
        self.cluster.redis.ask("REPLICAOF", "127.0.0.1", 1)
        yield
        self.cluster.redis.ask("REPLICAOF", "NO", "ONE")

    @contextlib.contextmanager
    def vendor_down(self, name):
        self.vendors[name].misbehave(mode="unavailable", count="forever")
        yield
        self.vendors[name].misbehave(mode="none")

    @contextlib.contextmanager
    def vendor_slow(self, name):
        self.vendors[name].misbehave(mode="slow", seconds=SLOW, count="forever")
        yield
        self.vendors[name].misbehave(mode="none")


class Caller(threading.Thread):
    """Asks any replica that runs for any tenant's token, again and again."""

    def __init__(self, stage, witness, seed):
        super().__init__(daemon=True)
        self._stage = stage
        self._witness = witness
        self._random = random.Random(seed)
        self._asker = replicas.Asker()
        self.ended = threading.Event()

    def run(self):
        while not self.ended.wait(PAUSE):
            replica = self._random.choice(self._stage.all)
            if replica.is_asleep or replica.service is None:
                continue
            asked = time.monotonic()
            seen = self._asker.ask(replica, self._random.choice(PAGEUP + UKG))
            if seen:
                self._witness.seen.put(seen)
            else:
                self._witness.unanswered.put((replica.number, asked, time.monotonic()))
        self._asker.close()


class Witness:
    """What callers saw and were told, and whether it may be."""

    def __init__(self, windows):
        self.windows = windows
        self.seen = queue.SimpleQueue()
        self.unanswered = queue.SimpleQueue()
        self.problems = []
        self.statuses = collections.Counter()
        self.slowest = 0
        self.dropping = {}  # token: when somebody first asked for its end
        self.dropped = []  # (tenant, when), once for each token
        self.revoked = {}  # token: when its revocation was answered with 200
        self.revocations = collections.Counter()  # by status
        self.revocation_seconds = []
        self.stale = 0  # revoked tokens from replicas that were away
        self.unserved = 0  # refusals while another replica had a token
        # (replica, life, tenant): the last token that it has handed out, from when on, and until when it is good
        self._held = {}
        self._newest = {}  # tenant: the same, of any replica

    def check(self):
        """Looks at what has been seen since the last time."""
        for number, asked, ended in drain(self.unanswered):
            if not self.windows.during(asked, ended, PROCESS, number):
                self.problems.append(f"replica {number} did not answer, though it ran")
        for seen in sorted(drain(self.seen), key=lambda seen: seen.answered):
            self.statuses[seen.status] += 1
            # Time has passed for those who waited as it fell asleep, whatever is there when it wakes up.
            slept = self.windows.during(seen.asked, seen.answered, ("asleep",), seen.replica)
            if not slept:
                self.slowest = max(self.slowest, seen.answered - seen.asked)
            if seen.status == 200:
                self._check_token(seen)
            elif not slept:
                self._check_refusal(seen)

    def _check_token(self, seen):
        if replicas.claims(seen.token)["client_id"] != seen.tenant:
            self.problems.append(f"{seen.tenant} was given the token of another tenant")
        # `left` is in whole seconds.
        if seen.left < margin(seen.tenant) - 1:
            self.problems.append(f"{seen.tenant}: handed out with {seen.left} s left")
        if seen.asked > self.revoked.get(seen.token, seen.asked):
            self._check_revoked(seen)
        until = seen.asked + seen.left - margin(seen.tenant)
        for table, key in (
                (self._held, (seen.replica, seen.life, seen.tenant)), (self._newest, seen.tenant)):
            if key not in table or table[key][0] != seen.token:
                table[key] = seen.token, seen.answered, until

    def _check_revoked(self, seen):
        revoked = self.revoked[seen.token]
        away = self.windows.during(revoked, revoked, ("asleep", *AWAY), seen.replica)
        if any(seen.asked <= window.end + RETURN for window in away):
            self.stale += 1
        else:
            self.problems.append(
                f"replica {seen.replica}, {seen.tenant}: a revoked token, {seen.asked - revoked:.3f} s later")

    def _check_refusal(self, seen):
        if seen.status not in (503, 504):
            self.problems.append(f"replica {seen.replica}, {seen.tenant}: {seen.status} {seen.error}")
        if self._is_good(self._held.get((seen.replica, seen.life, seen.tenant)), seen.answered):
            self.problems.append(
                f"replica {seen.replica}, {seen.tenant}: {seen.status} {seen.error}, though it had a good token")
        elif self._is_good(self._newest.get(seen.tenant), seen.answered):
            self.unserved += 1

    def _is_good(self, held, when):
        if held is None:
            return False
        token, since, until = held
        # One that came as a caller's patience ended may have come too late.
        return since + AT_ONCE < when < until and self.dropping.get(token, when) >= when

    def drop(self, replica, name, is_revoked):
        """Ends a token by revoking it until that is answered with 200, or by one report."""
        asker = replicas.Asker()
        seen = asker.ask(replica, name)
        asker.close()
        if seen is None or seen.status != 200:
            return
        begun = time.monotonic()
        if self.dropping.setdefault(seen.token, begun) == begun:
            self.dropped.append((name, begun))
        while True:
            try:
                if not is_revoked:
                    replicas.report(replica, name, seen.token)
                    return
                status = replica.revoke(seen.token).status
            except (OSError, AttributeError):
                # Its process has ended.
                status = 0
            self.revocations[status] += 1
            if status == 200:
                self.revoked.setdefault(seen.token, time.monotonic())
                self.revocation_seconds.append(time.monotonic() - begun)
                return
            if status not in (0, 503):
                self.problems.append(f"{replica}: a revocation was answered with {status}")
            if time.monotonic() > begun + PATIENT:
                self.problems.append(f"{replica}: a revocation was never answered with 200")
                return
            time.sleep(0.2)


class Ledger:
    """One vendor's own counters, and whether they may be."""

    def __init__(self, name, vendor, witness):
        self.name = name
        self.vendor = vendor
        self.witness = witness
        self.began = time.monotonic()
        self.attempts = self.mints = self.needless = 0
        self.budget = BUDGET["ukg" if name == "ukg" else "pageup"]
        self._last = None  # when it last minted

    @property
    def allowed(self):
        burst, per_hour = self.budget
        away = len(self.witness.windows.during(self.began, time.monotonic(), COSTLY))
        return burst + (time.monotonic() - self.began) * per_hour / 3600 + away

    def check(self):
        client = self.vendor.clients()[0]
        if client["banned_until"]:
            self._fail("has banned its client")
        self.attempts = client["attempts"]
        if self.attempts > self.allowed:
            self._fail(f"was asked {self.attempts} times, and {self.allowed:.0f} are allowed")
        new, self.mints = client["mints"] - self.mints, client["mints"]
        if self.name == "ukg":
            self._check_count()
        else:
            # On the clock that everything else is on.
            ahead = time.time() - time.monotonic()
            for minted in client["last_mints"][len(client["last_mints"]) - new:]:
                self._check_mint(minted - ahead)

    def _check_mint(self, minted):
        last, self._last = self._last, minted
        if last is None or minted - last >= DUE * LIFETIME["pageup"]:
            return
        if any(name == self.name and last - 1 < when <= minted for name, when in self.witness.dropped):
            return
        if not self._may_be_needless(last, minted):
            self._fail(f"minted {minted - last:.1f} s after a token that was still good")
        self.needless += 1

    def _may_be_needless(self, last, minted):
        """Whether a minter was lost or cut off, Redis was lost before all had heard of a new one, or as one was about to
        mint: whoever else it falls to cannot know that."""
        during = self.witness.windows.during
        at_once = (window for window in during(last - AT_ONCE, minted, REDIS)
                   if minted - window.begin < AT_ONCE and last > window.begin - AT_ONCE)
        # The vendor counts what it was asked when it answers, be that to nobody.
        return (during(last - SLOW - AT_ONCE, minted, COSTLY) or any(at_once)
                or during(last - HEARD, minted, ("replaced",)) and during(last, minted, REDIS))

    def _check_count(self):
        """Of several tenants, whose mints it does not tell apart; nothing comes due meanwhile."""
        dropped = sum(name in UKG for name, _ in self.witness.dropped)
        self.needless = max(0, self.mints - len(UKG) - dropped)
        during = self.witness.windows.during
        allowed = (len(during(self.began, time.monotonic(), COSTLY))
                   + len(UKG) * len(during(self.began, time.monotonic(), REDIS)))
        if self.needless > allowed:
            self._fail(f"minted {self.mints} tokens for {len(UKG)} tenants of which {dropped} were dropped")

    def _fail(self, what):
        self.witness.problems.append(f"the vendor {self.name} {what}")


def drain(items):
    with contextlib.suppress(queue.Empty):
        while True:
            yield items.get_nowait()


def run(seconds, seed, folder, tell=lambda line: None, report=print):
    """Returns what went wrong, and reports figures; `tell` is told each step."""
    with contextlib.ExitStack() as stack:
        stage = Stage(folder, stack)
        witness = Witness(stage.windows)
        ledgers = [Ledger(name, vendor, witness) for name, vendor in stage.vendors.items()]
        callers = [Caller(stage, witness, seed + number) for number in range(CALLERS)]
        begun = time.monotonic()
        for caller in callers:
            caller.start()
        steps = []
        for step in plan(seconds, seed):
            if time.monotonic() > begun + seconds:
                break
            steps.append(step)
            tell(f"{time.monotonic() - begun:7.1f} s  {describe(step)}")
            before = len(witness.problems)
            perform(step, stage, witness)
            check(stage, witness, ledgers)
            for problem in witness.problems[before:before + 5]:
                tell(f"           problem: {problem}")
            if len(witness.problems) > 50:
                witness.problems.append(f"given up after step {len(steps)}")
                break
        for caller in callers:
            caller.ended.set()
        for caller in callers:
            caller.join(PATIENCE)
        check(stage, witness, ledgers)
        converge(stage, witness)
        report(table(seed, steps, witness, ledgers, time.monotonic() - begun))
    return witness.problems


def perform(step, stage, witness):
    threads = [
        threading.Thread(target=witness.drop, args=(stage.all[number], name, is_revoked), daemon=True)
        for is_revoked, name, number in step.drops
        # To ask one that sleeps, or is not there, is to do nothing.
        if not any(kind in PROCESS and whom == number for kind, whom in step.mishaps)]
    with contextlib.ExitStack() as stack:
        for kind, whom in step.mishaps:
            stack.enter_context(stage.befall(kind, whom))
        time.sleep(step.hold / 2)
        for thread in threads:
            thread.start()
        time.sleep(step.hold / 2)
        check_ready(stage, witness)
    time.sleep(step.rest)
    for thread in threads:
        thread.join(PATIENT + PATIENCE)
    check_ready(stage, witness)


def check_ready(stage, witness):
    for replica in stage.all:
        if replica.service and not replica.is_asleep and not replica.is_ready():
            witness.problems.append(f"{replica} is not ready")


def check(stage, witness, ledgers):
    for ledger in ledgers:
        ledger.check()
    witness.check()


def converge(stage, witness):
    """All is well, and stays so: every replica says the same, be it a token or that there is none."""
    def said(name):
        return [replica.get(f"/tokens/{name}").json for replica in stage.all]

    try:
        stage.cluster.settle()
    except AssertionError as error:
        witness.problems.append(f"not every replica has its store: {error}")
    for name in PAGEUP + UKG:
        try:
            eventually(lambda one=name: len({answer.get("access_token") for answer in said(one)}) == 1)
        except AssertionError:
            texts = [answer.get("error") or answer["access_token"][-8:] for answer in said(name)]
            witness.problems.append(f"{name}: replicas differ in the end: {', '.join(texts)}")


def describe(step):
    words = [kind if whom is None else f"{kind} {whom}" for kind, whom in step.mishaps] or ["nothing"]
    words += [f"{'revoke' if is_revoked else 'report'} {name} at {number}" for is_revoked, name, number in step.drops]
    return f"{', '.join(words)}; for {step.hold:.1f} s, then {step.rest:.1f} s"


def table(seed, steps, witness, ledgers, seconds):
    """The figures."""
    befallen = collections.Counter(kind for step in steps for kind, _ in step.mishaps)
    times = sorted(witness.revocation_seconds)
    rows = [
        ("seed", seed),
        ("steps", f"{len(steps)} in {seconds:.0f} s"),
        ("mishaps", ", ".join(f"{count} {kind}" for kind, count in befallen.most_common())),
        ("answers", ", ".join(f"{count} x {status}" for status, count in sorted(witness.statuses.items()))),
        ("slowest answer", f"{witness.slowest:.2f} s"),
        ("refused while another replica had a token", witness.unserved),
        ("revocations", ", ".join(f"{count} x {status}" for status, count in sorted(witness.revocations.items()))),
        ("revoked within", f"median {times[len(times) // 2]:.2f} s, at most {times[-1]:.2f} s" if times else "-"),
        ("revoked tokens from replicas that were away", witness.stale),
        *((f"mints at {ledger.name}",
           f"{ledger.mints} of {ledger.attempts} attempts, {ledger.allowed:.0f} allowed; {ledger.needless} needless")
          for ledger in ledgers),
        ("problems", len(witness.problems)),
    ]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 32)
    print(f"seed {seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        problems = run(seconds, seed, folder, tell=lambda line: print(line, flush=True))
    for problem in problems[:20]:
        print("problem:", problem)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
