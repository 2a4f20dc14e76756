"""What browser tests need: headless Chromium from the system's packages, which finds no host; axe-core from npm."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

Browser = Any
HERE = Path(__file__).parent
_AXE = HERE / "node_modules" / "axe-core"


def unavailable(reason: str) -> None:
    """Skip the test; in continuous integration, where it must be had, fail."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def need(*names: str) -> str:
    """The first of these programs; without any, the test is skipped, but fails where CI must have it."""
    program = next((path for name in names if (path := shutil.which(name))), None)
    if program is None:
        unavailable(f"no {names[0]}; on Debian: apt install chromium chromium-driver")
    return str(program)


def start(folder: Path, *, scripts: bool = True) -> Browser:
    options = webdriver.ChromeOptions()
    options.binary_location = need("chromium", "chromium-browser", "google-chrome")
    for argument in (
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
        "--homepage=about:blank", f"--user-data-dir={folder / 'profile'}",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    ):  # fmt: skip
        options.add_argument(argument)
    content = {"javascript": 1 if scripts else 2}
    options.add_experimental_option(
        "prefs",
        {"profile.managed_default_content_settings": content, "download.default_directory": str(folder / "downloads")},
    )
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.ChromeService(executable_path=need("chromedriver"))
    return webdriver.Chrome(options=options, service=service)


def visit(browser: Browser, address: str, *, width: int = 1280, dark: bool = False) -> None:
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    browser.get("about:blank")
    browser.get(address)


def shown(browser: Browser, selector: str) -> int:
    """How many elements of the selector are drawn."""
    script = "return [...document.querySelectorAll(arguments[0])].filter(one => one.getClientRects().length).length"
    return int(browser.execute_script(script, selector))


def press(browser: Browser, selector: str) -> None:
    browser.execute_script("document.querySelector(arguments[0]).click()", selector)


def column(browser: Browser, name: str) -> list[str]:
    heads = [head.text.split(" ↑")[0].split(" ↓")[0] for head in browser.find_elements(By.CSS_SELECTOR, ".trials th")]
    place = heads.index(name) + 1
    script = "return [...document.querySelectorAll(arguments[0])].map(one => one.textContent)"
    program: list[str] = browser.execute_script(script, f".trials tbody td:nth-child({place})")
    return program


AXE = """
const done = arguments[0];
const told = (one) => one.id + ": " + one.help + "\\n" + one.nodes.map((node) => node.html.slice(0, 200)).join("\\n");
axe.run({ exclude: [["svg > g[aria-hidden]"]] }, { resultTypes: ["violations"] })
  .then((found) => done(found.violations.map(told)), (error) => done([String(error)]));
"""
"""What is drawn is left out: axe cannot tell what is behind a text in a drawing, and is told the same by `.targets`."""


def axe_finds(browser: Browser) -> list[str]:
    """The violations that axe finds on the page that is open."""
    browser.execute_script(axe_core())
    browser.set_script_timeout(120)
    found: list[str] = browser.execute_async_script(AXE)
    return found


def axe_core() -> str:
    """The source of axe-core in the version that package-lock.json pins; npm brings it where it is not there yet."""
    wanted = json.loads((HERE / "package.json").read_text(encoding="utf-8"))["devDependencies"]["axe-core"]
    if _version(_AXE) != wanted:
        npm = shutil.which("npm")
        if npm is None:
            unavailable("no npm to bring axe-core; on Debian: apt install npm")
        command = [str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
        if done.returncode:
            unavailable(f"npm cannot bring axe-core: {done.stderr.strip()[-400:]}")
    return (_AXE / "axe.min.js").read_text(encoding="utf-8")


def _version(package: Path) -> str:
    try:
        return str(json.loads((package / "package.json").read_text(encoding="utf-8"))["version"])
    except OSError:
        return ""
