"""What several replicas cost, by arithmetic: the tables of "Several replicas" in GUIDE.md.

    python3 -B deploy/model.py

prints them. The tests hold the guide to it. What one thing costs is measured (see each); the rest follows from it:

- All replicas together mint each token once, when REFRESHED of its life have passed. Their number changes nothing.
- A mint takes MINT_COMMANDS of Redis, of the replica that makes it: a claim, a commit, and to read that it is in the feed. Each
  other replica takes READ_COMMANDS to read of it: the feed, the record, and a word that it was read. As long as it can it
  does so for each mint, and from READS a second on for several at once.
- Each replica shows itself every BEAT seconds.
- Each replica has every token in memory, and Redis has every record.
- Tokens that were minted together are refreshed together, until their draws have spread them: that is simulated.
"""

import collections
import random

REPLICAS = (1, 3, 10, 30, 100)
TENANTS = (1_000, 10_000, 100_000, 1_000_000)
LIFETIME = 300  # seconds, PageUp's: with 3600 all that is per second is a twelfth

REFRESHED = 0.84  # of its life, on average
MINT_COMMANDS, READ_COMMANDS = 3, 3
READS = 500  # a second, at most
BEAT = 1  # seconds

SIMULATED = 50_000  # tenants
MOMENTS = (("the first refresh", LIFETIME), ("after an hour", 3600), ("after 4 hours", 4 * 3600))

# Microseconds of a processor and bytes, by `scripts/bench replicas`; a token has 1 KB.
REDIS_MINT = 235
REDIS_READ = 75  # by one replica
REDIS_ENTRY = 5  # one more mint of which it reads at once
BROKER_MINT = 700
BROKER_READ = 420
READ_BYTES = 2_270  # that are sent for it
REDIS_TENANT = 4_400  # its token, budget, claim and mint log, sealed, with their keys
REDIS_FEED = 3_000_000  # 10,000 entries
BROKER_TOKEN = 3_960  # of 100,000; `scripts/bench cache` prints 2,070, as its tokens have 64 characters


def mints(tenants):
    """A second."""
    return tenants / (REFRESHED * LIFETIME)


def reads(tenants):
    """A second, of each replica."""
    return min(mints(tenants), READS)


def commands(tenants, replicas):
    """That Redis takes, a second."""
    return MINT_COMMANDS * mints(tenants) + READ_COMMANDS * (replicas - 1) * reads(tenants) + 2 * replicas / BEAT


def redis_share(tenants, replicas):
    """Of one processor."""
    each = REDIS_READ * reads(tenants) + REDIS_ENTRY * (mints(tenants) - reads(tenants))
    return (REDIS_MINT * mints(tenants) + (replicas - 1) * each + replicas * REDIS_READ / BEAT) / 1e6


def broker_share(tenants, replicas):
    """Of one processor, of each replica, besides what its callers take."""
    own = mints(tenants) / replicas
    return (BROKER_MINT * own + BROKER_READ * (mints(tenants) - own)) / 1e6


def feed_bytes(tenants, replicas):
    """That Redis sends, a second."""
    return mints(tenants) * (replicas - 1) * READ_BYTES


def number(value):
    """With two digits that say something, as text."""
    for divisor, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1, "")):
        if value >= divisor * 0.9995:
            return f"{value / divisor:.{0 if value >= 10 * divisor else 1}f}{unit and ' ' + unit}".replace(".0", "")
    return f"{value:.2g}"


def size(count):
    text = number(count)
    return text + ("B" if " " in text else " B")


def percent(share):
    return f"{100 * share:.2g} %" if share < 0.0995 else f"{100 * share:.0f} %"


def by_tenants():
    """What does not depend on the number of replicas."""
    yield ("tenants", "mints a second", "memory of Redis", "memory of each broker")
    for tenants in TENANTS:
        yield (
            f"{tenants:,}", number(mints(tenants)), size(REDIS_FEED + REDIS_TENANT * tenants),
            "24 MB and " + size(BROKER_TOKEN * tenants))


def by_both(cell):
    """What depends on the number of replicas too."""
    yield ("replicas", *(f"{tenants:,} tenants" for tenants in TENANTS))
    for replicas in REPLICAS:
        yield (str(replicas), *(cell(tenants, replicas) for tenants in TENANTS))


def redis_cell(tenants, replicas):
    return (f"{number(commands(tenants, replicas))}/s, {percent(redis_share(tenants, replicas))}, "
            f"{size(feed_bytes(tenants, replicas))}/s")


def broker_cell(tenants, replicas):
    return percent(broker_share(tenants, replicas))


def waves():
    """How many times the average the busiest second has, when all tokens were minted in one: simulated, with the draws that
    a broker makes for each."""
    chance = random.Random(0)
    counts = collections.Counter()
    for _ in range(SIMULATED):
        moment = chance.random()
        while moment < MOMENTS[-1][1]:
            moment += LIFETIME * (0.80 + 0.08 * chance.random())
            counts[int(moment)] += 1
    average = mints(SIMULATED)
    yield tuple(name for name, _ in MOMENTS)
    # Of the half hour before it, but for the first.
    spans = [(0, MOMENTS[0][1]), *((end - 1800, end) for _, end in MOMENTS[1:])]
    yield tuple(f"{max(counts[second] for second in range(*span)) / average:.1f}" for span in spans)


def table(rows):
    """In Markdown."""
    head, *rest = rows
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, ["---"] * len(head), *rest)).replace("| --- ", "|---").replace(
        "|--- |", "|---|")


if __name__ == "__main__":
    print(table(by_tenants()))
    print(table(by_both(redis_cell)))
    print(table(by_both(broker_cell)))
    print(table(waves()), end="")
