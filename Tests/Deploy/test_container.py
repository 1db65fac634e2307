"""The Dockerfile, the bill of materials that it makes, and the compose files. Images are built and run elsewhere."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import yaml
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from program import BINARY, ROOT, Service
from surroundings import checked, run

DEPLOY = ROOT / "deploy"
VENV = pathlib.Path(sys.executable).parent


def check(configuration):
    """What `tokenwell check` says of a configuration's text, with the files that it names made up in a folder."""
    with tempfile.TemporaryDirectory() as folder:
        for path in re.findall(r"(?:file|certificate|key|ca_file|token_file): (/run/[\w./-]+)", configuration):
            here = pathlib.Path(folder + path)
            here.parent.mkdir(parents=True, exist_ok=True)
            if not here.exists():
                here.touch(mode=0o600)
                here.write_text("rehearsal\n")
        for path in re.findall(r"certificate: (/run/[\w./-]+)", configuration):
            key = re.search(r"key: (/run/[\w./-]+)", configuration)[1]
            checked(
                "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", folder + key,
                "-out", folder + path)
        for path in re.findall(r"ca_file: (/run/[\w./-]+)", configuration):
            shutil.copy("/etc/ssl/certs/ca-certificates.crt", folder + path)
        for path in re.findall(r"master_key: {file: (/run/[\w./-]+)}", configuration):
            pathlib.Path(folder + path).unlink()
            checked(str(BINARY), "masterkey", "new", "--output", folder + path)
        file = pathlib.Path(folder, "tokenwell.yaml")
        file.write_text(re.sub(r"(?<=[ {])(/run/)", folder + r"\1", configuration))
        done = run(str(BINARY), "check", "--config", str(file))
        return done.returncode, done.stdout + done.stderr


class DockerfileTests(unittest.TestCase):
    text = (ROOT / "Dockerfile").read_text()

    def test_hadolint_finds_nothing(self):
        done = run(VENV / "hadolint", "--no-color", ROOT / "Dockerfile")
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))

    def test_bases_are_pinned(self):
        bases = re.findall(r"^FROM (\S+)", self.text, re.MULTILINE)
        self.assertEqual(bases[-1], "scratch")
        for base in bases[:-1]:
            self.assertRegex(base, r"^[\w./-]+:\d+\.\d+\.\d+\S*$")

    def test_the_label_has_the_programs_version(self):
        version = checked(str(BINARY), "--version").strip()
        self.assertEqual(re.search(r"^ARG VERSION=(.*)$", self.text, re.MULTILINE)[1], version)

    def test_what_is_copied_is_in_the_context(self):
        ignored = (ROOT / ".dockerignore").read_text().splitlines()
        for line in re.findall(r"^COPY (?!--from)(.*) \S+$", self.text, re.MULTILINE):
            for source in line.split():
                self.assertIn(f"!{source}", ignored)
                self.assertTrue((ROOT / source).exists(), source)


class BillOfMaterialsTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.libraries = re.findall(r"/\S+", checked("ldd", BINARY))
        checked("cp", "--dereference", "--parents", *cls.libraries, f"--target-directory={cls.root}")

    def make(self, *packages, resolved=ROOT / "Package.resolved", root=None):
        return run(
            sys.executable, "-B", DEPLOY / "sbom.py", "tokenwell", "1.2.3", "6.3.1", resolved, root or self.root, *packages)

    def bill(self):
        done = self.make("ca-certificates")
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_it_is_cyclonedx(self):
        self.assertIsNone(JsonStrictValidator(SchemaVersion.V1_5).validate_str(self.bill()))

    def test_it_has_every_package_that_was_resolved(self):
        pins = json.loads((ROOT / "Package.resolved").read_text())["pins"]
        found = {(one["name"], one["version"]): one["purl"] for one in json.loads(self.bill())["components"]}
        self.assertGreater(len(pins), 3)
        for pin in pins:
            name, version = pin["identity"], pin["state"].get("version") or pin["state"]["revision"]
            host = pin["location"].removesuffix(".git").removeprefix("https://")
            self.assertEqual(found[name, version], f"pkg:swift/{host}@{version}")

    def test_it_has_the_package_of_every_library_as_it_is_installed(self):
        bill = json.loads(self.bill())
        debian = {one["name"]: one for one in bill["components"] if one["purl"].startswith("pkg:deb/")}
        self.assertLessEqual({"ca-certificates", "libc6", "libssl3", "libsqlite3-0", "zlib1g"}, debian.keys())
        for name, one in debian.items():
            installed = checked("dpkg-query", "--show", "--showformat=${Version} ${Architecture}\n", name).split("\n")[0]
            version, architecture = installed.split()
            self.assertEqual(one["version"], version)
            self.assertTrue(one["purl"].endswith(f"?arch={architecture}&distro=debian-12"), one["purl"])

    def test_the_program_depends_on_all_of_it(self):
        bill = json.loads(self.bill())
        program = bill["metadata"]["component"]
        self.assertEqual((program["name"], program["version"]), ("tokenwell", "1.2.3"))
        references = [one["bom-ref"] for one in bill["components"]]
        self.assertEqual(bill["dependencies"], [{"ref": program["bom-ref"], "dependsOn": references}])
        self.assertEqual(references, sorted(set(references)))

    def test_it_is_the_same_each_time(self):
        self.assertEqual(self.bill(), self.bill())

    def test_a_library_of_nobody_is_an_error(self):
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "opt").mkdir()
            pathlib.Path(folder, "opt", "libstray.so.1").touch()
            done = self.make(root=folder)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("no package owns /opt/libstray.so.1", done.stderr)

    def test_a_branch_is_named_by_its_revision(self):
        with tempfile.NamedTemporaryFile("w", suffix=".resolved") as file:
            json.dump({"pins": [{
                "identity": "x", "location": "ssh://git@example.org/a/b/x.git",
                "state": {"branch": "main", "revision": "0123"}}]}, file)
            file.flush()
            components = json.loads(self.make(resolved=file.name).stdout)["components"]
        self.assertIn("pkg:swift/example.org/a/b/x@0123", [one["purl"] for one in components])

    def test_wrong_arguments_are_explained(self):
        done = run(sys.executable, "-B", DEPLOY / "sbom.py")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("sbom.py NAME VERSION", done.stderr)


