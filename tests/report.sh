# shellcheck shell=sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors

# How shell tests tell, and a directory that goes with them: read by them, not run.

dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
n=0
status=0

# check TEXT COMMAND...: ok if it succeeds.
check() {
	n=$((n + 1))
	text=$1
	shift
	if "$@" >"$dir/out" 2>&1; then
		echo "ok $n - $text"
	else
		echo "not ok $n - $text"
		sed 's/^/# /' "$dir/out"
		status=1
	fi
}

skip() {
	n=$((n + 1))
	echo "skip $n - $1"
}
