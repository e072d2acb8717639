#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors
#
# abi.sh           is what was built compatible with the dumps in doc/abi, that is, with the last release?
# abi.sh update    writes these dumps anew
#
# What cannot be compared here is skipped, with exit status 77 if nothing was.
set -u
LC_ALL=C
export LC_ALL
src=${top_srcdir:-.}
build=${top_builddir:-.}
old=$src/doc/abi
. "$src/tests/report.sh"

# dump NAME: the interface of the library, without the paths and lines where things stand.
dump() {
	abidw --suppr "$old/opaque.abignore" --drop-private-types --exported-interfaces-only --no-elf-needed \
		--no-comp-dir-path --no-corpus-path --no-show-locs --type-id-style hash "$build/.libs/$1.so" >"$dir/raw" || return
	sed -e "s| path='[^']*/\([a-z]*/[a-z_]*\.c\)'| path='\1'|" \
		-e '1a\
  <!-- SPDX-License-Identifier: BSD-2-Clause -->\
  <!-- Copyright (c) 2026 The libipclock authors -->' "$dir/raw" >"$dir/$1.abi"
}

# constants HEADER: the macros that are values.
constants() {
	# shellcheck disable=SC2086
	${CC:-cc} -E -dM -I"$src/include" "$1" |
		sed -n '/^#define IPCLOCK_[A-Z0-9_]*[A-Z0-9] ./s/^#define //p' | sort
}

# Names and the version node of each.
nodes() {
	sed -n "s/.*<elf-symbol name='\([^']*\)' version='\([^']*\)'.*/\2 \1/p" "$1" | sort
}

# In the released nodes there is no name that was not there.
not_grown() {
	nodes "$old/$1.abi" >"$dir/nodes.old"
	nodes "$dir/$1.abi" >"$dir/nodes.new"
	awk 'NR == FNR { released[$1]; there[$0]; next }
		$1 in released && !($0 in there) { print; bad = 1 }
		END { exit bad }' "$dir/nodes.old" "$dir/nodes.new"
}

# All that was said is still said.
kept() {
	sed '/^#/d' "$1" | comm -23 - "$2" >"$dir/gone"
	cat "$dir/gone"
	test -s "$1" && test ! -s "$dir/gone"
}

architecture() {
	sed -n "1s/.* architecture='\([^']*\)'.*/\1/p" "$1"
}

# why_not NAME: why its interface cannot be dumped here; nothing if it can.
why_not() {
	if ! command -v abidw >/dev/null || ! command -v abidiff >/dev/null; then
		echo "no abidw or no abidiff here; Debian: abigail-tools"
	elif [ ! -e "$build/.libs/$1.so" ]; then
		echo "not built, or not as an ELF shared library"
	elif ! readelf -S "$build/.libs/$1.so" | grep -q '\.debug_info'; then
		echo "built without debugging information: -g"
	fi
}

compare() {
	check "$1.so is compatible" abidiff --no-added-syms --no-show-locs "$old/$1.abi" "$dir/$1.abi"
	check "new names of $1.so are in a version node of their own" not_grown "$1"
	constants "$2" >"$dir/constants"
	check "the constants of $1 are what they were" kept "$old/$1.constants" "$dir/constants"
}

# look NAME HEADER
look() {
	why=$(why_not "$1")
	if [ -n "$why" ]; then
		skip "$1: $why"
	elif ! dump "$1"; then
		check "$1.so can be dumped" false
	elif [ "$(architecture "$old/$1.abi")" != "$(architecture "$dir/$1.abi")" ]; then
		skip "$1: this is $(architecture "$dir/$1.abi"), the dump is of $(architecture "$old/$1.abi")"
	else
		compared=yes
		compare "$1" "$2"
	fi
}

# renew NAME HEADER
renew() {
	why=$(why_not "$1")
	if [ -n "$why" ]; then
		echo "abi.sh: $1: $why" >&2
		exit 1
	fi
	dump "$1" && cp "$dir/$1.abi" "$old/$1.abi" || exit
	{
		echo '# SPDX-License-Identifier: BSD-2-Clause'
		echo '# Copyright (c) 2026 The libipclock authors'
		constants "$2"
	} >"$old/$1.constants"
}

compared=no
what=look
[ "${1-}" != update ] || what=renew
$what libipclock "$src/include/ipclock.h"
$what libipclock-redis "$src/redis/ipclock-redis.h"
[ "$what:$compared:$status" != look:no:0 ] || exit 77
exit $status
