"""deploy/kubernetes: against the API's own schemas, and what they cannot say."""

import ipaddress
import pathlib
import re
import sys
import tempfile
import unittest

import yaml

from program import ROOT
from surroundings import run
from test_container import check

FOLDER = ROOT / "deploy" / "kubernetes"
FILES = sorted(FOLDER.rglob("*.yaml"))
# The oldest that tokenwell.yaml names, and the newest that the schemas are of.
VERSIONS = ("1.29.0", "1.37.0")


def resources(folder=FOLDER):
    """What is in the files of that folder, and in those of example."""
    return [resource for file in FILES if file.parent in (folder, FOLDER / "example")
            for resource in yaml.safe_load_all(file.read_text())]


def one(kind, name="tokenwell", folder=FOLDER):
    found = [one for one in resources(folder) if one["kind"] == kind and one["metadata"]["name"] == name]
    if len(found) != 1:
        raise AssertionError(f"{len(found)} {kind} {name}")
    return found[0]


def pods():
    return [resource["spec"]["template"]["spec"] for resource in resources()
            if resource["kind"] in ("Deployment", "Job")]


def validate(version, file):
    return run(pathlib.Path(sys.executable).with_name("kubernetes-validate"), "--strict", "-k", version, file)


class SchemaTests(unittest.TestCase):
    def test_every_file_is_valid(self):
        for version in VERSIONS:
            for file in FILES:
                with self.subTest(file.name, version=version):
                    done = validate(version, file)
                    output = done.stdout + done.stderr
                    self.assertEqual(done.returncode, 0, output)
                    # The one kind that is the Prometheus operator's, and not the API's.
                    self.assertEqual("Couldn't find schema" in output, file.name == "monitoring.yaml", output)
                    self.assertEqual(output.count("passed for"), 0 if file.name == "monitoring.yaml" else len(
                        list(yaml.safe_load_all(file.read_text()))), output)

    def test_a_mistake_is_found(self):
        """That strict is strict."""
        text = (FOLDER / "tokenwell.yaml").read_text().replace("replicas: 1", "replica: 1")
        wrong = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()), "wrong.yaml")
        wrong.write_text(text)
        done = validate(VERSIONS[-1], wrong)
        self.assertNotEqual(done.returncode, 0)

    def test_the_monitor_asks_for_a_port_that_there_is(self):
        monitor, service = one("ServiceMonitor"), one("Service")
        self.assertEqual(monitor["apiVersion"], "monitoring.coreos.com/v1")
        self.assertEqual(set(monitor["spec"]), {"jobLabel", "selector", "endpoints"})
        self.assertEqual(service["metadata"]["labels"][monitor["spec"]["jobLabel"]], "tokenwell")
        self.assertEqual(
            service["metadata"]["labels"], monitor["spec"]["selector"]["matchLabels"] | service["metadata"]["labels"])
        ports = {port["name"] for port in service["spec"]["ports"]}
        for endpoint in monitor["spec"]["endpoints"]:
            self.assertEqual(set(endpoint), {"port", "path", "interval", "scrapeTimeout"})
            self.assertIn(endpoint["port"], ports)


