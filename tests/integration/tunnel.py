"""TCP from one port to another of 127.0.0.1, which a test opens and shuts. Knows no protocol."""
import contextlib
import socket
import threading


class Tunnel:
    """Shut, it refuses connections; cut() ends those that are open and lets new ones in."""

    def __init__(self, port, to_port):
        self.port, self.to_port = port, to_port
        self._sockets, self._listening, self._lock = set(), None, threading.Lock()

    def __enter__(self):
        self.open()
        return self

    def __exit__(self, *_):
        self.shut()

    def open(self):
        self._listening = sock = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(sock,), daemon=True).start()

    def shut(self):
        with self._lock:
            sock, self._listening = self._listening, None
        if sock:
            sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        self.cut()

    def cut(self):
        with self._lock:
            for sock in self._sockets:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)

    def _accept(self, listening):
        while True:
            try:
                near, _ = listening.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.to_port))
            except OSError:
                near.close()
                continue
            with self._lock:
                if self._listening is not listening:
                    near.close()
                    far.close()
                    return
                self._sockets |= {near, far}
            threading.Thread(target=self._relay, args=(near, far), daemon=True).start()

    def _relay(self, near, far):
        back = threading.Thread(target=_pass_on, args=(far, near), daemon=True)
        back.start()
        _pass_on(near, far)
        back.join()
        with self._lock:
            self._sockets -= {near, far}
            near.close()
            far.close()


def _pass_on(source, sink):
    """Until either side ends; then both do."""
    with contextlib.suppress(OSError):
        while octets := source.recv(65536):
            sink.sendall(octets)
    for sock in (source, sink):
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
