"""What replicas cost for each mint: the part `replicas` of bench.py, and the unit costs in deploy/model.py.

    python3 -B replicas_bench.py [TENANTS]
"""

import re
import sys
import tempfile
import time

import cache_bench
import replicas
import storm
from program import Upstream, eventually, get, sample

TENANTS = 2_000
LIFETIME = 20  # seconds: a mint of each tenant every 17
TOKEN = 1_000  # characters
COUNTS = (1, 3)


def run_all(tenants=TENANTS):
    """Prints what there is to be put into deploy/model.py."""
    alone, several = (run(count, tenants) for count in COUNTS)
    mint, read = alone, [(of_all - of_one) / (COUNTS[1] - COUNTS[0]) for of_one, of_all in zip(alone, several)]
    for name, place in (("REDIS", 0), ("BROKER", 1)):
        print(f"{name}_MINT = {mint[place]:.0f}, {name}_READ = {read[place]:.0f}")
    print(f"READ_BYTES = {read[2]:.0f}\n", flush=True)


def run(count, tenants):
    """What replicas that keep so many tokens fresh, for which nobody asks meanwhile, take for each mint: microseconds of Redis
    and of all replicas, and the bytes that Redis sends."""
    vendor = Upstream(LIFETIME, TOKEN)
    with tempfile.TemporaryDirectory() as folder:
        cluster = replicas.Cluster(
            folder, "".join(entries(vendor, tenants)), "log: {level: notice}\ndeadline: 60s", ports=(0,) * count)
        try:
            cluster.start()
            empty = used_memory(cluster.redis)
            warm(cluster, tenants)
            return measure(cluster, vendor, tenants, empty)
        finally:
            cluster.close()
            vendor.stop()


def entries(vendor, tenants):
    for number in range(tenants):
        yield f"""\
  tenant-{number}:
    provider: oauth2
    token_url: http://127.0.0.1:{vendor.port()}/token
    client_id: client-{number}
    client_secret: {{env: VENDOR_SECRET}}
    mint_budget: {{burst: 100, per_hour: 3600}}
"""


def warm(cluster, tenants):
    """Has every replica asked for every token, at such a rate that they are refreshed as evenly as after a while."""
    for number, replica in enumerate(cluster.replicas):
        requests = [storm.get(f"/tokens/tenant-{tenant}", cluster.key) for tenant in range(tenants)]
        rate = tenants / LIFETIME if number == 0 else float("inf")
        statuses, _ = storm.ask_all(replica.port, requests, per_second=rate)
        if set(statuses) != {200}:
            sys.exit(f"bench: not all tenants have a token: {dict(statuses)}")
    for replica in cluster.replicas:
        eventually(replica.is_written)


def measure(cluster, vendor, tenants, empty):
    redis, services = cluster.redis, [replica.service for replica in cluster.replicas]
    memory = used_memory(redis) - empty
    redis.ask("CONFIG", "RESETSTAT")
    minted, begun = mints(vendor), time.monotonic()
    cpu = [cache_bench.cpu_seconds(one) for one in (redis, *services)]
    time.sleep(2 * LIFETIME)
    seconds = time.monotonic() - begun
    cpu = [cache_bench.cpu_seconds(one) - before for one, before in zip((redis, *services), cpu)]
    minted = mints(vendor) - minted
    sent = int(re.search(r"total_net_output_bytes:(\d+)", redis.ask("INFO", "stats"))[1])
    failed = sum(sample(one.port(), 'tokenwell_store_commits_total{outcome="failed"}') or 0 for one in services)
    taken = 1e6 * cpu[0] / minted, 1e6 * sum(cpu[1:]) / minted, sent / minted
    print(
        f"{len(services)} replicas, {tenants} tenants of {LIFETIME} s: {minted / seconds:.0f} mints/s for {seconds:.0f} s, "
        f"{tenants / LIFETIME / cache_bench.REFRESHED_AFTER:.0f} expected; {failed:.0f} commits failed\n"
        f"a mint takes {taken[0]:.0f} us of Redis, {taken[1]:.0f} us of all replicas, and {taken[2]:.0f} bytes from Redis; "
        f"a tenant's first token {memory / tenants:.0f} bytes of its memory")
    for name, calls, each in commands(redis):
        if calls > minted / 100:
            print(f"    {name:<16}{calls / minted:6.2f} a mint{calls / seconds:9.1f} a second{each:9.1f} us each")
    print(flush=True)
    return taken


def used_memory(redis):
    return int(re.search(r"used_memory:(\d+)", redis.ask("INFO", "memory"))[1])


def mints(vendor):
    return sum(get(vendor.port(), "/counts").json.values())


def commands(redis):
    """Each with how often it came, and how many microseconds it took; those of a script are in the script's time too."""
    for line in redis.ask("INFO", "commandstats").splitlines():
        if found := re.match(r"cmdstat_(\S+?):calls=(\d+),usec=\d+,usec_per_call=([\d.]+)", line):
            yield found[1], int(found[2]), float(found[3])


if __name__ == "__main__":
    run_all(*map(int, sys.argv[1:]))
