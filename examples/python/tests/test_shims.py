# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors
"""Two processes that speak over pipes, and one that asks."""
import asyncio
import importlib
import os
import subprocess
import sys
import tempfile
import unittest

from ipclock import aio, fasteners_like, filelock_like, locket_like, portalocker_like

HOLD = "import sys\n{0}\nlock = {1}\nlock.acquire()\nprint('held', flush=True)\nsys.stdin.read()\n"


class Case(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = os.path.join(directory.name, "lock")

    def excludes(self, module, make, held):
        """While another process holds, held() is true; when it has ended, it is false."""
        code = HOLD.format("import " + module, make.format(module, self.path))
        with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
            self.assertEqual(child.stdout.readline(), b"held\n")
            self.assertTrue(held())
            child.stdin.close()
            child.wait()
        self.assertFalse(held())

    def peer(self, name):
        try:
            importlib.import_module(name)
        except ImportError:
            self.skipTest("no " + name + " here")

    def fasteners(self):
        lock = fasteners_like.InterProcessLock(self.path)
        return not (lock.acquire(blocking=False) and not lock.release())

    def filelock(self):
        try:
            with filelock_like.FileLock(self.path, 0):
                return False
        except filelock_like.Timeout:
            return True

    def locket(self):
        try:
            with locket_like.lock_file(self.path, timeout=0):
                return False
        except locket_like.LockError:
            return True

    def test_fasteners_processes(self):
        self.excludes("ipclock.fasteners_like", "{0}.InterProcessLock('{1}')", self.fasteners)

    def test_fasteners_peer(self):
        self.peer("fasteners")
        self.excludes("fasteners", "{0}.InterProcessLock('{1}')", self.fasteners)

    def test_fasteners_errors(self):
        lock = fasteners_like.InterProcessLock(self.path)
        self.assertRaises(RuntimeError, lock.release)
        self.assertRaises(ValueError, lock.acquire, timeout=-1)

    def test_fasteners_timeout_and_decorator(self):
        @fasteners_like.interprocess_write_locked(self.path)
        def inside():
            return fasteners_like.InterProcessLock(self.path).acquire(timeout=0.02)
        self.assertFalse(inside())
        self.assertFalse(self.fasteners())

    def test_filelock_processes(self):
        self.excludes("ipclock.filelock_like", "{0}.FileLock('{1}')", self.filelock)

    def test_filelock_peer(self):
        self.peer("filelock")
        self.excludes("filelock", "{0}.FileLock('{1}')", self.filelock)

    def test_filelock_counts(self):
        lock = filelock_like.FileLock(self.path)
        with lock, lock.acquire():
            self.assertEqual(lock.lock_counter, 2)
        self.assertFalse(lock.is_locked)

    def test_locket_processes(self):
        self.excludes("ipclock.locket_like", "{0}.lock_file('{1}')", self.locket)

    def test_locket_peer(self):
        self.peer("locket")
        self.excludes("locket", "{0}.lock_file('{1}')", self.locket)

    def portalocker(self):
        try:
            with portalocker_like.Lock(self.path, fail_when_locked=True):
                return False
        except portalocker_like.AlreadyLocked:
            return True

    def test_portalocker_processes(self):
        self.excludes("ipclock.portalocker_like", "{0}.Lock('{1}')", self.portalocker)

    def test_portalocker_peer(self):
        self.peer("portalocker")
        self.excludes("portalocker", "{0}.Lock('{1}')", self.portalocker)

    def test_portalocker_peer_asks(self):
        self.peer("portalocker")
        import portalocker
        with portalocker_like.Lock(self.path):
            self.assertRaises(portalocker.exceptions.LockException, portalocker.Lock(self.path, timeout=0).acquire)
        with portalocker.Lock(self.path, timeout=0):
            self.assertTrue(self.portalocker())

    def test_portalocker_functions(self):
        flags = portalocker_like.LockFlags
        with open(self.path, "w") as a, open(self.path) as b:
            portalocker_like.lock(a, flags.SHARED)
            portalocker_like.lock(b, flags.SHARED | flags.NON_BLOCKING)
            portalocker_like.unlock(b)
            self.assertRaises(portalocker_like.AlreadyLocked, portalocker_like.lock, b,
                              flags.EXCLUSIVE | flags.NON_BLOCKING)
            portalocker_like.unlock(a)
            self.assertRaises(portalocker_like.LockException, portalocker_like.unlock, a)
            portalocker_like.lock(b, flags.EXCLUSIVE | flags.NON_BLOCKING)
            portalocker_like.unlock(b)

    def test_portalocker_rlock_and_modes(self):
        lock = portalocker_like.RLock(self.path, "w")
        with lock as file, lock:
            file.write("x")
        self.assertRaises(portalocker_like.LockException, lock.release)
        with open(self.path) as file:
            self.assertEqual(file.read(), "x")

    def test_portalocker_semaphore(self):
        make = lambda: portalocker_like.BoundedSemaphore(2, directory=os.path.dirname(self.path), timeout=0)
        a, b, c = make(), make(), make()
        a.acquire()
        b.acquire()
        self.assertRaises(portalocker_like.AlreadyLocked, c.acquire)
        a.release()
        c.acquire()
        for semaphore in b, c:
            semaphore.release()

    def test_readers_share(self):
        a, b = (fasteners_like.InterProcessReaderWriterLock(self.path) for _ in range(2))
        with a.read_lock(), b.read_lock():
            self.assertFalse(b.acquire_write_lock(blocking=False))
        self.assertTrue(b.acquire_write_lock(blocking=False))
        b.release_write_lock()

    def test_async_in_order_beside_a_ticking_timer(self):
        order, ticks = [], []

        async def enter(name):
            async with aio.AsyncLock(self.path):
                order.append(name)

        async def tick():
            while len(order) < 2:
                ticks.append(1)
                await asyncio.sleep(0.005)

        async def main():
            first = aio.AsyncLock(self.path)
            await first.acquire()
            timer = asyncio.ensure_future(tick())
            tasks = []
            for name in "ab":
                tasks.append(asyncio.ensure_future(enter(name)))
                await asyncio.sleep(0)
            while len(ticks) < 5:
                await asyncio.sleep(0.001)
            self.assertEqual(order, [])
            first.release()
            await asyncio.gather(timer, *tasks)
        asyncio.run(main())
        self.assertEqual(order, ["a", "b"])

    def test_async_cancelled(self):
        async def main():
            async with aio.AsyncLock(self.path):
                task = asyncio.ensure_future(aio.AsyncLock(self.path).acquire())
                await asyncio.sleep(0)
                task.cancel()
                with self.assertRaises(asyncio.CancelledError):
                    await task
            async with aio.AsyncLock(self.path, 0):
                pass
        asyncio.run(main())
