"""deploy/systemd/tokenwell.service, by systemd's own tools."""

import pathlib
import re
import subprocess
import tempfile
import unittest

from program import BINARY, ROOT, Demo, Program, eventually
from surroundings import checked

UNIT = ROOT / "deploy" / "systemd" / "tokenwell.service"


class TracedDemo(Demo):
    """The demo, whose system calls are written to a file by a tracer that is not its parent."""

    def __init__(self, file):
        Program.__init__(self, "demo", "--port", "0", before=("strace", "-D", "-f", "-q", "-o", str(file)))


class UnitTests(unittest.TestCase):
    text = UNIT.read_text()

    def test_little_is_exposed(self):
        output = checked("systemd-analyze", "security", "--offline=true", "--no-pager", UNIT)
        exposure = float(re.search(r"Overall exposure level for tokenwell.service: ([\d.]+)", output)[1])
        self.assertLess(exposure, 2.0, output)

    def test_the_boot_has_an_id(self):
        self.assertIsNone(re.search("^ProcSubset=", self.text, re.MULTILINE))

    def test_systemd_finds_no_mistake(self):
        """With the binary that there is, which is in another place."""
        with tempfile.TemporaryDirectory() as folder:
            unit = pathlib.Path(folder, UNIT.name)
            self.assertEqual(self.text.count("/usr/bin/tokenwell"), 2)
            unit.write_text(self.text.replace("ExecStart=/usr/bin/tokenwell", f"ExecStart={BINARY}"))
            done = subprocess.run(
                ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", unit], capture_output=True, text=True,
                timeout=60, check=False)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))

    def test_the_demo_does_nothing_that_the_unit_forbids(self):
        """What system calls it makes, from its start to its end, with a token of each tenant in between."""
        allowed = self.allowed_calls()
        with tempfile.TemporaryDirectory() as folder:
            made = self.calls_of_the_demo(pathlib.Path(folder, "calls"))
        self.assertGreater(len(made), 20)
        self.assertEqual(made - allowed, set())

    def calls_of_the_demo(self, file):
        demo = TracedDemo(file)
        try:
            for line in demo.curl_lines()[:6]:
                checked("bash", "-o", "pipefail", "-c", line)
        finally:
            self.assertEqual(demo.stop(), 0)
        eventually(lambda: re.search(rf"^{demo.pid} +\+\+\+ exited", file.read_text(), re.MULTILINE))
        return set(re.findall(r"^\d+ +(\w+)\(", file.read_text(), re.MULTILINE))

    def allowed_calls(self):
        """What SystemCallFilter= leaves, line after line (systemd.exec(5))."""
        sets, name = {}, None
        for line in checked("systemd-analyze", "syscall-filter", "--no-pager").splitlines():
            if line.startswith("@"):
                name = line.strip()
                sets[name] = set()
            elif line.strip() and not line.strip().startswith("#"):
                sets.setdefault(name, set()).add(line.strip())

        def expanded(word):
            return set().union(*map(expanded, sets[word])) if word.startswith("@") else {word}

        allowed = expanded("@default")
        for line in re.findall(r"^SystemCallFilter=(.*)$", self.text, re.MULTILINE):
            calls = set().union(*map(expanded, line.removeprefix("~").split()))
            allowed = allowed - calls if line.startswith("~") else allowed | calls
        return allowed
