#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors
#
# What the library shows to the world: the names of the public headers are those of lib/libipclock.map, and of the
# shared library; no other name of the static library can clash with one of a program's.
set -u
LC_ALL=C
export LC_ALL
src=${top_srcdir:-.}
build=${top_builddir:-.}
shared=$build/.libs/libipclock.so
static=$build/.libs/libipclock.a
. "${top_srcdir:-.}/tests/report.sh"

# has PATTERN FILE: a line is so.  only PATTERN FILE: every line is.
has() {
	grep -qE "$1" "$2"
}
only() {
	! grep -vE "$1" "$2"
}

for header in "$src"/include/ipclock.h "$src"/include/ipclock/*.h; do
	# shellcheck disable=SC2086
	${CC:-cc} -E -P -I"$src/include" "$header" || exit 1
done | tr -c 'A-Za-z0-9_(' '\n' | sed -n 's/^\(ipclock_[a-z0-9_]*\)($/\1/p; s/^\(ipclock_[a-z0-9_]*\)(.*/\1/p' |
	sort -u >"$dir/headers"
sed -n 's/^[[:space:]]*\(ipclock_[a-z0-9_]*\);.*/\1/p' "$src/lib/libipclock.map" >"$dir/map"
sort "$dir/map" >"$dir/map.sorted"

check "the headers declare something" test -s "$dir/headers"
check "lib/libipclock.map names nothing twice" test -z "$(uniq -d "$dir/map.sorted")"
check "the headers declare what lib/libipclock.map exports" diff "$dir/headers" "$dir/map.sorted"
check "lib/libipclock.sym is lib/libipclock.map" diff "$dir/map" "$build/lib/libipclock.sym"

if [ -e "$shared" ] && command -v nm >/dev/null; then
	# A version's own name is an absolute symbol.
	nm -D --defined-only "$shared" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort -u >"$dir/shared"
	check "the shared library exports that and nothing else" diff "$dir/map.sorted" "$dir/shared"
else
	skip "the shared library: none was built, or no nm here"
fi

if [ -e "$shared" ] && command -v readelf >/dev/null; then
	readelf -dW "$shared" >"$dir/dynamic"
	check "the soname is libipclock.so.0" has 'SONAME.*\[libipclock\.so\.0\]' "$dir/dynamic"
	check "dlclose does not unload it" has 'FLAGS_1.*NODELETE' "$dir/dynamic"
	if [ "${NEEDS_LIBGCC_S:-no}" = yes ]; then
		check "pthread_cancel finds libgcc_s" has 'NEEDED.*\[libgcc_s\.so' "$dir/dynamic"
	else
		skip "pthread_cancel finds libgcc_s: this build cancels no thread"
	fi
else
	skip "soname and flags: no shared library was built, or no readelf here"
fi

if [ -e "$static" ] && command -v nm >/dev/null; then
	# Sanitizers add names of their own.
	nm -g --defined-only "$static" 2>/dev/null | awk 'NF == 3 && $3 !~ /^__(odr_)?(asan|gcov|llvm)/ { print $3 }' |
		sort -u >"$dir/static"
	grep -vxF -f "$dir/map" "$dir/static" >"$dir/internal"
	check "the static library has all of them" test -z "$(comm -23 "$dir/map.sorted" "$dir/static")"
	check "its other names begin with ipclock__" only '^ipclock__' "$dir/internal"
else
	skip "the static library: none was built, or no nm here"
fi
exit $status
