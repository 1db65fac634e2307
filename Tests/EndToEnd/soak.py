"""A long run of the demo: every caller answered, and at most one mint in 240 s by the vendors' own counters.

Not part of the tests, which don't wait that long: scripts/soak MINUTES runs it.
"""

import http.client
import re
import sys
import threading
import time

from program import PATIENCE, Demo, get

CALLERS = 8
PAUSE = 0.1  # seconds between a caller's requests


def ask(port, key, end, failures, counts):
    """Asks for both tenants in turn on one connection, as a service would."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    while time.monotonic() < end:
        for tenant, lifetime in (("acme", 300), ("globex", 3600)):
            try:
                answer = get(port, f"/tokens/{tenant}", key, connection)
                left = answer.json.get("expires_in", 0)
                if answer.status != 200 or left < min(30, lifetime / 10) - 1:
                    failures.append((tenant, answer.status, left))
            except OSError as error:
                failures.append((tenant, repr(error)))
                connection.close()
            counts.append(1)
        time.sleep(PAUSE)


def main():
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 20
    demo = Demo()
    try:
        text = "\n".join(demo.curl_lines())
        key = re.search(r"Bearer (tw_[\w-]+)", text)[1]
        vendors = [int(port) for port in re.findall(r":(\d+)/_simulator/clients", text)]
        port, end, failures, counts = demo.port(), time.monotonic() + 60 * minutes, [], []
        callers = [threading.Thread(target=ask, args=(port, key, end, failures, counts)) for _ in range(CALLERS)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        clients = [client for vendor in vendors for client in get(vendor, "/_simulator/clients").json["clients"]]
    finally:
        status = demo.stop()
    for client in clients:
        print(f"{client['client']}: {client['mints']} mints, smallest interval {client['smallest_interval']} s")
    print(f"{len(counts)} requests in {minutes:g} minutes, {len(failures)} failed; the demo ended with {status}")
    too_often = [c for c in clients if c["smallest_interval"] is not None and c["smallest_interval"] < 240]
    for failure in failures[:10]:
        print("failed:", failure)
    sys.exit(1 if failures or too_often or status else 0)


if __name__ == "__main__":
    main()
