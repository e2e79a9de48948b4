"""Every kind of component has an interface, and what is built in has its verbs."""

from __future__ import annotations

import pytest

from zenconv.hooks import load_plugins
from zenconv.hooks.markers import ComponentSpec
from zenconv.settings.settings import COMPONENT_KINDS
from zenconv.upkeep.check_verbs import INTERFACES, _verbs

PLUGINS = load_plugins(autoload=False)


def test_every_kind_that_a_stack_can_name_has_an_interface_of_a_few_verbs() -> None:
    assert tuple(INTERFACES) == COMPONENT_KINDS
    numbers = {kind: len(set(_verbs(face)) - {"close"}) for kind, face in INTERFACES.items()}
    assert numbers.pop("orchestrator") == 1
    assert {kind: number for kind, number in numbers.items() if not 3 <= number <= 8} == {}


@pytest.mark.parametrize("spec", PLUGINS.components(), ids=lambda spec: f"{spec.kind} {spec.id}")
def test_built_in_components_have_the_verbs_of_their_kind(spec: ComponentSpec) -> None:
    component = PLUGINS.component(spec.kind, spec.id)
    assert [name for name in _verbs(INTERFACES[spec.kind]) if not callable(getattr(component, name))] == []


@pytest.mark.parametrize("kind", COMPONENT_KINDS)
def test_every_verb_says_what_it_does(kind: str) -> None:
    interface = INTERFACES[kind]
    assert [name for name in _verbs(interface) if not getattr(interface, name).__doc__] == []
