"""What the clients under test need around them: certificates, a vendor's API, and the snippets of the README."""

import http.server
import pathlib
import re
import ssl
import subprocess
import threading

from program import PATIENCE, ROOT


def run(*command, **options):
    """A command's result, whatever its exit status."""
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=15 * PATIENCE, check=False, **options)


def checked(*command, **options):
    """What a command that must succeed writes to standard output."""
    done = run(*command, **options)
    if done.returncode != 0:
        raise AssertionError(f"{command}\n{done.stdout}{done.stderr}")
    return done.stdout


class Certificates:
    """An authority and a certificate for this machine, as `ca.pem`, `server.pem` and `server.key` in the folder."""

    def __init__(self, folder):
        self.authority, self.certificate, self.key = (
            str(pathlib.Path(folder, name)) for name in ("ca.pem", "server.pem", "server.key"))
        authority_key = str(pathlib.Path(folder, "ca.key"))
        make = ("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
        checked(
            *make, "-keyout", authority_key, "-out", self.authority, "-subj", "/CN=Test authority",
            "-addext", "keyUsage=critical,keyCertSign")
        checked(
            *make, "-CA", self.authority, "-CAkey", authority_key, "-keyout", self.key, "-out", self.certificate,
            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
            "-addext", "basicConstraints=critical,CA:FALSE")


class VendorAPI:
    """An HTTPS server that answers every request with 200, and keeps each one's head."""

    def __init__(self, certificates):
        api = self
        self.requests = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                api.requests.append(self)
                self.send_response(401 if self.path == "/refused" else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = answer

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

        self._server = Server(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates.certificate, certificates.key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://localhost:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def authorizations(self):
        """The `Authorization` fields of the last request."""
        return self.requests[-1].headers.get_all("Authorization", [])

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(PATIENCE)


def snippet(language, *words):
    """The one code block of the README in that language that has all the words."""
    readme = pathlib.Path(ROOT, "README.md").read_text()
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    found = [block for block in blocks if all(word in block for word in words)]
    if len(found) != 1:
        raise AssertionError(f"{len(found)} {language} blocks in the README have {words}")
    return found[0]
