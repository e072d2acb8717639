# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors
"""A lock for asyncio: no thread, the loop watches the wait's descriptor."""
import asyncio
import ctypes
import errno

from . import _lib


class AsyncLock:
    def __init__(self, path, timeout=None):
        self.path, self.timeout = path, timeout
        self._handle = None

    async def acquire(self):
        """TimeoutError, or BlockingIOError with a timeout of 0. Cancelling the task ends the wait."""
        handle = _lib.Handle(self.path)  # a task's own: one handle has one started wait
        try:
            code = handle.call("start", handle, _lib.ms(self.timeout))
            handle.check(await self._wait(handle) if code == errno.EINPROGRESS else code)
        except BaseException:
            handle.close()
            raise
        self._handle = handle

    @staticmethod
    async def _wait(handle):
        loop, ready, wait_ms = asyncio.get_running_loop(), asyncio.Event(), ctypes.c_int()
        fd = handle.call("pollfd", handle)
        if fd >= 0:
            loop.add_reader(fd, ready.set)
        try:
            while True:
                code = handle.call("step", handle, ctypes.byref(wait_ms))
                if code != errno.EINPROGRESS:
                    return code
                ready.clear()
                timer = loop.call_later(wait_ms.value / 1000, ready.set)
                try:
                    await ready.wait()
                finally:
                    timer.cancel()
        finally:
            if fd >= 0:
                loop.remove_reader(fd)

    def release(self):
        handle, self._handle = self._handle, None
        if handle is None:
            raise RuntimeError("release of a lock that is not held")
        handle.close()

    async def __aenter__(self):
        await self.acquire()
        return self

    async def __aexit__(self, *exc):
        self.release()
