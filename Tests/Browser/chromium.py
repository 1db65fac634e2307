"""Chromium without a window, driven by the DevTools protocol over a pipe."""

import base64
import itertools
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

from program import PATIENCE


class Chromium:
    """A browser with a profile of its own, which reaches nothing but the loopback."""

    FLAGS = (
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
        "--no-default-browser-check", "--disable-background-networking", "--disable-component-update",
        "--disable-sync", "--disable-extensions", "--mute-audio", "--hide-scrollbars", "--no-proxy-server",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--remote-debugging-pipe")

    def __init__(self):
        self._profile = tempfile.mkdtemp(prefix="tokenwell-browser-")
        commands, self._commands = os.pipe()
        self._messages, messages = os.pipe()
        # The pipe is on the descriptors 3 and 4, as --remote-debugging-pipe has it.
        self._process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{commands} 4>&{messages}', "chromium", "chromium", *self.FLAGS,
             f"--user-data-dir={self._profile}", "about:blank"],
            pass_fds=(commands, messages), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, env={**os.environ, "HOME": self._profile, "TZ": "UTC"})
        os.close(commands)
        os.close(messages)
        self._numbers = itertools.count(1)
        self._received = b""
        self.listeners = []

    def stop(self):
        os.close(self._commands)
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._messages)
        shutil.rmtree(self._profile, ignore_errors=True)

    def call(self, method, session=None, **parameters):
        """Sends a command, and waits for its result; what happens meanwhile goes to the listeners."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        self._send(message)
        end = time.monotonic() + 3 * PATIENCE
        while True:
            answer = self._receive(end)
            if answer.get("id") == number:
                if "error" in answer:
                    raise AssertionError(f"{method}: {answer['error']}")
                return answer["result"]

    def tell(self, method, session, **parameters):
        """Sends a command whose result does not matter."""
        self._send({"id": next(self._numbers), "method": method, "params": parameters, "sessionId": session})

    def _send(self, message):
        os.write(self._commands, json.dumps(message).encode() + b"\0")

    def _receive(self, end):
        while b"\0" not in self._received:
            if not select.select([self._messages], [], [], max(0, end - time.monotonic()))[0]:
                raise AssertionError("Chromium does not answer")
            piece = os.read(self._messages, 1 << 20)
            if not piece:
                raise AssertionError("Chromium has ended")
            self._received += piece
        message, self._received = self._received.split(b"\0", 1)
        message = json.loads(message)
        if "method" in message:
            for listener in self.listeners:
                listener(message)
        return message


class Page:
    """A tab in a context of its own, so that no two share a sign-in; and all that it did."""

    def __init__(self, browser, credentials=None, width=1280, height=800, dark=False):
        self.browser = browser
        self.credentials = credentials
        self.prompts = 0
        self.complaints = []
        self.requests = []
        self.answers = []
        self.statuses = []
        self._open = {}
        self._urls = {}
        self.context = browser.call("Target.createBrowserContext")["browserContextId"]
        target = browser.call("Target.createTarget", url="about:blank", browserContextId=self.context)["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        browser.listeners.append(self._hear)
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Fetch.enable", handleAuthRequests=True)
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def call(self, method, **parameters):
        return self.browser.call(method, self.session, **parameters)

    def close(self):
        self.browser.listeners.remove(self._hear)
        self.browser.call("Target.disposeBrowserContext", browserContextId=self.context)

    def _hear(self, message):
        if message.get("sessionId") != self.session:
            return
        event, about = message["method"], message["params"]
        if event == "Fetch.requestPaused":
            self.browser.tell("Fetch.continueRequest", self.session, requestId=about["requestId"])
        elif event == "Fetch.authRequired":
            self._sign_in(about)
        elif event == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(about["exceptionDetails"]))
        elif event == "Runtime.consoleAPICalled":
            self.complaints.append(json.dumps(about["args"]))
        elif event == "Log.entryAdded":
            self.complaints.append(about["entry"]["text"] + " " + about["entry"].get("url", ""))
        elif event == "Network.requestWillBeSent":
            self.requests.append(about["request"]["url"])
            self._urls[about["requestId"]] = about["request"]["url"]
        elif event == "Network.responseReceivedExtraInfo":
            # Of answers too that the browser then keeps from the page.
            self.statuses.append((self._urls.get(about["requestId"]), about["statusCode"]))
        elif event == "Network.responseReceived":
            self._open[about["requestId"]] = about["response"]
        elif event == "Network.loadingFinished" and about["requestId"] in self._open:
            self.answers.append((about["requestId"], self._open.pop(about["requestId"])))

    def _sign_in(self, about):
        self.prompts += 1
        response = {"response": "CancelAuth"}
        if self.credentials and self.prompts == 1:
            name, key = self.credentials
            response = {"response": "ProvideCredentials", "username": name, "password": key}
        self.browser.tell(
            "Fetch.continueWithAuth", self.session, requestId=about["requestId"], authChallengeResponse=response)

    def open(self, url):
        self.call("Page.navigate", url=url)

    def wait(self, seconds):
        """Lets the page go on for that long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.evaluate(f"new Promise(done => setTimeout(done, {min(100, 1000 * left):.0f}))")

    def evaluate(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise AssertionError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def eventually(self, expression, patience=PATIENCE):
        """The first value of a JavaScript expression that is true."""
        end = time.monotonic() + patience
        while not (value := self.evaluate(expression)):
            if time.monotonic() > end:
                raise AssertionError(f"not in time: {expression}\n{self.evaluate('document.body.innerText')[:2000]}")
            time.sleep(0.05)
        return value

    def key(self, name):
        """Presses a key."""
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=name, code=name, **(
                {"text": "\r"} if name == "Enter" and kind == "keyDown" else {}))

    def type(self, text):
        self.call("Input.insertText", text=text)

    def click(self, selector):
        x, y = self.evaluate(
            "(() => { const box = document.querySelector(%s).getBoundingClientRect();"
            " return [box.x + box.width / 2, box.y + box.height / 2]; })()" % json.dumps(selector))
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def bodies(self):
        """Path and text of every answer so far that the browser still has."""
        found = []
        for number, response in self.answers:
            try:
                body = self.call("Network.getResponseBody", requestId=number)
            except AssertionError:
                continue
            text = body["body"]
            if body["base64Encoded"]:
                text = base64.b64decode(text).decode("utf-8", "replace")
            found.append((response["url"], json.dumps(response["headers"]) + text))
        return found

    def screenshot(self, path):
        data = self.call("Page.captureScreenshot", format="png")["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))
