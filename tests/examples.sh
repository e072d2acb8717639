#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors
#
# The loop examples, as many as could be built: each gets both locks, and its timer goes on ticking.
set -u
bin=$(cd "${top_builddir:-.}" && pwd)/examples
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
n=0
status=0

# works PROGRAM: it exits 0, having got the first lock and then the second, with ticks.
works() {
	"$bin/$1" >out || return
	[ "$(grep -o '^got [a-z]*' out | tr '\n' ' ')" = 'got first got second ' ] && grep -qx tick out
}

cd "$dir" || exit 1
for loop in poll libuv libevent glib; do
	n=$((n + 1))
	case " ${MISSING_LOOPS-} " in
	*" $loop "*)
		echo "skip $n - loop_$loop: configure found no $loop"
		continue
		;;
	esac
	if works "loop_$loop"; then
		echo "ok $n - loop_$loop"
		sed 's/^/# /' out
	else
		echo "not ok $n - loop_$loop"
		sed 's/^/# /' out
		status=1
	fi
done
exit $status
