"""HTTP as uvicorn speaks it, with an end to the headers it is willing to read."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from server.gate import LARGEST_HEAD_BYTES

_MOST_BYTES = 2 * LARGEST_HEAD_BYTES
"""More than the gate lets in, so that who is only a little over learns why."""

_ANSWER = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-type: text/plain; charset=utf-8\r\n"
    b"content-length: 0\r\n"
    b"connection: close\r\n\r\n"
)


class BoundedHeadProtocol(HttpToolsProtocol):
    """Hangs up on a client whose headers do not end: the parser would keep all of them."""

    _is_in_head = True
    _head_bytes = 0

    @property
    def is_in_head(self) -> bool:
        """Whether what comes next belongs to a request's headers."""
        return self._is_in_head

    def data_received(self, data: bytes) -> None:
        if self._is_in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._is_in_head and self._head_bytes > _MOST_BYTES and not self.transport.is_closing():
            self.transport.write(_ANSWER)
            self.transport.close()

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._is_in_head, self._head_bytes = True, 0
