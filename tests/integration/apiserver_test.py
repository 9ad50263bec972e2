"""The API server does to its client whatever control planes do: each thing by itself.

The server is ours (api_server.py). What must be seen: names stay right, none is missing meanwhile, memory
stays bounded, and the log says once what is wrong. Most of the time goes into waiting for a client that
rightly waits, so the groups run side by side.
"""
import threading

import api_cases_access
import api_cases_faults
import api_cases_truth
from api_certificates import Certificates


def run(t):
    groups = [*api_cases_access.GROUPS, *api_cases_faults.GROUPS, *api_cases_truth.GROUPS]
    if not t.quick:
        groups.insert(0, api_cases_truth.stalled)
    lock = threading.Lock()

    def work(certificates):
        while True:
            with lock:
                if not groups:
                    return
                group = groups.pop(0)
            try:
                group(t, certificates)
            except Exception as error:  # noqa: BLE001 - the other groups still run
                t.fail(group.__name__, f"{type(error).__name__}: {error}")
    with Certificates() as certificates:
        threads = [threading.Thread(target=work, args=(certificates,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
