"""What lies in the inbox: regular files only, each opened so that nothing outside can be read and nothing can block."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple


class Found(NamedTuple):
    """A regular file and its state. `stamp` changes with every write, truncation and rename.

    Made by the ten thousand at every look, hence a tuple that holds the path as a string.
    """

    where: str
    key: tuple[int, int]
    """(device, inode): what it is until it is deleted."""
    size: int
    stamp: tuple[int, int, int]

    @property
    def path(self) -> Path:
        """Where it lies."""
        return Path(self.where)


@dataclass(slots=True)
class Listing:
    """One look at a folder: its files, what was refused and why, and the folders that could not be listed.

    `root` is the folder all of whose files are here; None when they were picked one by one.
    """

    root: Path | None = None
    files: list[Found] = field(default_factory=list)
    refused: dict[Path, str] = field(default_factory=dict)
    unlisted: dict[Path, str] = field(default_factory=dict)


def found(where: str, info: os.stat_result) -> Found:
    """A regular file as `os.stat` tells it."""
    stamp = (info.st_size, info.st_mtime_ns, info.st_ctime_ns)
    return Found(where, (info.st_dev, info.st_ino), info.st_size, stamp)


def scan(root: Path) -> Listing:
    """All regular files below `root`, by path; hidden files and folders are skipped. OSError when root is no folder."""
    result = Listing(root)
    real_root = os.path.realpath(root)
    folders = [root]
    while folders:
        folder = folders.pop()
        try:
            entries = list(os.scandir(folder))
        except OSError as error:
            if folder == root:
                raise
            result.unlisted[folder] = f"the folder cannot be listed: {error.strerror}"
            continue
        for entry in entries:
            if entry.name.startswith("."):
                continue
            try:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(Path(entry.path))
                elif entry.is_symlink():
                    _refuse_link(Path(entry.path), real_root, result)
                else:
                    _look(entry.path, entry.stat(follow_symlinks=False), result)
            except OSError:
                continue  # gone between the listing and the look
    result.files.sort(key=lambda file: file.where)
    return result


def _look(where: str, info: os.stat_result, result: Listing) -> None:
    if stat.S_ISREG(info.st_mode):
        result.files.append(found(where, info))
    else:
        result.refused[Path(where)] = "not a regular file (a pipe, socket or device)"


def _refuse_link(path: Path, real_root: str, result: Listing) -> None:
    """A link to a file inside needs no reading; that file is read itself."""
    target = os.path.realpath(path)
    if not os.path.lexists(target):
        result.refused[path] = "a symbolic link to nothing"
    elif os.path.commonpath([real_root, target]) != real_root:
        result.refused[path] = "a symbolic link that leaves the inbox; copy or hard-link the file instead"


class NotThatFile(OSError):  # noqa: N818 - a state, told as a sentence
    """The path holds another file than the one that was found there; look again."""


def open_found(file: Found) -> int:
    """A descriptor of the very file that was found; NotThatFile when the path holds another one by now."""
    fd = os.open(file.where, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    info = os.fstat(fd)
    if stat.S_ISREG(info.st_mode) and (info.st_dev, info.st_ino) == file.key:
        return fd
    os.close(fd)
    raise NotThatFile(None, "changed while it was looked at")


def shown(path: Path) -> str:
    """The path as text that can be printed: bytes that are no UTF-8 are written as escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
