#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors

# What programs that know nothing of us, Python's fasteners and sqlite3, and
# ipclock run on the same file do to each other beyond exclusion, which is in
# interop.py: waiting, and what must get through while a writer waits for ever.
# A peer is driven over FIFOs, a word or a statement at a time.
# IPCLOCK is the program's path.  What is not installed is skipped.

: "${IPCLOCK:=./ipclock}" "${PYTHON3:=/usr/bin/python3}"
case $IPCLOCK in
/*) ;;
*) IPCLOCK=$PWD/$IPCLOCK ;;
esac
dir=$(mktemp -d "${TMPDIR:-/tmp}/ipclock-peers.XXXXXX") || exit 99
cd "$dir" || exit 99
pids=

# Those that are still ours: one that has ended leaves its number to a stranger, soon where many processes come and go.
kill_all() {
	for pid in $pids; do
		test "$(ps -o ppid= -p "$pid" | tr -d ' ')" != $$ || kill "$pid"
	done 2>/dev/null
}
trap 'kill_all; cd /; rm -rf "$dir"' EXIT
trap 'echo "not ok - a peer did not answer in time"; exit 1' TERM
trap 'exit 1' HUP INT

# Ends a hang.
(
	i=0
	while test $i -lt 100 && kill -0 $$ 2>/dev/null; do
		sleep 1
		i=$((i + 1))
	done
	kill $$ 2>/dev/null
) >/dev/null 2>&1 &
pids=$!

n=0
bad=0

# is TEXT WANTED GOT
is() {
	n=$((n + 1))
	if test "$2" = "$3"; then
		echo "ok $n - $1"
	else
		bad=$((bad + 1))
		echo "not ok $n - $1"
		echo "# wanted: $2, got: $3"
	fi
}

skip() {
	n=$((n + 1))
	echo "ok $n - $1 # SKIP $2"
}

# ---- ourselves ----

# try FILE [OPTION...]: free or busy, as one try says
try() {
	file=$1
	shift
	"$IPCLOCK" run -n "$@" "$file" true 2>err && echo free && return
	test $? -eq 1 && test ! -s err && echo busy || echo "error: $(cat err)"
}

# hold FILE [OPTION...]: in another process, until let_go
hold() {
	file=$1
	shift
	rm -f held go
	mkfifo held go
	"$IPCLOCK" run "$@" "$file" sh -c 'echo >held; read -r line <go' 3>&- 4<&- 5>&- 6>&- &
	holder=$!
	pids="$pids $holder"
	read -r line <held
}

let_go() {
	echo >go
	wait "$holder"
}

# wait_for FILE [OPTION...]: in another process; got sets result to what came of it
wait_for() {
	file=$1
	shift
	"$IPCLOCK" run "$@" "$file" true 2>waiter.err 3>&- 4<&- 5>&- 6>&- &
	waiter=$!
	pids="$pids $waiter"
}

got() {
	wait "$waiter"
	result="$? $(cat waiter.err)"
}

# Until the waiter's number is seen in the line: a lock beyond 2^62.
in_line() {
	i=0
	until grep -qs 'WRITE.* 46116860[0-9]* ' /proc/"$waiter"/fdinfo/*; do
		test $i -lt 400 && kill -0 "$waiter" 2>/dev/null || return 1
		sleep 0.05
		i=$((i + 1))
	done
}

# ---- fasteners ----

fasteners_peer() {
	cat >peer.py <<-'END'
		import sys
		import fasteners

		path = sys.argv[1]
		lock = fasteners.InterProcessLock(path)
		rw = fasteners.InterProcessReaderWriterLock(path)
		calls = {
		    'try': lambda: lock.acquire(blocking=False),
		    'acquire': lambda: lock.acquire(),
		    'release': lambda: lock.release(),
		    'try-read': lambda: rw.acquire_read_lock(blocking=False),
		    'release-read': lambda: rw.release_read_lock(),
		    'try-write': lambda: rw.acquire_write_lock(blocking=False),
		    'release-write': lambda: rw.release_write_lock(),
		}
		for line in sys.stdin:
		    done = calls[line.strip()]()
		    print('busy' if done is False else 'free', flush=True)
	END
	mkfifo fasteners.in fasteners.out
	"$PYTHON3" peer.py "$1" <fasteners.in >fasteners.out &
	pids="$pids $!"
	exec 3>fasteners.in 4<fasteners.out
}

fasteners() {
	echo "$1" >&3
	read -r line <&4
	echo "$line"
}

# with_fasteners WHAT [OPTION...]: our options
with_fasteners() {
	what="fasteners and ipclock run$1"
	shift
	is "$what: its lock, taken" free "$(fasteners try)"
	wait_for f "$@"
	is "$what: its lock, released" free "$(fasteners release)"
	got
	is "$what: who waited gets on" "0 " "$result"
	hold f "$@"
	echo acquire >&3
	let_go
	read -r line <&4
	is "$what: it waited and gets on" free "$line"
	is "$what: and excludes ours" busy "$(try f "$@")"
	is "$what: its lock, released again" free "$(fasteners release)"
}

# What fasteners locks covers the line.
fasteners_and_our_line() {
	what="fasteners and our line"
	hold f -s
	is "$what: our read and its read share" free "$(fasteners try-read)"
	is "$what: its read, released" free "$(fasteners release-read)"
	wait_for f
	in_line
	is "$what: our writer waits for ever" 0 $?
	is "$what: which keeps its read out" busy "$(fasteners try-read)"
	let_go
	got
	is "$what: our writer gets on" "0 " "$result"
	is "$what: then its read does" free "$(fasteners try-read)"
	is "$what: its read, released again" free "$(fasteners release-read)"
}

# ---- sqlite3 ----

# sqlite_peer FILE: a connection, until sqlite_end
sqlite_peer() {
	rm -f sqlite.in sqlite.done
	mkfifo sqlite.in sqlite.done
	: >sqlite.err
	sqlite3 -batch "$1" <sqlite.in >sqlite.out 2>>sqlite.err &
	connection=$!
	pids="$pids $connection"
	# Read and write: without an end that stays open, the end of one answer is taken for the next.
	exec 5>sqlite.in 6<>sqlite.done
	sqlite '.timeout 0' >/dev/null
}

# sqlite STATEMENT: free, busy, or what it says
sqlite() {
	printf '%s\n.shell echo >sqlite.done\n' "$1" >&5
	read -r line <&6
	if test ! -s sqlite.err; then
		echo free
	elif grep -q 'database is locked' sqlite.err; then
		echo busy
	else
		echo "error: $(cat sqlite.err)"
	fi
	: >sqlite.err
}

sqlite_end() {
	exec 5>&- 6>&-
	wait "$connection"
}

rows() {
	sqlite3 "$1" 'SELECT count(*) FROM t' 2>&1
}

with_sqlite_journal() {
	what="sqlite3 with a rollback journal"
	sqlite3 j.db 'CREATE TABLE t (x)'
	sqlite_peer j.db
	is "$what: BEGIN IMMEDIATE" free "$(sqlite 'BEGIN IMMEDIATE;')"
	wait_for j.db
	in_line
	is "$what: our writer waits for ever" 0 $?
	is "$what: INSERT meanwhile" free "$(sqlite 'INSERT INTO t VALUES (1);')"
	is "$what: COMMIT meanwhile" free "$(sqlite 'COMMIT;')"
	got
	is "$what: then our writer gets on" "0 " "$result"
	is "$what: BEGIN and SELECT" free "$(sqlite 'BEGIN; SELECT * FROM t;')"
	wait_for j.db
	in_line
	is "$what: our writer waits for ever for a reader" 0 $?
	is "$what: the reader turns writer meanwhile" free "$(sqlite 'INSERT INTO t VALUES (2);')"
	is "$what: and commits meanwhile" free "$(sqlite 'COMMIT;')"
	got
	is "$what: then our writer gets on, too" "0 " "$result"
	hold j.db -s
	is "$what: our read lets a writer prepare" free "$(sqlite 'BEGIN IMMEDIATE; INSERT INTO t VALUES (3);')"
	is "$what: but not commit" busy "$(sqlite 'COMMIT;')"
	is "$what: the writer that waits to commit stops our new readers" busy "$(try j.db -s)"
	let_go
	is "$what: COMMIT after our read" free "$(sqlite 'COMMIT;')"
	sqlite_end
	is "$what: nothing is lost" 3 "$(rows j.db)"
	is "$what: the file is whole" ok "$(sqlite3 j.db 'PRAGMA integrity_check')"
}

# With WAL an open connection holds the read lock, writers lock in another file.
with_sqlite_wal() {
	what="sqlite3 with WAL"
	sqlite3 w.db 'PRAGMA journal_mode=WAL; CREATE TABLE t (x)' >/dev/null
	sqlite_peer w.db
	is "$what: a connection" free "$(sqlite 'SELECT * FROM t;')"
	is "$what: which, idle, excludes ours" busy "$(try w.db)"
	is "$what: and shares with our read" free "$(try w.db -s)"
	wait_for w.db
	in_line
	is "$what: our writer waits for ever" 0 $?
	is "$what: BEGIN IMMEDIATE meanwhile" free "$(sqlite 'BEGIN IMMEDIATE;')"
	is "$what: INSERT meanwhile" free "$(sqlite 'INSERT INTO t VALUES (1);')"
	is "$what: COMMIT meanwhile" free "$(sqlite 'COMMIT;')"
	sqlite_end
	got
	is "$what: our writer gets on when the connection ends" "0 " "$result"
	hold w.db
	sqlite_peer w.db
	is "$what: ours excludes a connection" busy "$(sqlite 'SELECT * FROM t;')"
	let_go
	is "$what: and lets it pass then" free "$(sqlite 'SELECT * FROM t;')"
	hold w.db -s
	is "$what: our read lets a writer commit" free "$(sqlite 'BEGIN IMMEDIATE; INSERT INTO t VALUES (2); COMMIT;')"
	let_go
	sqlite_end
	is "$what: nothing is lost" 2 "$(rows w.db)"
	is "$what: the file is whole" ok "$(sqlite3 w.db 'PRAGMA integrity_check')"
}

if "$PYTHON3" -c 'import fasteners; fasteners.InterProcessReaderWriterLock' 2>/dev/null; then
	fasteners_peer f
	with_fasteners ""
	with_fasteners " --fcntl" --fcntl
	with_fasteners " --slot 7" --slot 7
	fasteners_and_our_line
	exec 3>&- 4<&-
else
	skip "fasteners" "python3-fasteners is not installed for $PYTHON3"
fi
if sqlite3 -version >/dev/null 2>&1; then
	with_sqlite_journal
	with_sqlite_wal
else
	skip "sqlite3 with a rollback journal" "sqlite3 is not installed"
	skip "sqlite3 with WAL" "sqlite3 is not installed"
fi
echo "1..$n"
test $bad -eq 0