class ComposeTests(unittest.TestCase):
    """By `docker-compose config`, which reads and merges as `up` does, and needs no engine."""

    @classmethod
    def setUpClass(cls):
        # Elsewhere, as the vendors' secret is not in the repository.
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        shutil.copytree(DEPLOY, cls.folder / "deploy")
        shutil.copy(ROOT / "Dockerfile", cls.folder)
        (cls.folder / "deploy" / "secrets" / "master_key").write_text("")

    def config(self, *arguments):
        return yaml.safe_load(checked("docker-compose", *arguments, "config", cwd=self.folder / "deploy"))

    def assert_hardened(self, services):
        for name, service in services.items():
            with self.subTest(name):
                self.assertTrue(service["read_only"])
                self.assertEqual(service["cap_drop"], ["ALL"])
                self.assertEqual(service["security_opt"], ["no-new-privileges:true"])
                self.assertNotIn("privileged", service)
                for volume in service.get("volumes", ()):
                    source, *rest = volume.split(":")
                    if source.startswith("/"):
                        self.assertTrue(os.path.exists(source) or source.endswith("/tls"), source)
                        self.assertEqual(rest[-1], "ro")
                if service["image"] != "tokenwell":
                    self.assertRegex(service["image"], r":v?\d+\.\d+\.\d+$")

    def test_the_demo(self):
        services = self.profile("demo")
        self.assertEqual(services.keys(), {"tokenwell", "pageup", "ukg", "prometheus", "grafana"})
        self.assert_hardened(services)
        for service in services.values():
            for port in service.get("ports", ()):
                self.assertTrue(str(port).startswith("127.0.0.1:"), port)

    def test_replicas(self):
        """That what has to fit together does: brokers, balancer, Valkey and simulators."""
        services = self.profile("replicas")
        replicas = {name: one for name, one in services.items() if name.startswith("replica-")}
        self.assertEqual(len(replicas), 3)
        self.assert_hardened(services)
        for name in (*replicas, "valkey", "replicas-pageup", "replicas-ukg"):
            self.assertEqual(services[name]["network_mode"], "service:balancer")
        ports = re.findall(r"^    server \S+ (\S+)$", (DEPLOY / "haproxy/haproxy.cfg").read_text(), re.MULTILINE)
        self.assertEqual([one["environment"]["TOKENWELL_LISTEN"] for one in replicas.values()], ports)
        named = set(re.findall(r"/run/secrets/(\w+)", (DEPLOY / "replicas.yaml").read_text()))
        for replica in replicas.values():
            self.assertEqual({one if isinstance(one, str) else one["source"] for one in replica["secrets"]}, named)
        # Both are rehearsed with the same vendors and caller.
        several, single = (
            yaml.safe_load((DEPLOY / name).read_text()) for name in ("replicas.yaml", "tokenwell.yaml"))
        for part in ("tenants", "callers"):
            self.assertEqual(several[part], single[part])
        for name in ("pageup", "ukg"):
            self.assertEqual(services[f"replicas-{name}"]["command"], self.profile("demo")[name]["command"])

    def test_haproxy_takes_its_configuration(self):
        done = run("haproxy", "-c", "-f", DEPLOY / "haproxy" / "haproxy.cfg")
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)

    def profile(self, name):
        """The services that start with it; `config` has those of other profiles too."""
        services = self.config("--file", "compose.yaml", "--profile", name)["services"]
        return {key: one for key, one in services.items() if name in one.get("profiles", [name])}

    def test_real_vendors(self):
        services = self.config("--file", "compose.yaml", "--file", "compose.vendors.yaml")["services"]
        self.assert_hardened(services)
        broker = services["tokenwell"]
        mounted = {volume.split(":")[1]: volume.split(":")[0] for volume in broker["volumes"]}
        self.assertEqual(pathlib.Path(mounted["/etc/tokenwell/tokenwell.yaml"]).name, "vendors.yaml")
        secrets = {one if isinstance(one, str) else one["source"] for one in broker["secrets"]}
        named = set(re.findall(r"/run/secrets/(\w+)", (DEPLOY / "vendors.yaml").read_text()))
        self.assertEqual(secrets, named)
        for name in ("pageup", "ukg"):
            self.assertEqual(services[name]["profiles"], ["demo"])

    def test_what_grafana_is_given_is_where_it_looks(self):
        services = self.config("--file", "compose.yaml")["services"]
        mounted = {volume.split(":")[1] for volume in services["grafana"]["volumes"]}
        provider = yaml.safe_load((DEPLOY / "grafana/provisioning/dashboards/tokenwell.yaml").read_text())
        self.assertIn(provider["providers"][0]["options"]["path"] + "/tokenwell.json", mounted)
        source = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/prometheus.yaml").read_text())
        self.assertEqual(source["datasources"][0]["url"], "http://prometheus:9090")


class ConfigurationTests(unittest.TestCase):
    def test_those_that_are_deployed_are_right(self):
        for name in ("container.yaml", "replicas.yaml", "tokenwell.yaml", "vendors.yaml"):
            with self.subTest(name):
                status, output = check((DEPLOY / name).read_text())
                self.assertEqual(status, 0, output)