class DeploymentTests(unittest.TestCase):
    def test_the_store_has_one_writer(self):
        deployment = one("Deployment")
        self.assertEqual(deployment["spec"]["replicas"], 1)
        self.assertEqual(deployment["spec"]["strategy"], {"type": "Recreate"})
        self.assertEqual(one("PersistentVolumeClaim")["spec"]["accessModes"], ["ReadWriteOncePod"])
        # A node with the one pod can be drained.
        self.assertEqual(one("PodDisruptionBudget")["spec"]["maxUnavailable"], 1)

    def test_pods_are_as_restricted_as_the_restricted_profile(self):
        """https://kubernetes.io/docs/concepts/security/pod-security-standards/"""
        self.assertEqual(len(pods()), 2)
        for pod in pods():
            self.assertFalse(pod["automountServiceAccountToken"])
            self.assertTrue(pod["securityContext"]["runAsNonRoot"])
            self.assertEqual(pod["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
            self.assertFalse({"hostNetwork", "hostPID", "hostIPC"} & pod.keys())
            self.assertFalse(any("hostPath" in volume for volume in pod["volumes"]))
            for container in pod["containers"]:
                security = container["securityContext"]
                self.assertFalse(security["allowPrivilegeEscalation"])
                self.assertTrue(security["readOnlyRootFilesystem"])
                self.assertEqual(security["capabilities"], {"drop": ["ALL"]})
                self.assertIn("memory", container["resources"]["limits"])
                self.assertIn("cpu", container["resources"]["requests"])
                mounts = {mount["name"] for mount in container["volumeMounts"]}
                self.assertEqual(mounts, {volume["name"] for volume in pod["volumes"]})

    def test_ports_and_probes_go_together(self):
        container = one("Deployment")["spec"]["template"]["spec"]["containers"][0]
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        configuration = yaml.safe_load(one("ConfigMap")["data"]["tokenwell.yaml"])
        self.assertEqual(configuration["listen"], f"0.0.0.0:{ports['https']}")
        self.assertEqual(configuration["metrics"]["listen"], f"0.0.0.0:{ports['metrics']}")
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            self.assertEqual(container[probe]["httpGet"]["port"], "metrics")
        rules = one("NetworkPolicy")["spec"]["ingress"]
        self.assertEqual({port["port"] for rule in rules for port in rule["ports"]}, set(ports))
        self.assertEqual({port["targetPort"] for port in one("Service")["spec"]["ports"]}, set(ports))

    def test_labels_select_the_pod(self):
        labels = one("Deployment")["spec"]["template"]["metadata"]["labels"]
        for selector in (one("Deployment")["spec"]["selector"]["matchLabels"], one("Service")["spec"]["selector"],
                         one("PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
                         one("NetworkPolicy")["spec"]["podSelector"]["matchLabels"]):
            self.assertEqual(selector, labels)


def blocks(rule):
    """The addresses that an egress rule leads to."""
    return [peer["ipBlock"] for peer in rule["to"] if "ipBlock" in peer]


def ports(rule):
    return {port["port"] for port in rule["ports"]}


class NetworkPolicyTests(unittest.TestCase):
    FILE = FOLDER / "network-policy.yaml"

    def rules(self, text=None):
        return yaml.safe_load(text or self.FILE.read_text())["spec"]["egress"]

    def test_vendors_are_reached_over_both_protocols_and_nothing_private_is(self):
        internet = {block["cidr"]: set(block["except"]) for rule in self.rules() for block in blocks(rule)
                    if "except" in block}
        self.assertEqual(set(internet), {"0.0.0.0/0", "::/0"})
        private = [ipaddress.ip_network(text) for text in (
            "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10")]
        for network in private:
            everything = "0.0.0.0/0" if network.version == 4 else "::/0"
            self.assertIn(str(network), internet[everything])

    def test_names_are_asked_of_the_cluster_and_of_the_node(self):
        dns = [rule for rule in self.rules() if ports(rule) == {53}]
        self.assertEqual(len(dns), 2)
        for rule in dns:
            self.assertEqual({port["protocol"] for port in rule["ports"]}, {"UDP", "TCP"})
        self.assertEqual([block["cidr"] for rule in dns for block in blocks(rule)], ["169.254.20.10/32"])

    def test_redis_is_a_choice(self):
        text = self.FILE.read_text()
        self.assertNotIn(6379, {port for rule in self.rules() for port in ports(rule)})
        chosen = re.sub(r"^    # (- to:|  .*)$", r"    \1", text, flags=re.MULTILINE)
        self.assertEqual(ports(self.rules(chosen)[-1]), {6379})
        self.assertEqual(self.rules(chosen)[:-1], self.rules())
        file = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()), "policy.yaml")
        file.write_text(chosen)
        for version in VERSIONS:
            done = validate(version, file)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class ConfigurationTests(unittest.TestCase):
    def test_the_configuration_is_right(self):
        status, output = check(one("ConfigMap")["data"]["tokenwell.yaml"])
        self.assertEqual(status, 0, output)

    def test_every_file_that_it_names_is_mounted(self):
        pod = one("Deployment")["spec"]["template"]["spec"]
        folders = {mount["name"]: mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}
        mounted = set()
        for volume in pod["volumes"]:
            for source in volume.get("projected", {}).get("sources", ()):
                for content in source.values():
                    items = content.get("items", [content])
                    mounted |= {f"{folders[volume['name']]}/{item['path']}" for item in items}
            if "secret" in volume:
                mounted |= {f"{folders[volume['name']]}/{name}" for name in ("tls.crt", "tls.key")}
        text = one("ConfigMap")["data"]["tokenwell.yaml"]
        self.assertEqual(set(re.findall(r"/run/[\w./-]+\w", text)), mounted)

    def test_the_caller_is_one_that_the_broker_knows(self):
        configuration = yaml.safe_load(one("ConfigMap")["data"]["tokenwell.yaml"])
        caller = one("Job", "reports")["spec"]["template"]["spec"]
        tokens = [source["serviceAccountToken"] for volume in caller["volumes"] if "projected" in volume
                  for source in volume["projected"]["sources"]]
        self.assertEqual([token["audience"] for token in tokens], configuration["jwt_issuers"][0]["audiences"])
        self.assertEqual(
            configuration["callers"]["reports"]["jwt"]["subject"],
            f"system:serviceaccount:reports:{caller['serviceAccountName']}")


class ReplicasTests(unittest.TestCase):
    """What of deploy/kubernetes/replicas differs from a single broker; the rest is the same."""

    folder = FOLDER / "replicas"

    def one(self, kind, name="tokenwell"):
        return one(kind, name, self.folder)

    def test_a_rollout_takes_no_pod_away_before_another_is_ready(self):
        deployment = self.one("Deployment")["spec"]
        self.assertGreaterEqual(deployment["replicas"], 3)
        self.assertEqual(deployment["strategy"]["rollingUpdate"], {"maxUnavailable": 0, "maxSurge": 1})
        self.assertEqual(self.one("PodDisruptionBudget")["spec"]["maxUnavailable"], 1)
        pod = deployment["template"]["spec"]
        pause = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
        self.assertGreaterEqual(pod["terminationGracePeriodSeconds"], pause + 9)

    def test_pods_are_kept_apart_but_start_anyway(self):
        affinity = self.one("Deployment")["spec"]["template"]["spec"]["affinity"]["podAntiAffinity"]
        self.assertEqual(affinity.keys(), {"preferredDuringSchedulingIgnoredDuringExecution"})
        labels = self.one("Deployment")["spec"]["template"]["metadata"]["labels"]
        for term in affinity["preferredDuringSchedulingIgnoredDuringExecution"]:
            self.assertEqual(term["podAffinityTerm"]["labelSelector"]["matchLabels"], labels)

    def test_the_rest_is_that_of_a_single_broker(self):
        single, several = (
            one("Deployment", folder=folder)["spec"]["template"]["spec"] for folder in (FOLDER, self.folder))
        del several["affinity"], several["containers"][0]["lifecycle"]
        several["terminationGracePeriodSeconds"] = single["terminationGracePeriodSeconds"]
        for pod, volume in ((single, "store"), (several, "redis")):
            for list_ in (pod["volumes"], pod["containers"][0]["volumeMounts"]):
                [entry] = [entry for entry in list_ if entry["name"] == volume]
                list_.remove(entry)
        self.assertEqual(several, single)
        for kind in ("Service", "ServiceAccount"):
            self.assertEqual(self.one(kind), one(kind))
        single, several = (
            yaml.safe_load(one("ConfigMap", folder=folder)["data"]["tokenwell.yaml"]) for folder in (FOLDER, self.folder))
        self.assertEqual({**several, "store": single["store"]}, single)

    def test_the_configuration_is_right(self):
        text = self.one("ConfigMap")["data"]["tokenwell.yaml"]
        status, output = check(text)
        self.assertEqual(status, 0, output)
        mount = next(one for one in self.one("Deployment")["spec"]["template"]["spec"]["containers"][0]["volumeMounts"]
                     if one["name"] == "redis")
        # As the secret's keys are called.
        self.assertEqual(set(re.findall(r"/run/secrets/redis\S*/([\w.]+)", text)), {"password", "ca.crt"})
        self.assertEqual(mount["mountPath"], "/run/secrets/redis")

    def test_redis_may_be_reached(self):
        policy = self.one("NetworkPolicy", "tokenwell-redis")["spec"]
        self.assertEqual(
            policy["podSelector"]["matchLabels"], self.one("Deployment")["spec"]["template"]["metadata"]["labels"])
        url = yaml.safe_load(self.one("ConfigMap")["data"]["tokenwell.yaml"])["store"]["redis"]["url"]
        self.assertEqual(policy["egress"][0]["ports"], [{"port": int(re.search(r":(\d+)/", url)[1])}])
        self.assertTrue(url.startswith("rediss://"))
