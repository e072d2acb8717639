# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors

"""Every peer as holder and as contender, against us: each pair of two processes is asked whether both can hold.

What must come out is the table in man/ipclock-interop.7.  We hold by tests/agent and contend by ipclock run.  A peer is
a process of its own that obeys "try" and "release", one a line: this file with the peer's name, tests/peer, or what
the classes below drive.  What is not installed is skipped.
"""

import atexit
import os
import shutil
import signal
import subprocess
import sys
import tempfile

PIPE = subprocess.PIPE
BUILD = os.environ.get('top_builddir', '.')
PAGE = os.path.join(os.environ.get('top_srcdir', '.'), 'man/ipclock-interop.7')
AGENT = os.path.abspath(os.environ.get('AGENT', BUILD + '/tests/agent'))
IPCLOCK = os.path.abspath(os.environ.get('IPCLOCK', BUILD + '/ipclock'))
PEER = os.path.abspath(BUILD + '/tests/peer')
LIMIT = 300  # seconds for all
SLOT0, SLOT7 = 0x40000000, 0x40000000 + 7 * 512


# ---- Python's peers, in their own process ----

class Fasteners:
    def __init__(self, path, what):
        import fasteners
        lock = fasteners.InterProcessLock(path)
        rw = fasteners.InterProcessReaderWriterLock(path)
        self.acquire, self.release = {
            'lock': (lock.acquire, lock.release),
            'read': (rw.acquire_read_lock, rw.release_read_lock),
            'write': (rw.acquire_write_lock, rw.release_write_lock),
        }[what]

    def held(self):
        return self.acquire(blocking=False)


class FileLock:
    def __init__(self, path, what):
        import filelock
        self.timeout = filelock.Timeout
        self.lock = filelock.SoftFileLock(path + '.lock') if what == 'soft' else filelock.FileLock(path)
        self.release = self.lock.release

    def held(self):
        try:
            self.lock.acquire(timeout=0)
        except self.timeout:
            return False
        return True


class Portalocker:
    def __init__(self, path, what):
        import portalocker
        self.busy = portalocker.AlreadyLocked
        flag = portalocker.LOCK_SH if what == 'sh' else portalocker.LOCK_EX
        self.lock = portalocker.Lock(path, timeout=0, fail_when_locked=True, flags=flag | portalocker.LOCK_NB)
        self.release = self.lock.release

    def held(self):
        try:
            self.lock.acquire()
        except self.busy:
            return False
        return True


class Locket:
    def __init__(self, path, what):
        import locket
        self.busy = locket.LockError
        self.lock = locket.lock_file(path, timeout=0)
        self.release = self.lock.release

    def held(self):
        try:
            self.lock.acquire()
        except self.busy:
            return False
        return True


MODULES = {'fasteners': Fasteners, 'filelock': FileLock, 'portalocker': Portalocker, 'locket': Locket}


def obey(module, what, path):
    peer = MODULES[module](path, what)
    print('ready', flush=True)
    for line in sys.stdin:
        if line == 'try\n':
            print('held' if peer.held() else 'busy', flush=True)
        else:
            peer.release()
            print('free', flush=True)


# ---- how a party is driven: held() and release() ----

class Missing(Exception):
    pass


def spawn(*command, **more):
    process = subprocess.Popen(command, stdin=PIPE, stdout=PIPE, universal_newlines=True, bufsize=1, **more)
    atexit.register(process.kill)
    return process


def ask(process, line, wanted):
    process.stdin.write(line + '\n')
    answer = process.stdout.readline().strip()
    if answer not in wanted:
        raise RuntimeError('%s answered %r to %r' % (process.args, answer, line))
    return answer


def needs(program):
    if not shutil.which(program):
        raise Missing(program)


class Obedient:
    """A process that obeys "try" and "release"."""

    def held(self):
        return ask(self.process, 'try', ('held', 'busy')) == 'held'

    def release(self):
        ask(self.process, 'release', ('free',))


class Module(Obedient):
    def __init__(self, path, module, what=''):
        self.process = spawn(sys.executable, __file__, module, what, path, stderr=subprocess.DEVNULL)
        if self.process.stdout.readline() != 'ready\n':
            raise Missing("Python's " + module)


class Calls(Obedient):
    def __init__(self, path, kind, *where):
        self.process = spawn(PEER, kind, path, *map(str, where))
        self.process.stdin.write('release\n')
        if self.process.stdout.readline() != 'free\n':
            raise Missing(kind)


