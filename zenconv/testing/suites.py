"""What all conformance suites have in common."""

from __future__ import annotations

from typing import ClassVar


class ConformanceSuite:
    """Tests that every component of a kind has to pass, to be subclassed for one component."""

    kind: ClassVar[str] = ""
    """The kind of component, as `ComponentSpec` has it, or ``materializer``."""

    component: ClassVar[str] = ""
    """The id under which the plugin offers the component."""

    package: ClassVar[str] = ""
    """The plugin's module, in which the outcome is recorded (`zenconv.testing.conformance`)."""
