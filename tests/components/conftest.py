"""A real S3 server on loopback for the tests of remote components."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

_START_SECONDS = 60


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The address of a moto server that lives as long as the tests."""
    pytest.importorskip("s3fs", reason="s3fs is not installed")
    pytest.importorskip("moto.server", reason="moto[server] is not installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    program = Path(sys.executable).with_name("moto_server")
    server = subprocess.Popen(
        [str(program), "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y"},
    )
    try:
        _wait_until_it_answers(address, server)
        yield address
    finally:
        server.kill()
        server.wait()


def _wait_until_it_answers(address: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            urllib.request.urlopen(f"{address}/moto-api/", timeout=5).close()
            return
        except OSError:
            time.sleep(0.1)
    pytest.skip(f"moto_server did not start (exit code {server.poll()})")


@pytest.fixture
def s3_options(s3_server: str, tmp_path: Path) -> dict[str, object]:
    """Options of a remote component in a new bucket."""
    import s3fs

    storage = {"endpoint_url": s3_server, "key": "x", "secret": "y"}
    bucket = f"bucket-{os.urandom(6).hex()}"
    s3fs.S3FileSystem(**storage, skip_instance_cache=True).mkdir(bucket)
    return {"id": "fsspec", "url": f"s3://{bucket}/zenconv", "storage_options": storage}
