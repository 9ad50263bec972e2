"""Which answers are true of a cluster that changes: of some state between the query and the reply.

A state is one version of each object, any that was the latest at some moment of that time, or that the
server had not yet been seen to know of when the query was sent. Objects of different resources come by
watches of their own, so each of them may be ahead. `happened()` says what was changed and when, before
any answer of that time is judged; `settled()` that the server knows it all. Times are nanoseconds of
time.monotonic_ns(). Knows no server. One thread.
"""
import functools
import itertools

import model_steps
from digests import digest
from model_cluster import MISSING, NODATA, ZONE, Records, label_of, reverse
from model_dns import A, AAAA, CNAME, NOERROR, NXDOMAIN, PTR, SERVFAIL, SRV
from outside import says

KEYS = [(ns, name) for ns in model_steps.NAMESPACES for name in model_steps.SERVICES]
ADDRESSES = [a for pools in (model_steps.POD_ADDRESSES, model_steps.CLUSTER_IPS)
             for pool in pools.values() for a in pool]
# Of the labels that addresses make, some: there are too many to ask for all.
LABELS = model_steps.HOSTNAMES + [a.replace(".", "-").replace(":", "-") for pool in model_steps.POD_ADDRESSES.values()
                                  for a in pool[:5]]
FOREVER = 1 << 62
MOST_STATES = 5000


class Unknown(Exception):
    """There are too many states to try."""


class Versions:
    """Of one object: what it was, and from when to when that may be answered."""

    def __init__(self, value):
        self.values, self.begins, self.ends = [value], [0], [FOREVER]

    @property
    def latest(self):
        return self.values[-1]

    def add(self, value, when):
        self.values.append(value)
        self.begins.append(when)
        self.ends.append(FOREVER)

    def settled(self, until):
        for i in range(len(self.values) - 1):
            self.ends[i] = min(self.ends[i], until)

    def forget(self, before):
        while len(self.values) > 1 and self.ends[0] < before:
            for of in (self.values, self.begins, self.ends):
                of.pop(0)

    def between(self, sent, received):
        return [value for value, begin, end in zip(self.values, self.begins, self.ends)
                if begin <= received and end >= sent]


class Hashed:
    """An object of the API by identity, so that Records made of it can be kept."""

    def __init__(self, obj):
        self.obj = obj


@functools.lru_cache(maxsize=20_000)
def records(service, slices):
    return Records(service.obj, [one.obj for one in slices])


def _addresses(found, qtype):
    return NOERROR, [(None, qtype, a) for a in found if (":" in a) == (qtype == AAAA)]


class Question:
    """Of a Service. `answer` takes its Records, None where it does not exist or is hidden."""

    def __init__(self, qname, qtype, key, answer):
        self.qname, self.qtype, self.key, self.answer = qname, qtype, key, answer


def of_service(key, qtype):
    base = f"{key[1]}.{key[0]}.svc.{ZONE}"

    def answer(found):
        if not found:
            return MISSING
        if found.kind == "external":
            more = [(found.target, A, a) for a in says(found.target, qtype)[1]] if qtype != CNAME else []
            return NOERROR, [(None, CNAME, found.target), *more]
        if qtype == SRV:
            return NOERROR, [(None, SRV, x) for x in found.srv(base)]
        return NODATA if qtype == CNAME else _addresses(found.addresses, qtype)
    return Question(base, qtype, key, answer)


def of_port(key, name):
    base = f"{key[1]}.{key[0]}.svc.{ZONE}"

    def answer(found):
        targets = found.srv(base, name, "tcp") if found and found.kind != "external" else ()
        return (NOERROR, [(None, SRV, x) for x in targets]) if targets else MISSING
    return Question(f"_{name}._tcp.{base}", SRV, key, answer)


def of_endpoint(key, label):
    qtype = AAAA if label.startswith("fd00") else A

    def answer(found):
        has = found.labels.get(label) if found else None
        return _addresses(has, qtype) if has else MISSING
    return Question(f"{label}.{key[1]}.{key[0]}.svc.{ZONE}", qtype, key, answer)


def questions_of(key):
    return [*(of_service(key, qtype) for qtype in (A, AAAA, SRV, CNAME)),
            *(of_port(key, name) for name, _ in model_steps.PORTS), *(of_endpoint(key, label) for label in LABELS)]


def contribution(key, address, found):
    """What a Service has to say of an address: (whether it is its cluster IP, names)."""
    base = f"{key[1]}.{key[0]}.svc.{ZONE}"
    if address in found.cluster_ips:
        return True, frozenset([base])
    return False, frozenset(f"{label}.{base}" for label, has in found.labels.items() if address in has)


def _pointers(contributions):
    """A cluster IP has one name, an endpoint one for each of its labels."""
    own = [names for is_cluster_ip, names in contributions if is_cluster_ip]
    names = own[0] if own else frozenset().union(*(names for _, names in contributions))
    return (NOERROR, [(None, PTR, name) for name in sorted(names)]) if names else MISSING


