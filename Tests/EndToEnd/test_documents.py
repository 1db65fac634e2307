"""The documents but for the guide, which has tests of its own: every command in them runs as it stands."""

import hashlib
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from program import BINARY, PATIENCE, ROOT, Service, Simulator, Upstream
from test_guide import blocks

GUIDE = ROOT / "deploy" / "GUIDE.md"
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "deploy").glob("*.md"))]

# Blocks by how they begin, and what they write.
RUN = {
    "curl --user payroll-sync:tw_": r'"access_token":"',
    "tokenwell --generate-completion-script": "",
    "tokenwell check": "mints per hour: ",
    "tokenwell masterkey new": r"^tw1\S+$",
    "curl -H": r'"access_token":"',
    "curl --silent --oauth2-bearer": r'^\{"tenant":"acme",.*"keys":\[',
}
# Those that are not run here, and why.
NOT_RUN = {
    "scripts/run": "it builds, and runs until it is ended; test_demo.py runs what it starts and what that prints",
    "docker compose": "it needs Docker; Tests/Deploy/test_container.py has Compose read the file",
    "curl --fail-with-body --silent --oauth2-bearer": "Tests/Clients/test_oauth_clients.py runs them, over TLS",
    "scripts/bench": "it needs the peers that it measures, and minutes",
}


class CommandTests(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        (self.folder / "bin").mkdir()
        (self.folder / "bin" / "tokenwell").symlink_to(BINARY)

    def run_script(self, script, **environment):
        """What it writes, to whom a secret is typed."""
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script], cwd=self.folder, input="vendor-secret",
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=PATIENCE, check=False,
            env={**os.environ, "PATH": path, "NO_PROXY": "*", **environment})

    def blocks(self):
        """Every block, by how it begins."""
        found = {}
        texts = [path.read_text() for path in DOCUMENTS if path != GUIDE]
        for block in (block for text in texts for block in blocks("sh", text)):
            known = [beginning for beginning in (*RUN, *NOT_RUN) if block.startswith(beginning)]
            self.assertEqual(len(known), 1, f"not among RUN or NOT_RUN:\n{block}")
            self.assertNotIn(known[0], found)
            found[known[0]] = block
        return found

    def test_every_block_runs_or_is_known_not_to(self):
        self.assertEqual(set(self.blocks()), {*RUN, *NOT_RUN})
        # Nor is there any that looks otherwise, or that nobody can copy for its prompts.
        for path in DOCUMENTS:
            text = path.read_text()
            self.assertNotRegex(text, r"(?m)^ +```(sh|shell|bash|console)$", path)
            self.assertNotRegex(text, r"(?m)^```(shell|bash|console)$", path)
            self.assertNotRegex("".join(blocks("sh", text)), r"(?m)^\$ ", path)

    def test_the_key_that_is_written_out_is_the_samples(self):
        keys = re.findall(r"tw_[\w-]{43}", "".join(self.blocks().values()))
        self.assertEqual(len(keys), 1)
        self.assertIn(hashlib.sha256(keys[0].encode()).hexdigest(), (ROOT / "deploy" / "tokenwell.yaml").read_text())

    def test_every_command_runs(self):
        (self.folder / "secrets").mkdir()
        upstream = Upstream(300)
        self.addCleanup(upstream.stop)
        service = Service(self.folder, f"""\
  acme:
    provider: oauth2
    token_url: http://127.0.0.1:{upstream.port()}/token
    client_id: tokenwell
    client_secret: {{env: VENDOR_SECRET}}
""", settings="store: memory")
        self.addCleanup(service.stop)
        url = f"http://127.0.0.1:{service.port()}"
        (self.folder / "token").write_text(service.key)
        (self.folder / "sealing.yaml").write_text(f"master_key: {{file: {self.folder}/secrets/master_key}}\n")
        for beginning, written in RUN.items():
            # A key that is written out is the sample's.
            script = re.sub(r"tw_[\w-]{43}", service.key, self.blocks()[beginning])
            for documented, here in (
                    ("http://127.0.0.1:8080", url),
                    ("/usr/share/bash-completion/completions", self.folder), ("https://tokenwell.internal", url),
                    ("/var/run/secrets/tokenwell", self.folder), ("/run/secrets", self.folder / "secrets")):
                script = script.replace(documented, str(here))
            with self.subTest(beginning):
                done = self.run_script(
                    script, VENDOR_SECRET=Simulator.SECRET, TOKENWELL=url,
                    TOKENWELL_KEY=service.key, TOKENWELL_CONFIG=str(self.folder / "sealing.yaml"))
                self.assertEqual(done.returncode, 0, done.stdout)
                self.assertRegex(done.stdout, re.compile(written, re.MULTILINE))
        completion = (self.folder / "tokenwell").read_text()
        self.assertIn("complete", completion)
        self.assertEqual(self.run_script("bash -n tokenwell").returncode, 0)
        self.assertEqual((self.folder / "secrets" / "master_key").stat().st_mode & 0o777, 0o600)
