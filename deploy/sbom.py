"""Prints a software bill of materials (CycloneDX 1.5, JSON) of the image that the Dockerfile puts together.

sbom.py NAME VERSION SWIFT RESOLVED ROOT [PACKAGE...]

What is in the binary: the packages of RESOLVED, a Package.resolved, and Swift's own libraries, of version SWIFT. What is
beside it: the Debian packages that own the shared libraries below ROOT, and each PACKAGE that is named, as they are
installed on this machine. A library that no package owns is an error, as the bill would not have it.

It has neither time nor serial number: the same image has the same bill.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import urllib.parse


def command(*words):
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def component(kind, name, version, purl, **more):
    return {"type": kind, "bom-ref": purl, "name": name, "version": version, "purl": purl, **more}


def purl(kind, namespace, name, version, **qualifiers):
    """https://github.com/package-url/purl-spec"""
    path = "/".join(urllib.parse.quote(part, safe="") for part in [*namespace.split("/"), name] if part)
    query = "&".join(f"{key}={urllib.parse.quote(value, safe='')}" for key, value in sorted(qualifiers.items()))
    return f"pkg:{kind}/{path}@{urllib.parse.quote(version, safe='')}" + (f"?{query}" if query else "")


def swift_package(pin):
    """A pin of a Package.resolved; one without a version has its revision."""
    state, url = pin["state"], pin["location"].removesuffix(".git")
    version = state.get("version") or state["revision"]
    host_and_path = re.sub(r"^(?:https?|ssh)://(?:[^/@]*@)?", "", url)
    namespace, _, name = host_and_path.rpartition("/")
    return component(
        "library", pin["identity"], version, purl("swift", namespace, name, version),
        externalReferences=[{"type": "vcs", "url": url, "comment": state["revision"]}])


def owner(library):
    """The Debian package of a file, which may be registered by its path before or after /usr was merged."""
    for path in (library, f"/usr{library}", library.removeprefix("/usr")):
        found = subprocess.run(["dpkg-query", "--search", path], capture_output=True, text=True, check=False).stdout
        if found:
            return found.partition(": ")[0].split(",")[0]
    raise SystemExit(f"sbom: no package owns {library}")


def debian_package(name, release):
    fields = command("dpkg-query", "--show", "--showformat=${Package}\n${Version}\n${Architecture}", name)
    package, version, architecture = fields.split("\n")
    return component(
        "library", package, version, purl("deb", "debian", package, version, arch=architecture, distro=release))


def libraries(root):
    """The shared libraries below a folder, as the paths that they were copied from."""
    found = (pathlib.Path(folder, name) for folder, _, names in os.walk(root) for name in names)
    return sorted("/" + str(path.relative_to(root)) for path in found if re.search(r"\.so(\.\d+)*$", path.name))


def bill(name, version, swift, resolved, root, packages):
    release = "debian-" + re.search(
        r'^VERSION_ID="?([^"\n]+)', pathlib.Path("/etc/os-release").read_text(), re.MULTILINE)[1]
    pins = json.loads(pathlib.Path(resolved).read_text())["pins"]
    components = [swift_package(pin) for pin in pins]
    components.append(component("framework", "swift", swift, purl("generic", "", "swift", swift)))
    owners = {owner(library) for library in libraries(root)} | set(packages)
    components += {one["purl"]: one for one in (debian_package(package, release) for package in owners)}.values()
    components.sort(key=lambda one: one["purl"])
    program = component("application", name, version, purl("generic", "", name, version))
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json", "bomFormat": "CycloneDX", "specVersion": "1.5",
        "version": 1, "metadata": {"component": program}, "components": components,
        "dependencies": [{"ref": program["bom-ref"], "dependsOn": [one["bom-ref"] for one in components]}]}


if __name__ == "__main__":
    if len(sys.argv) < 6:
        raise SystemExit(__doc__)
    print(json.dumps(bill(*sys.argv[1:6], sys.argv[6:]), indent=1))
