"""TLS without a transport: ciphertext in and out as bytes, so that the socket stays ours.

Reading the raw socket ourselves keeps the kernel's receive stamp of the very segment that
completed a TLS record.
"""

import ssl

READ_BYTES = 1 << 18


class TlsSession:
    """One TLS conversation over two memory buffers."""

    __slots__ = ("_incoming", "_object", "_outgoing", "is_open")

    def __init__(
        self, context: ssl.SSLContext, *, server_side: bool, server_name: str | None = None
    ) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._object = context.wrap_bio(
            self._incoming, self._outgoing, server_side=server_side, server_hostname=server_name
        )
        self.is_open = False

    def handshake(self) -> bytes:
        """Advance the handshake; the ciphertext to send. ``is_open`` turns true at its end.

        Raises ssl.SSLError (a certificate that does not verify, no shared protocol).
        """
        try:
            self._object.do_handshake()
            self.is_open = True
        except ssl.SSLWantReadError:
            pass
        return self._outgoing.read()

    def receive(self, ciphertext: bytes) -> None:
        """Take what the socket delivered."""
        self._incoming.write(ciphertext)

    def read(self) -> bytes:
        """All plaintext that is complete by now; empty when a record is still partial."""
        parts: list[bytes] = []
        while True:
            try:
                part = self._object.read(READ_BYTES)
            except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
                break
            if not part:
                break
            parts.append(part)
        return b"".join(parts)

    def encrypt(self, plaintext: bytes) -> bytes:
        """The ciphertext that carries ``plaintext``."""
        self._object.write(plaintext)
        return self._outgoing.read()

    def pending_output(self) -> bytes:
        """Ciphertext that the protocol itself wants sent (tickets, key updates)."""
        return self._outgoing.read()
