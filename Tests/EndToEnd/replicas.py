"""Several brokers with one store in Redis, what can come between them, and callers that notice."""

import base64
import collections
import contextlib
import http.client
import json
import pathlib
import random
import select
import signal
import socket
import subprocess
import threading
import time

import storm
from program import BINARY, PATIENCE, Redis, Service, eventually, get, new_key, post, sample

COUNT = 3


class Link:
    """A port that leads to another one, until it is cut, and every connection with it, or left hanging."""

    def __init__(self, target):
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._open = set()
        self._is_cut = False
        self._flows = threading.Event()
        self._flows.set()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self):
        with self._lock:
            self._is_cut = True
            ends, self._open = self._open, set()
        for end in ends:
            self._shut(end)

    def hang(self):
        """Takes what comes, and passes nothing on until it is mended."""
        self._flows.clear()

    def mend(self):
        self._is_cut = False
        self._flows.set()

    def close(self):
        self._shut(self._listener)
        self._listener.close()
        self.cut()
        self._flows.set()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                self._connect(near)

    def _connect(self, near):
        with self._lock:
            if self._is_cut:
                near.close()
                return
            try:
                far = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                near.close()
                return
            for end in (near, far):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open |= {near, far}
        for pair in ((near, far), (far, near)):
            threading.Thread(target=self._copy, args=pair, daemon=True).start()

    def _copy(self, source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self._flows.wait()
                sink.sendall(data)
        for end in (source, sink):
            self._shut(end)
        with self._lock:
            self._open -= {source, sink}

    @staticmethod
    def _shut(end):
        # To close it would leave whoever waits for it waiting.
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


class Replica:
    """One place for a broker, whose process ends and is started again; at that `fixed` port, or at another each time."""

    def __init__(self, cluster, number, redis_port, fixed=0):
        self.cluster = cluster
        self.number = number
        self.folder = pathlib.Path(cluster.folder, f"replica-{number}")
        self.folder.mkdir()
        self.redis_port = redis_port
        self.fixed = fixed
        # How many processes there have been, and the one that takes connections; None without one. For all threads.
        self.current = 0, None
        self.is_asleep = False

    def __str__(self):
        return f"replica {self.number}"

    def start(self):
        """Returns once it listens."""
        settings = f"""\
master_key: {{file: {self.cluster.folder}/master_key}}
store: {{redis: {{url: 'redis://127.0.0.1:{self.redis_port}/0', prefix: replicas}}}}
{self.cluster.settings}"""
        service = Service(
            self.folder, self.cluster.tenants, settings=settings, key=self.cluster.key, port=self.fixed)
        try:
            service.port()
        except AssertionError:
            service.stop(signal.SIGKILL)
            raise
        self.current = self.current[0] + 1, service
        return self

    def stop(self, how=signal.SIGTERM):
        """Ends the process; its exit status."""
        life, service = self.current
        self.current = life, None
        return service.stop(how)

    @property
    def service(self):
        return self.current[1]

    def send_to_sleep(self):
        self.is_asleep = True
        self.service.send(signal.SIGSTOP)

    def wake_up(self):
        self.service.send(signal.SIGCONT)
        self.is_asleep = False

    def close(self):
        if self.service:
            if self.is_asleep:
                self.wake_up()
            self.stop()

    @property
    def port(self):
        return self.service.port()

    @property
    def key(self):
        return self.cluster.key

    def get(self, path):
        return get(self.port, path, self.key)

    def token(self, tenant):
        """The token that it hands out, which it has to."""
        answer = self.get(f"/tokens/{tenant}")
        if answer.status != 200:
            raise AssertionError(f"{self}, {tenant}: {answer.status} {answer.body}")
        return answer.json["access_token"]

    def fingerprint(self, tenant):
        """That of the token which it has, without asking for it; None without one."""
        return self.get(f"/tenants/{tenant}").json.get("fingerprint")

    def revoke(self, token):
        return post(self.port, "/revoke", {"token": token}, self.key)

    def refresh(self, tenant):
        return post(self.port, f"/tenants/{tenant}/refresh", {}, self.key)

    def is_store_up(self):
        return sample(self.port, "tokenwell_store_up") == 1

    def is_written(self):
        return sample(self.port, "tokenwell_store_pending_records") == 0

    def is_ready(self):
        return get(self.port, "/readyz").status == 200


class Cluster:
    """Replicas of one broker, with a Redis of their own.

    `settings` are further lines of the configuration. With `are_linked` each has a link to Redis of its own. `ports` are
    what they listen at.
    """

    def __init__(self, folder, tenants, settings="", are_linked=False, ports=(0,) * COUNT):
        self.folder = folder
        self.tenants = tenants
        self.settings = settings
        self.key = new_key()
        subprocess.run(
            [BINARY, "masterkey", "new", "--output", pathlib.Path(folder, "master_key")], check=True, capture_output=True)
        self.redis = Redis()
        self.links = [Link(self.redis.number) for _ in ports] if are_linked else []
        redis = [link.port for link in self.links] or [self.redis.number] * len(ports)
        self.replicas = [Replica(self, number, *pair) for number, pair in enumerate(zip(redis, ports))]

    def start(self):
        for replica in self.replicas:
            replica.start()
        return self

    def meet(self):
        """Waits until every replica knows of all."""
        for replica in self.replicas:
            eventually(lambda one=replica: sample(one.port, "tokenwell_replicas") == len(self.replicas))

    def add(self):
        """One more replica."""
        self.replicas.append(Replica(self, len(self.replicas), self.redis.number).start())
        return self.replicas[-1]

    def restart_redis(self):
        """A server that has lost everything, in the place of the one before."""
        self.stop_redis()
        self.start_redis()

    def stop_redis(self):
        self.redis.stop(signal.SIGKILL)

    def start_redis(self):
        self.redis = Redis(self.redis.number)

    def records(self):
        """The keys of all that the replicas have written of tokens and tenants."""
        return set(self.redis.ask("KEYS", "replicas:record:*").split())

    def settle(self):
        """Waits until every replica has its store, and has written to it what it knows."""
        for replica in self.replicas:
            eventually(lambda one=replica: one.is_store_up() and one.is_written())

    def close(self):
        for link in self.links:
            link.mend()
        for replica in self.replicas:
            replica.close()
        for link in self.links:
            link.close()
        self.stop_redis()


def pageup(name, simulator, budget=(40, 60)):
    """A tenant of that simulator, whose client has the tenant's name; with a budget, burst and an hour, that it does not ban
    for: 60 in 10 minutes."""
    return f"""\
  {name}:
    provider: pageup
    token_url: http://127.0.0.1:{simulator.port()}/connect/token
    client_id: {name}
    client_secret: {{env: VENDOR_SECRET}}
    scopes: [Public.Application.Read]
    mint_budget: {{burst: {budget[0]}, per_hour: {budget[1]}}}
"""


def claims(token):
    """What a simulator's token says of itself."""
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


# What came of one request for a token, asked and answered at those seconds of the monotonic clock: `token` and `left`, its
# seconds, with a status of 200, and else `error`.
Seen = collections.namedtuple("Seen", "replica life tenant asked answered status token left error")


class Asker:
    """A caller with a connection of its own to each replica; for one thread."""

    def __init__(self):
        self._connections = {}

    def ask(self, replica, name):
        """What came of it; None if nothing did, because the process has ended or takes no more connections."""
        life, service = replica.current
        if service is None:
            return None
        connection = self._connection(replica, life, service)
        asked = time.monotonic()
        try:
            answer = get(0, f"/tokens/{name}", replica.key, connection)
        except (OSError, http.client.HTTPException):
            connection.close()
            return None
        body = answer.json
        return Seen(
            replica.number, life, name, asked, time.monotonic(), answer.status, body.get("access_token"),
            body.get("expires_in"), body.get("error"))

    def close(self):
        for _, connection in self._connections.values():
            connection.close()

    def _connection(self, replica, life, service):
        found, connection = self._connections.get(replica.number, (None, None))
        if found != life:
            if connection:
                connection.close()
            connection = http.client.HTTPConnection("127.0.0.1", service.port(), timeout=PATIENCE)
            self._connections[replica.number] = life, connection
        return connection


class BalancedCaller(threading.Thread):
    """Asks again and again, as through a balancer: a replica that cannot be reached, or that is lost before it has
    answered, is asked nothing, and the next one is. It counts, and keeps what failed."""

    def __init__(self, replicas, names, seed):
        super().__init__(daemon=True)
        self.replicas = replicas  # it may change
        self.names = names
        self.random = random.Random(seed)
        self.answers = 0
        self.elsewhere = 0
        self.failures = []
        self._ended = threading.Event()
        self._asker = Asker()

    def run(self):
        while not self._ended.is_set():
            self._ask(self.random.choice(self.names))
        self._asker.close()

    def _ask(self, name):
        some = list(self.replicas)
        self.random.shuffle(some)
        for replica in some:
            seen = self._asker.ask(replica, name)
            if seen is None:
                self.elsewhere += 1
                continue
            self.answers += 1
            if seen.status != 200:
                self.failures.append(seen)
            return
        self.failures.append(f"{name}: none of {len(some)} replicas")

    def end(self):
        self._ended.set()
        self.join(PATIENCE)


class Readers(threading.Thread):
    """Hundreds of callers, who all ask again as soon as they are answered, in one thread."""

    def __init__(self, replicas, name, callers):
        super().__init__(daemon=True)
        self._request = storm.get(f"/tokens/{name}", replicas[0].key)
        self._callers = [(storm.Caller(replica.port), replica.number) for replica in replicas for _ in range(callers)]
        self._ended = threading.Event()
        self.seen = []  # (replica, asked, status, token)

    def run(self):
        with select.epoll() as poll:
            by_descriptor = {}
            for caller, number in self._callers:
                by_descriptor[caller.socket.fileno()] = caller, number
                poll.register(caller.socket.fileno(), select.EPOLLIN)
                caller.ask(self._request)
            while not self._ended.is_set():
                for descriptor, _ in poll.poll(0.1):
                    caller, number = by_descriptor[descriptor]
                    if caller.receive():
                        token = caller.json.get("access_token") if caller.status == 200 else None
                        self.seen.append((number, caller.begun, caller.status, token))
                        caller.ask(self._request)

    def end(self):
        self._ended.set()
        self.join(PATIENCE)
        for caller, _ in self._callers:
            caller.socket.close()


def stampede(ports, request, total, connections=64):
    """Sends so many requests in turn to the ports, over so many connections to each; the answers' bodies by status.

    Each connection asks as soon as it is answered, and the first of all of them go out before any answer is read.
    """
    callers = [storm.Caller(port) for _ in range(connections) for port in ports]
    bodies, asked = collections.defaultdict(list), 0
    with select.epoll() as poll:
        by_descriptor = {caller.socket.fileno(): caller for caller in callers}
        for descriptor, caller in by_descriptor.items():
            poll.register(descriptor, select.EPOLLIN)
            caller.ask(request)
            asked += 1
        end = time.monotonic() + PATIENCE
        while by_descriptor and time.monotonic() < end:
            for descriptor, _ in poll.poll(1):
                caller = by_descriptor[descriptor]
                if not caller.receive():
                    continue
                bodies[caller.status].append(caller.json)
                if asked < total:
                    caller.ask(request)
                    asked += 1
                else:
                    by_descriptor.pop(descriptor).socket.close()
    for caller in by_descriptor.values():
        caller.socket.close()
    return bodies


def report(replica, name, token):
    """Tells a replica that the vendor refused this token."""
    return post(replica.port, f"/tokens/{name}/rejected", {"token": token}, replica.key)
