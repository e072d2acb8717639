# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors
#
# Does with Python's fasteners what a process of bench/fair.c or bench/handoff.c does with the library.
#
#     peer.py fair PATH FD SIZE WORKER HEADER ROW WRITE HOLD_NS    the table of fair.c is mapped from FD
#     peer.py handoff PATH IN OUT                                  the pipes of handoff.c
import mmap
import os
import resource
import struct
import sys
import time

import fasteners


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


def fair(path, fd, size, worker, header, row, write, hold_ns):
    table = memoryview(mmap.mmap(fd, size)).cast("q")
    mine = header + worker * row
    lock = fasteners.InterProcessReaderWriterLock(path)
    acquire = lock.acquire_write_lock if write else lock.acquire_read_lock
    release = lock.release_write_lock if write else lock.release_read_lock
    table[mine] = 1
    while table[0] == 0:
        time.sleep(0.0005)
    cpu, switches = used()
    while True:
        asked, turn = time.monotonic_ns(), table[2]
        if asked >= table[1]:
            break
        acquire()
        passed, waited = table[2] - turn, time.monotonic_ns() - asked
        table[2] += 1
        table[mine + 1] += 1
        table[mine + 2] = max(table[mine + 2], passed)
        table[mine + 3] += passed > table[3]
        table[mine + 4] = max(table[mine + 4], waited)
        hold(hold_ns)
        release()
    cpu_now, switches_now = used()
    table[mine + 5], table[mine + 6] = cpu_now - cpu, switches_now - switches


def handoff(path, begin, end):
    lock = fasteners.InterProcessReaderWriterLock(path)
    lock.acquire_write_lock()
    lock.release_write_lock()
    os.write(end, struct.pack("3q", 0, 0, 0))
    while os.read(begin, 1):
        cpu, switches = used()
        lock.acquire_write_lock()
        got = time.monotonic_ns()
        cpu_now, switches_now = used()
        lock.release_write_lock()
        os.write(end, struct.pack("3q", got, cpu_now - cpu, switches_now - switches))


globals()[sys.argv[1]](sys.argv[2], *map(int, sys.argv[3:]))