class Oracle:
    """Of the questions of model_steps' cluster, and of others that never change."""

    def __init__(self, fixed):
        """`fixed`: ((qname, qtype), (rcode, records)) as digests.digest() takes them."""
        self.namespaces = {ns: Versions(False) for ns in model_steps.NAMESPACES}
        self.services = {key: Versions(None) for key in KEYS}
        self.slices = {key: {} for key in KEYS}        # name -> Versions
        self.holders = {a: set() for a in ADDRESSES}   # the Services that have it, or had it lately
        self.moving = set()                            # Versions that have more than one value
        self.dirty_keys, self.dirty_namespaces = set(), set()
        self.fixed = dict(fixed)
        self.questions = [q for key in KEYS for q in questions_of(key)]
        self.of_namespace = {f"{ns}.svc.{ZONE}": ns for ns in self.namespaces}
        self.of_address = {reverse(a): a for a in ADDRESSES}
        self.asked = [(q.qname, q.qtype) for q in self.questions] + [(n, A) for n in self.of_namespace] + \
            [(n, PTR) for n in self.of_address] + [question for question, _ in fixed]  # some of these more than once
        self.by_question = {(q.qname, q.qtype): q for q in self.questions}
        self.by_key = {key: [q for q in self.questions if q.key == key] for key in KEYS}
        self.changed = dict.fromkeys([*KEYS, *self.namespaces], 0)  # when they did so last
        self._now = {}  # question -> (digest, answer, since when) of the latest state

    # What happens

    def happened(self, truth, touched, when):
        """The objects of the truth (model_cluster.Truth) are what they are since `when`."""
        for ns in touched.namespaces:
            if self._add(self.namespaces[ns], ns in truth.namespaces, when):
                self.dirty_namespaces.add(ns)
                self.changed[ns] = when
                for key in (key for key in KEYS if key[0] == ns):
                    self._dirty(key, when)
        for key in touched.keys:
            changed = self._add(self.services[key], truth.services.get(key), when, wrap=True)
            has = truth.slices.get(key, {})
            for name in {*has, *self.slices[key]}:
                versions = self.slices[key].setdefault(name, Versions(None))
                changed = self._add(versions, has.get(name), when, wrap=True) or changed
            if changed:
                self._dirty(key, when)

    def everything(self, truth, when):
        touched = model_steps.Touched()
        touched.namespaces, touched.keys = set(self.namespaces), set(KEYS)
        self.happened(truth, touched, when)

    def _add(self, versions, value, when, wrap=False):
        latest = versions.latest
        if value == (latest.obj if isinstance(latest, Hashed) else latest):
            return False
        versions.add(Hashed(value) if wrap and value is not None else value, when)
        self.moving.add(versions)
        return True

    def _dirty(self, key, when):
        self.dirty_keys.add(key)
        self.changed[key] = when
        for question in self.by_key[key]:
            self._now.pop((question.qname, question.qtype), None)
        self._now.pop((f"{key[0]}.svc.{ZONE}", A), None)
        for address in self._held(key):
            self.holders[address].add(key)
        for address, holders in self.holders.items():
            if key in holders:
                self._now.pop((reverse(address), PTR), None)

    def unsettled(self):
        """The questions whose answers the server has to know before settled() may be called."""
        found = [(q.qname, q.qtype) for key in self.dirty_keys for q in self.by_key[key]]
        found += [(f"{ns}.svc.{ZONE}", A) for ns in self.dirty_namespaces]
        return found + [(reverse(a), PTR) for a, holders in self.holders.items() if not self.dirty_keys.isdisjoint(holders)]

    def settled(self, until):
        """Who asks after `until` may not be told anything older than the latest."""
        for versions in self.moving:
            versions.settled(until)
        self.dirty_keys, self.dirty_namespaces = set(), set()

    def forget(self, before):
        """No query sent before that will be judged any more."""
        for versions in list(self.moving):
            versions.forget(before)
            if len(versions.values) == 1:
                self.moving.discard(versions)
        still = [key for key in KEYS if self.moving.isdisjoint([self.services[key], *self.slices[key].values()])]
        for key in still:
            held = self._held(key)
            self.slices[key] = {name: v for name, v in self.slices[key].items() if v.latest is not None}
            for address, holders in self.holders.items():
                if address not in held:
                    holders.discard(key)

    def _held(self, key):
        """The addresses of its objects as they are, whether or not they make an answer together."""
        service, slices = self.services[key].latest, [v.latest for v in self.slices[key].values()]
        found = {a for one in slices if one for e in one.obj["endpoints"] or [] for a in e["addresses"]}
        return found | {a for a in (service.obj["spec"].get("clusterIPs") or [] if service else []) if a != "None"}

    # What is true

    def _latest(self, key, hidden=False):
        service = self.services[key].latest
        if service is None:
            return None
        slices = [v.latest for v in self.slices[key].values()]
        found = records(service, tuple(x for x in slices if x is not None))
        return found if hidden else self._visible(found, self.namespaces[key[0]].latest)

    @staticmethod
    def _visible(found, namespace):
        return found if namespace and (found.kind != "headless" or found.endpoints) else None

    def now(self, question):
        """The digest of the latest state, and since when that is."""
        found = self._kept(question)
        return found[0], found[2]

    def wanted(self, question):
        """The latest state as model_dns.parse() gives it."""
        rcode, found = self._kept(question)[1]
        return rcode, {value for _, _, value in found}

    def _kept(self, question):
        if question not in self._now:
            answer, keys = self._latest_answer(question)
            self._now[question] = digest(*answer), answer, max((self.changed[k] for k in keys), default=0)
        return self._now[question]

    def _latest_answer(self, question):
        """The answer, and what it depends on."""
        if question in self.fixed:
            return self.fixed[question], []
        if question in self.by_question:
            asked = self.by_question[question]
            return asked.answer(self._latest(asked.key)), [asked.key]
        if question[1] == PTR:
            address = self.of_address[question[0]]
            having = [(key, self._latest(key, hidden=True)) for key in self.holders[address]]
            return (_pointers([contribution(key, address, found) for key, found in having if found]),
                    self.holders[address])
        ns = self.of_namespace[question[0]]
        return NODATA if self.namespaces[ns].latest else MISSING, [ns]

    def guess(self, question, said):
        """What an answer that was not true may have said, for who reads the complaint."""
        for rcode, text in ((NXDOMAIN, "NXDOMAIN"), (SERVFAIL, "SERVFAIL"), (NOERROR, "NODATA")):
            if said == digest(rcode, []):
                return text
        if question[1] == PTR:
            return self._guess_names(self.of_address[question[0]], said)
        if question in self.by_question:
            asked = self.by_question[question]
            for service in self.services[asked.key].values:
                for chosen in itertools.product(*(v.values for v in self.slices[asked.key].values())):
                    state = service and records(service, tuple(x for x in chosen if x is not None))
                    if digest(*asked.answer(state)) == said:
                        return "an older answer"
        return "another answer"

    def _guess_names(self, address, said):
        names = {f"{key[1]}.{key[0]}.svc.{ZONE}" for key in KEYS}
        for key in self.holders[address]:
            base = f"{key[1]}.{key[0]}.svc.{ZONE}"
            names |= {f"{label}.{base}" for label in (*model_steps.HOSTNAMES, label_of({}, address))}
        for count in (1, 2, 3):
            for some in itertools.combinations(sorted(names), count):
                if digest(NOERROR, [(None, PTR, name) for name in some]) == said:
                    return ", ".join(some)
        return "another answer"

    def _states(self, key, sent, received):
        """The Records that a Service may have been, hidden or not: a set, with None for its absence."""
        slices = [v.between(sent, received) for v in self.slices[key].values()]
        services = self.services[key].between(sent, received)
        count = len(services)
        for of in slices:
            count *= len(of)
        if count > MOST_STATES:
            raise Unknown
        return {None if service is None else records(service, tuple(x for x in chosen if x is not None))
                for service in services for chosen in itertools.product(*slices)}

    def may_be(self, question, said, sent, received):
        """Whether an answer with that digest was true."""
        if question in self.fixed:
            return self.now(question)[0] == said
        if question in self.by_question:
            asked = self.by_question[question]
            seen = {state and self._visible(state, ns) for state in self._states(asked.key, sent, received)
                    for ns in self.namespaces[asked.key[0]].between(sent, received)}
            return any(digest(*asked.answer(state)) == said for state in seen)
        if question[1] == PTR:
            return self._may_point(self.of_address[question[0]], said, sent, received)
        return any(digest(*(NODATA if ns else MISSING)) == said
                   for ns in self.namespaces[self.of_namespace[question[0]]].between(sent, received))

    def _may_point(self, address, said, sent, received):
        owners, unions = set(), {frozenset()}
        for key in self.holders[address]:
            states = self._states(key, sent, received)
            options = {contribution(key, address, s) if s else (False, frozenset()) for s in states}
            owners |= {names for is_cluster_ip, names in options if is_cluster_ip}
            unions = {all_so_far | names for all_so_far in unions
                      for is_cluster_ip, names in options if not is_cluster_ip}
            if len(unions) > MOST_STATES:
                raise Unknown
        # An address may be of two Services at once in no state that was, but on the way between two.
        return any(digest(*_pointers([(True, names)])) == said for names in owners) or \
            any(digest(*_pointers([(False, names)])) == said for names in unions)
