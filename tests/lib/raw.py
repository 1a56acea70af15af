"""An upload over a bare socket, for what a polite HTTP client never does: stopping midway, dribbling, leaving."""

import http.client
import secrets
import socket
import urllib.parse

import harness  # noqa: F401  (finds deploy/)
import api_client


class RawUpload:
    """Sends the head at once, and the body piece by piece as told."""

    def __init__(self, url, token, provider, month, *, length=None, key=None, media_type="text/csv"):
        parts = urllib.parse.urlsplit(url)
        self.key = key or secrets.token_hex(16)
        self.chunked = length is None
        self.socket = socket.create_connection((parts.hostname, parts.port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        framing = "Transfer-Encoding: chunked" if self.chunked else f"Content-Length: {length}"
        self.socket.sendall(
            f"POST /v1/providers/{provider}/months/{month}/submissions HTTP/1.1\r\nHost: {parts.netloc}\r\n"
            f"Authorization: Bearer {token}\r\nContent-Type: {media_type}\r\nIdempotency-Key: {self.key}\r\n"
            f"{framing}\r\n\r\n".encode())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def piece(self, data):
        if self.chunked:
            data = f"{len(data):x}\r\n".encode() + data + b"\r\n"
        self.socket.sendall(data)

    def end(self):
        if self.chunked:
            self.socket.sendall(b"0\r\n\r\n")

    def answer(self, seconds=60):
        """(status, whole answer) or (None, b"") when the server closed without one."""
        self.socket.settimeout(seconds)
        text = b""
        try:
            while b"\r\n\r\n" not in text or len(text) < self._whole(text):
                got = self.socket.recv(65536)
                if not got:
                    break
                text += got
        except ConnectionResetError:
            pass
        return (int(text.split(b" ", 2)[1]), text) if text else (None, b"")

    @staticmethod
    def _whole(text):
        head, _, _ = text.partition(b"\r\n\r\n")
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                return len(head) + 4 + int(value)
        return len(head) + 4

    def close(self):
        self.socket.close()


def parse_answer(connection):
    """Reads one HTTP answer from a socket as an api_client.Reply."""
    connection.settimeout(60)
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    return api_client.Reply(answer.status, answer.headers, answer.read())
