"""deploy/nginx/vendor.conf in a real nginx, between a service and a vendor's API, with the broker at its side."""

import http.client
import pathlib
import socket
import tempfile
import unittest

from program import PATIENCE, ROOT, Broker, Program, Service, Simulator, Upstream, eventually
from surroundings import Certificates, VendorAPI

MAIN = """\
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr error;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include vendor.conf;
}}
"""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Nginx(Program):
    """nginx with the configuration as it is documented, but for addresses and the authority."""

    command = ("/usr/sbin/nginx",)

    def __init__(self, folder, broker_port, key, api, authority):
        self._port = free_port()
        text = (ROOT / "deploy" / "nginx" / "vendor.conf").read_text()
        for documented, here in (
                ("server 127.0.0.1:8080;", f"server 127.0.0.1:{broker_port};"),
                ("listen 127.0.0.1:8081;", f"listen 127.0.0.1:{self._port};"),
                ("https://api.vendor.example;", f"{api.url};"),
                ("/etc/ssl/certs/ca-certificates.crt;", f"{authority};")):
            if text.count(documented) != 1:
                raise AssertionError(f"{documented} is not once in the configuration")
            text = text.replace(documented, here)
        configuration = pathlib.Path(folder, "nginx.conf")
        configuration.write_text(MAIN.format(folder=folder))
        configuration.with_name("vendor.conf").write_text(text)
        configuration.with_name("tokenwell-key.conf").write_text(f'proxy_set_header Authorization "Bearer {key}";\n')
        super().__init__("-p", str(folder), "-c", str(configuration), "-e", "stderr")
        eventually(self._answers)

    def _answers(self):
        with socket.socket() as connection:
            return connection.connect_ex(("127.0.0.1", self._port)) == 0

    def ask(self, path="/employees", method="GET", body=None, headers=()):
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        try:
            connection.putrequest(method, path, skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            response = connection.getresponse()
            response.read()
            return response
        finally:
            connection.close()


class NginxCase(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        self.certificates = Certificates(self.folder)
        self.api = VendorAPI(self.certificates)
        self.addCleanup(self.api.stop)

    def start(self, program):
        self.addCleanup(program.stop)
        return program

    def nginx(self, broker, key=None):
        return self.start(
            Nginx(self.folder, broker.port(), key or broker.key, self.api, self.certificates.authority))


class InjectionTests(NginxCase):
    def setUp(self):
        super().setUp()
        self.pageup = self.start(Simulator("pageup", 300))
        ukg = self.start(Simulator("ukg", 3600))
        self.broker = self.start(Broker(self.folder, self.pageup, ukg))

    def token(self):
        return self.broker.get("/tokens/acme").json["access_token"]

    def test_the_vendor_gets_the_token_whatever_the_client_sent(self):
        nginx = self.nginx(self.broker)
        for headers in (
                (), [("Authorization", "Bearer stolen")], [("Authorization", "Basic eDp5")],
                [("Connection", "close, Authorization")], [("X-Forwarded-Uri", "/auth/globex")],
                [("X-Original-URI", "/auth/globex"), ("X_Authorization", "Bearer x"), ("Cookie", "a=b")]):
            for method, body in (("GET", None), ("POST", b"name=x"), ("HEAD", None), ("DELETE", None)):
                with self.subTest(method, headers=headers):
                    response = nginx.ask("/employees?scope=nonsense&tenant=globex", method, body, headers)
                    self.assertEqual(response.status, 200)
                    self.assertIsNone(response.getheader("Authorization"))
                    self.assertEqual(self.api.authorizations(), [f"Bearer {self.token()}"])
                    self.assertEqual(self.api.requests[-1].command, method)
        self.assertEqual(self.pageup.mints(), 1)

    def test_two_authorizations_are_refused(self):
        response = self.nginx(self.broker).ask(headers=2 * [("Authorization", "Bearer x")])
        self.assertEqual((response.status, self.api.requests), (400, []))

    def test_a_vendors_refusal_is_passed_on(self):
        self.assertEqual(self.nginx(self.broker).ask("/refused").status, 401)

    def test_nobody_reads_the_token_from_outside(self):
        self.assertEqual(self.nginx(self.broker).ask("/_token").status, 404)
        self.assertEqual(self.api.requests, [])

    def assert_refused(self, nginx, retry_after=False):
        """That requests end at nginx, with an answer that asks nobody for credentials."""
        sent = len(self.api.requests)
        for headers in ((), [("Authorization", f"Bearer {self.broker.key}")]):
            response = nginx.ask(headers=headers)
            self.assertEqual(response.status, 503)
            self.assertIsNone(response.getheader("WWW-Authenticate"))
            self.assertEqual(response.getheader("Retry-After") is not None, retry_after)
        self.assertEqual(len(self.api.requests), sent)

    def test_a_wrong_key_lets_nothing_through(self):
        self.assert_refused(self.nginx(self.broker, key="tw_" + 43 * "0"))

    def test_a_vendor_that_is_down_lets_nothing_through(self):
        self.pageup.stop()
        self.assert_refused(self.nginx(self.broker), retry_after=True)

    def test_a_broker_that_is_down_lets_nothing_through(self):
        nginx = self.nginx(self.broker)
        self.assertEqual(nginx.ask().status, 200)
        self.broker.stop()
        self.assert_refused(nginx)


class GrantTests(NginxCase):
    def test_a_key_without_the_tenant_lets_nothing_through(self):
        pageup, ukg = self.start(Simulator("pageup", 300)), self.start(Simulator("ukg", 3600))
        broker = self.start(Service(self.folder, Broker.tenants(pageup, ukg), granted="[globex]"))
        self.assertEqual(self.nginx(broker).ask().status, 503)
        self.assertEqual(self.api.requests, [])


class LongTokenTests(NginxCase):
    def test_the_longest_token_fits(self):
        upstream = self.start(Upstream(300, 16 * 1024))
        broker = self.start(Service(self.folder, f"""\
  acme:
    provider: oauth2
    token_url: http://127.0.0.1:{upstream.port()}/token
    client_id: long
    client_secret: {{env: VENDOR_SECRET}}"""))
        self.assertEqual(self.nginx(broker).ask().status, 200)
        self.assertEqual(len(self.api.authorizations()[0]), len("Bearer ") + 16 * 1024)
