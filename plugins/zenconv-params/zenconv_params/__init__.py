"""Parameters from a ``params.yaml``, as DVC has them: ``[tool.zenconv.options] params-file``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from zenconv.hooks import OptionSpec, hookimpl


@hookimpl
def zenconv_options() -> Sequence[OptionSpec]:
    """Offer ``--params-file``."""
    help = "Take parameters from this YAML or JSON file."
    return [OptionSpec("--params-file", help, kind="path", metavar="FILE")]


@hookimpl
def zenconv_configure(options: Mapping[str, Any], root: Path) -> Any:
    """Read the file where one is named."""
    if options["params_file"] is None:
        return None
    from zenconv_params.file import ParametersFile

    return ParametersFile(options["params_file"], root)
