#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors
#
# The loop examples, as many as could be built: each gets both locks, and its timer goes on ticking.
# And config_update, many at once: no count is lost.
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
n=$((n + 1))
for i in 1 2 3 4 5 6 7 8 9 10; do
	"$bin/config_update" counts 2>>errors &
done
wait
if [ "$(cat counts)" = 'count 10' ] && [ "$(find . -name '.counts*')" = '' ]; then
	echo "ok $n - config_update"
else
	echo "not ok $n - config_update"
	sed 's/^/# /' counts errors
	status=1
fi
exit $status
