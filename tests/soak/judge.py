"""Holds what the clients were told against the oracle.

To be called when the oracle has heard of every change so far. Knows no server. One thread.
"""
import collections

from clients import LOST, MALFORMED, RECORD, TCP, TRUNCATED, UNASKED
from digests import digest
from model_dns import A, AAAA, CNAME, NXDOMAIN, PTR, SERVFAIL, SRV
from oracle import Unknown
from outside import says

FAILED = digest(SERVFAIL, [])
CACHED, FRESH = 300, 40  # names that are asked again and again; shares of names that never are


def _typed(qtype, values):
    """The values of model_dns.parse() as digests.digest() takes them."""
    return [(None, qtype, value) for value in values]


def outside_questions(stable):
    """((qname, qtype), (rcode, records)) of what never changes: in the cluster, and outside of it. A name
    with a * is another one each time."""
    found = [((qname, qtype), (rcode, _typed(qtype, values))) for (qname, qtype), (rcode, values) in stable]
    found += [((f"nope.{ns}svc.cluster.local", A), (NXDOMAIN, [])) for ns in ("", "stable.", "ns-0.")]
    found += [(("*.stable.svc.cluster.local", qtype), (NXDOMAIN, [])) for qtype in (A, AAAA, SRV, CNAME)]
    found += [(("9.255.10.10.in-addr.arpa", PTR), (NXDOMAIN, []))]
    names = [f"c{i}.cached.example" for i in range(CACHED)] + [f"c{i}.slow.example" for i in range(4)] + \
        [f"b{i}.big.example" for i in range(4)] + ["*.nx.example"] * FRESH + ["*.fresh.example"] * FRESH
    for name in names:
        for qtype in (A, AAAA):
            rcode, values = says(name, qtype)
            found.append(((name, qtype), (rcode, _typed(qtype, values))))
    return found


class Judge:
    """`patient`: SERVFAIL for a name outside is counted apart, since the server may be too slow for its upstream."""

    def __init__(self, oracle, patient=False):
        self.oracle, self.asked, self.chunks = oracle, oracle.asked, collections.deque()
        self.patient, self.failed = patient, 0
        self.checked = self.wrong = self.lost = self.unjudged = self.over_tcp = self.truncated = 0
        self.seen = bytearray(len(self.asked))
        self.complaints = []
        self.doing = lambda when: ""  # what went on then

    def __call__(self):
        while self.chunks:
            for record in RECORD.iter_unpack(self.chunks.popleft()):
                self._judge(*record)

    def _judge(self, number, flags, said, sent, received):
        if flags not in (0, TCP):
            self._no_answer(number, flags, sent, received)
            return
        self.checked += 1
        self.over_tcp += flags
        self.seen[number] = 1
        question = self.asked[number]
        # Most often it is the latest state, which had begun before the reply.
        latest, since = self.oracle.now(question)
        if said == latest and since <= received:
            return
        if self.patient and said == FAILED and question[0].endswith(".example"):
            self.failed += 1
            return
        try:
            if not self.oracle.may_be(question, said, sent, received):
                self.wrong += 1
                self._complain(f"was not true ({self.oracle.guess(question, said)})", number, flags, sent, received)
        except Unknown:
            self.unjudged += 1

    def _no_answer(self, number, flags, sent, received):
        if flags & TRUNCATED:
            self.truncated += 1
        elif flags & LOST:
            self.lost += 1
            self._complain("had no reply", number, flags, sent, received)
        else:
            assert flags & (MALFORMED | UNASKED)
            self.wrong += 1
            self._complain("was malformed" if flags & MALFORMED else "was not asked", number, flags, sent, received)

    def _complain(self, what, number, flags, sent, received):
        if len(self.complaints) < 10:
            qname, qtype = self.asked[number]
            self.complaints.append(f"{qname} {qtype}{' over TCP' if flags & TCP else ''} {what}, "
                                   f"{(received - sent) / 1e6:.1f} ms after it was asked, at {sent / 1e9:.3f}; "
                                   f"then: {self.doing(sent)}")
            print(f"   {self.complaints[-1]}", flush=True)

    def shown(self):
        return "; ".join(self.complaints)

    def never_answered(self):
        return [question for question, seen in zip(self.asked, self.seen) if not seen]
