"""The operators' page as a browser has it."""

import contextlib
import tempfile
import unittest

from chromium import Chromium, Page
from program import Broker, Service, Simulator, Upstream, get, post

MANY = 10_000
TROUBLE = 6  # of the many, which cannot be had

# The text of a row's cell; the row is on the screen.
CELL = "document.querySelector('[data-tenant=\"{tenant}\"] .{cell}')?.textContent"
NAMES = (
    "[...document.querySelectorAll('#rows [role=row]')].sort((a, b) => a.getBoundingClientRect().top -"
    " b.getBoundingClientRect().top).map(row => row.dataset.tenant)")


def cell(tenant, name):
    return CELL.format(tenant=tenant, cell=name)


class BrowserTests(unittest.TestCase):
    """Tests that share a browser and a service."""

    @classmethod
    def setUpClass(cls):
        cls.resources = contextlib.ExitStack()
        cls.addClassCleanup(cls.resources.close)
        cls.browser = Chromium()
        cls.resources.callback(cls.browser.stop)
        cls.folder = cls.resources.enter_context(tempfile.TemporaryDirectory())

    @classmethod
    def start(cls, program):
        cls.resources.callback(program.stop)
        program.port()
        return program

    def page(self, service=None, path="/status", **settings):
        """The page, signed in to."""
        service = service or self.service
        page = Page(self.browser, ("payroll-sync", service.key), **settings)
        self.addCleanup(page.close)
        page.open(f"http://127.0.0.1:{service.port()}{path}")
        page.eventually("document.querySelector('#rows [role=row]') && true")
        return page


