"""A headless Chromium, driven through the pipe of its DevTools protocol; no other package is needed."""

import base64
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome-headless-shell")
WITHIN_S = 20.0

START = "import os, sys; [os.dup2(int(sys.argv[n]), n + 2) for n in (1, 2)]; os.execv(sys.argv[3], sys.argv[3:])"
"""The browser reads commands from descriptor 3 and writes to 4."""

NOTE_VIOLATIONS = """
globalThis.violations = [];
document.addEventListener('securitypolicyviolation', (event) =>
  violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
"""


def find_browser() -> str | None:
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


class Page:
    """One tab. `events` are all that it told meanwhile: console, log and network."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands = commands
        self._answers = answers
        self._received = b""
        self._last_id = 0
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Page.addScriptToEvaluateOnNewDocument", source=NOTE_VIOLATIONS)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401 - as JSON has them.
        self._last_id += 1
        message = {"id": self._last_id, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._last_id:
                assert "error" not in answer, answer["error"]
                return dict(answer["result"])
            self.events.append(answer)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._received:
            chunk = os.read(self._answers, 1 << 20)
            assert chunk, "The browser has ended."
            self._received += chunk
        message, _, self._received = self._received.partition(b"\0")
        return dict(json.loads(message))

    def evaluate(self, expression: str) -> Any:  # noqa: ANN401 - as JSON has them.
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait_for(self, expression: str) -> Any:  # noqa: ANN401
        """The value of `expression` as soon as it is true."""
        deadline = time.monotonic() + WITHIN_S
        while not (value := self.evaluate(expression)):
            assert time.monotonic() < deadline, f"{expression} did not become true; {self.complaints()}"
            time.sleep(0.05)
        return value

    def press(self, key: str, code: int, *, is_control: bool = False) -> None:
        for kind in ("rawKeyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                windowsVirtualKeyCode=code,
                modifiers=2 if is_control else 0,
                commands=["selectAll"] if is_control and key == "a" else [],
            )

    def complaints(self) -> list[str]:
        """Errors of scripts and entries of the log, among them what the policy refused."""
        told = []
        for event in self.events:
            if event["method"] == "Runtime.exceptionThrown":
                told.append(event["params"]["exceptionDetails"]["exception"]["description"])
            if event["method"] == "Log.entryAdded":
                told.append(event["params"]["entry"]["text"])
            if event["method"] == "Runtime.consoleAPICalled" and event["params"]["type"] == "error":
                told.append(str(event["params"]["args"]))
        return told

    def requested(self) -> list[str]:
        sent = (event for event in self.events if event["method"] == "Network.requestWillBeSent")
        return [event["params"]["request"]["url"] for event in sent]

    def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))


@contextmanager
def page(program: str, profile: Path) -> Iterator[Page]:
    their_commands, commands = os.pipe()
    answers, their_answers = os.pipe()
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
    options += ["--remote-debugging-pipe", "--window-size=1400,900", f"--user-data-dir={profile}", "about:blank"]
    browser = subprocess.Popen(
        [sys.executable, "-c", START, str(their_commands), str(their_answers), program, *options],
        pass_fds=(their_commands, their_answers),
        stderr=subprocess.DEVNULL,
    )
    os.close(their_commands)
    os.close(their_answers)
    try:
        yield Page(commands, answers)
    finally:
        os.close(commands)
        browser.terminate()
        browser.wait(10)
        os.close(answers)
