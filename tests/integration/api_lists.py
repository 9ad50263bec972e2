"""How an API server answers a list: from its cache or from etcd, whole or in pages.

https://kubernetes.io/docs/reference/using-api/api-concepts/#semantics-for-get-and-list: resourceVersion
unset is the truth, "0" whatever the cache has, another at least that. Only the truth comes in pages.
"""
import base64
import dataclasses
import json
import typing

from api_objects import KINDS

METADATA = "as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
CONTINUE_TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new "
    "list without the continue parameter, or use the continue token in this response to retrieve the "
    "remainder of the results. Continuing with the provided token results in an inconsistent list - objects "
    "that were created, modified, or deleted between the time the first chunk was returned and now may show "
    "up in the list.")


@dataclasses.dataclass
class Asked:
    resource: str
    shape: str                 # as api_objects.Entry.text() takes it
    matches: typing.Callable   # of an object; None: all


def answer(server, exchange, asked):
    params = exchange.params
    version, limit, match = (params.get(key, "") for key in (
        "resourceVersion", "limit", "resourceVersionMatch"))
    if match and not version:
        return server.refuse_invalid(exchange, "resourceVersionMatch",
                                     "resourceVersionMatch is forbidden unless resourceVersion is provided")
    if params.get("continue"):
        return _next_page(server, exchange, asked, params["continue"])
    if match == "Exact":
        return _exact(server, exchange, asked, int(version))
    if version and (version == "0" or not limit):
        return _from_cache(server, exchange, asked, int(version))
    store = server.store
    with store.lock:
        if version and int(version) > store.version:
            return server.refuse_too_large(exchange, version, store.version)
        at, objects = store.snapshot()
    return _page(server, exchange, asked, objects[asked.resource], at, int(limit or 0))


def _from_cache(server, exchange, asked, version):
    """The cache ignores `limit`."""
    if not server.fresh(exchange, asked.resource, version):
        return
    with server.store.lock:
        at = server.version_of(asked.resource)
        entries = dict((server.cache[1] if server.cache else server.store.objects)[asked.resource])
    _page(server, exchange, asked, entries, at, 0)


def _exact(server, exchange, asked, version):
    objects = server.store.snapshots.get(version)
    if objects is None:
        exchange.refuse(410, "Expired", "The resourceVersion for the provided list is too old.")
    else:
        limit = int(exchange.params.get("limit") or 0)
        _page(server, exchange, asked, objects[asked.resource], version, limit)


def _next_page(server, exchange, asked, token):
    try:
        at = json.loads(base64.b64decode(token + "=="))
    except ValueError:
        exchange.refuse(400, "BadRequest", "invalid continue token: continue key is not valid")
        return
    namespace, _, name = at["start"].rstrip("\0").rpartition("/")
    with server.store.lock:
        version, objects = at["rv"], server.store.snapshots.get(at["rv"])
        if version == -1:
            version, objects = server.store.snapshot()
    if objects is None:
        exchange.refuse(410, "Expired", CONTINUE_TOO_OLD, metadata={"continue": _token(-1, (namespace, name))})
        return
    rest = {key: entry for key, entry in objects[asked.resource].items() if key > (namespace, name)}
    _page(server, exchange, asked, rest, version, int(exchange.params.get("limit") or 0))


def _page(server, exchange, asked, entries, version, limit):
    """At most `limit` (0: all) of the entries that match, and where to go on."""
    kind, shape = KINDS[asked.resource], asked.shape
    found = [] if exchange.empty else [
        e for _, e in sorted(entries.items()) if not asked.matches or asked.matches(e.object)]
    metadata = {"resourceVersion": str(version)}
    if limit and len(found) > limit:
        found = found[:limit]
        metadata["continue"] = _token(version, found[-1].key)
    api_version, name = kind.api_version(shape), f"{kind.kind}List"
    if METADATA in exchange.headers.get("accept", "") and server.metadata_lists:
        shape, api_version, name = "metadata", "meta.k8s.io/v1", "PartialObjectMetadataList"
    head = json.dumps({"kind": name, "apiVersion": api_version, "metadata": metadata}, separators=(",", ":"))
    exchange.respond(200, head[:-1] + ',"items":[' + ",".join(e.text(shape) for e in found) + "]}\n")


def _token(version, key):
    at = {"v": "meta.k8s.io/v1", "rv": version, "start": "/".join(filter(None, key)) + "\0"}
    return base64.b64encode(json.dumps(at, separators=(",", ":")).encode()).decode().rstrip("=")
