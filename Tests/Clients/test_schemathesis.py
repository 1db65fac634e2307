"""schemathesis against the live demo, by the description that it serves: every check, and nothing found."""

import re
import unittest

from program import ROOT, Demo, get
from surroundings import run

# They use up the mint budget, so they come last: the others are to see tokens.
COSTLY = ("refreshTenant", "reportRejectedToken", "revokeTenant", "revokeToken")


class SchemathesisTests(unittest.TestCase):
    def test_nothing_is_found(self):
        demo = Demo()
        self.addCleanup(demo.stop)
        key = re.search(r"Bearer (tw_\S{43})", demo.curl_lines()[0])[1]
        for choice in ("--exclude-operation-id", "--include-operation-id"):
            with self.subTest(choice):
                done = run(
                    str(ROOT / ".build-clients" / "bin" / "schemathesis"), "--config-file",
                    str(ROOT / "Tests" / "Clients" / "schemathesis.toml"), "run",
                    f"http://127.0.0.1:{demo.port()}/openapi.yaml", "--checks", "all", "--no-color",
                    "--header", f"Authorization: Bearer {key}",
                    *(argument for operation in COSTLY for argument in (choice, operation)), cwd=ROOT / ".build-clients")
                print(done.stdout)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertRegex(done.stdout, r"generated, \d+ passed")
        self.assertEqual(get(demo.port(), "/livez").status, 200)
