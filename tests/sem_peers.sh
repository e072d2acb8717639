#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors

# portalocker's BoundedSemaphore and ours on the same files: never more than
# the slots by both together, whoever comes first, and a crash of either frees
# its slot.  Who is inside is told by files that each makes and removes.
: "${PYTHON3:=/usr/bin/python3}" "${top_builddir:=.}"
if ! "$PYTHON3" -c 'import portalocker; portalocker.BoundedSemaphore' 2>/dev/null; then
	echo "skip 1 - portalocker's semaphore: python3-portalocker is not installed for $PYTHON3"
	exit 0
fi
dir=$(mktemp -d "${TMPDIR:-/tmp}/ipclock-sem.XXXXXX") || exit 99
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
cat >"$dir/peers.py" <<'END'
import errno, os, subprocess, sys, time
import portalocker

SLOTS, OURS, THEIRS, SECONDS = 3, 4, 4, 3
program, directory = sys.argv[1:3]
inside = os.path.join(directory, 'inside')
answers = os.dup(1)
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # it may print
count = bad = 0


def say(text):
    os.write(answers, (text + '\n').encode())


def check(what, wanted, got):
    global count, bad
    count += 1
    bad += wanted != got
    say('%sok %d - %s' % ('' if wanted == got else 'not ', count, what))
    if wanted != got:
        say('# wanted %r, got %r' % (wanted, got))


class Ours:
    def __init__(self):
        self.process = subprocess.Popen([program, directory, 's', str(SLOTS)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, universal_newlines=True)

    def do(self, command):
        self.process.stdin.write(command + '\n')
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def acquire(self):
        self.slot = self.do('acquire 0')
        return self.slot >= 0

    def release(self):
        return self.do('release %d' % self.slot) == self.slot

    def end(self):
        self.process.kill()
        self.process.wait()


class Theirs:
    def __init__(self):
        self.semaphore = portalocker.BoundedSemaphore(SLOTS, name='s', directory=directory, timeout=0)

    def acquire(self):
        try:
            return self.semaphore.acquire(timeout=0) is not None
        except portalocker.AlreadyLocked:
            self.semaphore.lock = None
            return False

    def release(self):
        self.semaphore.release()
        return True

    def end(self):
        pass


def one_after_the_other(what, kinds):
    holders = [kind() for kind in kinds]
    check(what + ': each gets a slot', [True] * SLOTS, [h.acquire() for h in holders])
    ours, theirs = Ours(), Theirs()
    check(what + ': ours is kept out', -errno.EBUSY, ours.do('acquire 0'))
    check(what + ': and times out', -errno.ETIMEDOUT, ours.do('acquire 50'))
    check(what + ': and sees none free', 0, ours.do('value'))
    check(what + ': theirs is kept out', False, theirs.acquire())
    check(what + ': the first gives back', True, holders[0].release())
    check(what + ': ours sees it', 1, ours.do('value'))
    check(what + ': theirs gets it', True, theirs.acquire())
    check(what + ': and keeps ours out', -errno.EBUSY, ours.do('acquire 0'))
    theirs.release()
    check(what + ': ours gets it', True, ours.acquire())
    check(what + ': and keeps theirs out', False, theirs.acquire())
    ours.end()
    check(what + ': which a crash of ours gives back', True, theirs.acquire())
    theirs.release()
    for h in holders[1:]:
        h.release()
    for h in holders:
        h.end()


def hammer(end, semaphore):
    turns = 0
    while time.monotonic() < end:
        if not semaphore.acquire():
            time.sleep(0.0005)
            continue
        mark = os.path.join(inside, str(os.getpid()))
        open(mark, 'x').close()
        if len(os.listdir(inside)) > SLOTS:
            os.write(answers, b'# too many inside\n')
            return 255
        time.sleep(0.001)
        os.remove(mark)
        semaphore.release()
        turns += 1
    semaphore.end()
    return 0 if turns else 254


def together():
    os.mkdir(inside)
    end = time.monotonic() + SECONDS
    children = []
    for kind in [Ours] * OURS + [Theirs] * THEIRS:
        child = os.fork()
        if child == 0:
            os._exit(hammer(end, kind()))
        children.append(child)
    results = [os.WEXITSTATUS(os.waitpid(child, 0)[1]) for child in children]
    check('%d of ours and %d of theirs at once: each gets in, never more than %d' % (OURS, THEIRS, SLOTS),
          [0] * len(children), results)
    ours = Ours()
    check('and all slots are free then', SLOTS, ours.do('value'))
    ours.end()


one_after_the_other('three of ours', [Ours] * 3)
one_after_the_other('three of theirs', [Theirs] * 3)
one_after_the_other('one of ours, two of theirs', [Ours, Theirs, Theirs])
together()
sys.exit(bad != 0)
END
timeout 100 "$PYTHON3" "$dir/peers.py" "$top_builddir/tests/sem_peer" "$dir"
