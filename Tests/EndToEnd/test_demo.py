"""What a newcomer does with `scripts/run`: copies the printed lines into another terminal, one after the other."""

import json
import re
import subprocess
import unittest

from program import PATIENCE, ROOT, Demo


def run(line):
    """What a printed command, run by a shell as it is, writes to standard output."""
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", line], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=PATIENCE, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{line}\n{done.stdout}{done.stderr}")
    return done.stdout


class DemoTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        demo = Demo()
        cls.addClassCleanup(demo.stop)
        cls.outputs = [(line, run(line)) for line in demo.curl_lines()]

    def outputs_of(self, part):
        """What the lines that end in `part` wrote."""
        found = [output for line, output in self.outputs if line.endswith(part)]
        self.assertTrue(found, f"no printed line for {part}")
        return found

    def test_a_token_of_each_tenant(self):
        for tenant, lifetime in (("acme", 300), ("globex", 3600)):
            for output in self.outputs_of(f"/tokens/{tenant}"):
                with self.subTest(tenant):
                    answer = json.loads(output)
                    self.assertTrue(answer["access_token"])
                    self.assertEqual(answer["token_type"], "Bearer")
                    self.assertIn(answer["expires_in"], range(lifetime - int(PATIENCE), lifetime + 1))
                    self.assertEqual(answer["state"], "fresh")

    def test_the_readme_shows_the_first_of_them(self):
        shown = re.search(r"^  (curl .*)$", (ROOT / "README.md").read_text(), re.MULTILINE)[1]
        printed = re.sub(r"tw_[\w-]+", "tw_…", re.sub(r":\d+/", ":8080/", self.outputs[0][0]))
        self.assertEqual(shown, printed)

    def test_a_revocation(self):
        for output in self.outputs_of("/revoke"):
            self.assertIn(json.loads(output)["revoked"], ("upstream", "local"))

    def test_metrics(self):
        for output in self.outputs_of("/metrics"):
            self.assertRegex(output, r"(?m)^# TYPE tokenwell_\w+ counter$")
            self.assertRegex(output, r"(?m)^tokenwell_\w+(\{.*\})? \S+$")

    def test_what_each_vendor_counted(self):
        vendors = [json.loads(output)["clients"] for output in self.outputs_of("/_simulator/clients")]
        self.assertEqual(len(vendors), 2)
        for clients in vendors:
            self.assertGreater(sum(client["mints"] for client in clients), 0)

    def test_every_line_gets_an_answer(self):
        for line, output in self.outputs:
            with self.subTest(line):
                self.assertTrue(output)


class DemoEndTests(unittest.TestCase):
    def test_sigterm_ends_the_demo_cleanly(self):
        demo = Demo()
        demo.curl_lines()
        self.assertEqual(demo.stop(), 0)
