"""Where a cluster's files lie: in the home, or beside it when its account cannot get there."""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from taskflow.embedded.account import Account
from taskflow.embedded.errors import CannotStart
from taskflow.embedded.folders import SHARED, make_folder

MARKER = "instance"
FOLDER = "postgres"


@dataclass(frozen=True)
class Placement:
    """The folder that holds the cluster; `outside` is true when that is not in the home."""

    folder: Path
    outside: bool


def place(home: Path, account: Account | None) -> Placement:
    """Return the folder for the cluster of `home`, made when missing and owned by its account.

    A folder of another's is never opened: when `account` cannot get into the home, the cluster
    lives below /var/lib/taskflow under a random name that the home keeps, and a link leads there.
    """
    # Others may pass through to the cluster but list nothing; the files in it are for the owner.
    make_folder(home, 0o700 if account is None else 0o711)
    if account is None:
        return Placement(_made(home, None), outside=False)
    marker = home / MARKER
    # Once outside, always outside: a home that was opened later must not start a second cluster.
    if marker.exists() or not account.can_enter(home):
        return Placement(_outside(home, marker, account), outside=True)
    return Placement(_made(home, account), outside=False)


def _outside(home: Path, marker: Path, account: Account) -> Path:
    if not marker.exists():
        marker.write_text(secrets.token_hex(8) + "\n", encoding="ascii")
    name = marker.read_text(encoding="ascii").strip()
    if not name.isalnum():
        raise CannotStart(f"{marker} does not hold the name of an instance: {name!r}.")
    instance = SHARED / "instances" / name
    make_folder(SHARED, 0o755)
    make_folder(SHARED / "instances", 0o711)
    make_folder(instance, 0o711)
    folder = _made(instance, account)
    link = home / FOLDER
    if not link.is_symlink():
        link.symlink_to(folder, target_is_directory=True)
    return folder


def _made(parent: Path, account: Account | None) -> Path:
    folder = parent / FOLDER
    make_folder(folder, 0o700)
    if account is not None and folder.stat().st_uid != account.uid:
        os.chown(folder, account.uid, account.gid)
    return folder