class Sqlite:
    """The program sqlite3; its standard error, unbuffered, comes by the same pipe as the end of an answer."""

    def __init__(self, path, begin):
        needs('sqlite3')
        self.begin = begin
        self.process = spawn('sqlite3', '-batch', path, stderr=subprocess.STDOUT)
        self.says('.output /dev/null\n.timeout 0')

    def says(self, statement):
        self.process.stdin.write(statement + '\n.shell echo end\n')
        return ''.join(iter(self.process.stdout.readline, 'end\n'))

    def held(self):
        answer = self.says(self.begin)
        if not answer:
            return True
        if 'database is locked' not in answer:
            raise RuntimeError('sqlite3: ' + answer)
        self.says('ROLLBACK;')  # an open BEGIN, if there is one
        return False

    def release(self):
        self.says('ROLLBACK;')


class Flock1:
    """flock(1): a process for each try."""

    def __init__(self, path, option):
        needs('flock')
        self.command = 'flock', '-n', option, path, 'sh', '-c', 'echo held; read -r line'

    def held(self):
        self.process = spawn(*self.command)
        return self.process.stdout.readline() == 'held\n' or self.ended(1)

    def release(self):
        self.process.communicate('\n')

    def ended(self, status):
        self.process.communicate()
        if self.process.returncode != status:
            raise RuntimeError('%s ended with %d' % (self.command, self.process.returncode))
        return False


class LockfileProgs:
    def __init__(self, path):
        needs('lockfile-create')
        self.path = path

    def held(self):
        return subprocess.call(['lockfile-create', '-r', '0', '-q', self.path], stderr=subprocess.DEVNULL) == 0

    def release(self):
        subprocess.check_call(['lockfile-remove', self.path])


class We:
    """Holds by the agent; contends by the program."""

    def __init__(self, path, mode, option, flags):
        # Descriptor 3 is for the log.
        self.agent = spawn('sh', '-c', 'exec "$0" 3>/dev/null', AGENT)
        ask(self.agent, 'rw_open lock %s %s' % (path, option), '0')
        self.mode = mode
        self.command = [IPCLOCK, 'run', '-n', '--shared' if mode == 'read' else '--exclusive'] + flags + [path, 'true']

    def held(self):
        return ask(self.agent, self.mode + ' lock 0', ('0', '16')) == '0'

    def release(self):
        ask(self.agent, 'release_%s lock' % self.mode, '0')

    def contends(self):
        done = subprocess.run(self.command, stderr=PIPE)
        if done.returncode not in (0, 1) or done.stderr:
            raise RuntimeError('%s: %d %s' % (self.command, done.returncode, done.stderr))
        return done.returncode == 0


# ---- who takes part ----

# Key: name, the places that it locks, how it is made.  Parties without a common place are blind to each other.
OURS = {}
for number, (where, places, option, flags) in enumerate((
        ('slot 0', '0', 'slot=0', []), ('slot 7', '7', 'slot=7', ['--slot', '7']),
        ('whole', '07', 'range=0,0', ['--fcntl']), ('flock', 'F', 'protocol=flock', ['--protocol', 'flock']))):
    OURS[str(2 * number + 1)] = where + ' write', places, (We, 'write', option, flags)
    OURS[str(2 * number + 2)] = where + ' read', places, (We, 'read', option, flags)

PEERS = dict(zip('abcdefghijklmnopqrstuvwxy', (
    ('fasteners lock', '07', (Module, 'fasteners', 'lock')),
    ('fasteners write', '07', (Module, 'fasteners', 'write')),
    ('fasteners read', '07', (Module, 'fasteners', 'read')),
    ('lockf(3)', '07', (Calls, 'lockf')),
    ('SQLite EXCLUSIVE', '0', (Sqlite, 'BEGIN EXCLUSIVE;')),
    ('SQLite RESERVED', '0', (Sqlite, 'BEGIN IMMEDIATE;')),
    ('SQLite read', '0', (Sqlite, 'BEGIN; SELECT * FROM sqlite_master;')),
    ('fcntl slot 0 write', '0', (Calls, 'classic-write', SLOT0, 512)),
    ('fcntl slot 0 read', '0', (Calls, 'classic-read', SLOT0 + 2, 510)),
    ('OFD slot 0 write', '0', (Calls, 'ofd-write', SLOT0, 512)),
    ('OFD slot 0 read', '0', (Calls, 'ofd-read', SLOT0 + 2, 510)),
    ('fcntl slot 7 write', '7', (Calls, 'classic-write', SLOT7, 512)),
    ('fcntl slot 7 read', '7', (Calls, 'classic-read', SLOT7 + 2, 510)),
    ('OFD slot 7 write', '7', (Calls, 'ofd-write', SLOT7, 512)),
    ('OFD slot 7 read', '7', (Calls, 'ofd-read', SLOT7 + 2, 510)),
    ('filelock', 'F', (Module, 'filelock', 'flock')),
    ('portalocker LOCK_EX', 'F', (Module, 'portalocker', 'ex')),
    ('portalocker LOCK_SH', 'F', (Module, 'portalocker', 'sh')),
    ('locket', 'F', (Module, 'locket')),
    ('flock(1) -x', 'F', (Flock1, '-x')),
    ('flock(1) -s', 'F', (Flock1, '-s')),
    ('flock(2) LOCK_EX', 'F', (Calls, 'flock-ex')),
    ('flock(2) LOCK_SH', 'F', (Calls, 'flock-sh')),
    ('filelock soft', 'E', (Module, 'filelock', 'soft')),
    ('lockfile-progs', 'E', (LockfileProgs,)),
)))
ALL = dict(OURS, **PEERS)
WORDS = {'X': 'excluded', 'o': 'shared', '-': 'blind', '?': 'not in the page'}


