"""The release service under load, beside the peers of ../shared/bench: the tables that scripts/bench prints.

Quote ratios, never absolute figures: machines differ and are noisy.
"""

import argparse
import contextlib
import hashlib
import http.client
import os
import pathlib
import re
import resource
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

import cache_bench
import replicas_bench
from program import BINARY, LISTENING, PATIENCE, ROOT

SHARED = ROOT.parent / "shared" / "bench"
KEY = "bench-key"  # the one that the peers take
PATH = "/tokens/tenant-7"
TENANTS = 1000
GROWTH = (64, 1000, 10_000)  # connections
IDLE = 2000  # connections
SECRET = "rehearsal"


class Child:
    """A command in a session of its own, so that nobody else's Ctrl-C ends it, whose output goes to a file."""

    def __init__(self, log, *command, **environment):
        self.log = log
        self.begun = time.monotonic()
        with open(log, "wb") as output:
            self._process = subprocess.Popen(
                command, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, start_new_session=True)
        self.pid = self._process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """Asks it to end, as Ctrl-C would, and then ends whatever is left of its session."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            if self._process.poll() is None:
                self._process.send_signal(signal.SIGINT)
            self._process.wait(PATIENCE)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def wait(self):
        return self._process.wait()

    def wait_for(self, condition):
        """The first value of `condition()` that is not None."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self._process.poll() is None:
            if (value := condition()) is not None:
                return value
            time.sleep(0.02)
        sys.exit(f"bench: {self._process.args[0]} did not start:\n{self.log.read_text(errors='replace')}")

    def port(self):
        found = self.wait_for(lambda: LISTENING.search(self.log.read_text(errors="replace")))
        return int(found[1])

    def memory(self):
        """Resident and anonymous memory of it and its children, in KiB."""
        children = pathlib.Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        statuses = [pathlib.Path(f"/proc/{pid}/status").read_text() for pid in (self.pid, *children)]
        return [
            sum(int(re.search(rf"{name}:\s+(\d+) kB", status)[1]) for status in statuses)
            for name in ("VmRSS", "RssAnon")]


class Certificate:
    """A P-256 certificate of the loopback, signed by itself."""

    def __init__(self, folder):
        self.file, self.key = folder / "certificate.pem", folder / "key.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-days", "1", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
             "-keyout", self.key, "-out", self.file],
            stdin=subprocess.DEVNULL, capture_output=True, check=True)

    @property
    def trust(self):
        return ssl.create_default_context(cafile=self.file)


