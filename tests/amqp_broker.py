"""A scripted AMQP 0-9-1 broker: the part of the protocol that a publisher meets.

There is no RabbitMQ in a test run. This one speaks real frames over a real socket, so that
publisher confirms, refusals and silences are those that the driver sees.
"""

import asyncio
import struct
from dataclasses import dataclass, field
from typing import Any

import amqp

from tests.handlers_kit import RawServer

METHOD, HEADER, BODY, END = 1, 2, 3, b"\xce"
START, START_OK, TUNE, OPEN, OPEN_OK = (10, 10), (10, 11), (10, 30), (10, 40), (10, 41)
CLOSE, CLOSE_OK = (10, 50), (10, 51)
CHANNEL_OPEN, CHANNEL_OPEN_OK, CHANNEL_CLOSE = (20, 10), (20, 11), (20, 40)
PUBLISH, RETURN, ACK, NACK = (60, 40), (60, 50), (60, 80), (60, 120)
SELECT, SELECT_OK = (85, 10), (85, 11)
NO_ROUTE = 312


@dataclass
class Arrived:
    """A message as it came."""

    exchange: str
    routing_key: str
    mandatory: bool
    properties: dict[str, Any]
    body: bytes


@dataclass
class Script:
    """What the broker does. `silent_at` names a method that it does not answer `until` is set."""

    on_publish: str = "ack"  # or "nack", "return", or a reply code to close the channel with
    silent_at: tuple[int, int] | None = None
    until: asyncio.Event = field(default_factory=asyncio.Event)
    silent: bool = False
    refuse_login: bool = False
    arrived: list[Arrived] = field(default_factory=list)
    goodbyes: int = 0


def short_text(text: str) -> bytes:
    return struct.pack("B", len(text)) + text.encode()


def read_short_text(raw: bytes, at: int) -> tuple[str, int]:
    end = at + 1 + raw[at]
    return raw[at + 1 : end].decode(), end


class Conversation:
    """One connection of a client."""

    def __init__(
        self, script: Script, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.script, self.reader, self.writer = script, reader, writer
        self.tags = 0

    def say(self, channel: int, method: tuple[int, int], arguments: bytes = b"") -> None:
        self.frame(METHOD, channel, struct.pack(">HH", *method) + arguments)

    def frame(self, kind: int, channel: int, payload: bytes) -> None:
        self.writer.write(struct.pack(">BHI", kind, channel, len(payload)) + payload + END)

    async def hear(self) -> tuple[int, int, bytes]:
        kind, channel, size = struct.unpack(">BHI", await self.reader.readexactly(7))
        payload = await self.reader.readexactly(size + 1)
        return kind, channel, payload[:-1]

    async def talk(self) -> None:
        await self.reader.readexactly(8)  # "AMQP", version
        table = struct.pack(">I", 0)
        words = b"".join(struct.pack(">I", len(w)) + w for w in (b"PLAIN AMQPLAIN", b"en_US"))
        self.say(0, START, b"\x00\x09" + table + words)
        while True:
            _, channel, payload = await self.hear()
            method = struct.unpack(">HH", payload[:4])
            if method == self.script.silent_at:
                self.script.silent = True
                await self.script.until.wait()
            await self.answer(channel, method, payload[4:])

    async def answer(self, channel: int, method: tuple[int, int], arguments: bytes) -> None:
        if method == START_OK and self.script.refuse_login:
            self.say(0, CLOSE, struct.pack(">H", 403) + short_text("ACCESS_REFUSED") + bytes(4))
        elif method == START_OK:
            self.say(0, TUNE, struct.pack(">HIH", 100, 131072, 0))
        elif method == OPEN:
            self.say(0, OPEN_OK, short_text(""))
        elif method == CHANNEL_OPEN:
            self.say(channel, CHANNEL_OPEN_OK, struct.pack(">I", 0))
        elif method == SELECT:
            self.say(channel, SELECT_OK)
        elif method == PUBLISH:
            await self.take(channel, arguments)
        elif method == CLOSE:
            self.script.goodbyes += 1
            self.say(0, CLOSE_OK)

    async def take(self, channel: int, arguments: bytes) -> None:
        exchange, at = read_short_text(arguments, 2)
        routing_key, at = read_short_text(arguments, at)
        _, _, head = await self.hear()
        (size,) = struct.unpack(">Q", head[4:12])
        body = b""
        while len(body) < size:
            body += (await self.hear())[2]
        message: Any = amqp.Message()
        message._load_properties(60, head, 12)
        self.script.arrived.append(
            Arrived(exchange, routing_key, bool(arguments[at] & 1), message.properties, body)
        )
        self.tags += 1
        self.react(channel, head, body)

    def react(self, channel: int, head: bytes, body: bytes) -> None:
        match self.script.on_publish:
            case "nack":
                self.say(channel, NACK, struct.pack(">QB", self.tags, 0))
            case "return":
                reason = struct.pack(">H", NO_ROUTE) + short_text("NO_ROUTE")
                self.say(channel, RETURN, reason + short_text("") * 2)
                self.frame(HEADER, channel, head)
                self.frame(BODY, channel, body)
                self.say(channel, ACK, struct.pack(">QB", self.tags, 0))
            case "ack":
                self.say(channel, ACK, struct.pack(">QB", self.tags, 0))
            case code:
                why = struct.pack(">H", int(code)) + short_text("secret reason") + bytes(4)
                self.say(channel, CHANNEL_CLOSE, why)


def amqp_broker(script: Script) -> RawServer:
    """Return a server on loopback that follows the script; its `url` starts with http."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await Conversation(script, reader, writer).talk()
        except asyncio.IncompleteReadError:
            return  # the client is gone

    return RawServer(talk)
