#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors
#
# Soft locks of other programs and ours on one path: filelock's SoftFileLock and liblockfile's dotlockfile.  What is not
# installed is skipped.
set -u
: "${PYTHON3:=/usr/bin/python3}"
peer=$(cd "${top_builddir:-.}" && pwd)/tests/soft_peer
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
n=0
status=0

# is TEXT WANTED GOT
is() {
	n=$((n + 1))
	if [ "$2" = "$3" ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		echo "# wanted: $2, got: $3"
		status=1
	fi
}

skip() {
	n=$((n + 1))
	echo "skip $n - $1"
}

# hold: ours, until let_go.
hold() {
	mkfifo go said
	"$peer" hold lock <go >said &
	exec 3>go 4<said
	read -r line <&4
	is "ours is held" held "$line"
}

let_go() {
	exec 3>&- 4<&-
	wait
	rm -f go said
}

python() {
	"$PYTHON3" - "$@" <<-'END'
		import subprocess, sys
		from filelock import SoftFileLock, Timeout
		lock = SoftFileLock('lock', timeout=0)
		try:
		    lock.acquire()
		except Timeout:
		    print('busy')
		    sys.exit()
		if len(sys.argv) > 1:
		    print(subprocess.check_output([sys.argv[1], 'try', 'lock'], text=True), end='')
		else:
		    print('free')
		lock.release()
	END
}

# A newer filelock removes what is not two or three lines of which the first is a number, when it is 2 s old, and what
# names this host and a dead process.
survives_newer_filelock() {
	"$PYTHON3" - <<-'END'
		import socket
		lines = open('lock').read().strip().splitlines()
		ok = len(lines) == 2 and int(lines[0]) > 0 and lines[1] != socket.gethostname()
		print('kept' if ok else 'removed')
	END
}

if "$PYTHON3" -c 'import filelock' 2>/dev/null; then
	is "filelock alone" free "$(python)"
	is "ours while filelock holds" busy "$(python "$peer")"
	is "ours after filelock" free "$("$peer" try lock)"
	hold
	is "filelock while ours is held" busy "$(python)"
	is "our marker in the eyes of a newer filelock" kept "$(survives_newer_filelock)"
	let_go
	is "filelock after ours" free "$(python)"
	printf '%s\n%s\n12345\n' $$ "$(uname -n)" >lock
	is "a live marker as newer filelocks write it" busy "$("$peer" try lock)"
	printf '99999999\n%s\n12345\n' "$(uname -n)" >lock
	is "a dead one, which is not ours to remove" busy "$("$peer" try lock)"
	rm lock
else
	skip "filelock: not installed for $PYTHON3"
fi

dotlock() {
	if dotlockfile "$@" -r 0 lock; then
		echo free
	else
		echo busy
	fi
}

if command -v dotlockfile >/dev/null; then
	is "dotlockfile -p" free "$(dotlock -p)"
	is "ours while dotlockfile -p holds, although its process has ended" busy "$("$peer" try lock)"
	rm -f lock
	is "dotlockfile" free "$(dotlock)"
	is "ours while dotlockfile holds" busy "$("$peer" try lock)"
	dotlockfile -u lock
	is "ours after dotlockfile" free "$("$peer" try lock)"
	hold
	is "dotlockfile while ours is held" busy "$(dotlock)"
	is "dotlockfile -p while ours is held" busy "$(dotlock -p)"
	touch -d '1 hour ago' lock
	is "dotlockfile -p while ours is held, and old" busy "$(dotlock -p)"
	let_go
	is "dotlockfile after ours" free "$(dotlock)"
	dotlockfile -u lock
else
	skip "dotlockfile: not installed"
fi
is "nothing is left" "" "$(ls -A)"
exit $status
