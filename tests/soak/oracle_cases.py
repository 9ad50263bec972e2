"""The oracle itself: what it takes for true, and what not. Times are numbers."""
import cluster
from digests import digest
from harness import check
from model_cluster import Truth, reverse
from model_dns import A, NOERROR, NXDOMAIN, PTR
from model_steps import Touched
from oracle import Oracle

KEY = ("ns-0", "svc-0")
NAME = "svc-0.ns-0.svc.cluster.local"


class Told:
    """A truth that changes, and the oracle that hears of it."""

    def __init__(self):
        self.truth, self.oracle = Truth(), Oracle([])
        self.truth.namespaces.add(KEY[0])
        self.touched = Touched()
        self.touched.keys, self.touched.namespaces = {KEY}, {KEY[0]}

    def put(self, when, ip=None, endpoints=(), exists=True):
        self.truth.services[KEY] = cluster.service(KEY[1], ip, namespace=KEY[0])
        if not exists:
            del self.truth.services[KEY]
        self.truth.slices[KEY] = {"a": cluster.endpoint_slice("a", KEY[1], list(endpoints), namespace=KEY[0])}
        self.oracle.happened(self.truth, self.touched, when)

    def says(self, addresses, sent, received, qname=NAME):
        told = digest(NOERROR, [(None, A, a) for a in addresses]) if addresses else digest(NXDOMAIN, [])
        return self.oracle.may_be((qname, A), told, sent, received)


def run(t):
    with t.case("the oracle takes what was true for true, and nothing else"):
        told = Told()
        told.put(10, "10.96.0.1")
        check(told.says([], 5, 8) and not told.says(["10.96.0.1"], 5, 8), "a Service that was not there yet")
        check(told.says(["10.96.0.1"], 5, 12) and told.says([], 5, 12), "one that came meanwhile")
        told.oracle.settled(20)
        check(not told.says([], 21, 22) and told.says(["10.96.0.1"], 21, 22), "what the server knows by now")
        told.put(30, "10.96.0.2")
        check(told.says(["10.96.0.1"], 40, 41) and told.says(["10.96.0.2"], 40, 41), "what it may not know yet")
        check(not told.says(["10.96.0.1", "10.96.0.2"], 40, 41), "half of each")
        pointer = digest(NOERROR, [(None, PTR, NAME)])
        check(told.oracle.may_be((reverse("10.96.0.1"), PTR), pointer, 40, 41), "a name of its old address")
        told.oracle.settled(50)
        check(not told.oracle.may_be((reverse("10.96.0.1"), PTR), pointer, 51, 52), "and later")
        told.put(60, None, ["10.244.0.1", "10.244.0.2"])
        check(told.says(["10.244.0.1", "10.244.0.2"], 61, 62) and not told.says(["10.244.0.1"], 61, 62), "one endpoint of two")
        # The Service comes by another watch than its endpoints.
        told.oracle.settled(70)
        told.put(80, None, ["10.244.0.3"])
        told.put(81, "10.96.0.3", ["10.244.0.4"])
        check(told.says(["10.244.0.4"], 82, 83), "the new endpoints of what is still headless")
        check(not told.says(["10.96.0.2"], 82, 83), "what was before the last time that all was known")
        # Endpoints that no Service had, as the truth goes, may meet the one that comes.
        told.oracle.settled(90)
        pod = digest(NOERROR, [(None, PTR, f"10-244-0-5.{NAME}")])
        for when, ip, endpoints in ((100, None, ["10.244.0.5"]), (101, None, []), (102, "10.96.0.4", [])):
            told.put(when, ip, endpoints, exists=when > 101)
        check(told.oracle.may_be((reverse("10.244.0.5"), PTR), pod, 103, 104), "a new Service with former endpoints")
        told.oracle.settled(110)
        check(not told.oracle.may_be((reverse("10.244.0.5"), PTR), pod, 111, 112), "and later")
        told.oracle.forget(111)
        check(told.oracle.wanted((NAME, A)) == (NOERROR, {"10.96.0.4"}), "the latest state")