# ---- the table ----

def table(cells, holders, contenders):
    lines = ['  %-19s  %s' % ('', ' '.join(contenders))]
    for h in holders:
        row = ' '.join(cells.get((h, c), '?') for c in contenders)
        lines.append('%s %-19s  %s' % (h, ALL[h][0], row))
    return lines


def from_page():
    """The cells of the two tables, and their lines."""
    cells, lines, contenders = {}, [], None
    with open(PAGE) as page:
        for line in page:
            words = line.split()
            if line.startswith('.'):
                contenders = [] if line == '.Bd -literal\n' else None
            elif contenders is not None:
                lines.append(line.rstrip())
                contenders = contenders or words
                cells.update(((words[0], c), x) for c, x in zip(contenders, words[-len(contenders):]))
    return cells, lines


class Report:
    def __init__(self):
        self.n = self.failed = 0

    def case(self, good, text):
        self.n += 1
        self.failed += not good
        print('%sok %d - %s' % ('' if good else 'not ', self.n, text), flush=True)

    def skip(self, text):
        self.n += 1
        print('skip %d - %s' % (self.n, text), flush=True)


def make_all(path, report):
    parties, missing = {}, set()
    for key, (_, _, (make, *arguments)) in ALL.items():
        try:
            parties[key] = make(path, *arguments)
        except Missing as what:
            missing.add(str(what))
    for what in sorted(missing):
        report.skip('%s: not installed' % what)
    return parties


def both_hold(contender, by_program):
    if by_program:
        return contender.contends()
    held = contender.held()
    if held:
        contender.release()
    return held


def fill(parties, wanted, report):
    seen = {}
    for h, holder in parties.items():
        if not holder.held():
            raise RuntimeError(ALL[h][0] + ' does not get a free lock')
        for c in (c for c in parties if c in OURS or h in OURS):
            apart = not set(ALL[h][1]) & set(ALL[c][1])
            x = ('-' if apart else 'o') if both_hold(parties[c], c in OURS) else 'X'
            seen[h, c] = x
            page = wanted.get((h, c), '?')
            text = '%s vs %s: %s' % (ALL[h][0], ALL[c][0], WORDS[x])
            report.case(x == page, text if x == page else text + '; the page says ' + WORDS[page])
        holder.release()
    return seen


def soft_on_the_file_itself(path, report):
    """The trap that the page warns of: an existing file is, to such a peer, a lock that is held."""
    try:
        peer = Module(path[:-len('.lock')], 'filelock', 'soft')
    except Missing:
        return
    report.case(os.path.exists(path) and not peer.held(), 'filelock soft on our lock file itself: never gets it')


def main():
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.alarm(LIMIT)
    directory = tempfile.mkdtemp(prefix='ipclock-interop.')
    atexit.register(shutil.rmtree, directory)
    report = Report()
    path = os.path.join(directory, 'f.lock')
    wanted, page_lines = from_page()
    parties = make_all(path, report)
    seen = fill(parties, wanted, report)
    soft_on_the_file_itself(path, report)
    lines = table(seen, ALL, OURS) + table(seen, OURS, PEERS)
    whole = len(parties) == len(ALL)
    report.case(page_lines == lines or not whole, 'the tables in ipclock-interop.7 are what was seen')
    print('# holder: a row; contender: a column; X excluded, o both hold, - both hold, blind to each other')
    print('\n'.join('# ' + line for line in lines))
    print('1..%d' % report.n)
    return report.failed != 0


if __name__ == '__main__':
    sys.exit(obey(*sys.argv[1:]) if len(sys.argv) > 1 else main())
