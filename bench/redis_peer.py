# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors
#
# Does in Python what a process of bench/redis does: obeys a command a line.
#
#     redis_peer.py python-portalocker|python-portalocker-fast|python-set-nx URL NAME

import os
import sys
import time

import portalocker
import portalocker.redis
import redis


class Portalocker:
    """RedisLock as it is, or with all that it lets one shorten."""

    def __init__(self, client, name, pauses):
        self.lock = portalocker.redis.RedisLock(name, connection=client, timeout=60, **pauses)

    def acquire(self):
        while True:
            try:
                return self.lock.acquire()
            except portalocker.exceptions.AlreadyLocked:
                pass

    def release(self):
        self.lock.release()


class Set:
    """SET NX PX and DEL: what the interpreter and redis-py cost."""

    def __init__(self, client, name):
        self.client, self.name = client, name

    def acquire(self):
        pause = 0
        while not self.client.set(self.name, str(os.getpid()), nx=True, px=10000):
            pause = min(pause + 0.05, 1)
            time.sleep(pause)

    def release(self):
        self.client.delete(self.name)


def opened(way, url, name):
    client = redis.Redis.from_url(url)
    client.ping()
    if way == 'python-set-nx':
        return Set(client, name)
    fast = {'check_interval': 0.01, 'thread_sleep_time': 0.005}
    return Portalocker(client, name, fast if way == 'python-portalocker-fast' else {})


def pairs(lock, times):
    took = []
    for _ in range(times):
        began = time.monotonic_ns()
        lock.acquire()
        lock.release()
        took.append(time.monotonic_ns() - began)
    took.sort()
    return 'pairs %d %d %.3f' % (took[times // 2], took[times * 99 // 100], times * 1e9 / sum(took))


def crowd(lock, ms, hold_us):
    until = time.monotonic_ns() + ms * 1000000
    turns = longest = 0
    while True:
        began = time.monotonic_ns()
        if began >= until:
            return 'crowd %d %d' % (turns, longest)
        lock.acquire()
        longest = max(longest, time.monotonic_ns() - began)
        time.sleep(hold_us / 1e6)
        turns += time.monotonic_ns() < until
        lock.release()


def obey(lock, verb, *numbers):
    if verb == 'acquire':
        lock.acquire()
        return 'held %d' % time.monotonic_ns()
    if verb == 'release':
        began = time.monotonic_ns()
        lock.release()
        return 'released %d' % began
    return {'pairs': pairs, 'crowd': crowd}[verb](lock, *map(int, numbers))


def main():
    lock = opened(*sys.argv[1:4])
    print('ready', flush=True)
    for line in sys.stdin:
        print(obey(lock, *line.split()), flush=True)
    os._exit(0)  # the lock's thread may be waiting


main()
