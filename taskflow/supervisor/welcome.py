"""What a newcomer reads once everything answers."""

import json
import shlex
import urllib.error
import urllib.request

from taskflow.home import Home
from taskflow.supervisor.console import Console
from taskflow.supervisor.startup import Started

# A proxy of the environment's must not be asked for loopback.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def answers(url: str) -> bool:
    """Return whether the URL on this machine is answered by 200."""
    try:
        with _direct.open(url, timeout=2) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def example_command(started: Started) -> str:
    """Return a shell line that creates a job which calls the bundled echo target."""
    payload = {"method": "POST", "url": f"{started.echo_url}/echo", "json": {"hello": "world"}}
    job = json.dumps({"kind": "http", "name": "my first job", "payload": payload})
    words = ["curl", "-sS", "-X", "POST", f"{started.credentials.api_url}/api/v1/jobs"]
    words += ["-H", "content-type: application/json"]
    words += ["-H", f"x-api-key: {started.credentials.api_key}", "-d", job]
    return shlex.join(words)


def welcome(console: Console, home: Home, started: Started) -> None:
    """Show where everything is and how to get in."""
    known = started.credentials
    console.paste(
        f"""
  TaskFlow is running. Everything listens on this machine only.

    API      {known.api_url}/api/v1
    Docs     {known.api_url}/api/docs
    Admin    {known.admin_url}   {known.admin_email} / {known.admin_password}
    Flower   {known.flower_url}   {known.flower_user} / {known.flower_password}
    API key  {known.api_key}
    Files    {home.path} (credentials.json has all of the above)

  Create a job:

{example_command(started)}

  Ctrl-C stops everything; the data is kept.
"""
    )
