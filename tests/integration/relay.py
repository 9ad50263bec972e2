"""Stands between a real client and the server and keeps the octets that pass, both ways."""
import socket
import threading

import wire


class Relay:
    """UDP and TCP on one port of 127.0.0.1. `pairs` is [(query, reply or None, over TCP)]."""

    def __init__(self, address, port):
        self.server, self.pairs, self._closing = (address, port), [], False

    def __enter__(self):
        while True:  # until a port is free for both
            self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._udp.bind(("127.0.0.1", 0))
            self.port = self._udp.getsockname()[1]
            try:
                self._tcp = socket.create_server(("127.0.0.1", self.port))
                break
            except OSError:
                self._udp.close()
        for work in (self._relay_udp, self._relay_tcp):
            threading.Thread(target=work, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._closing = True
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", ("127.0.0.1", self.port))  # wakes the thread that reads
        self._tcp.shutdown(socket.SHUT_RDWR)
        self._udp.close()
        self._tcp.close()

    def take(self):
        """What passed since the last call."""
        pairs, self.pairs = self.pairs, []
        return pairs

    def _relay_udp(self):
        while not self._closing:
            try:
                query, peer = self._udp.recvfrom(65535)
                if self._closing:
                    return
                reply = wire.ask_udp(*self.server, query)
                self.pairs.append((query, reply, False))
                if reply is not None:
                    self._udp.sendto(reply, peer)
            except OSError:
                return

    def _relay_tcp(self):
        while not self._closing:
            try:
                client, _ = self._tcp.accept()
            except OSError:
                return
            with client:
                client.settimeout(5)
                query = wire.read_frame(client)
                if query is not None:
                    reply = wire.ask_tcp(*self.server, query)
                    self.pairs.append((query, reply, True))
                    if reply is not None:
                        client.sendall(wire.frame(reply))
