# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors
"""portalocker's locks: flock(2), on a file object of the caller's or on a file by name."""
import enum
import os
import random
import tempfile
import time

from . import _lib


class LockFlags(enum.IntFlag):
    EXCLUSIVE, SHARED, NON_BLOCKING, UNBLOCK = 2, 1, 4, 8


class LockException(Exception):
    pass


class AlreadyLocked(LockException):
    pass


_handles = {}  # by descriptor: what lock() holds until unlock()


def lock(file, flags):
    """The lock belongs to the file's open description: the handle neither opens nor closes it."""
    fd = file if isinstance(file, int) else file.fileno()
    handle = _lib.Handle(fd, rw=True, protocol=_lib.FLOCK)
    kind = "_read" if flags & LockFlags.SHARED else "_write"
    if not handle.acquire(0 if flags & LockFlags.NON_BLOCKING else None, kind):
        handle.close()
        raise AlreadyLocked(file)
    _handles[fd] = handle


def unlock(file):
    handle = _handles.pop(file if isinstance(file, int) else file.fileno(), None)
    if handle is None:
        raise LockException("not locked: %s" % (file,))
    handle.close()


class Lock:
    def __init__(self, filename, mode="a", timeout=None, check_interval=0.25, fail_when_locked=False,
                 flags=LockFlags.EXCLUSIVE | LockFlags.NON_BLOCKING, **file_open_kwargs):
        self.filename, self.mode, self.flags, self.open_kwargs = filename, mode, flags, file_open_kwargs
        self.timeout = 5 if timeout is None else timeout
        self.check_interval, self.fail_when_locked = check_interval, fail_when_locked
        self.fh = self._handle = None

    def _open(self):
        """Mode w truncates only what it has locked."""
        return open(self.filename, self.mode.replace("w", "a"), **self.open_kwargs)

    def acquire(self, timeout=None, check_interval=None, fail_when_locked=None):
        if self.fh:
            return self.fh
        if self.fail_when_locked if fail_when_locked is None else fail_when_locked:
            timeout = 0
        elif timeout is None:
            timeout = self.timeout
        pause = check_interval or self.check_interval
        fh = self._open()
        handle = _lib.Handle(fh.fileno(), rw=True, protocol=_lib.FLOCK, backoff=(pause, pause))
        if not handle.acquire(timeout, "_read" if self.flags & LockFlags.SHARED else "_write"):
            handle.close()
            fh.close()
            raise AlreadyLocked(self.filename)
        if "w" in self.mode:
            fh.truncate(0)
        self.fh, self._handle = fh, handle
        return fh

    def release(self):
        if self.fh:
            self._handle.close()
            self.fh.close()
            self.fh = self._handle = None

    def __enter__(self):
        return self.acquire()

    def __exit__(self, *exc):
        self.release()


class RLock(Lock):
    _count = 0

    def acquire(self, *args, **kwargs):
        fh = super().acquire(*args, **kwargs)
        self._count += 1
        return fh

    def release(self):
        if self._count == 0:
            raise LockException("Cannot release more times than acquired")
        self._count -= 1
        if self._count == 0:
            super().release()


class BoundedSemaphore:
    """A slot is a file. No system call waits for any of them, so this asks again and again."""

    def __init__(self, maximum, name="bounded_semaphore", filename_pattern="{name}.{number:02d}.lock",
                 directory=tempfile.gettempdir(), timeout=5, check_interval=0.25, fail_when_locked=True):
        self.timeout, self.check_interval, self.fail_when_locked = timeout, check_interval, fail_when_locked
        self._paths = [os.path.join(directory, filename_pattern.format(name=name, number=i)) for i in range(maximum)]
        self.lock = None

    def _sweep(self):
        for path in random.sample(self._paths, len(self._paths)):
            handle = _lib.Handle(path, protocol=_lib.FLOCK)
            if handle.acquire(0):
                return handle
            handle.close()
        return None

    def acquire(self, timeout=None, check_interval=None, fail_when_locked=None):
        end = time.monotonic() + (self.timeout if timeout is None else timeout)
        self.lock = self._sweep()
        while self.lock is None and time.monotonic() < end:
            time.sleep(check_interval or self.check_interval)
            self.lock = self._sweep()
        if self.lock is None and (self.fail_when_locked if fail_when_locked is None else fail_when_locked):
            raise AlreadyLocked("all %d slots" % len(self._paths))
        return self.lock

    def release(self):
        if self.lock:
            self.lock.close()
            self.lock = None

    def __enter__(self):
        return self.acquire()

    def __exit__(self, *exc):
        self.release()
