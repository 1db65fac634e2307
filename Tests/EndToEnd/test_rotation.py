"""`tokenwell masterkey rotate`, interrupted, with the keys' places swapped again and again."""

import os
import pathlib
import pty
import random
import re
import subprocess
import tempfile
import time
import unittest

from program import BINARY, PATIENCE, Service, Simulator, Upstream, eventually, get, sample

TENANTS = 500
ROUNDS = 20
ENVIRONMENT = {**os.environ, "VENDOR_SECRET": Simulator.SECRET}


class RotationTests(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.configuration = self.folder / "tokenwell.yaml"
        self.keys = [self.folder / name for name in ("one", "two")]
        for key in self.keys:
            self.run_program("masterkey", "new", "--output", key)
        self.upstream = Upstream(lifetime=600)
        self.addCleanup(self.upstream.stop)
        self.name_keys()
        (self.folder / "tenants.d").mkdir()
        self.files = [self.folder / "tenants.d" / f"{name}.yaml" for name in "abcd"]
        for file in self.files:
            file.write_text(self.tenant(file.stem))
        tenants = [self.tenant(f"t{number}") for number in range(TENANTS)]
        self.tenants = "".join(re.sub("(?m)^", "  ", tenant).rstrip(" ") for tenant in tenants)

    def tenant(self, name):
        """A tenant; of the short names with a sealed secret."""
        secret = "{env: VENDOR_SECRET}"
        if len(name) == 1:
            sealed = self.run_program("seal", "--tenant", name, "--field", "client_secret", given=Simulator.SECRET)
            secret = f"{{sealed: {sealed.stdout.strip()}}}"
        return f"""\
{name}:
  provider: oauth2
  token_url: http://127.0.0.1:{self.upstream.port()}/token
  client_auth: basic
  client_id: {name}
  client_secret: {secret}
  keep_warm: true
"""

    def name_keys(self, previous=True):
        """Writes which key is the active one; the rest of the main file stays."""
        settings = f"master_key: {{file: {self.keys[0]}}}\n"
        if previous:
            settings += f"master_key_previous: {{file: {self.keys[1]}}}\n"
        rest = self.configuration.read_text() if self.configuration.exists() else ""
        self.configuration.write_text(settings + re.sub(r"(?m)^master_key.*\n", "", rest))

    def run_program(self, *arguments, given="", status=0):
        ended = subprocess.run(
            [BINARY, *arguments], input=given, capture_output=True, text=True, timeout=PATIENCE, check=False,
            env={**ENVIRONMENT, "TOKENWELL_CONFIG": str(self.configuration)})
        self.assertEqual(ended.returncode, status, ended.stderr)
        return ended

    def rotate(self, status=0):
        return self.run_program("masterkey", "rotate", status=status)

    def start(self):
        settings = f"store: {{sqlite: {self.folder}/store/tokenwell.db}}\nmaster_key: {{file: {self.keys[0]}}}"
        service = Service(self.folder, self.tenants, settings=settings)
        self.addCleanup(service.stop)
        return service

    def tokens(self, service):
        port = service.port()
        names = [f"t{number}" for number in range(TENANTS)] + [file.stem for file in self.files]
        return [get(port, f"/tokens/{name}", service.key).json["access_token"] for name in names]

    def mint_all(self):
        service = self.start()
        before = self.tokens(service)
        eventually(lambda: sample(service.port(), "tokenwell_store_pending_records") == 0)
        self.assertEqual(service.stop(), 0)
        return before

    def check_that_the_new_key_is_enough(self, before):
        self.name_keys(previous=False)
        service = self.start()
        self.assertEqual(self.tokens(service), before)
        mints = get(self.upstream.port(), "/counts").json
        self.assertEqual(set(mints.values()), {1})
        self.assertEqual(service.stop(), 0)

    def test_a_rotation_that_is_killed_at_any_instant_is_done_by_the_next(self):
        before = self.mint_all()
        took, cut_short = 0.1, 0
        for number in range(ROUNDS):
            self.keys.reverse()
            self.name_keys()
            rotation = subprocess.Popen(
                [BINARY, "masterkey", "rotate", "--config", self.configuration], env=ENVIRONMENT,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(took * random.random())
            rotation.kill()
            cut_short += rotation.wait(PATIENCE) != 0
            # With both keys all of it opens, wherever that was.
            self.run_program("check")
            began = time.monotonic()
            self.assertIn("everything is under", self.rotate().stdout)
            took = max(took, time.monotonic() - began) if number else time.monotonic() - began
        self.assertGreater(cut_short, ROUNDS / 4)
        self.assertEqual(sorted(os.listdir(self.folder / "tenants.d")), [file.name for file in self.files])
        self.check_that_the_new_key_is_enough(before)

    @unittest.skipUnless(os.geteuid() == 0, "only root can mount a file system")
    def test_files_on_a_read_only_mount_are_named_and_all_else_is_done(self):
        before = self.mint_all()
        self.keys.reverse()
        self.name_keys()
        mount = self.folder / "tenants.d"
        subprocess.run(["mount", "--bind", mount, mount], check=True)
        self.addCleanup(lambda: subprocess.run(["umount", mount], check=False, capture_output=True))
        subprocess.run(["mount", "-o", "remount,bind,ro", mount], check=True)
        ended = self.rotate(status=1)
        self.assertRegex(ended.stdout, rf"tokenwell\.db: \d{{3,}} records sealed anew\n{self.configuration}: 0 secrets")
        for file in self.files:
            self.assertIn(f"{file}: cannot be replaced: Read-only file system; ", ended.stderr)
            self.assertRegex(ended.stderr, rf"(?m)^{file}:6: {file.stem}\.client_secret\.sealed: tw1\S{{40,}}$")
        self.assertIn("tokenwell: error: not everything is under", ended.stderr)
        subprocess.run(["umount", mount], check=True)
        self.assertEqual(self.rotate().stdout.count(": 1 secret sealed anew"), len(self.files))
        self.check_that_the_new_key_is_enough(before)

    def test_only_a_terminal_shows_how_far_it_is(self):
        self.mint_all()
        self.keys.reverse()
        self.name_keys()
        terminal, end = pty.openpty()
        subprocess.run(
            [BINARY, "masterkey", "rotate", "--config", self.configuration], env=ENVIRONMENT, check=True, stderr=end,
            stdout=subprocess.DEVNULL, timeout=PATIENCE)
        os.close(end)
        shown = os.read(terminal, 1 << 16).decode()
        os.close(terminal)
        self.assertRegex(shown, r"^\r\S+tokenwell\.db: 1000 of \d{4} records\x1b\[K.*\r\x1b\[K$")
        self.keys.reverse()
        self.name_keys()
        self.assertEqual(self.rotate().stderr, "")


if __name__ == "__main__":
    unittest.main()
