"""What the refresh cache costs: the part `cache` of bench.py."""

import contextlib
import hashlib
import http.client
import json
import os
import random
import re
import subprocess
import sys
import threading
import time

import storm
from program import BINARY, PATIENCE, ROOT, get

KEY = "bench-key"
CALLERS = 10_000
STORMS = 3
FEW, MANY = 10, 100_000  # tenants
RATE = 400  # mints a second: of 100,000 tenants, one every 250 s each
REFRESHED_AFTER = 0.84  # of a lifetime, on average
DAY = 86_400


def run(bench):
    cold_storms(bench)
    refreshes(bench, bench.options.tenants)
    lookups(bench)


def cold_storms(bench):
    """Prints how ten thousand callers fare whose token nobody has asked for."""
    callers = storm.most_callers(CALLERS)
    with upstream(bench, DAY) as vendor, service(bench, vendor, STORMS) as broker:
        for number in range(STORMS):
            answers = storm.storm(broker.port(), [request(number)] * callers, patience=60)
            times = sorted(answer.seconds or 60 for answer in answers)
            good = sum(answer.status == 200 for answer in answers)
            print(
                f"cold storm: {callers} callers, {good} answered 200, {mints(vendor)[f'client-{number}']} mint; "
                f"p50 {1000 * times[callers // 2]:.0f} ms, p99 {1000 * times[callers * 99 // 100]:.0f} ms, "
                "their own time to send and read included", flush=True)


def refreshes(bench, tenants):
    """Prints what it costs to keep tokens fresh, at about the rate of 100,000 tenants of 300 seconds."""
    lifetime = max(10, round(tenants / RATE / REFRESHED_AFTER))
    print(f"\nkept fresh: {tenants} tenants of {lifetime} s, {tenants / lifetime / REFRESHED_AFTER:.0f} mints/s expected")
    with upstream(bench, lifetime) as vendor, service(bench, vendor, tenants) as broker:
        # As evenly as they would be after a while.
        warm(broker, tenants, per_second=RATE)
        minted, before, cpu, begun = sum(mints(vendor).values()), Page(broker), cpu_seconds(broker), time.monotonic()
        with Asker(broker, tenants) as asker:
            time.sleep(lifetime)
        seconds, cpu = time.monotonic() - begun, cpu_seconds(broker) - cpu
        minted, after = sum(mints(vendor).values()) - minted, Page(broker)
    print(
        f"{minted / seconds:.0f} mints/s for {seconds:.0f} s; CPU {1e6 * cpu / minted:.0f} us per mint, "
        f"{100 * cpu / seconds:.1f}% of a processor; mints that a caller waited for: {after.cold - before.cold}; "
        f"other failures: {after.failed - before.failed}")
    lags = [f"{name} at most {after.lag(share, before)}" for name, share in (("p50", 0.5), ("p99", 0.99), ("max", 1))]
    print(f"behind the refresh point: {', '.join(lags)}; {asker}", flush=True)


