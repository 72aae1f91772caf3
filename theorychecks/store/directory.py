"""The store: a directory of measured blocks, each a file that is trusted only as far as it proves itself."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from theorychecks.store import files, locks
from theorychecks.store.blocks import BlockName, StoredBlock, check_key, consecutive, parsed_name
from theorychecks.store.encoding import MOST_BYTES, decode, encode
from theorychecks.store.errors import DamagedError, StoreError
from theorychecks.store.marker import is_store, mark

_WORTH_A_SYNC: Final = 1.0
"""Seconds that a block has taken, from which on it is worth the milliseconds that a disk takes to have it for sure."""
_USE_IS_NOTED_AFTER: Final = 24 * 3600.0
"""Seconds; a day's uses of a block are noted once."""
_OUT_OF_MEANS: Final = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
"""What says something of this process, and nothing of the file that it cannot read."""


class Store:
    """Measured blocks under a directory, by what made them.

    Several processes and machines may use one at once. What cannot be trusted is moved to `set_aside/`, named in
    `problems`, and counts as not measured; nothing is lost that measuring cannot bring back.

    Attributes:
        path: of the directory.
        writing: whether blocks are written; once that has failed, no more is tried.
        problems: what a user is told, in the order in which it happened.
    """

    def __init__(self, path: Path) -> None:
        """Use `open` or `existing`, which say what can be known at once."""
        # Tests may change the working directory.
        self.path = path.absolute()
        self.writing = True
        self._problems: dict[str, None] = {}

    @classmethod
    def open(cls, path: Path | str) -> Store:
        """The store in a directory, made where there is none; one that cannot be written is read all the same.

        Raises:
            StoreError: for a file, a directory of something else, one that cannot be read, or a newer store.
        """
        store = cls(Path(path))
        try:
            if not is_store(store.path):
                mark(store.path, store._temporaries)
            files.check_writable(store._temporaries)
        except OSError as error:
            store._stop_writing(error)
        files.sweep(store._temporaries)
        locks.sweep(store._locks)
        return store

    @classmethod
    def existing(cls, path: Path | str) -> Store:
        """The store in a directory; nothing is written before it has to be.

        Raises:
            StoreError: as `open` does, and where there is no store.
        """
        store = cls(Path(path))
        if not is_store(store.path):
            raise StoreError(
                f"there is no store at {store.path}: nothing is there, or nothing is in it. Name "
                "another one by --store=DIRECTORY; runs make one where --theory-store=DIRECTORY says."
            )
        return store

    @property
    def problems(self) -> tuple[str, ...]:
        """What a user is told."""
        return tuple(self._problems)

    def blocks(self, key: str, first: int = 0) -> list[StoredBlock]:
        """Blocks that hold consecutive seeds of a key, from the first on; none where nothing was measured.

        At each seed it is the longest block that begins there, whatever else overlaps it, in whatever order they were
        written.

        Raises:
            NewerFormatError: if one of them is whole, and of a newer version.
        """
        check_key(key)
        found = consecutive(self._named(key), self.load, first)
        for block in found:
            self._note_use(block.name)
        return found

    def save(self, block: StoredBlock) -> None:
        """Keep a block, unless there is one of its name already, which is as good.

        Where it cannot be written, that is a problem, and nothing more is tried.
        """
        if not self.writing or os.path.lexists(self.path_of(block.name)):
            return
        contents = encode(block)
        if len(contents) > MOST_BYTES:
            self._tell(f"{block.name} was not stored: it has {len(contents):,} bytes, and {MOST_BYTES:,} is the most")
            return
        self.keep(block.name, contents, sync=block.seconds >= _WORTH_A_SYNC)

    def keep(self, name: BlockName, contents: bytes, *, sync: bool = True) -> bool:
        """Write what `encode` has made, and give back whether that was done; see `save`."""
        if not self.writing:
            return False
        path = self.path_of(name)
        try:
            # Twice: a process of another container, which knows no process of ours, may take a temporary file away.
            with suppress(FileNotFoundError):
                return self._written(contents, path, sync)
            return self._written(contents, path, sync)
        except OSError as error:
            self._stop_writing(error)
            return False

    def _written(self, contents: bytes, path: Path, sync: bool) -> bool:
        for folder in (self._temporaries, path.parent):
            if folder.is_symlink() or folder.is_file():
                self._put_aside(folder, files.identity(folder), "is no directory")
            folder.mkdir(exist_ok=True)
        return files.write_new(contents, path, self._temporaries, sync=sync)

    @contextmanager
    def lock(self, key: str, *, patience: float) -> Iterator[bool]:
        """Hold the lock of a key, so that no other process measures the same; whether it is held is said.

        It is not where it could not be had in so many seconds, or where there are no locks; then two may do the same
        work, and both results are right. Look for blocks again once it is held.
        """
        check_key(key)
        if not self.writing:
            yield False
            return
        with locks.held(self._locks / f"{key}.lock", patience=patience) as is_held:
            yield is_held

    def names(self) -> list[BlockName]:
        """Of all files that are blocks by their names, in order."""
        return sorted(name for folder in self._folders() for name in self._in_folder(folder))

    def strays(self) -> list[Path]:
        """What lies among the blocks and has no block's name, or another folder's."""
        found = []
        for folder in self._folders():
            for entry in self._listed(folder):
                name = parsed_name(entry)
                if (name is None or name.folder != folder) and not entry.startswith("."):
                    found.append(self.path / folder / entry)
        return found

    def set_aside(self) -> list[Path]:
        """What was not trusted, and lies in `set_aside/`."""
        return sorted(self.path / "set_aside" / name for name in self._listed("set_aside"))

    def path_of(self, name: BlockName) -> Path:
        """Where a block's file is."""
        return self.path / name.folder / str(name)

    def load(self, name: BlockName) -> StoredBlock | None:
        """The block of a name; None where there is none that can be trusted.

        Raises:
            NewerFormatError: if it is whole, and of a newer version.
        """
        contents = self.contents(name)
        return None if contents is None else contents[1]

    def contents(self, name: BlockName) -> tuple[bytes, StoredBlock] | None:
        """The bytes of a block's file beside the block; see `load`."""
        path = self.path_of(name)
        try:
            judged = files.identity(path)
        except OSError:
            return None
        try:
            contents = files.read_regular(path, MOST_BYTES)
            return contents, decode(contents, name)
        except DamagedError as error:
            self._put_aside(path, judged, str(error))
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno in _OUT_OF_MEANS:
                self._tell(f"{path} could not be read: {said(error)}")
            else:
                self._put_aside(path, judged, f"cannot be read: {said(error)}")
        return None

    @property
    def _temporaries(self) -> Path:
        return self.path / "writing"

    @property
    def _locks(self) -> Path:
        return self.path / "locks"

    def _folders(self) -> list[str]:
        return sorted(name for name in self._listed("") if len(name) == 2 and set(name) <= set("0123456789abcdef"))

    def _named(self, key: str) -> list[BlockName]:
        return self._in_folder(key[:2], key)

    def _in_folder(self, folder: str, start: str = "") -> list[BlockName]:
        """Blocks in a folder whose names start so."""
        found = (parsed_name(entry) for entry in self._listed(folder) if entry.startswith(start))
        return [name for name in found if name is not None and name.folder == folder]

    def _listed(self, folder: str) -> list[str]:
        """Names in a folder of the store; what is there in the place of a folder is set aside."""
        path = self.path / folder
        try:
            if folder and path.is_symlink():
                raise NotADirectoryError(errno.ENOTDIR, "it is a link")
            return os.listdir(path)
        except FileNotFoundError:
            return []
        except NotADirectoryError:
            with suppress(OSError):
                self._put_aside(path, files.identity(path), "is no directory")
        except OSError as error:
            self._tell(f"{path} could not be read: {said(error)}")
        return []

    def _put_aside(self, path: Path, judged: tuple[int, int], reason: str) -> None:
        """Move what was judged out of the way; it is left where it cannot be moved."""
        target = self.path / "set_aside" / f"{path.name}.{os.urandom(4).hex()}"
        try:
            if target.parent.is_symlink():
                raise NotADirectoryError(errno.ENOTDIR, f"{target.parent} is a link")
            target.parent.mkdir(exist_ok=True)
            os.rename(path, target)
            if files.identity(target) != judged:
                # Another process was first, and a third has written a good one since.
                with suppress(FileExistsError):
                    os.link(target, path)
                os.unlink(target)
        except FileNotFoundError:
            self._tell(f"{path} {reason}; it is gone by now, and counts as not measured")
        except OSError as error:
            self._tell(f"{path} {reason}; it counts as not measured, and stays where it is ({said(error)})")
        else:
            self._tell(f"{path} {reason}; it counts as not measured, and lies in {target} now")

    def _note_use(self, name: BlockName) -> None:
        """Let the time of a file's last change say when it was last of use, to a day; disks may keep no other one."""
        if not self.writing:
            return
        path = self.path_of(name)
        with suppress(OSError):
            if os.lstat(path).st_mtime < time.time() - _USE_IS_NOTED_AFTER:
                os.utime(path)

    def _stop_writing(self, error: OSError) -> None:
        self.writing = False
        self._tell(
            f"nothing more is written to the store {self.path}: {said(error)}. What is measured from now on counts "
            "in this run, and the next one measures it again. Make room, or name another store by "
            "--theory-store=DIRECTORY."
        )

    def _tell(self, problem: str) -> None:
        self._problems[problem] = None


def said(error: OSError) -> str:
    """What has gone wrong, in the words of the system."""
    return f"{error.strerror or error}"