class Bench:
    """What the parts share: a vendor, a folder, and how long to measure."""

    def __init__(self, folder, vendor_port, options):
        self.folder = folder
        self.options = options
        self.certificate = Certificate(folder)
        self._vendor_port = vendor_port
        self._compare = self._patched_compare()

    def _patched_compare(self):
        """A copy whose percentiles are those of wrk's latency distribution: its Stdev column can end in 50% too."""
        text = (SHARED / "compare").read_text()
        for percentile in ("50%", "99%"):
            before, after = f'r"{percentile}', f'r"\\n\\s+{percentile}'
            assert text.count(before) == 1, "bench/compare has changed"
            text = text.replace(before, after)
        (self.folder / "peers").symlink_to(SHARED / "peers")
        copy = self.folder / "compare"
        copy.write_text(text)
        return copy

    def child(self, name, *command, **environment):
        """A command that ends with the context that it is entered in."""
        return Child(self.folder / f"{name}.log", *command, **environment)

    @contextlib.contextmanager
    def broker(self, trust):
        """The service with authentication, grants and metrics, over TLS if `trust` is given, and its port."""
        tenants = "".join(f"""\
  tenant-{number}:
    provider: pageup
    token_url: http://127.0.0.1:{self._vendor_port}/connect/token
    client_id: acme-integration
    client_secret: {{env: VENDOR_SECRET}}
    scopes: [Public.Application.Read, Public.Application.Write]
""" for number in range(TENANTS))
        configuration = self.folder / "tokenwell.yaml"
        configuration.write_text(f"""\
listen: 127.0.0.1:0
connections: {{maximum: 20000, per_address: 20000}}
{f"tls: {{certificate: {self.certificate.file}, key: {self.certificate.key}}}" if trust else ""}
tenants:
{tenants}
callers:
  bench:
    keys: ["sha256:{hashlib.sha256(KEY.encode()).hexdigest()}"]
    tenants: ["tenant-*"]
""")
        command = (BINARY, "serve", "--config", configuration)
        with Child(self.folder / "broker.log", *command, VENDOR_SECRET=SECRET) as broker:
            port = broker.port()
            # Mints, and has made what is made once, which is no connection's memory.
            ask(port, trust).close()
            yield broker, port

    def compare(self, *options, tls=False, connections=64):
        """Prints a table of wrk's figures, and returns the requests per second of each server."""
        # The time in which wrk connects counts, and should not be what is measured.
        seconds = self.options.seconds + connections // 2000
        scheme, trust = "http", None
        if tls:
            scheme, trust = "https", self.certificate.trust
            options += ("--tls", str(self.certificate.file), str(self.certificate.key))
        with self.broker(trust) as (broker, port):
            command = (
                sys.executable, self._compare, "--ours", f"{scheme}://127.0.0.1:{port}{PATH}", "--pid", str(broker.pid),
                "--key", KEY, "--connections", str(connections), "--seconds", str(seconds),
                "--rounds", str(self.options.rounds), *options)
            with Child(self.folder / "compare.log", *command) as child:
                status = child.wait()
        text = child.log.read_text(errors="replace")
        print(text, flush=True)
        if status != 0:
            sys.exit(f"bench: compare ended with {status}")
        return {name: int(rate) for name, rate in re.findall(r"(?m)^(\w+) +(\d+) ", text)}

    @contextlib.contextmanager
    def nginx(self, trust):
        """The peer as `compare` has it, on a port of its own."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        listen = f"127.0.0.1:{port}"
        if trust:
            files = f"ssl_certificate {self.certificate.file}; ssl_certificate_key {self.certificate.key}"
            listen += f" ssl; {files}; ssl_protocols TLSv1.3"
        text = (SHARED / "peers" / "peer-nginx" / "nginx.conf").read_text()
        text = text.replace("listen LISTEN;", f"listen {listen};")
        text = text.replace("/tmp/bench-nginx.pid", f"{self.folder}/nginx.pid")
        configuration = self.folder / "nginx.conf"
        configuration.write_text(text)

        def is_listening():
            with contextlib.suppress(OSError):
                return socket.create_connection(("127.0.0.1", port), PATIENCE).close() or True

        with Child(self.folder / "nginx.log", "nginx", "-c", configuration) as server:
            server.wait_for(is_listening)
            ask(port, trust).close()
            yield server, port


def ask(port, trust):
    """Asks for a token; the connection stays open."""
    if trust:
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=PATIENCE, context=trust)
    else:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request("GET", PATH, headers={"Authorization": f"Bearer {KEY}"})
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        sys.exit(f"bench: {answer.status}: {body}")
    return connection


def keepalive(bench):
    """Keep-alive, 64 connections"""
    bench.compare()


def tls(bench):
    """TLS, 64 connections: kept alive, and then a new one for each request"""
    bench.compare(tls=True)
    bench.compare("--handshakes", tls=True)


def growth(bench):
    """Keep-alive, more and more connections"""
    # The service keeps a quarter of its descriptors for other things.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1] * 3 // 4 - 100
    rates = {}
    for connections in GROWTH:
        if connections > most:
            print(f"{connections} connections are left out: `ulimit -Hn` is too small\n")
            continue
        skipped = ("--skip", "go", "--skip", "hummingbird", "--skip", "flyingfox")
        rates[connections] = bench.compare(*skipped, connections=connections)
    for name in ("ours", "nginx"):
        shares = [f"{rate[name] / rates[GROWTH[0]][name]:.2f} at {count}" for count, rate in rates.items()]
        print(f"{name}: requests/s x {', '.join(shares)} connections")
    print()


def memory(bench):
    """Memory per idle connection, after one request each"""
    print(f"{'server':<13}{'':<7}{'RSS KiB':>9}{'anonymous KiB':>15}")
    for trust in (None, bench.certificate.trust):
        for name, start in (("ours", bench.broker), ("nginx", bench.nginx)):
            with start(trust) as (server, port):
                resident, anonymous = memory_per_connection(server, port, trust)
            print(f"{name:<13}{'TLS' if trust else 'plain':<7}{resident:>9.1f}{anonymous:>15.1f}", flush=True)
    print(f"each divided by {IDLE} connections; what the kernel keeps for a socket is not in it\n", flush=True)


def memory_per_connection(server, port, trust):
    before = server.memory()
    with contextlib.ExitStack() as stack:
        for _ in range(IDLE):
            stack.callback(ask(port, trust).close)
        return [(now - then) / IDLE for now, then in zip(server.memory(), before)]


def cache(bench):
    """Cold callers, tokens kept fresh, and lookups among many tenants"""
    cache_bench.run(bench)


def replicas(_):
    """What a mint costs replicas and their Redis"""
    replicas_bench.run_all()


PARTS = {part.__name__: part for part in (keepalive, tls, growth, memory, cache, replicas)}


def end(number, _):
    """Lets everything that was started be ended, and does not let that be interrupted."""
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    sys.exit(128 + number)


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; all of them by default")
    parser.add_argument(
        "--tenants", type=int, default=10_000, metavar="N", help="that cache keeps fresh; with 100000 it takes 15 minutes")
    parser.add_argument("--seconds", type=int, default=2, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3, help="of all servers in turn, of which the median counts")
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    if not (SHARED / "compare").exists():
        sys.exit(f"bench: {SHARED}, which has the peers and drives them, is missing")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    load = " ".join(f"{number:.1f}" for number in os.getloadavg())
    print(f"{os.cpu_count()} processors, load {load} before; {TENANTS} tenants, with authentication and metrics\n")
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        command = (BINARY, "simulate", "pageup", "--port", "0", "--secret", SECRET, "--lifetime", "86400")
        vendor = stack.enter_context(Child(folder / "vendor.log", *command))
        bench = Bench(folder, vendor.port(), options)
        for name in options.parts or PARTS:
            print(f"== {name}: {PARTS[name].__doc__}", flush=True)
            PARTS[name](bench)


if __name__ == "__main__":
    main()
