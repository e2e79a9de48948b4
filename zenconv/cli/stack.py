"""``zenconv stack``: the stacks there are, what each is made of, and keys for shared ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from zenconv.cli.options import CommonOptions, common_options, json_option
from zenconv.cli.output import escape, print_json, print_line, print_note, print_table, style

if TYPE_CHECKING:
    from zenconv.settings.settings import Settings, StackSettings


@click.command()
@click.argument("arguments", nargs=-1, metavar="[NAME | trust NAME]")
@json_option
@common_options
def command(common: CommonOptions, arguments: tuple[str, ...], as_json: bool) -> None:
    """List stacks and their components; make signing keys.

    \b
    zenconv stack              every stack in one line
    zenconv stack NAME         the components of one, and where each is written
    zenconv stack trust NAME   make a signing key for a stack whose store is shared
    """  # noqa: D301 - click takes the backspace for "leave these lines as they are"
    settings = common.load_settings()
    if len(arguments) == 2 and arguments[0] == "trust":
        _make_key(_find(settings, arguments[1]), as_json=as_json)
    elif len(arguments) > 1:
        from zenconv.errors import UsageError

        raise UsageError(f"unexpected argument {arguments[1]!r}", hint="zenconv stack [NAME | trust NAME]")
    elif arguments:
        _show(_find(settings, arguments[0]), settings, as_json=as_json)
    else:
        _list(settings, as_json=as_json)


def _find(settings: Settings, name: str) -> StackSettings:
    from zenconv.errors import UsageError, did_you_mean

    if name in settings.stacks:
        return settings.stacks[name]
    raise UsageError(f"there is no stack {name!r}", hint=did_you_mean(name, settings.stacks))


def _list(settings: Settings, *, as_json: bool) -> None:
    stacks = [describe(stack, settings) for stack in settings.stacks.values()]
    if as_json:
        print_json({"stacks": stacks})
        return
    rows = [
        (
            f"* {s['name']}" if s["active"] else f"  {s['name']}",
            s["components"]["orchestrator"]["id"],
            _store_text(s["components"]["artifact_store"]),
            s["components"]["metadata_store"]["id"],
            s["trust"]["mode"],
        )
        for s in stacks
    ]
    print_table(rows, ["stack", "orchestrator", "artifact store", "metadata store", "trust"])


def _store_text(store: Mapping[str, Any]) -> str:
    options = store["options"]
    return str(options.get("url") or options.get("path") or store["id"])


def _show(stack: StackSettings, settings: Settings, *, as_json: bool) -> None:
    described = describe(stack, settings)
    if as_json:
        print_json(described)
        return
    rows = []
    for kind, component in described["components"].items():
        options = ", ".join(f"{name} = {value}" for name, value in component["options"].items())
        rows.append((kind.replace("_", " "), component["id"], options, component["origin"]))
    rows += [("tracker", tracker["id"], "", tracker["origin"]) for tracker in described["trackers"]]
    trust = described["trust"]
    rows.append(("trust", trust["mode"], f"key = {trust['key']}" if trust["key"] else "", trust["origin"]))
    print_line(style(escape(stack.name), "bold") + ("  (in use)" if described["active"] else ""))
    print_table(rows, ["kind", "component", "options", "origin"])


def describe(stack: StackSettings, settings: Settings) -> dict[str, Any]:
    """Return a stack as plain data: what it is made of, defaults included, secrets as references."""
    from zenconv.settings.settings import COMPONENT_KINDS
    from zenconv.stack.assemble import choose_component, choose_trust_mode

    components = {}
    for kind in COMPONENT_KINDS:
        chosen = choose_component(stack, kind)
        if chosen is not None:
            components[kind] = {"id": chosen.id, "options": dict(chosen.options), "origin": chosen.where}
    key = stack.trust.key if not stack.trust.key or "${env:" in stack.trust.key else "***"
    return {
        "name": stack.name,
        "active": stack.name == settings.stack.name,
        "origin": stack.where or "default",
        "components": components,
        "trackers": [{"id": t.id, "origin": t.where} for t in stack.trackers],
        "trust": {"mode": choose_trust_mode(stack), "key": key, "origin": stack.trust.where or "default"},
    }


def _make_key(stack: StackSettings, *, as_json: bool) -> None:
    import secrets

    from zenconv.settings.secrets import find_references
    from zenconv.stack.assemble import KEY_VARIABLE

    named = list(find_references(stack.trust.key))
    variable = named[0] if named else KEY_VARIABLE
    key = secrets.token_urlsafe(32)
    line = f'trust = {{mode = "signed", key = "${{env:{variable}}}"}}'
    if as_json:
        print_json({"stack": stack.name, "variable": variable, "key": key, "setting": line})
        return
    print_note(
        "A new signing key. It is shown once and stored nowhere; whoever has it can sign for this stack."
    )
    if not named:
        print_note(f"1. In the configuration, below [tool.zenconv.stacks.{stack.name}]:\n\n    {line}\n")
    print_note(f"{'2. W' if not named else 'W'}herever the stack is used (shell profile, CI secret):\n")
    print_line(f"export {variable}={key}")
