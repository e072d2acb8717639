# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors
#
# Does with a Python module what a process of bench/measure does with the library.
#
#     peer.py pair MODULE PATH TIMES                                             prints nanoseconds
#     peer.py crowd MODULE PATH FD SIZE WORKER HEADER ROW READ_PERCENT HOLD_NS   the table of crowd.c is mapped from FD
#     peer.py handoff MODULE PATH IN OUT                                         the pipes of handoff.c
import mmap
import os
import random
import resource
import struct
import sys
import time

LONG = 3600


def fasteners(path):
    import fasteners
    lock = fasteners.InterProcessReaderWriterLock(path)
    return ((lock.acquire_read_lock, lock.release_read_lock), (lock.acquire_write_lock, lock.release_write_lock))


def filelock(path):
    import filelock
    lock = filelock.FileLock(path)
    return (None, (lock.acquire, lock.release))


def portalocker(path):
    import portalocker
    lock = portalocker.Lock(path, timeout=LONG)
    return (None, (lock.acquire, lock.release))


def locket(path):
    import locket
    lock = locket.lock_file(path)
    return (None, (lock.acquire, lock.release))


def used():
    u = resource.getrusage(resource.RUSAGE_SELF)
    return int((u.ru_utime + u.ru_stime) * 1e6), u.ru_nvcsw + u.ru_nivcsw


def hold(ns):
    if ns >= 100000:
        time.sleep(ns / 1e9)
        return
    end = time.monotonic_ns() + ns
    while time.monotonic_ns() < end:
        pass


def pair(modes, times):
    acquire, release = modes[1]
    for count in (1 + times // 20, times):
        began = time.monotonic_ns()
        for _ in range(count):
            acquire()
            release()
    print((time.monotonic_ns() - began) / times)


def crowd(modes, fd, size, worker, header, row, read_percent, hold_ns):
    table = memoryview(mmap.mmap(fd, size)).cast("q")
    mine = header + worker * row
    table[mine] = 1
    while table[0] == 0:
        time.sleep(0.0005)
    cpu, switches = used()
    while True:
        asked, turn = time.monotonic_ns(), table[2]
        if asked >= table[1]:
            break
        write = random.randrange(100) >= read_percent
        acquire, release = modes[write]
        acquire()
        passed, waited = table[2] - turn, time.monotonic_ns() - asked
        table[2] += 1
        table[mine + 1] += 1
        table[mine + 2] = max(table[mine + 2], passed)
        table[mine + 3] += passed > table[3]
        table[mine + 4 + write] = max(table[mine + 4 + write], waited)
        hold(hold_ns)
        release()
    cpu_now, switches_now = used()
    table[mine + 6], table[mine + 7] = cpu_now - cpu, switches_now - switches


def handoff(modes, begin, end):
    acquire, release = modes[1]
    acquire()
    release()
    os.write(end, struct.pack("3q", 0, 0, 0))
    while os.read(begin, 1):
        cpu, switches = used()
        acquire()
        got = time.monotonic_ns()
        cpu_now, switches_now = used()
        release()
        os.write(end, struct.pack("3q", got, cpu_now - cpu, switches_now - switches))


globals()[sys.argv[1]](globals()[sys.argv[2]](sys.argv[3]), *map(int, sys.argv[4:]))
