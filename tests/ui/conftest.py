"""A project with three real experiments, its MLflow server, and a real browser that has no network
but that server.

pytest tests/ui                  keeps screenshots in tests/ui/screenshots
PICTURES=1 pytest tests/ui       draws docs/pictures/mlflow-*.png again
"""

import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, FloatRect, Page, sync_playwright

from tests.project import ROOT, Project, copy_of_the_project

RATES = {"lr-0.01": 0.01, "lr-0.003": 0.003, "lr-0.001": 0.001}
"""The learning rate of each experiment, by its name, in the order in which they run."""
SECONDS_FOR_SERVER = 120
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
SCREENSHOTS = ROOT / "tests/ui/screenshots"
PICTURES = ROOT / "docs/pictures"
WITHOUT_GREETING = """
    if (location.protocol === "http:") {
        localStorage.setItem("mlflow.assistant.fab.autoOpenedOnFirstLoad_v1", "true");
        localStorage.setItem("mlflow.workflowType_v1", '"machine_learning"');
    }
"""
"""What MLflow's pages remember of a user who has closed its assistant and has chosen `Model
training` at the top.
"""


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Three experiments that differ in train.lr; a page for their commit, as if it had been
    pushed.
    """
    project = copy_of_the_project(tmp_path_factory.mktemp("project"))
    project.run(
        "git", "remote", "add", "origin", "https://someone:secret@git.example.org/team/linreg.git"
    )
    project.run("git", "update-ref", "refs/remotes/origin/main", "HEAD")
    for name, rate in RATES.items():
        project.run("dvc", "exp", "run", "-n", name, "-S", f"train.lr={rate}")
    project.run("linreg", "sync")
    return project


@pytest.fixture(scope="session")
def runs(project: Project) -> dict[str, dict[str, Any]]:
    """The experiments' runs by name, as MLflow's own client tells them."""
    return {run["name"]: run for run in project.mlflow_runs()}


@pytest.fixture(scope="session")
def server(project: Project) -> Iterator[str]:
    """Start `linreg ui` and yield what it prints before MLflow takes over, once it answers."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with subprocess.Popen(
        ["linreg", "ui", "--port", str(port)],
        cwd=project.folder,
        env=project.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            assert process.stdout is not None
            printed = "".join(process.stdout.readline() for _ in range(2))
            _wait_for(f"http://127.0.0.1:{port}/health", process)
            yield printed
        finally:
            os.killpg(process.pid, signal.SIGTERM)


def _wait_for(address: str, process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + SECONDS_FOR_SERVER
    while True:
        assert process.poll() is None, "the server has ended"
        try:
            with urllib.request.urlopen(address, timeout=5):  # noqa: S310 - our own server
                return
        except OSError:
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.2)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium."""
    if CHROMIUM is None:
        pytest.skip("no browser: `chromium` is not on the path")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])


class Window:
    """A page in the browser, what it has asked for beyond this machine, and what went wrong in
    it.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.asked_elsewhere: list[str] = []
        self.errors: list[str] = []
        page.on("request", lambda request: self._see(request.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on(
            "console", lambda said: self.errors.append(said.text) if said.type == "error" else None
        )

    def _see(self, url: str) -> None:
        if not url.startswith(("http://127.0.0.1:", "file:", "data:", "blob:")):
            self.asked_elsewhere.append(url)

    def open(self, address: str) -> Page:
        """Open an address from nothing, as typed in."""
        self.page.goto("about:blank")
        self.page.goto(address)
        return self.page

    def keep(self, name: str, *, whole: bool = False, picture: str = "", height: int = 900) -> None:
        """Keep a screenshot; with PICTURES=1 in the environment its upper part as that picture of
        the documentation.
        """
        SCREENSHOTS.mkdir(exist_ok=True)
        self.page.mouse.move(0, 0)
        self.page.wait_for_timeout(1000)  # for lists that unfold
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=whole)
        if picture and os.environ.get("PICTURES"):
            part: FloatRect = {"x": 0, "y": 0, "width": 1280, "height": height}
            self.page.screenshot(path=PICTURES / picture, clip=part)


@pytest.fixture
def window(browser: Browser) -> Iterator[Callable[..., Window]]:
    """Opens windows, 1280 × 900; a `new` user's shows what MLflow greets with, one `offline`
    reaches nothing at all.
    """
    contexts = []

    def window(*, new: bool = False, offline: bool = False) -> Window:
        context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=offline)
        contexts.append(context)
        if not new:
            context.add_init_script(WITHOUT_GREETING)
        context.set_default_timeout(60_000)
        return Window(context.new_page())

    yield window
    for context in contexts:
        context.close()
