"""deploy/haproxy: a real HAProxy before three replicas, which are replaced one after the other."""

import http.client
import pathlib
import tempfile
import threading
import time
import unittest

import replicas
from program import PATIENCE, ROOT, Program, Simulator, eventually, free_ports, get

CALLERS = 6


class HAProxy(Program):
    """With deploy/haproxy/haproxy.cfg, but for the ports."""

    command = ("haproxy",)

    def __init__(self, folder, port, servers):
        text = (ROOT / "deploy" / "haproxy" / "haproxy.cfg").read_text().replace("bind :8080", f"bind 127.0.0.1:{port}")
        for number, server in enumerate(servers, start=8081):
            text = text.replace(f"127.0.0.1:{number}", f"127.0.0.1:{server}")
        configuration = pathlib.Path(folder, "haproxy.cfg")
        configuration.write_text(text)
        super().__init__("-db", "-f", str(configuration))


class Caller(threading.Thread):
    """Asks again and again over one connection; the statuses that it got."""

    def __init__(self, port, key, ended):
        super().__init__(daemon=True)
        self._port = port
        self._key = key
        self._ended = ended
        self.statuses = []

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        while not self._ended.is_set():
            self.statuses.append(get(0, "/tokens/acme", self._key, connection).status)
            time.sleep(0.001)
        connection.close()


class HAProxyTests(unittest.TestCase):
    def test_no_caller_notices_that_replicas_are_replaced(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        vendor = Simulator("pageup", 300, "--id", "acme")
        self.addCleanup(vendor.stop)
        port, *ports = free_ports(1 + replicas.COUNT)
        cluster = replicas.Cluster(folder, replicas.pageup("acme", vendor), ports=ports)
        self.addCleanup(cluster.close)
        cluster.start()
        balancer = HAProxy(folder, port, ports)
        self.addCleanup(balancer.stop)
        eventually(lambda: self.is_open(port))

        ended = threading.Event()
        callers = [Caller(port, cluster.key, ended) for _ in range(CALLERS)]
        for caller in callers:
            caller.start()
        for replica in cluster.replicas:
            eventually(lambda: min(len(caller.statuses) for caller in callers) > 20)
            self.assertEqual(replica.stop(), 0)
            time.sleep(0.5)
            replica.start()
            eventually(replica.is_ready)
            # Until HAProxy has seen it too.
            time.sleep(1)
        ended.set()
        for caller in callers:
            caller.join(PATIENCE)
        self.assertEqual({status for caller in callers for status in caller.statuses}, {200})
        self.assertEqual(vendor.mints(), 1)

    @staticmethod
    def is_open(port):
        try:
            return get(port, "/readyz").status == 200
        except OSError:
            return False


if __name__ == "__main__":
    unittest.main()
