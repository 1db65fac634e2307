"""OAuth 2.0 client libraries as they come, and the README's lines for each, against the broker over TLS."""

import json
import os
import pathlib
import sys
import tempfile
import unittest

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from oauthlib.oauth2 import BackendApplicationClient, OAuth2Error
from requests_oauthlib import OAuth2Session as RequestsSession

from program import PATIENCE, ROOT, Broker, Simulator
from surroundings import Certificates, VendorAPI, checked, run, snippet

READ = "Public.Application.Read"
CALLER = "payroll-sync"
WRONG_KEY = "tw_" + 43 * "0"
GO_LIBRARIES = "/usr/share/gocode"


class ClientCase(unittest.TestCase):
    """A broker over TLS with a tenant at each simulated vendor, and a vendor's API."""

    lifetime = 300

    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        certificates = Certificates(cls.folder)
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
            os.environ[name] = certificates.authority
            cls.addClassCleanup(os.environ.pop, name)
        cls.api = VendorAPI(certificates)
        cls.addClassCleanup(cls.api.stop)
        cls.pageup = Simulator("pageup", cls.lifetime)
        cls.addClassCleanup(cls.pageup.stop)
        cls.ukg = Simulator("ukg", 3600)
        cls.addClassCleanup(cls.ukg.stop)
        cls.broker = Broker(
            cls.folder, cls.pageup, cls.ukg, is_operator=False,
            settings=f"tls: {{certificate: {certificates.certificate}, key: {certificates.key}}}")
        cls.addClassCleanup(cls.broker.stop)
        cls.url = f"https://localhost:{cls.broker.port()}"
        cls.key = cls.broker.key

    def current(self, tenant="acme", **query):
        """What the broker answers to a plain GET."""
        answer = requests.get(
            f"{self.url}/tokens/{tenant}", params=query, headers={"Authorization": f"Bearer {self.key}"},
            timeout=PATIENCE)
        self.assertEqual(answer.status_code, 200, answer.text)
        return answer.json()

    def asked(self):
        """How many token requests the broker's token endpoint has answered with a token."""
        series = 'tokenwell_http_requests_total{route="/tokens/{tenant}",method="POST",status="200"} '
        lines = requests.get(f"{self.url}/metrics", timeout=PATIENCE).text.splitlines()
        return sum(int(line.removeprefix(series)) for line in lines if line.startswith(series))

    def here(self, text):
        """A snippet with the addresses of this test's servers."""
        return text.replace("https://tokens.example", self.url).replace("https://api.vendor.example", self.api.url)

    def environment(self, key=None):
        return {**os.environ, "TOKENWELL_KEY": key or self.key}

    def assert_token(self, answer, scope):
        """Holds a token answer as a client sees it against the broker's own."""
        current = self.current(scope=scope)
        self.assertEqual(answer["access_token"], current["access_token"])
        self.assertEqual(answer["token_type"], "Bearer")
        self.assertIn(int(answer["expires_in"]), range(self.lifetime - int(3 * PATIENCE), self.lifetime + 1))


class AuthlibTests(ClientCase):
    def session(self, key=None, scope=READ, tenant="acme", method="client_secret_basic"):
        return AuthlibSession(
            CALLER, key or self.key, scope=scope, token_endpoint=f"{self.url}/tokens/{tenant}",
            token_endpoint_auth_method=method, grant_type="client_credentials")

    def test_readme(self):
        checked(
            sys.executable, "-c", self.here(snippet("python", "from authlib")), env=self.environment())
        self.assertEqual(self.api.authorizations(), [f"Bearer {self.current(scope=READ)['access_token']}"])

    def test_a_token_by_each_method_and_no_second_request_while_it_is_good(self):
        for method in ("client_secret_basic", "client_secret_post"):
            with self.subTest(method), self.session(method=method) as session:
                self.assert_token(session.fetch_token(), READ)
                self.assertFalse(session.token.is_expired())
                asked = self.asked()
                for _ in range(3):
                    session.get(self.api.url)
                self.assertEqual(self.asked(), asked)

    def test_errors_are_read(self):
        for name, session, error in (
                ("key", self.session(key=WRONG_KEY), "invalid_client"),
                ("key in the body", self.session(key=WRONG_KEY, method="client_secret_post"), "invalid_client"),
                ("scope", self.session(scope="nonsense"), "invalid_scope"),
                ("tenant", self.session(tenant="umbrella"), "access_denied")):
            with self.subTest(name), session, self.assertRaises(AuthlibBaseError) as raised:
                session.fetch_token()
            self.assertEqual(raised.exception.error, error)
        with self.session() as session, self.assertRaises(AuthlibBaseError) as raised:
            session.fetch_token(grant_type="password", username="a", password="b")
        self.assertEqual(raised.exception.error, "unsupported_grant_type")

    def test_revocation(self):
        with self.session(scope=None, tenant="globex") as session:
            token = session.fetch_token()["access_token"]
            answer = session.revoke_token(f"{self.url}/revoke", token=token, token_type_hint="access_token")
            self.assertEqual((answer.status_code, answer.json()), (200, {"revoked": "upstream"}))
            answer = session.revoke_token(f"{self.url}/revoke", token="unknown")
            self.assertEqual((answer.status_code, answer.json()), (200, {"revoked": "unknown"}))
            self.assertNotEqual(session.fetch_token()["access_token"], token)

    def test_metadata(self):
        address = f"https://127.0.0.1:{self.broker.port()}"
        answer = requests.get(
            f"{address}/.well-known/oauth-authorization-server/tokens/acme", timeout=PATIENCE).json()
        # Authlib takes the empty list, which RFC 8414 has nothing against, for a missing one.
        self.assertEqual(answer["response_types_supported"], [])
        AuthorizationServerMetadata({**answer, "response_types_supported": ["none"]}).validate()
        self.assertEqual(answer["issuer"], f"{address}/tokens/acme")
        with self.session() as session:
            self.assert_token(session.fetch_token(answer["token_endpoint"]), READ)
            self.assertTrue(session.revoke_token(answer["revocation_endpoint"], token="unknown").ok)