def lookups(bench):
    """Prints memory per token, and requests/s among few and many tenants."""
    print(f"\n{'tenants':>8}{'start s':>9}{'mints/s':>9}{'CPU us':>8}{'KiB/token':>11}{'requests/s':>12}{'CPU us':>8}")
    with contextlib.ExitStack() as stack:
        vendor = stack.enter_context(upstream(bench, DAY))
        brokers, rows = {}, {}
        for tenants in (FEW, MANY):
            broker = brokers[tenants] = stack.enter_context(service(bench, vendor, tenants))
            get(broker.port(), "/readyz")
            started, empty, cpu = time.monotonic() - broker.begun, broker.memory()[0], cpu_seconds(broker)
            seconds = warm(broker, tenants)
            cpu = cpu_seconds(broker) - cpu
            rows[tenants] = (
                f"{tenants:>8}{started:>9.2f}{tenants / seconds:>9.0f}{1e6 * cpu / tenants:>8.0f}"
                f"{(broker.memory()[0] - empty) / tenants:>11.2f}")
        rates = {tenants: [] for tenants in brokers}
        for _ in range(bench.options.rounds):
            for tenants, broker in brokers.items():
                rates[tenants].append(lookup_rate(bench, broker, tenants))
    medians = {tenants: sorted(figures)[len(figures) // 2] for tenants, figures in rates.items()}
    for tenants, (rate, cpu) in medians.items():
        print(f"{rows[tenants]}{rate:>12.0f}{cpu:>8.1f}")
    print(f"requests/s x {medians[MANY][0] / medians[FEW][0]:.2f} among {MANY} tenants; mints/s and their CPU: asked for "
          "by 64 callers as fast as they go, with a vendor in Python\n", flush=True)


def lookup_rate(bench, broker, tenants):
    """Requests a second for tokens of any tenant, and microseconds of CPU for each."""
    script = bench.folder / f"random-{tenants}.lua"
    # The paths beforehand: to make one takes wrk as long as to ask for it.
    script.write_text(f"""\
local requests = {{}}
local headers = {{["Authorization"] = "Bearer {KEY}"}}
function init()
    math.randomseed(os.time())
    for number = 1, 20000 do
        requests[number] = wrk.format("GET", "/tokens/tenant-" .. math.random(0, {tenants - 1}), headers)
    end
end
local number = 0
function request()
    number = number % 20000 + 1
    return requests[number]
end
""")
    cpu = cpu_seconds(broker)
    text = subprocess.run(
        ["wrk", "-t1", "-c64", f"-d{bench.options.seconds}s", "-s", script, f"http://127.0.0.1:{broker.port()}"],
        capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in text:
        sys.exit(f"bench: {text}")
    count = int(re.search(r"(\d+) requests in", text)[1])
    rate = float(re.search(r"Requests/sec: +([\d.]+)", text)[1])
    return rate, 1e6 * (cpu_seconds(broker) - cpu) / count


def upstream(bench, lifetime):
    """A vendor that never bans: see upstream.py."""
    script = ROOT / "Tests" / "EndToEnd" / "upstream.py"
    return bench.child(f"upstream-{lifetime}", sys.executable, "-B", script, str(lifetime))


def service(bench, vendor, tenants):
    """The service with so many tenants, each of which keeps its token."""
    entries = "".join(f"""\
  tenant-{number}:
    provider: oauth2
    token_url: http://127.0.0.1:{vendor.port()}/token
    client_id: client-{number}
    client_secret: {{env: VENDOR_SECRET}}
    scopes: [read, write]
    mint_budget: {{burst: 100, per_hour: 3600}}
""" for number in range(tenants))
    configuration = bench.folder / f"cache-{tenants}.yaml"
    configuration.write_text(f"""\
listen: 127.0.0.1:0
log: {{level: notice}}
deadline: 60s
connections: {{maximum: 20000, per_address: 20000}}
tenants:
{entries}
callers:
  bench:
    keys: ["sha256:{hashlib.sha256(KEY.encode()).hexdigest()}"]
    tenants: ["tenant-*"]
""")
    command = (BINARY, "serve", "--config", configuration)
    return bench.child(f"cache-{tenants}", *command, VENDOR_SECRET="rehearsal")


def request(tenant):
    return storm.get(f"/tokens/tenant-{tenant}", KEY)


def warm(broker, tenants, per_second=float("inf")):
    """Asks for every tenant's token once; in how many seconds."""
    statuses, seconds = storm.ask_all(broker.port(), map(request, range(tenants)), per_second=per_second)
    if set(statuses) != {200}:
        sys.exit(f"bench: not all tenants have a token: {dict(statuses)}")
    return seconds


def mints(vendor):
    """How many tokens the vendor has given each client."""
    connection = http.client.HTTPConnection("127.0.0.1", vendor.port(), timeout=PATIENCE)
    connection.request("GET", "/counts")
    counts = json.loads(connection.getresponse().read())
    connection.close()
    return counts


def cpu_seconds(child):
    with open(f"/proc/{child.pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Page:
    """What of the metrics page is needed here."""

    LAG = 'tokenwell_refresh_lag_seconds_bucket{provider="oauth2",le="'

    def __init__(self, broker):
        self.cold = self.failed = 0
        self.lags = {}
        for line in get(broker.port(), "/metrics").body.decode().splitlines():
            if line.startswith("tokenwell_mints_total{"):
                count = int(line.rpartition(" ")[2])
                self.cold += count if 'reason="cold"' in line else 0
                self.failed += count if 'outcome="ok"' not in line else 0
            elif line.startswith(self.LAG):
                bound, _, count = line.removeprefix(self.LAG).partition('"} ')
                self.lags[bound] = int(count)

    def lag(self, share, before):
        """The first bound of the histogram within which that share lies of what came after `before`."""
        counts = {bound: count - before.lags.get(bound, 0) for bound, count in self.lags.items()}
        bound = next(bound for bound, count in counts.items() if count >= share * counts["+Inf"])
        return f"{1000 * float(bound):g} ms"


class Asker:
    """A caller that asks for a token of any tenant all the time, and notes how long each took."""

    def __init__(self, broker, tenants):
        self.port = broker.port()
        self.tenants = tenants
        self.seconds = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join()

    def _ask(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        while not self._ended.wait(0.005):
            begun = time.monotonic()
            answer = get(self.port, f"/tokens/tenant-{random.randrange(self.tenants)}", KEY, connection)
            self.seconds.append(time.monotonic() - begun if answer.status == 200 else PATIENCE)
        connection.close()

    def __str__(self):
        times = sorted(self.seconds)
        return (f"a caller meanwhile: {len(times)} requests, p99 {1000 * times[len(times) * 99 // 100]:.1f} ms, "
                f"max {1000 * times[-1]:.1f} ms")