class StatusPageTests(BrowserTests):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pageup = cls.start(Simulator("pageup", 300))
        cls.ukg = cls.start(Simulator("ukg", 3600))
        cls.service = cls.start(Broker(cls.folder, cls.pageup, cls.ukg))

    def setUp(self):
        post(self.pageup.port(), "/_simulator/fault", {"mode": "none"})
        self.tokens = [self.service.get(f"/tokens/{tenant}").json["access_token"] for tenant in ("acme", "globex")]

    def refresh(self, tenant="acme"):
        return post(self.service.port(), f"/tenants/{tenant}/refresh", {}, self.service.key)

    def test_the_browser_asks_for_name_and_key_once(self):
        page = self.page()
        page.eventually("document.querySelector('#link').textContent === 'live'")
        page.wait(2.5)
        self.assertEqual(page.prompts, 1)
        self.assertEqual(page.complaints, [])
        origin = f"http://127.0.0.1:{self.service.port()}/"
        self.assertEqual([url for url in page.requests if not url.startswith((origin, "data:"))], [])

    def test_it_shows_each_tenant(self):
        page = self.page()
        self.assertEqual(sorted(page.evaluate(NAMES)), ["acme", "globex"])
        self.assertEqual(page.evaluate(cell("globex", "provider")), "ukg")
        self.assertEqual(page.evaluate(cell("globex", "state")), "fresh")
        self.assertRegex(page.evaluate(cell("globex", "left")), r"^59:\d\d left · refresh in \d\d:\d\d$")
        # As much of the bar as is left of the token, and the mark where it is refreshed.
        bar = page.evaluate("""(() => {
            const bar = document.querySelector('[data-tenant=globex] .bar');
            const [all, fill, mark] = [bar, bar.querySelector('.fill'), bar.querySelector('.mark')]
                .map(part => part.getBoundingClientRect());
            return [fill.width / all.width, (mark.x - all.x) / all.width];
        })()""")
        self.assertGreater(bar[0], 0.95)
        self.assertLessEqual(bar[0], 1)
        self.assertTrue(0.1 < bar[1] < 0.22, bar)
        page.eventually("document.querySelector('[data-tenant=globex] .spark .cold') && true")

    def test_the_bar_runs_down(self):
        page = self.page()
        width = "document.querySelector('[data-tenant=acme] .fill').getBoundingClientRect().width"
        before = page.evaluate(width)
        page.eventually(f"{width} < {before} - 1")

    def test_it_moves_when_a_token_is_refreshed(self):
        page = self.page(path="/status#acme")
        fingerprint = "document.querySelector('#details code')?.textContent"
        first = page.eventually(fingerprint)
        answer = self.refresh()
        self.assertEqual(answer.status, 200)
        page.eventually(f"{fingerprint} === '{answer.json['fingerprint']}'")
        self.assertNotEqual(answer.json["fingerprint"], first)
        page.eventually("document.querySelector('#details .plot .operator') && true")
        page.eventually("document.querySelector('[data-tenant=acme] .spark .operator') && true")

    def test_it_shows_who_holds_the_token(self):
        page = self.page(path="/status#globex")
        page.eventually("document.querySelector('#details table')?.textContent.includes('payroll-sync')")

    def test_it_shows_an_outage_and_its_end(self):
        page = self.page()
        self.addCleanup(post, self.pageup.port(), "/_simulator/fault", {"mode": "none"})
        post(self.pageup.port(), "/_simulator/fault", {"mode": "unavailable", "count": "forever"})
        self.assertEqual(self.refresh().status, 503)
        page.eventually(f"{cell('acme', 'state')} === 'last known good'")
        page.eventually(f"{cell('acme', 'error')} === 'http_503'")
        page.eventually("document.querySelector('[data-tenant=acme] .spark .failed') && true")
        self.assertEqual(page.evaluate("document.title"), "(1) Tokenwell")
        self.assertEqual(page.evaluate(cell("globex", "state")), "fresh")
        post(self.pageup.port(), "/_simulator/fault", {"mode": "none"})
        self.assertEqual(self.refresh().status, 200)
        page.eventually(f"{cell('acme', 'state')} === 'fresh'")
        self.assertEqual(page.complaints, [])

    def test_no_secret_reaches_the_browser(self):
        page = self.page(path="/status#acme")
        page.eventually("document.querySelector('#details code') && true")
        page.evaluate("choose('globex')")
        page.eventually("document.querySelector('#details-name').textContent === 'globex'")
        page.wait(2.5)
        bodies = page.bodies()
        paths = {url.rpartition("/")[2].partition("?")[0].partition("#")[0] for url, _ in bodies}
        self.assertTrue({"status", "tenants", "acme", "globex"} <= paths, paths)
        seen = [page.evaluate("document.documentElement.outerHTML"), *(text for _, text in bodies)]
        for secret in [*self.tokens, self.service.key, Simulator.SECRET]:
            self.assertFalse([text for text in seen if secret in text], "a secret is there")

    def test_the_keyboard_does_all(self):
        page = self.page()
        page.evaluate("document.querySelector('#grid').focus()")
        page.key("ArrowDown")
        page.key("ArrowDown")
        first = page.evaluate("document.querySelector('#grid').getAttribute('aria-activedescendant')")
        self.assertEqual(first, "row-" + page.evaluate(NAMES)[1])
        page.key("Enter")
        page.eventually(f"'row-' + document.querySelector('#details-name')?.textContent === '{first}'")
        self.assertEqual(page.evaluate("document.activeElement.id"), "details")
        page.key("Escape")
        page.eventually("document.querySelector('#details').hidden")
        self.assertEqual(page.evaluate("document.activeElement.id"), "grid")
        page.key("/")
        page.type("glo")
        page.eventually(f"JSON.stringify({NAMES}) === '[\"globex\"]'")

    def test_a_phone_has_it_all_within_its_width_by_night_too(self):
        for dark in (False, True):
            page = self.page(width=360, height=740, dark=dark)
            page.eventually("document.querySelector('[data-tenant=acme] .spark rect') && true")
            page.click("[data-tenant=acme]")
            page.eventually("document.querySelector('#details code') && true")
            for box in ("html", "#grid", "#details"):
                wide = page.evaluate(
                    f"(box => box.scrollWidth - box.clientWidth)(document.querySelector('{box}'))")
                self.assertLessEqual(wide, 0, box)
            light = page.evaluate("""(() => {
                const [r, g, b] = getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number);
                return (r + g + b) / 765;
            })()""")
            self.assertEqual(light < 0.5, dark)
            self.assertEqual(page.complaints, [])

    def test_texts_stand_out(self):
        for dark in (False, True):
            page = self.page(dark=dark, path="/status#acme")
            page.eventually("document.querySelector('#details code') && true")
            # WCAG 2.2, 1.4.3: 4.5 to 1, of every text against what is behind it.
            faint = page.evaluate("""(() => {
                const parse = color => color.match(/[\\d.]+/g).map(Number);
                const light = ([r, g, b]) => [r, g, b].map(part => (part /= 255) <= 0.04045
                    ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
                    .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
                const behind = element => {
                    for (; element; element = element.parentElement) {
                        const color = parse(getComputedStyle(element).backgroundColor);
                        if (color.length === 3) return color;
                    }
                    return [255, 255, 255];
                };
                const found = [];
                const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
                while (texts.nextNode()) {
                    const element = texts.currentNode.parentElement;
                    if (!texts.currentNode.data.trim() || !element.checkVisibility() || element.closest('script')) continue;
                    const style = getComputedStyle(element);
                    const one = light(parse(element.closest('svg') ? style.fill : style.color));
                    const other = light(behind(element));
                    const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
                    if (contrast < 4.5) found.push(`${texts.currentNode.data}: ${contrast.toFixed(2)}`);
                }
                return found;
            })()""")
            self.assertEqual(faint, [], "dark" if dark else "light")


