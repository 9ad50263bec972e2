"""labelSelector and fieldSelector, as an API server judges objects by them.

https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
"""
import re

_SET = re.compile(r"^(?P<key>\S+)\s+(?P<not>not)?in\s*\((?P<values>[^)]*)\)$")
_FIELDS = {"services": ("metadata.name", "metadata.namespace"), "pods": (
    "metadata.name", "metadata.namespace", "status.phase", "spec.nodeName", "status.podIP")}


class BadSelector(Exception):
    """What the server answers 400 with."""


def _parts(text):
    """Cut at the commas that are not within parentheses."""
    return [part.strip() for part in re.split(r",(?![^(]*\))", text) if part.strip()]


def _requirement(part):
    found = _SET.match(part)
    if found:
        values, key = {x.strip() for x in found["values"].split(",")}, found["key"]
        if found["not"]:
            return lambda labels: labels.get(key) not in values
        return lambda labels: labels.get(key) in values
    if "!=" in part:
        key, value = part.split("!=", 1)
        return lambda labels: labels.get(key.strip()) != value.strip()
    if "=" in part:
        key, value = re.split("==?", part, maxsplit=1)
        if "=" in value:
            raise BadSelector("unable to parse requirement: found '=', expected: identifier")
        return lambda labels: labels.get(key.strip()) == value.strip()
    if part.startswith("!"):
        return lambda labels: part[1:].strip() not in labels
    return lambda labels: part in labels


def _field(resource, part):
    key, wanted, value = re.match(r"^([^!=]+)(!=|==?)(.*)$", part).groups()
    known = _FIELDS.get(resource, _FIELDS["services"])
    if key not in known:
        raise BadSelector(f'"{key}" is not a known field selector: only ' +
                          ", ".join(f'"{x}"' for x in known[:2]))

    def matches(obj):
        at = obj
        for step in key.split("."):
            at = at.get(step, {}) if isinstance(at, dict) else {}
        return ((at or "") == value) != (wanted == "!=")
    return matches


def selector(resource, labels="", fields=""):
    """A predicate over objects, or None where all match."""
    by_label = [_requirement(part) for part in _parts(labels)]
    by_field = [_field(resource, part) for part in _parts(fields)]
    if not by_label and not by_field:
        return None

    def matches(obj):
        has = obj["metadata"].get("labels") or {}
        return all(one(has) for one in by_label) and all(one(obj) for one in by_field)
    return matches
