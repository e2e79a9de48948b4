"""Addresses that a server on this machine answers for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from zenconv.testing import ProjectOnDisk

STEPS = """
from pathlib import Path
import urllib.request

def length(source: str) -> int:
    with urllib.request.urlopen(source) as answer:
        return len(answer.read())
"""


class Server(ThreadingHTTPServer):
    """Serves one page; `headers` go with it, and a method not in `methods` is refused."""

    page = b"12345"
    headers: dict[str, str]
    methods = ("GET", "HEAD")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/page"


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server: Any = self.server
        if self.command not in server.methods:
            self.send_error(405)
            return
        self.send_response(200)
        for name, value in {"Content-Length": str(len(server.page)), **server.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(server.page)

    do_HEAD = do_GET

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server(("127.0.0.1", 0), Answer)
    server.headers = {}
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def run(project: ProjectOnDisk, url: str) -> list[str]:
    project.run("run", "--set", f"source={url}")
    return project.executed()


def make(tmp_path: Path) -> ProjectOnDisk:
    return ProjectOnDisk.make(tmp_path / "project", {"steps_a.py": STEPS})


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"ETag": '"1"'}, {"ETag": '"2"'}),
        (
            {"Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT"},
            {"Last-Modified": "Tue, 02 Jan 2024 00:00:00 GMT"},
        ),
    ],
    ids=["by its tag", "by its time"],
)
def test_a_page_is_fetched_again_when_its_version_differs(
    tmp_path: Path, server: Server, before: dict[str, str], after: dict[str, str]
) -> None:
    project = make(tmp_path)
    server.headers = before
    assert run(project, server.url) == ["a::length"]
    assert run(project, server.url) == []
    server.headers, server.page = after, b"1234567"
    assert run(project, server.url) == ["a::length"]
    assert project.value("length") == 7


def test_without_a_version_the_text_alone_counts(tmp_path: Path, server: Server) -> None:
    project = make(tmp_path)
    assert run(project, server.url) == ["a::length"]
    server.page = b"1234567"
    assert run(project, server.url) == []


def test_a_server_that_refuses_the_short_question_is_asked_the_long_one(
    tmp_path: Path, server: Server
) -> None:
    project = make(tmp_path)
    server.methods, server.headers = ("GET",), {"ETag": '"1"'}
    assert run(project, server.url) == ["a::length"]
    server.headers = {"ETag": '"2"'}
    assert run(project, server.url) == ["a::length"]


def test_an_address_that_cannot_be_reached_is_an_error_that_names_the_plugin(
    tmp_path: Path, server: Server
) -> None:
    project = make(tmp_path)
    url = server.url
    server.server_close()
    result = project.run("run", "--set", f"source={url}", check=4)
    assert "zenconv_input_version of the plugin 'urls' (zenconv-urls" in result.stderr
    assert "-p no:urls" in result.stderr


def test_a_file_and_all_files_below_a_folder_count_by_size_and_time(tmp_path: Path) -> None:
    from zenconv_urls.stores import ask_store

    (tmp_path / "folder").mkdir()
    file = tmp_path / "folder/a.csv"
    file.write_text("1")
    before = ask_store("file", file.as_uri()), ask_store("file", file.parent.as_uri())
    assert before == (ask_store("file", file.as_uri()), ask_store("file", file.parent.as_uri()))
    file.write_text("12")
    after = ask_store("file", file.as_uri()), ask_store("file", file.parent.as_uri())
    assert before[0] != after[0]
    assert before[1] != after[1]


def test_what_is_no_file_at_all_counts_by_its_text() -> None:
    from zenconv_urls import zenconv_input_version

    assert zenconv_input_version("postgresql://host/table") is None
