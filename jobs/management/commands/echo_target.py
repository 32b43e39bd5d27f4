"""manage.py echo_target: serve the bundled demo target on loopback until SIGTERM."""

import asyncio
import signal
from argparse import ArgumentParser
from typing import Any

from aiohttp import web
from django.core.management.base import BaseCommand, CommandError

from jobs.echo_target import HOST, make_app

STOP_WITHIN = 1.0  # seconds that open requests get at the end


class Command(BaseCommand):
    help = "Serve the demo's HTTP target on 127.0.0.1 until SIGTERM or Ctrl-C."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8099, help="0 takes a free one")

    def handle(self, *args: Any, port: int, **options: Any) -> None:
        if not 0 <= port <= 65535:
            raise CommandError("--port is a number from 0 to 65535")
        asyncio.run(self._serve(port))

    async def _serve(self, port: int) -> None:
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopped.set)
        runner = web.AppRunner(make_app(), access_log=None, shutdown_timeout=STOP_WITHIN)
        await runner.setup()
        try:
            await self._listen(runner, port)
            await stopped.wait()
        finally:
            await runner.cleanup()

    async def _listen(self, runner: web.AppRunner, port: int) -> None:
        try:
            await web.TCPSite(runner, HOST, port).start()
        except OSError as error:
            raise CommandError(
                f"port {port} of {HOST} cannot be used ({error.strerror}); choose another --port"
            ) from error
        taken = runner.addresses[0][1]
        self.stdout.write(f"echo target listening on http://{HOST}:{taken}")
        self.stdout.flush()
