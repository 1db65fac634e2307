"""The release binary as these tests drive it: all that they assume of its arguments, output and routes is here."""

import base64
import hashlib
import http.client
import json
import os
import pathlib
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("TOKENWELL", ROOT / ".build" / "release" / "tokenwell"))
PATIENCE = 20.0  # seconds that anything may take which takes milliseconds on a quiet machine

# What a command says, on standard output or error, once it answers.
LISTENING = re.compile(r"(?=.*listening).*?127\.0\.0\.1:(\d+)", re.IGNORECASE)
# The demo's lines that work as they are printed.
CURL = re.compile(r"^  (curl .*)$")
DEMO_END = "Ctrl-C ends it."


class Program:
    """One running command, and every line that it has written."""

    command = (BINARY,)

    def __init__(self, *arguments, before=(), **environment):
        self.lines = []
        self._changed = threading.Condition()
        self._stopped = False
        self._process = subprocess.Popen(
            [*before, *self.command, *arguments], cwd=ROOT, env={**os.environ, **environment}, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            with self._changed:
                self.lines.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def wait_for(self, condition):
        """The first value of `condition(lines)` that is not None or False."""
        with self._changed:
            found = self._changed.wait_for(
                lambda: condition(self.lines) or not self._reader.is_alive(), timeout=PATIENCE)
            value = found and condition(self.lines)
        if not value:
            raise AssertionError("not seen in time:\n" + "\n".join(self.lines))
        return value

    def port(self):
        return self.wait_for(lambda lines: next((int(m[1]) for m in map(LISTENING.search, lines) if m), None))

    @property
    def pid(self):
        return self._process.pid

    def memory(self):
        """Its resident memory, in bytes."""
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return 1024 * int(re.search(r"VmRSS:\s+(\d+) kB", status)[1])

    def descriptors(self):
        """How many it has open."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def send(self, what):
        self._process.send_signal(what)

    def stop(self, how=signal.SIGTERM):
        """Sends the signal, waits for the end, and returns the exit status. To have ended before is an error."""
        if self._stopped:
            return self._process.returncode
        self._stopped = True
        if self._process.poll() is not None:
            raise AssertionError(f"ended by itself, {self._process.returncode}:\n" + "\n".join(self.lines))
        self._process.send_signal(how)
        try:
            return self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise
        finally:
            self._reader.join(PATIENCE)
            self._process.stdout.close()


class Demo(Program):
    """`tokenwell demo`."""

    def __init__(self):
        super().__init__("demo", "--port", "0")

    def curl_lines(self):
        """The printed commands, in their order."""
        self.wait_for(lambda lines: DEMO_END in lines)
        return [m[1] for m in map(CURL.match, self.lines) if m]


class Simulator(Program):
    """`tokenwell simulate`, with the vendor's sample client unless `options` say otherwise."""

    SECRET = "rehearsal"

    def __init__(self, vendor, lifetime, *options, secret=SECRET, port=0):
        super().__init__(
            "simulate", vendor, "--port", str(port), "--secret", secret, "--lifetime", str(lifetime), *options)

    def clients(self):
        return get(self.port(), "/_simulator/clients").json["clients"]

    def mints(self):
        return sum(client["mints"] for client in self.clients())

    def attempts(self):
        return sum(client["attempts"] for client in self.clients())

    def slow_down(self, seconds):
        """Delays the next token answer."""
        self.misbehave(mode="slow", seconds=seconds)

    def misbehave(self, **fault):
        """Arms a fault, or with `mode="none"` disarms it: see `tokenwell help simulate`."""
        assert post(self.port(), "/_simulator/fault", fault).status == 200


class Upstream(Program):
    """A token endpoint that never bans: see upstream.py."""

    command = (sys.executable, "-B", ROOT / "Tests" / "EndToEnd" / "upstream.py")

    def __init__(self, lifetime, token_length=64):
        super().__init__(str(lifetime), str(token_length))


class Service(Program):
    """`tokenwell serve` with these tenants, whose secrets are VENDOR_SECRET, and one caller, whose key is `key`.

    `settings` are further lines of the configuration; `is_operator` is what the caller is. Without a `key` it makes one, and
    without a `port` it takes any that is free.
    """

    def __init__(self, folder, tenants, before=(), settings="", granted='["*"]', is_operator=True, key=None, port=0):
        self.key = key or new_key()
        configuration = pathlib.Path(folder, "tokenwell.yaml")
        configuration.write_text(f"""\
listen: 127.0.0.1:{port}
{settings}
tenants:
{tenants}
callers:
  payroll-sync:
    keys: ["sha256:{hashlib.sha256(self.key.encode()).hexdigest()}"]
    tenants: {granted}
    revoke: true
    operator: {str(is_operator).lower()}
""")
        super().__init__("serve", "--config", str(configuration), before=before, VENDOR_SECRET=Simulator.SECRET)

    def get(self, path):
        return get(self.port(), path, self.key)

    def revoke(self, token):
        return post(self.port(), "/revoke", {"token": token}, self.key)


class Broker(Service):
    """`tokenwell serve` with a tenant at each simulator."""

    def __init__(self, folder, pageup, ukg, before=(), settings="", is_operator=True):
        super().__init__(folder, self.tenants(pageup, ukg), before, settings, "[acme, globex]", is_operator)

    @staticmethod
    def tenants(pageup, ukg):
        """The tenants' part of a configuration."""
        return f"""\
  acme:
    provider: pageup
    token_url: http://127.0.0.1:{pageup.port()}/connect/token
    client_id: acme-integration
    client_secret: {{env: VENDOR_SECRET}}
    scopes: [Public.Application.Read, Public.Application.Write]
  globex:
    provider: ukg
    base_url: http://127.0.0.1:{ukg.port()}
    application_id: app-1
    application_secret: {{env: VENDOR_SECRET}}
    client_id: globex
"""


class Redis(Program):
    """A server of the test's own, that writes nothing to the disk."""

    command = ("redis-server",)

    def __init__(self, port=None):
        self.number = port or free_ports(1)[0]
        super().__init__("--port", str(self.number), "--bind", "127.0.0.1", "--save", "", "--dir", tempfile.gettempdir())
        self.wait_for(lambda lines: any("Ready to accept connections" in line for line in lines))

    def ask(self, *words):
        """What it answers to a command, as text."""
        return subprocess.run(
            ["redis-cli", "-p", str(self.number), *map(str, words)], stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=PATIENCE, check=True).stdout.strip()


class Answer:
    """A whole response."""

    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)


def free_ports(count):
    """Ports that nobody listens at; somebody else could take one before it is used."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in sockets]
    for listener in sockets:
        listener.close()
    return ports


def new_key():
    """A caller's key."""
    return "tw_" + base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")


def get(port, path, key=None, connection=None):
    """One GET, on a connection of its own unless one is given."""
    link = connection or http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        link.request("GET", path, headers={"Authorization": f"Bearer {key}"} if key else {})
        return Answer(link.getresponse())
    finally:
        if connection is None:
            link.close()


def post(port, path, form, key=None):
    """One POST of a form, on a connection of its own."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        fields = {"Content-Type": "application/x-www-form-urlencoded"}
        if key:
            fields["Authorization"] = f"Bearer {key}"
        link.request("POST", path, urllib.parse.urlencode(form), fields)
        return Answer(link.getresponse())
    finally:
        link.close()


def sample(port, series):
    """The value of that time series on the metrics page; None without it."""
    for line in get(port, "/metrics").body.decode().splitlines():
        if line.startswith(series + " "):
            return float(line.rpartition(" ")[2])
    return None


def eventually(condition):
    """Waits until `condition()` holds."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("did not happen in time")
        time.sleep(0.02)
