"""Small packages for tests, built without any tool and installed without a network."""

from __future__ import annotations

import base64
import hashlib
import io
import textwrap
import zipfile


def make_wheel(name: str, version: str, text: str) -> tuple[str, bytes]:
    """Return the name and the bytes of a wheel with one module `name` whose source is `text`."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": textwrap.dedent(text),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = []
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for path, content in files.items():
            data = content.encode()
            archive.writestr(path, data)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            lines.append(f"{path},sha256={digest},{len(data)}\n")
        archive.writestr(f"{info}/RECORD", "".join(lines) + f"{info}/RECORD,,\n")
    return f"{name}-{version}-py3-none-any.whl", stream.getvalue()


def make_source(name: str, version: str, text: str) -> dict[str, str]:
    """Return the files of a source folder that builds itself, with one module `name`."""
    backend = f"""
    import pathlib, sys
    sys.path.insert(0, {str(__file__.rpartition("/")[0])!r})
    from packages import make_wheel

    def build_wheel(folder, config_settings=None, metadata_directory=None):
        name, data = make_wheel({name!r}, {version!r}, pathlib.Path("{name}.py").read_text())
        (pathlib.Path(folder) / name).write_bytes(data)
        return name
    """
    project = f"""
    [build-system]
    requires = []
    build-backend = "backend"
    backend-path = ["."]
    [project]
    name = "{name}"
    version = "{version}"
    """
    return {
        "pyproject.toml": textwrap.dedent(project),
        "backend.py": textwrap.dedent(backend),
        f"{name}.py": text,
    }
