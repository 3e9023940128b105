"""The server: `streamlit run app.py` starts the engine before the first visitor and serves pages and routes."""

from __future__ import annotations

import gc
import importlib
import logging
import os
import socket
import sys
import threading
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import Route

import guard
import routes
from core.errors import BurnlineError
from core.places import Places
from engine import Engine

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[dict[str, Any]]:
    """Start the engine with the server and stop it with the server; a refusal ends the process with its reason."""
    port = st.get_option("server.port")
    try:
        engine = Engine(Places.find(port=port), url=f"http://127.0.0.1:{port}")
        guard.check_login(engine.settings)
        await anyio.to_thread.run_sync(engine.start)
    except BurnlineError as error:
        print(f"\nBurnline cannot start. {error}\n", file=sys.stderr, flush=True)
        os._exit(1)  # an exception from here would bury the reason under the server's traceback
    print(
        f"Burnline: http://localhost:{port}"
        + (" (sample data until your first log file arrives)" if engine.demo else "")
    )
    if guard.open_to_all(engine.settings, st.get_option("server.address")):
        print("Whoever reaches this machine sees everything; docs/access.md tells how to change that.")
    _no_delay()
    threading.Thread(target=_warm, name="warm", daemon=True).start()
    try:
        yield {}
    finally:
        await anyio.to_thread.run_sync(engine.close)


def _warm() -> None:
    """Import what the first page needs before its first visitor does, and keep it out of later collections."""
    importlib.import_module("pages.ways")
    gc.collect()
    gc.freeze()


def _no_delay() -> None:
    """Send small messages at once. Streamlit's listener leaves Nagle's algorithm on: 40 ms on every page run."""
    for found in gc.get_objects():
        if (
            isinstance(found, socket.socket)
            and found.fileno() >= 0
            and found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        ):
            found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # accepted connections inherit it


app = st.App(
    "pages/main.py",
    lifespan=lifespan,
    secrets=guard.secrets(os.environ),
    middleware=[Middleware(guard.OurNames)],
    routes=[Route(path, endpoint) for path, endpoint in routes.ROUTES.items()],
)
