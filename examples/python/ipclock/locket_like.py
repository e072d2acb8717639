# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors
"""locket's lock_file: flock(2) on the whole file; one lock a path among the threads, released by any."""
import threading
import weakref

from . import _lib

_locks_lock = threading.Lock()
_locks = weakref.WeakValueDictionary()


class LockError(Exception):
    pass


class _Lock:
    """Waits for the file with a handle of its own, so the kernel keeps threads apart as well as processes."""
    handle = None


class _Locker:
    def __init__(self, path, lock, timeout, retry_period):
        self._path, self._lock, self._timeout = path, lock, timeout
        self._pause = 0.05 if retry_period is None else retry_period

    def acquire(self):
        handle = _lib.Handle(self._path, protocol=_lib.FLOCK, backoff=(self._pause, self._pause))
        if not handle.acquire(self._timeout):
            handle.close()
            raise LockError("Couldn't lock {0}".format(self._path))
        self._lock.handle = handle

    def release(self):
        handle, self._lock.handle = self._lock.handle, None
        if handle is None:
            raise LockError("cannot release unlocked lock")
        handle.close()

    def __enter__(self):
        self.acquire()
        return self

    def __exit__(self, *exc):
        self.release()


def lock_file(path, timeout=None, retry_period=None):
    with _locks_lock:
        lock = _locks.setdefault(path, _Lock())
    return _Locker(path, lock, timeout, retry_period)