class HostileTests(BrowserTests):
    SCOPE = "<img/src=x/onerror=alert(1)>"

    def test_markup_in_a_scope_is_text(self):
        upstream = self.start(Upstream(300))
        service = self.start(Service(self.folder, f"""\
  acme:
    provider: oauth2
    token_url: http://127.0.0.1:{upstream.port()}/token
    client_id: acme
    client_secret: {{env: VENDOR_SECRET}}
    scopes: ["{self.SCOPE}"]
"""))
        self.assertEqual(service.get("/tokens/acme").status, 200)
        page = self.page(service, "/status#acme")
        page.eventually(f"[...document.querySelectorAll('h3')].some(head => head.textContent.includes('{self.SCOPE}'))")
        self.assertEqual(page.evaluate("document.querySelectorAll('img').length"), 0)
        # Nor could it be done by mistake.
        self.assertTrue(page.evaluate(
            "(() => { try { document.body.innerHTML = '<b>'; return false; } catch { return true; } })()"))

    def test_no_other_site_has_the_browser_act(self):
        pageup, ukg = self.start(Simulator("pageup", 300)), self.start(Simulator("ukg", 3600))
        service = self.start(Broker(self.folder, pageup, ukg))
        page = self.page(service)
        url = f"http://127.0.0.1:{service.port()}/tenants/acme/refresh"
        ask = "fetch('{}', {{method: 'POST', mode: 'no-cors', credentials: 'include'}}).then(() => 1, () => 0)"
        # Its own page may, and the browser adds the credentials by itself.
        page.evaluate(ask.format("/tenants/acme/refresh"))
        self.assertEqual(pageup.mints(), 1)
        # The simulator's origin is another one of the same site.
        page.open(f"http://127.0.0.1:{pageup.port()}/_simulator/clients")
        page.eventually("location.pathname === '/_simulator/clients' && document.readyState === 'complete'")
        page.evaluate(ask.format(url))
        self.assertEqual(pageup.mints(), 1)
        self.assertEqual([status for asked, status in page.statuses if asked == url], [200, 403])


class LostConnectionTests(BrowserTests):
    def test_it_says_since_when_there_is_no_connection_and_when_there_is_one_again(self):
        pageup, ukg = self.start(Simulator("pageup", 300)), self.start(Simulator("ukg", 3600))
        service = self.start(Broker(self.folder, pageup, ukg))
        page = self.page(service)
        live = "document.querySelector('#link').textContent === 'live'"
        lost = r"/^no connection since \d\d:\d\d:\d\d$/.test(document.querySelector('#link').textContent)"
        page.eventually(live)
        network = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        page.call("Network.emulateNetworkConditions", offline=True, **network)
        page.eventually(lost)
        page.call("Network.emulateNetworkConditions", offline=False, **network)
        page.eventually(live)
        service.stop()
        page.eventually(lost)
        self.assertEqual(sorted(page.evaluate(NAMES)), ["acme", "globex"])


class ManyTenantsTests(BrowserTests):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        upstream = cls.start(Upstream(86_400))
        # Nobody listens at port 1.
        tenants = "".join(f"""\
  t{number:05}:
    provider: oauth2
    token_url: http://127.0.0.1:{1 if number % (MANY // TROUBLE) == MANY // TROUBLE - 1 else upstream.port()}/token
    client_id: c{number}
    client_secret: {{env: VENDOR_SECRET}}
""" for number in range(MANY))
        cls.service = cls.start(Service(cls.folder, tenants))
        cls.failing = [f"t{number:05}" for number in range(MANY) if number % (MANY // TROUBLE) == MANY // TROUBLE - 1]
        for name in cls.failing:
            assert get(cls.service.port(), f"/tokens/{name}", cls.service.key).status == 503
        for number in range(20):
            assert get(cls.service.port(), f"/tokens/t{number:05}", cls.service.key).status == 200

    def test_ten_thousand_are_searched_and_sorted_without_jank(self):
        page = self.page()
        page.eventually(f"document.querySelector('#grid').getAttribute('aria-rowcount') === '{MANY + 1}'")
        # No more rows than the screen has, and those in trouble first.
        self.assertLess(page.evaluate("document.querySelectorAll('#rows [role=row]').length"), 40)
        page.eventually(f"({NAMES}).slice(0, {TROUBLE}).every(name => {self.failing}.includes(name))")

        def timed(action):
            """How long the page was busy with it, in ms."""
            return page.evaluate(f"(() => {{ const start = performance.now(); {action}; return performance.now() - start; }})()")

        search = "const box = document.querySelector('#search'); box.value = '{}'; box.dispatchEvent(new Event('input'))"
        took = [timed(search.format("t0777"))]
        page.eventually(f"JSON.stringify({NAMES}) === JSON.stringify({[f't0777{n}' for n in range(10)]})")
        took.append(timed(search.format("")))
        for by, first in (("name", "t00000"), ("name", f"t{MANY - 1:05}")):
            took.append(timed(f"document.querySelector('[data-sort={by}]').click()"))
            page.eventually(f"({NAMES})[0] === '{first}'")
        took.append(timed("document.querySelector('[data-sort=left]').click()"))
        page.eventually(cell("t00000", "state") + " === 'fresh'")
        # A jump to the end draws the end.
        page.evaluate("document.querySelector('[data-sort=name]').click()")
        page.evaluate("document.querySelector('#grid').scrollTop = 1e9")
        page.eventually(f"({NAMES}).includes('t{MANY - 1:05}')")
        print("ms for a search, its end, and three sorts:", [round(ms, 1) for ms in took])
        # Of details it asked for those on the screen alone.
        page.wait(1)
        self.assertLess(len([url for url in page.requests if "/tenants/" in url]), 200)
        self.assertEqual(page.complaints, [])


if __name__ == "__main__":
    unittest.main()
