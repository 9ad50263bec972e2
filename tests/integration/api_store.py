"""What an etcd holds: objects, one growing version for all of them, and what happened lately.

Several API servers may stand in front of one Store; they are told of each change while its lock is
held, so that all see the same order. Any thread may call.
"""
import collections
import contextlib
import dataclasses
import threading
import typing

from api_objects import KINDS, SERVICE_NAME, Entry, as_endpoints, stored

HISTORY = 4000  # changes that a watch can be resumed from


@dataclasses.dataclass
class Event:
    version: int
    resource: str
    before: typing.Optional[Entry]
    after: typing.Optional[Entry]
    told: bool               # False: no watch ever hears of it


class Store:
    """`endpoints`: each Service's slices are mirrored as its core Endpoints, as controllers do."""

    def __init__(self, endpoints=False, version=1000):
        self.lock = threading.RLock()
        self.version = version
        self.endpoints = endpoints
        self.objects = {resource: {} for resource in KINDS}
        self.compacted = version      # a watch from before it is too old
        self.history = collections.deque()
        self.snapshots = collections.OrderedDict()
        self.servers = []

    def put(self, resource, obj, told=True, uid=None):
        """Creates or replaces, under a `uid` that it has, was given or is drawn; the new version."""
        kind, meta = KINDS[resource], obj["metadata"]
        key = (meta["namespace"], meta["name"]) if kind.namespaced else ("", meta["name"])
        with self.lock:
            before = self.objects[resource].get(key)
            self.version += 1
            after = Entry(kind, key, self.version, stored(obj, self.version, uid or (before and before.uid)))
            self.objects[resource][key] = after
            self._happened(Event(self.version, resource, before, after, told))
            if resource == "endpointslices" and self.endpoints:
                self._mirror(key[0], {_service_of(before), _service_of(after)})
            return after.version

    def delete(self, resource, namespace, name, told=True):
        with self.lock:
            before = self.objects[resource].pop((namespace, name))
            self.version += 1
            self._happened(Event(self.version, resource, before, None, told))
            if resource == "endpointslices" and self.endpoints:
                self._mirror(namespace, {_service_of(before)})
            return self.version

    def get(self, resource, namespace, name):
        """The object as last put, or None."""
        entry = self.objects[resource].get((namespace, name))
        return entry and entry.object

    def bump(self):
        """Something else in the cluster changed: the version grows, no watched object with it."""
        with self.lock:
            self.version += 1
            return self.version

    @contextlib.contextmanager
    def together(self):
        """What is done within is seen by no request in between."""
        with self.lock:
            yield self

    def _mirror(self, namespace, services):
        for name in services - {None}:
            slices = [e.object for key, e in sorted(self.objects["endpointslices"].items())
                      if key[0] == namespace and _service_of(e) == name]
            if slices:
                self.put("endpoints", as_endpoints(namespace, name, slices))
            elif (namespace, name) in self.objects["endpoints"]:
                self.delete("endpoints", namespace, name)

    def _happened(self, event):
        self.history.append(event)
        if len(self.history) > HISTORY:
            self.compacted = self.history.popleft().version
        for server in self.servers:
            server.happened(event)

    def since(self, version):
        """The changes after `version`, oldest first."""
        found = []
        for event in reversed(self.history):
            if event.version <= version:
                break
            found.append(event)
        return found[::-1]

    def compact(self):
        """Forgets what happened: watches and `continue` from before are too old."""
        with self.lock:
            self.compacted = self.version
            self.history.clear()
            self.snapshots.clear()

    def last_version(self, resource):
        """Of the last change of this resource: how far a 1.20 server's cache of it says it is."""
        for event in reversed(self.history):
            if event.resource == resource:
                return event.version
        return self.compacted

    def snapshot(self):
        """The state now, for pages to come: (version, objects by resource)."""
        with self.lock:
            if self.version not in self.snapshots:
                self.snapshots[self.version] = self.copy()
                while len(self.snapshots) > 30:
                    self.snapshots.popitem(last=False)
            return self.version, self.snapshots[self.version]

    def copy(self):
        with self.lock:
            return {resource: dict(objects) for resource, objects in self.objects.items()}

    def restore(self, version, objects):
        """etcd comes back from a backup, taken as (store.version, store.copy()): the version is lower
        from now on, and every watch is cut, as API servers are restarted with it."""
        with self.lock:
            self.version = self.compacted = version
            self.objects = {resource: dict(kept) for resource, kept in objects.items()}
            self.history.clear()
            self.snapshots.clear()
            for server in self.servers:
                server.cut_all()


def _service_of(entry):
    return entry and entry.object["metadata"].get("labels", {}).get(SERVICE_NAME)
