# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors
#
# Programs of Windows under Wine and of Linux lock one file against each other: Wine makes its locks fcntl(2) locks as
# well. By tests/agent.exe, by Python's fcntl, and by $NATIVE_IPCLOCK, a program of the same library for Linux.
import errno
import fcntl
import os
import subprocess
import sys
import tempfile
import time

SLOT_0 = 0x40000000
SLOT = 512
n = failed = 0


def report(good, what):
    global n, failed
    n += 1
    failed += not good
    print(("ok" if good else "not ok"), n, "-", what, flush=True)


class Agent:
    def __init__(self):
        wine = os.environ.get("WINE", "wine")
        self.process = subprocess.Popen([wine, os.environ["AGENT"]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def do(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline().split()[0])

    def kill(self):
        self.process.stdin.close()
        self.process.wait()


def linux_lock(file, kind, start, length):
    try:
        fcntl.lockf(file, kind | fcntl.LOCK_NB, length, start)
        return True
    except OSError as e:
        if e.errno not in (errno.EAGAIN, errno.EACCES):
            raise
        return False


# Wine's server, which has the locks, hears of a process's end a little later than its parent does.
def linux_lock_soon(*arguments):
    end = time.monotonic() + 30
    while not linux_lock(*arguments):
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def linux_program(path, mode):
    return subprocess.run([os.environ["NATIVE_IPCLOCK"], "run", "-w", "0", *mode, path, "true"],
                          stderr=subprocess.DEVNULL).returncode == 0


def main():
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "lock")
        agent = Agent()
        report(agent.do("rw_open rw Z:" + path) == 0, "Wine opens the file")
        with open(path, "r+b") as file:
            report(linux_lock(file, fcntl.LOCK_EX, SLOT_0, SLOT), "Linux locks")
            report(agent.do("write rw 0") != 0 and agent.do("read rw 0") != 0, "a writer on Linux keeps Wine out")
            fcntl.lockf(file, fcntl.LOCK_UN, SLOT, SLOT_0)
            report(agent.do("write rw 0") == 0, "once it is gone Wine gets in")
            report(not linux_lock(file, fcntl.LOCK_SH, SLOT_0 + 2, SLOT - 2), "a writer under Wine keeps readers on Linux out")
            agent.do("release_write rw")
            report(agent.do("read rw 0") == 0, "Wine reads")
            report(linux_lock(file, fcntl.LOCK_SH, SLOT_0 + 2, SLOT - 2), "readers share")
            report(not linux_lock(file, fcntl.LOCK_EX, SLOT_0, SLOT), "a reader under Wine keeps a writer on Linux out")
            fcntl.lockf(file, fcntl.LOCK_UN, SLOT, SLOT_0)
        if "NATIVE_IPCLOCK" in os.environ:
            report(linux_program(path, ["-s"]), "ipclock run -s on Linux beside a reader under Wine")
            report(not linux_program(path, []), "ipclock run on Linux not beside a reader under Wine")
            agent.do("release_read rw")
            report(linux_program(path, []), "ipclock run on Linux when Wine has released")
            agent.do("write rw 0")
            report(not linux_program(path, ["-s"]), "ipclock run -s on Linux not beside a writer under Wine")
        else:
            print("skip - ipclock of Linux and of Wine: no NATIVE_IPCLOCK")
        agent.kill()
        with open(path, "r+b") as file:
            report(linux_lock_soon(file, fcntl.LOCK_EX, SLOT_0, SLOT), "when Wine's process is gone its locks are")
    return failed != 0


sys.exit(main())
