#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors
#
# The examples, each run as its reader would run it.
set -u
bin=$(cd "${top_builddir:-.}" && pwd)/examples
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
run config_update config_update
run daemon daemon
run licences licences
run locked locked
run soft soft
exit $status
