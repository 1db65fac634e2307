"""deploy/prometheus and deploy/grafana with Debian's Prometheus: its own checks, and a scrape of the demo."""

import http.client
import http.server
import json
import pathlib
import re
import subprocess
import tempfile
import threading
import unittest
import urllib.parse

import yaml
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as text_metrics

from program import PATIENCE, ROOT, Answer, Broker, Demo, Program, Simulator, eventually, get, post
from surroundings import checked

FOLDER = ROOT / "deploy" / "prometheus"
OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
TEXT = "text/plain; version=0.0.4; charset=utf-8"
ACCEPT_TEXT = "text/plain;version=0.0.4"


def rules():
    groups = yaml.safe_load((FOLDER / "rules.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def dashboard():
    return json.loads((ROOT / "deploy" / "grafana" / "tokenwell.json").read_text())


def dashboard_queries():
    """Every query of the dashboard, its variables filled in."""
    found = [target["expr"] for panel in dashboard()["panels"] for target in panel.get("targets", ())]
    found += [annotation["expr"] for annotation in dashboard()["annotations"]["list"]]
    for name, value in (("$job", "tokenwell"), ("$tenant", ".*"), ("$__rate_interval", "20s")):
        found = [query.replace(name, value) for query in found]
    return found


def metrics_in(text):
    return set(re.findall(r"\b(?:tokenwell|process)_[a-z_]+", text))


def described_metrics():
    """The names of the README's table."""
    readme = (ROOT / "README.md").read_text()
    return set(re.findall(r"^\| `((?:tokenwell|process)_\w+)` \|", readme, re.MULTILINE))


class RulesTests(unittest.TestCase):
    def test_promtool_takes_the_rules_and_the_configuration(self):
        checked("promtool", "check", "rules", "rules.yml", cwd=FOLDER)
        checked("promtool", "check", "config", "prometheus.yml", cwd=FOLDER)

    def test_alerts_fire_when_they_should_and_only_then(self):
        checked("promtool", "test", "rules", "tests.yml", cwd=FOLDER)

    def test_every_alert_is_shown_firing_and_not_firing(self):
        shown = {(test["alertname"], bool(test["exp_alerts"]))
                 for case in yaml.safe_load((FOLDER / "tests.yml").read_text())["tests"]
                 for test in case["alert_rule_test"]}
        self.assertEqual(shown, {(rule["alert"], fires) for rule in rules() for fires in (True, False)})

    def test_every_alert_has_its_paragraph_and_no_paragraph_is_left_over(self):
        runbook = (ROOT / "deploy" / "RUNBOOK.md").read_text()
        paragraphs = re.split(r"^## ", runbook, flags=re.MULTILINE)[1:]
        titles = [paragraph.splitlines()[0] for paragraph in paragraphs]
        self.assertEqual(titles, [rule["alert"] for rule in rules()])
        for rule in rules():
            with self.subTest(rule["alert"]):
                annotations = rule["annotations"]
                self.assertEqual(annotations["runbook_url"], f"deploy/RUNBOOK.md#{rule['alert'].lower()}")
                self.assertTrue(annotations["summary"])
                self.assertIn(rule["labels"]["severity"], ("page", "ticket"))
        for paragraph in paragraphs:
            self.assertGreater(len(paragraph.split()), 30, paragraph)


def request(port, path, headers):
    """One GET with these fields."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        link.request("GET", path, headers=headers)
        return Answer(link.getresponse())
    finally:
        link.close()


class DemoCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        demo = Demo()
        cls.addClassCleanup(demo.stop)
        # Without the metrics and the end.
        for line in demo.curl_lines()[:2]:
            checked("bash", "-c", line)
        cls.port = demo.port()

    def page(self, accept):
        answer = request(self.port, "/metrics", {"Accept": accept})
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.headers["Vary"], "Accept, Accept-Encoding")
        return answer


class PageTests(DemoCase):
    def test_promtool_finds_nothing_to_complain_about(self):
        for accept in ("*/*", ACCEPT_TEXT):
            page = self.page(accept)
            self.assertEqual(page.headers["Content-Type"], TEXT)
            done = subprocess.run(
                ["promtool", "check", "metrics"], input=page.body.decode(), capture_output=True, text=True,
                timeout=PATIENCE, check=False)
            self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))

    def test_both_formats_say_the_same(self):
        """By the reference parsers, of which that for OpenMetrics is strict."""
        plain, other = self.page("*/*"), self.page("application/openmetrics-text")
        self.assertEqual(other.headers["Content-Type"], OPEN_METRICS)
        self.assertTrue(other.body.endswith(b"\n# EOF\n"))

        def series(families):
            return {(sample.name, *sorted((name, float(value) if name == "le" else value)
                                          for name, value in sample.labels.items()))
                    for family in families for sample in family.samples}

        def without_scrapes(found):
            return {one for one in found if not any("/metrics" in str(part) for part in one)}

        texts = series(text_metrics(plain.body.decode()))
        self.assertGreater(len(texts), 100)
        self.assertEqual(without_scrapes(texts), without_scrapes(series(open_metrics(other.body.decode()))))

    def test_every_metric_of_rules_and_dashboard_exists(self):
        families = list(text_metrics(self.page("*/*").body.decode()))
        exposed = {sample.name for family in families for sample in family.samples} | {
            family.name for family in families}
        named = metrics_in("\n".join(dashboard_queries() + [rule["expr"] for rule in rules()]))
        self.assertGreater(len(named), 30)
        described = described_metrics()
        self.assertGreater(len(described), 30)
        histograms = {name + part for name in described for part in ("_bucket", "_sum", "_count")
                      if name.endswith("_seconds")}
        self.assertEqual(named - exposed - described - histograms, set())
        # And those of histograms are histograms, as far as the demo has them.
        for name in {one for one in named if one.endswith("_bucket")} - {"tokenwell_store_commit_seconds_bucket"}:
            self.assertIn(name, exposed)

    def test_the_dashboard_shows_every_metric(self):
        shown = metrics_in("\n".join(dashboard_queries()))
        shown = {re.sub("_bucket$", "", name) for name in shown}
        self.assertEqual(described_metrics() - shown, set())


class TextOnly:
    """Stands between Prometheus and the demo, and asks for the plain text whatever it is asked for."""

    def __init__(self, port):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                answer = request(port, self.path, {"Accept": ACCEPT_TEXT})
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.headers["Content-Type"])
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(PATIENCE)


class Prometheus(Program):
    """Debian's Prometheus with the configuration as it is deployed, but for targets and a shorter interval."""

    command = ("/usr/bin/prometheus",)

    def __init__(self, folder, targets):
        text = (FOLDER / "prometheus.yml").read_text()
        for documented, here in (
                ('targets: ["tokenwell:8080"]', f"targets: {json.dumps(targets)}"), ("interval: 5s", "interval: 1s")):
            if documented not in text:
                raise AssertionError(f"{documented} is not in the configuration")
            text = text.replace(documented, here)
        pathlib.Path(folder, "prometheus.yml").write_text(text)
        pathlib.Path(folder, "rules.yml").write_text((FOLDER / "rules.yml").read_text())
        super().__init__(
            f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
            "--web.listen-address=127.0.0.1:0")

    def port(self):
        return self.wait_for(lambda lines: next(
            (int(match[1]) for match in (re.search(r"Listening on.*127\.0\.0\.1:(\d+)", line) for line in lines)
             if match), None))

    def api(self, path, **parameters):
        answer = get(self.port(), f"/api/v1/{path}?{urllib.parse.urlencode(parameters)}")
        if answer.status == 503:
            return None
        content = answer.json
        if content["status"] != "success":
            raise AssertionError(f"{path} {parameters}: {content}")
        return content["data"]

    def query(self, expression):
        data = self.api("query", query=expression)
        return data["result"] if data else []


class ScrapeTests(DemoCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        between = TextOnly(cls.port)
        cls.addClassCleanup(between.stop)
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.instances = {f"127.0.0.1:{cls.port}": "info", f"127.0.0.1:{between.port}": "gauge"}
        cls.prometheus = Prometheus(folder, list(cls.instances))
        cls.addClassCleanup(cls.prometheus.stop)
        # Rates need two scrapes, and rules one evaluation after them.
        eventually(lambda: len(cls.prometheus.query('count_over_time(up{job="tokenwell"}[1m]) > 2')) == 2)

    def test_both_formats_are_scraped(self):
        for target in self.prometheus.api("targets")["activeTargets"]:
            self.assertEqual((target["health"], target["lastError"]), ("up", ""))
        for instance, kind in self.instances.items():
            with self.subTest(kind):
                metadata = self.prometheus.api(
                    "targets/metadata", match_target=f'{{instance="{instance}"}}')
                types = {entry["metric"]: entry["type"] for entry in metadata}
                self.assertEqual(
                    types.get("tokenwell_build") or types.get("tokenwell_build_info"), kind, types)
                tenants = self.prometheus.query(f'tokenwell_suspended{{instance="{instance}"}}')
                self.assertEqual({one["metric"]["tenant"] for one in tenants}, {"acme", "globex"})

    def test_every_rule_can_be_evaluated_and_a_healthy_demo_alerts_nobody(self):
        def groups():
            return self.prometheus.api("rules")["groups"]

        eventually(lambda: all(rule["health"] == "ok" for group in groups() for rule in group["rules"]))
        firing = [rule["name"] for group in groups() for rule in group["rules"] if rule["state"] == "firing"]
        self.assertEqual(firing, [])

    def test_every_query_of_the_dashboard_can_be_evaluated(self):
        queries = dashboard_queries()
        self.assertGreater(len(queries), 30)
        for query in queries:
            self.assertNotIn("$", query)
            self.prometheus.query(query)

    def test_the_process_says_what_it_uses(self):
        for metric in ("process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds",
                       "process_max_fds", "tokenwell_event_loop_delay_seconds_count", "tokenwell_build_info"):
            with self.subTest(metric):
                values = [float(one["value"][1]) for one in self.prometheus.query(metric + '{job="tokenwell"}')]
                self.assertEqual(len(values), 2)
                self.assertGreater(min(values), 0)


class OutageTests(unittest.TestCase):
    def test_the_alert_fires_while_callers_still_have_the_token_and_ends_with_the_outage(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())

        def start(program):
            self.addCleanup(program.stop)
            return program

        # A minute, so that little is left from the beginning.
        pageup = start(Simulator("pageup", 60))
        broker = start(Broker(folder, pageup, start(Simulator("ukg", 3600))))
        token = broker.get("/tokens/acme").json["access_token"]
        prometheus = start(Prometheus(folder, [f"127.0.0.1:{broker.port()}"]))

        def firing():
            return {(one["metric"]["alertname"], one["metric"].get("tenant"))
                    for one in prometheus.query('ALERTS{alertstate="firing"}')}

        eventually(lambda: prometheus.query('tokenwell_token_usable_seconds{tenant="acme"} > 0'))
        self.assertEqual(firing(), set())
        fault = post(pageup.port(), "/_simulator/fault", {"mode": "unavailable", "count": "forever"})
        self.assertEqual(fault.status, 200)
        self.assertEqual(post(broker.port(), "/tenants/acme/refresh", {}, broker.key).status, 503)
        eventually(firing)
        answer = broker.get("/tokens/acme").json
        self.assertEqual((answer["access_token"], answer["state"]), (token, "last_known_good"))
        self.assertEqual(firing(), {("TokenwellRefreshFailing", "acme")})
        self.assertEqual(post(pageup.port(), "/_simulator/fault", {"mode": "none"}).status, 200)
        self.assertEqual(post(broker.port(), "/tenants/acme/refresh", {}, broker.key).status, 200)
        eventually(lambda: not firing())