class RenewalTests(ClientCase):
    """Tokens that a client takes for spent long before the broker does: Authlib's leeway is 60 seconds."""

    lifetime = 50

    def test_clients_that_ask_too_often_cost_no_mint(self):
        with AuthlibSession(
                CALLER, self.key, token_endpoint=f"{self.url}/tokens/acme",
                grant_type="client_credentials") as session:
            session.fetch_token()
            mints, asked = self.pageup.mints(), self.asked()
            for _ in range(3):
                session.get(self.api.url)
                self.assertEqual(self.api.authorizations(), [f"Bearer {session.token['access_token']}"])
            self.assertEqual(self.asked(), asked + 3)
            self.assertLessEqual(self.pageup.mints() - mints, 1)


class RequestsOAuthlibTests(ClientCase):
    def fetch(self, key=None, scope=READ, tenant="acme", **options):
        client = BackendApplicationClient(CALLER, scope=scope)
        with RequestsSession(client=client) as session:
            return session.fetch_token(
                f"{self.url}/tokens/{tenant}", client_id=CALLER, client_secret=key or self.key, **options)

    def test_readme(self):
        checked(
            sys.executable, "-c", self.here(snippet("python", "requests_oauthlib")), env=self.environment())
        self.assertEqual(self.api.authorizations(), [f"Bearer {self.current(scope=READ)['access_token']}"])

    def test_a_token_by_basic_and_in_the_body(self):
        self.assert_token(self.fetch(), READ)
        self.assert_token(self.fetch(include_client_id=True), READ)
        self.assert_token(self.fetch(scope=None), "")

    def test_errors_are_read(self):
        for name, arguments, error in (
                ("key", {"key": WRONG_KEY}, "invalid_client"), ("scope", {"scope": "nonsense"}, "invalid_scope"),
                ("tenant", {"tenant": "umbrella"}, "access_denied")):
            with self.subTest(name), self.assertRaises(OAuth2Error) as raised:
                self.fetch(**arguments)
            self.assertEqual(raised.exception.error, error)


class GoTests(ClientCase):
    """Go's golang.org/x/oauth2/clientcredentials, from Debian, which needs no modules."""

    def go(self, source, key=None):
        """The program's result; it sends a request to the vendor."""
        program = pathlib.Path(self.folder, "client.go")
        program.write_text(source)
        environment = {
            **self.environment(key), "GO111MODULE": "off", "GOPATH": GO_LIBRARIES, "GOFLAGS": "", "GOTOOLCHAIN": "local",
            "GOCACHE": str(ROOT / ".build-clients" / "go")}
        binary = str(program.with_suffix(""))
        checked("go", "build", "-o", binary, str(program), env=environment)
        return run(binary, env=environment)

    def test_readme(self):
        asked = self.asked()
        done = self.go(self.here(snippet("go", "clientcredentials")))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.api.authorizations(), [f"Bearer {self.current(scope=READ)['access_token']}"])
        self.assertEqual(self.asked(), asked + 1)

    def test_errors_are_read(self):
        source = self.here(snippet("go", "clientcredentials"))
        sent = len(self.api.requests)
        for name, done, error in (
                ("key", self.go(source, WRONG_KEY), "invalid_client"),
                ("scope", self.go(source.replace(READ, "nonsense")), "invalid_scope"),
                ("tenant", self.go(source.replace("/tokens/acme", "/tokens/umbrella")), "access_denied")):
            with self.subTest(name):
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(error, done.stderr)
        self.assertEqual(len(self.api.requests), sent)


class CurlTests(ClientCase):
    def test_readme(self):
        for line in self.here(snippet("sh", "--oauth2-bearer")).splitlines():
            with self.subTest(line):
                answer = json.loads(checked("bash", "-c", line, env=self.environment()))
                scope = {"scope": READ} if READ in line else {}
                self.assertEqual(answer["access_token"], self.current(**scope)["access_token"])

    def test_errors_are_read(self):
        for name, line, error in (
                ("key by Basic", f"--user {CALLER}:{WRONG_KEY} --data grant_type=client_credentials", "invalid_client"),
                ("bearer key", f"--oauth2-bearer {WRONG_KEY}", "invalid_token"),
                ("scope", f"--user {CALLER}:{self.key} --data grant_type=client_credentials --data scope=nonsense",
                 "invalid_scope")):
            with self.subTest(name):
                done = run("curl", "--silent", "--fail-with-body", *line.split(), f"{self.url}/tokens/acme")
                self.assertEqual(done.returncode, 22, done.stderr)
                self.assertEqual(json.loads(done.stdout)["error"], error)
