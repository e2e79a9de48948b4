"""Whose bytes may be unpickled here: the one place that decides.

An artifact that runs code when loaded, or resolves names of code, carries signatures: message
authentication codes over its cache key, output name, materializer and stored digest. Modes:

``forbid``  never; ``local``  only what a key of this user wrote on this machine;
``signed``  also what the shared key of the stack wrote; ``trust``  everything.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import attrs
import platformdirs

from zenconv import hashing
from zenconv.errors import StoreError, UntrustedArtifact
from zenconv.frozen import Frozen
from zenconv.records.artifact import Artifact, Signature

Mode = Literal["forbid", "local", "signed", "trust"]
MODES: tuple[Mode, ...] = ("forbid", "local", "signed", "trust")

_DOMAIN = "zenconv.artifact.1"


@attrs.frozen(eq=False, repr=False)
class Key(Frozen):
    """A 32-byte secret and the public name derived from it."""

    secret: bytes = attrs.field(repr=False)

    @property
    def id(self) -> str:
        """A short name that reveals nothing about the secret."""
        return hashing.keyed_digest(self.secret, "zenconv.key-id", b"")[3:19]

    @classmethod
    def from_text(cls, text: str) -> Key:
        """Derive a key from a passphrase or token of any length."""
        return cls(bytes.fromhex(hashing.digest_texts("zenconv.key", [text])[3:]))


def user_key_path() -> Path:
    """Return where the key of this user on this machine lives."""
    home = os.environ.get("ZENCONV_HOME")
    base = Path(home) if home else Path(platformdirs.user_data_dir("zenconv", appauthor=False))
    return base / "machine.key"


def load_user_key() -> Key:
    """Return this user's key, made on first use with mode 0600. `StoreError` if impossible."""
    path = user_key_path()
    try:
        return Key(_read_key(path))
    except FileNotFoundError:
        pass
    draft = path.with_name(f"{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(os.urandom(32))
            stream.flush()
            os.fsync(stream.fileno())
        try:
            os.link(draft, path)  # unlike a rename, never replaces the key another process made
        except FileExistsError:
            pass
        finally:
            os.unlink(draft)
        return Key(_read_key(path))
    except OSError as error:
        raise StoreError(
            f"cannot create the signing key {path}: {error.strerror or error}",
            hint="set ZENCONV_HOME to a folder of your own that is writable",
        ) from error


def _read_key(path: Path) -> bytes:
    try:
        secret = path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise StoreError(
            f"cannot read the signing key {path}: {error.strerror or error}",
            hint="set ZENCONV_HOME to a folder of your own, or move what is there away",
        ) from error
    if len(secret) != 32:
        raise StoreError(
            f"the signing key {path} is damaged ({len(secret)} bytes, expected 32)",
            hint="delete it: what it signed is recomputed once",
        )
    return secret


def _message(artifact: Artifact, key: str, output: str) -> bytes:
    parts = [key, output, artifact.materializer, artifact.stored, str(int(artifact.runs_code))]
    parts += artifact.refers
    return hashing.digest_texts(_DOMAIN, parts).encode()


@attrs.define(eq=False, repr=False)
class Trust:
    """The rules of one stack: its mode, the keys that count, and the key that signs."""

    mode: Mode = "local"
    shared: Key | None = attrs.field(default=None, repr=False)
    _user: Key | None = attrs.field(default=None, repr=False)

    def _keys(self) -> list[Key]:
        if self._user is None:
            self._user = load_user_key()
        keys = [self._user]
        if self.mode == "signed" and self.shared is not None:
            keys.append(self.shared)
        return keys

    def sign(self, artifact: Artifact, key: str, output: str) -> Artifact:
        """Return `artifact` with the signatures of this machine, and of the stack if it has a key."""
        if not artifact.needs_trust:
            return artifact
        message = _message(artifact, key, output)
        made = tuple(Signature(k.id, hashing.keyed_digest(k.secret, _DOMAIN, message)) for k in self._keys())
        return attrs.evolve(artifact, signatures=made)

    def refusal(self, artifact: Artifact, key: str, output: str) -> str | None:
        """Return why `artifact` may not be loaded here, or None if it may."""
        if not artifact.needs_trust or self.mode == "trust":
            return None
        if self.mode == "forbid":
            return 'loading it would run code, and this stack forbids that (trust = "forbid")'
        message = _message(artifact, key, output)
        for mine in self._keys():
            expected = hashing.keyed_digest(mine.secret, _DOMAIN, message)
            if any(s.code == expected for s in artifact.signatures):
                return None
        return "loading it would run code, and it was not written by you on this machine"

    def check(self, artifact: Artifact, key: str, output: str) -> None:
        """Raise `UntrustedArtifact` unless `artifact` may be loaded here."""
        reason = self.refusal(artifact, key, output)
        if reason is not None:
            raise UntrustedArtifact(f"{artifact.type} ({artifact.materializer}): {reason}")
