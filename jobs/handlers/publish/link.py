"""One connection to a destination's broker, used by one thread at a time.

kombu and its drivers block; every socket here has a time limit, so that a frozen broker gives the
thread back. kombu's own reconnecting is not used: it sleeps, and it would send again what may have
arrived.
"""

import contextlib
import select
import ssl
import time
from typing import Any
from urllib.parse import urlsplit

import kombu
from kombu.exceptions import OperationalError

from jobs.handlers.publish.delivery import Receipt, deliver
from jobs.handlers.publish.destinations import Destination
from jobs.handlers.publish.message import Message
from jobs.handlers.publish.sending import OutOfTime, Sending

CONNECT = 5.0  # seconds, for a connection and for each step of its opening
FAREWELL = 0.2  # seconds
ANSWER = 10.0  # seconds, for each answer of the broker


class Link:
    """Opened by the first message, and good until an error; then close it and take another."""

    def __init__(self, destination: Destination) -> None:
        self._destination = destination
        self._amqp = urlsplit(destination.url).scheme.startswith("amqp")
        self._channel: Any = None
        self._connection: kombu.Connection | None = None
        # The driver's own. kombu's property of that name would connect anew, sleeping in between.
        self._raw: Any = None
        self.used = 0.0  # monotonic; when the last message was sent

    def send(self, message: Message, routing_key: str, sending: Sending) -> Receipt:
        """Send one message and wait until the broker has it.

        Raises OutOfTime, and what kombu, py-amqp, redis-py and sockets raise; then the link is
        of no more use. `sending` is told when the message may have left.
        """
        if self._channel is None:
            self._open(sending.remaining())
        self._limit(sending.remaining())
        sending.begin()
        receipt = deliver(self._channel, self._destination.target, message, routing_key)
        self.used = time.monotonic()
        return receipt

    def is_alive(self) -> bool:
        """Tell whether the broker has kept the connection, as far as is known without asking."""
        if self._connection is None or not self._connection.connected:
            return False
        if not self._amqp:
            return True  # redis-py looks before each command, and connects anew
        # A publisher is sent nothing on its own account but farewells.
        poll = select.poll()
        poll.register(self._amqp_socket(), select.POLLIN)
        return not poll.poll(0)

    def close(self) -> None:
        """Close the connection; an error of that is nobody's business."""
        connection = self._let_go()
        if connection is not None:
            with contextlib.suppress(Exception):
                connection.release()

    def drop(self) -> None:
        """Close the connection without a word to the broker, which may not answer any more."""
        if self._raw is not None and self._amqp:
            with contextlib.suppress(Exception):
                # TLS has a goodbye of its own, and waits for the answer.
                self._raw.transport.sock.settimeout(FAREWELL)
        connection = self._let_go()
        if connection is not None:
            with contextlib.suppress(Exception):
                connection.collect() if self._amqp else connection.release()

    def _let_go(self) -> kombu.Connection | None:
        connection, self._connection = self._connection, None
        self._raw = self._channel = None
        return connection

    def _open(self, seconds: float) -> None:
        if seconds <= 0:
            raise OutOfTime
        connect, answer = min(CONNECT, seconds), min(ANSWER, seconds)
        self._connection = kombu.Connection(
            _driver_url(self._destination.url),
            connect_timeout=connect,
            ssl=_tls(self._destination),
            transport_options=self._options(connect, answer),
        )
        # No second try: it would sleep for two seconds first.
        self._connection.ensure_connection(max_retries=0, reraise_as_library_errors=False)
        self._raw = self._connection.connection
        if self._amqp:
            self._limit(seconds)
        self._channel = self._connection.channel()

    def _options(self, connect: float, answer: float) -> dict[str, Any]:
        if self._amqp:
            return {"confirm_publish": True, "client_properties": {"product": "TaskFlow"}}
        options: dict[str, Any] = {
            "socket_connect_timeout": connect,
            "socket_timeout": answer,
            "socket_keepalive": True,
            "health_check_interval": 10,
        }
        if self._destination.key_prefix:
            options["global_keyprefix"] = self._destination.key_prefix
        return options

    def _limit(self, seconds: float) -> None:
        """Let the next answers take no longer than the attempt may. Raises OutOfTime."""
        if seconds <= 0:
            raise OutOfTime
        limit = min(ANSWER, seconds)
        if self._amqp:
            self._amqp_socket().settimeout(limit)
        elif pool := getattr(self._channel, "pool", None):
            # The pool hands its youngest connection to the command that follows.
            connection = pool.get_connection()
            try:
                connection.update_current_socket_timeout(limit)
            finally:
                pool.release(connection)

    def _amqp_socket(self) -> Any:
        found = self._raw.transport.sock
        if found is None:
            raise OperationalError("The connection is closed.")
        return found


def _driver_url(url: str) -> str:
    # Plain "amqp" means another driver to kombu where that is installed.
    return f"py{url}" if url.startswith("amqp:") else url


def _tls(destination: Destination) -> Any:
    """Return kombu's TLS settings. Without them it takes any certificate (redis-py's side)."""
    parts = urlsplit(destination.url)
    ca_file = destination.ca_file or None
    if parts.scheme == "amqps":
        return {
            "cert_reqs": ssl.CERT_REQUIRED,
            "ca_certs": ca_file,
            "server_hostname": parts.hostname,
        }
    if parts.scheme == "rediss":
        return {
            "ssl_cert_reqs": ssl.CERT_REQUIRED,
            "ssl_ca_certs": ca_file,
            "ssl_check_hostname": True,
        }
    return False
