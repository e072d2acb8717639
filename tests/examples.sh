#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors
#
# The examples, each run as its reader would run it.
set -u
top_srcdir=$(cd "${top_srcdir:-.}" && pwd)
bin=$(cd "${top_builddir:-.}" && pwd)/examples
ipclock=${IPCLOCK:-${bin%/*}/ipclock}
PATH=$(dirname "$ipclock"):$PATH
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
n=0
status=0

# run NAME COMMAND...: ok if it succeeds; what it leaves in out and errors is shown.
run() {
	name=$1
	shift
	n=$((n + 1))
	: >out
	: >errors
	if "$@"; then
		echo "ok $n - $name"
	else
		echo "not ok $n - $name"
		status=1
	fi
	sed 's/^/# /' out errors
}

# Gets the first lock and then the second, and its timer goes on ticking.
loop() {
	"$bin/$1" >out || return
	[ "$(grep -o '^got [a-z]*' out | tr '\n' ' ')" = 'got first got second ' ] && grep -qx tick out
}

# Four processes write 200 lines each while the log is rotated and read: all are there, those of each in order, and
# were so when their file was moved, which does not happen while somebody writes.
log() {
	for i in 1 2 3 4; do
		seq 200 | sed "s/^/$i /" | "$bin/log" write messages 2>>errors &
	done
	for _ in 1 2 3 4 5; do
		"$bin/log" rotate messages >>moved 2>>errors
		"$bin/log" read messages 2>>errors | sort | uniq -d >>twice
	done
	wait
	"$bin/log" rotate messages >>moved
	"$bin/log" read messages >messages.all && [ ! -s twice ] && [ ! -s errors ] || return
	for i in 1 2 3 4; do
		seq 200 | sed "s/^/$i /" >wanted
		grep "^$i " messages.all | cmp -s - wanted || return
	done
	[ "$(wc -l <messages.all)" -eq 800 ] && [ "$(awk '{ n += $1 } END { print n }' moved)" -eq 800 ] || return
	hold -s messages.lock
	echo late | "$bin/log" write messages && "$bin/log" rotate messages >out &
	comes_true waiting messages.lock 1 && [ -e messages ]
	waited=$?
	kill "$holder"
	wait
	[ $waited -eq 0 ] && grep -qx '1 lines' out && [ ! -e messages ]
}

# Eight find nothing and wait; one of them makes it, and all have it.
cache() {
	hold cache.txt.lock
	for i in 1 2 3 4 5 6 7 8; do
		"$bin/cache" cache.txt >"answer.$i" 2>>errors &
	done
	comes_true waiting cache.txt.lock 8
	all_wait=$?
	kill "$holder"
	wait
	[ $all_wait -eq 0 ] && [ "$(sort -u answer.*)" = 'the answer is 42' ] && [ "$(cat answer.* | wc -l)" -eq 8 ] &&
		[ "$(grep -c 'making it' errors)" -eq 1 ]
}

# The first run is in the middle of it, at a FIFO, when the second one comes.
cron() {
	mkdir -p spool/incoming && mkfifo spool/incoming/order || return
	{
		"$top_srcdir/examples/cron.sh" "$PWD/spool" 2>errors
		[ ! -e spool/incoming/order ] || read -r _ <spool/incoming/order # or we would wait for ever
	} &
	exec 9>spool/incoming/order
	"$top_srcdir/examples/cron.sh" "$PWD/spool" >out 2>&1 9>&- &
	comes_true grep -qx 'cron.sh: the last run is not done yet' out
	left_out=$?
	echo 'one order' >&9
	exec 9>&-
	wait
	"$top_srcdir/examples/cron.sh" "$PWD/spool" >out 2>&1 || return
	[ $left_out -eq 0 ] && [ ! -s out ] && [ "$(cat spool/all)" = 'one order' ] && [ ! -e spool/incoming/order ]
}

counter() {
	"$bin/counter" . >out 2>errors
}

# The list of examples names all that are here, and no other.
listed() {
	(cd "$top_srcdir/examples" && ls -- *.c *.h *.sh && echo python/) | sort >out
	sed -n 's/^| `\([^`]*\)` .*/\1/p' "$top_srcdir/examples/README.md" | sort | diff out - >errors
}

# Many at once: no count is lost.
config_update() {
	for i in 1 2 3 4 5 6 7 8 9 10; do
		"$bin/config_update" counts 2>>errors &
	done
	wait
	[ "$(cat counts)" = 'count 10' ] && [ "$(find . -name '.counts*')" = '' ]
}

# Many processes, and never more at once than there are licences.
licences() {
	"$bin/licences" >out 2>errors
}

# The functions of many processes count to 400.
locked() {
	"$bin/locked" >out 2>errors && grep -qx 'total 400' out
}

# Gets its lock, and leaves nothing.
soft() {
	"$bin/soft" >out && grep -qx 'got it' out && [ ! -e soft.lock ]
}

# hold ARGUMENT...: of run, up to the file; the process $holder has it from now on.
hold() {
	rm -f held
	"$ipclock" run "$@" sh -c 'echo >held; exec sleep 120' &
	holder=$!
	comes_true test -e held
}

# waiting FILE NUMBER: so many wait for the lock, where that can be seen.
waiting() {
	"$ipclock" who "$1" >line 2>/dev/null || return 0
	[ "$(grep -c place line)" -eq "$2" ]
}

# comes_true COMMAND...: it does within 20 s.
comes_true() {
	tries=0
	until "$@"; do
		tries=$((tries + 1))
		[ $tries -lt 400 ] || return 1
		sleep 0.05
	done
}

# A second daemon says who is there; the first, told to end, removes its file.
daemon() {
	"$bin/daemon" pid && comes_true test -s pid || return
	read -r pid <pid
	"$bin/daemon" pid 2>errors && return 1
	[ "$(cat errors)" = "already running, with pid $pid" ] || return
	kill "$pid" && comes_true test ! -e pid
}

# The token of the sleeper is refused by the store.
fencing() {
	"${REDIS_SERVER:-redis-server}" --port 0 --unixsocket "$dir/s" --save '' --dir "$dir" >server.log 2>&1 &
	server=$!
	comes_true test -S s && REDIS_URL=unix://$dir/s "$bin/fencing" >out 2>errors
	result=$?
	kill "$server"
	wait "$server"
	test "$result" -eq 0 && grep -q refused out && grep -q 'all is well' report
}

cd "$dir" || exit 1
for library in poll libuv libevent glib; do
	case " ${MISSING_LOOPS-} " in
	*" $library "*)
		n=$((n + 1))
		echo "skip $n - loop_$library: configure found no $library"
		;;
	*) run "loop_$library" loop "loop_$library" ;;
	esac
done
run "README.md lists the examples" listed
run cache cache
run config_update config_update
if [ "${IPCLOCK_RANGE_LOCKS:-ofd}" = posix ]; then
	n=$((n + 1))
	echo "skip $n - counter: with classic locks, which many ask for by turns, it takes too long"
else
	run counter counter
fi
run cron.sh cron
run daemon daemon
run licences licences
run locked locked
run log log
run soft soft
if [ "${HAVE_REDIS:-no}" = yes ] && command -v "${REDIS_SERVER:-redis-server}" >/dev/null; then
	run fencing fencing
else
	n=$((n + 1))
	echo "skip $n - fencing: no libipclock-redis, or no redis-server here"
fi
exit $status
