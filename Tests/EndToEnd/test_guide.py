"""The operator's guide: its commands run as they stand, one after the other, and its samples are valid."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

from program import BINARY, PATIENCE, ROOT, free_ports

GUIDE = (ROOT / "deploy" / "GUIDE.md").read_text()

# What a reader's own shell would do at the end, whatever that is.
ENDING = "trap 'kill $(jobs -p)' EXIT\n"


def blocks(language, text=GUIDE):
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


class GuideTests(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        (self.folder / "bin").mkdir()
        (self.folder / "bin" / "tokenwell").symlink_to(BINARY)

    def run_script(self, script):
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script], cwd=self.folder, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=5 * PATIENCE, check=False,
            env={**os.environ, "PATH": path, "NO_PROXY": "*"})

    def test_every_command_runs(self):
        names = ("8080", "9101", "6379", "8081", "8082", "8083")
        ports = dict(zip(names, map(str, free_ports(len(names)))))
        commands = re.sub("|".join(names), lambda name: ports[name[0]], ENDING + "".join(blocks("sh")))
        # `token` and `healthcheck` ask at the usual port unless they are told.
        commands = f"export TOKENWELL_URL=http://127.0.0.1:{ports['8080']}\n{commands}"
        done = self.run_script(commands)
        self.assertEqual(done.returncode, 0, done.stdout)
        tokens = re.findall(r"eyJ[\w.-]+", done.stdout)
        self.assertEqual(len(tokens), 4 + 3, done.stdout)
        self.assertEqual([len(set(tokens[:4])), len(set(tokens[4:]))], [1, 1], "a token was minted anew")
        self.assertIn("everything is under", done.stdout)
        self.assertRegex(done.stdout, r"client_secret: \{sealed: tw1\S+\}")

    def test_what_replicas_cost_is_what_the_model_says(self):
        tables = subprocess.run(
            [sys.executable, "-B", ROOT / "deploy" / "model.py"], capture_output=True, text=True, check=True).stdout
        for table in tables.split("\n\n"):
            self.assertIn(table.strip("\n"), GUIDE)

    def test_the_vendors_samples_are_valid(self):
        secrets = self.folder / "secrets"
        secrets.mkdir()
        samples = [block for block in blocks("yaml") if "provider:" in block]
        self.assertEqual(len(samples), 2)
        for name in re.findall(r"/run/secrets/(\w+)", GUIDE):
            (secrets / name).write_text("secret")
        tenants = re.sub("(?m)^", "  ", "".join(samples)).replace("/run/secrets", str(secrets))
        (self.folder / "tokenwell.yaml").write_text(f"tenants:\n{tenants}")
        done = self.run_script("tokenwell check")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("https://login.dc2.pageuppeople.com/connect/token", done.stdout)
        self.assertIn("https://apis.eu.people-doc.com", done.stdout)

    def test_what_it_points_to_is_there(self):
        for document in ("README.md", "deploy/GUIDE.md", "deploy/THREATS.md"):
            path = ROOT / document
            for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text()):
                self.assertTrue((path.parent / target).exists(), f"{document} points to {target}")
