"""The real server over one installation, to be started, asked, stopped or killed."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[2]


class Dashboard:
    """`streamlit run app.py` over these places, on a free port, as often as it is started."""

    def __init__(self, places):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = places.store.with_name("server.log")
        names = {"CONFIG": places.config, "INBOX": places.inbox, "STORE": places.store, "STATE": places.state}
        self.env = os.environ | {f"BURNLINE_{name}": str(path) for name, path in names.items()}

    def start(self):
        """Start it and wait until it answers."""
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(self.port)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=self.env, stdout=log, stderr=log)
        while True:
            assert self.process.poll() is None, self.log.read_text("utf-8")
            try:
                return httpx.get(f"{self.url}/healthz", timeout=30)
            except httpx.TransportError:
                continue

    def ask(self, path, **params):
        """The JSON at a path."""
        return httpx.get(f"{self.url}{path}", params=params, timeout=30).raise_for_status().json()

    def kill_after(self, seconds):
        """Let it live for so long; it must not die by itself before it is killed."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        else:
            raise AssertionError(self.log.read_text("utf-8"))

    def stop(self):
        """Ask it to end, and wait for it."""
        self.process.terminate()
        self.process.wait(30)
