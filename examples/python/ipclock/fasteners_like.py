# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors
"""fasteners' process locks, on the same bytes: the whole file, by fcntl."""
import functools
import os
import threading
import time
from contextlib import contextmanager

from . import _lib


class _Base:
    MAX_DELAY = 0.1
    DELAY_INCREMENT = 0.01

    def __init__(self, path, sleep_func=time.sleep, logger=None):
        self.path = os.fsdecode(path)
        self.logger = logger
        self._sleep = None if sleep_func is time.sleep else sleep_func

    def _take(self, kind, blocking, delay, max_delay, timeout):
        """A handle that holds, or None. The delays are an open handle's, so each acquire opens its own."""
        if delay < 0:
            raise ValueError("Delay must be greater than or equal to zero")
        if timeout is not None and timeout < 0:
            raise ValueError("Timeout must be greater than or equal to zero")
        try:
            handle = _lib.Handle(self.path, rw=True, whole_file=True, flags=_lib.MKDIR,
                                 backoff=(delay, max_delay), sleep=self._sleep)
            if handle.acquire(timeout if blocking else 0, kind):
                return handle
            handle.close()
        except OSError as e:
            raise threading.ThreadError("Unable to acquire lock on `%s` due to %s" % (self.path, e)) from e
        return None


class InterProcessLock(_Base):
    def __init__(self, path, sleep_func=time.sleep, logger=None):
        super().__init__(path, sleep_func, logger)
        self._handle = None

    @property
    def acquired(self):
        return self._handle is not None

    def acquire(self, blocking=True, delay=_Base.DELAY_INCREMENT, max_delay=_Base.MAX_DELAY, timeout=None):
        handle = self._take("_write", blocking, delay, max_delay, timeout)
        if handle:
            self._handle = handle
        return handle is not None

    def release(self):
        handle, self._handle = self._handle, None
        if handle is None:
            raise threading.ThreadError("Unable to release an unacquired lock")
        handle.close()

    def exists(self):
        return os.path.exists(self.path)

    def __enter__(self):
        self.acquire()
        return self

    def __exit__(self, *exc):
        self.release()


class InterProcessReaderWriterLock(_Base):
    def __init__(self, path, sleep_func=time.sleep, logger=None):
        super().__init__(path, sleep_func, logger)
        self._held = {"_read": [], "_write": []}

    def _acquire(self, kind, *args):
        handle = self._take(kind, *args)
        if handle:
            self._held[kind].append(handle)
        return handle is not None

    def _release(self, kind):
        if not self._held[kind]:
            raise threading.ThreadError("Unable to release an unacquired lock")
        self._held[kind].pop().close()

    def acquire_read_lock(self, blocking=True, delay=_Base.DELAY_INCREMENT, max_delay=_Base.MAX_DELAY, timeout=None):
        return self._acquire("_read", blocking, delay, max_delay, timeout)

    def acquire_write_lock(self, blocking=True, delay=_Base.DELAY_INCREMENT, max_delay=_Base.MAX_DELAY, timeout=None):
        return self._acquire("_write", blocking, delay, max_delay, timeout)

    def release_read_lock(self):
        self._release("_read")

    def release_write_lock(self):
        self._release("_write")

    @contextmanager
    def read_lock(self, delay=_Base.DELAY_INCREMENT, max_delay=_Base.MAX_DELAY):
        self.acquire_read_lock(delay=delay, max_delay=max_delay)
        try:
            yield
        finally:
            self.release_read_lock()

    @contextmanager
    def write_lock(self, delay=_Base.DELAY_INCREMENT, max_delay=_Base.MAX_DELAY):
        self.acquire_write_lock(delay=delay, max_delay=max_delay)
        try:
            yield
        finally:
            self.release_write_lock()


def _decorator(enter):
    def decorate(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            with enter():
                return function(*args, **kwargs)
        return wrapper
    return decorate


def interprocess_locked(path):
    lock = InterProcessLock(path)
    return _decorator(lambda: lock)


def interprocess_read_locked(path):
    return _decorator(InterProcessReaderWriterLock(path).read_lock)


def interprocess_write_locked(path):
    return _decorator(InterProcessReaderWriterLock(path).write_lock)
