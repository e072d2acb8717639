# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors
"""filelock's FileLock: flock(2) on the whole file, a counter a thread."""
import contextlib
import os
import threading

from . import _lib


class Timeout(TimeoutError):
    def __init__(self, lock_file):
        super().__init__("The file lock '%s' could not be acquired." % lock_file)
        self.lock_file = lock_file


class AcquireReturnProxy:
    def __init__(self, lock):
        self.lock = lock

    def __enter__(self):
        return self.lock

    def __exit__(self, *exc):
        self.lock.release()


class _State:
    handle, counter = None, 0


class _ThreadState(threading.local, _State):
    pass


class FileLock(contextlib.ContextDecorator):
    def __init__(self, lock_file, timeout=-1, thread_local=True, *, blocking=True, poll_interval=0.05):
        self.lock_file = os.fspath(lock_file)
        self.timeout, self.blocking, self.poll_interval = timeout, blocking, poll_interval
        self._state = _ThreadState() if thread_local else _State()

    @property
    def is_locked(self):
        return self._state.handle is not None

    @property
    def lock_counter(self):
        return self._state.counter

    def acquire(self, timeout=None, poll_interval=None, *, blocking=None):
        timeout = self.timeout if timeout is None else timeout
        blocking = self.blocking if blocking is None else blocking
        pause = self.poll_interval if poll_interval is None else poll_interval
        if not self.is_locked:
            handle = _lib.Handle(self.lock_file, protocol=_lib.FLOCK, flags=_lib.MKDIR, backoff=(pause, pause))
            if not handle.acquire(timeout if blocking else 0):
                handle.close()
                raise Timeout(self.lock_file)
            self._state.handle = handle
        self._state.counter += 1
        return AcquireReturnProxy(self)

    def release(self, force=False):
        if not self.is_locked:
            return
        self._state.counter = 0 if force else self._state.counter - 1
        if self._state.counter == 0:
            handle, self._state.handle = self._state.handle, None
            handle.close()

    def __enter__(self):
        self.acquire()
        return self

    def __exit__(self, *exc):
        self.release()
