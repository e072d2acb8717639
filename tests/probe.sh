#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors

# `ipclock probe`: statuses, JSON, nothing left behind.
: "${IPCLOCK:=./ipclock}"
dir=$(mktemp -d "${TMPDIR:-/tmp}/ipclock-probe-test.XXXXXX") || exit 99
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/here"
: >"$dir/file"
n=0
bad=0

# is TEXT WANTED GOT
is() {
	n=$((n + 1))
	if test "$2" = "$3"; then
		echo "ok $n - $1"
	else
		bad=1
		echo "not ok $n - $1"
		echo "# wanted: $2, got: $3"
	fi
}

# status ARGUMENT...: of ipclock probe
status() {
	"$IPCLOCK" probe "$@" >"$dir/out" 2>"$dir/err"
	echo $?
}

is "it works in a directory of the temporary files" 0 "$(status "$dir/here")"
is "the table has a verdict" 1 "$(grep -c '^locks by ipclock work here$' "$dir/out")"
is "nothing is left behind" "" "$(ls -A "$dir/here")"
is "no such directory is 66" 66 "$(status "$dir/none")"
is "a file is 66" 66 "$(status "$dir/file")"
is "no directory is 64" 64 "$(status)"
is "two directories are 64" 64 "$(status "$dir" "$dir")"
is "an unknown option is 64" 64 "$(status --bad "$dir")"
is "it works with --json" 0 "$(status --json "$dir/here")"
if command -v python3 >/dev/null; then
	is "the JSON says so" True "$(python3 -c 'import json, sys; print(json.load(sys.stdin)["works"])' <"$dir/out")"
else
	n=$((n + 1))
	echo "ok $n - the JSON says so # SKIP no python3 here"
fi
exit $bad
