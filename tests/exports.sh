#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors
#
# What each library shows to the world: the names of its public headers are those of its map, and of the shared
# library or the DLL; no other name of the static library can clash with one of a program's.
set -u
LC_ALL=C
export LC_ALL
src=${top_srcdir:-.}
build=${top_builddir:-.}
dll=$(ls "$build"/.libs/libipclock-[0-9]*.dll 2>/dev/null)
objdump=${OBJDUMP:-objdump}
system_dlls='^(ADVAPI32|KERNEL32|SHELL32|api-ms-win-crt-[a-z0-9-]*|msvcrt|ntdll|ucrtbase)\.(dll|DLL)$'
. "${top_srcdir:-.}/tests/report.sh"

# has PATTERN FILE: a line is so.  only PATTERN FILE: every line is.
has() {
	grep -qE "$1" "$2"
}
only() {
	! grep -vE "$1" "$2"
}

# names_of HEADER...: the functions that they declare.
names_of() {
	for header; do
		# shellcheck disable=SC2086
		${CC:-cc} -E -P -I"$src/include" "$header" || exit 1
	done | tr -c 'A-Za-z0-9_(' '\n' | sed -n 's/^\(ipclock_[a-z0-9_]*\)($/\1/p; s/^\(ipclock_[a-z0-9_]*\)(.*/\1/p' |
		sort -u
}

# agree FOLDER NAME HEADER...
agree() {
	map=$1/$2.map
	sym=$1/$2.sym
	shift 2
	names_of "$@" >"$dir/headers"
	sed -n 's/^[[:space:]]*\(ipclock_[a-z0-9_]*\);.*/\1/p' "$src/$map" >"$dir/map"
	sort "$dir/map" >"$dir/map.sorted"
	awk '/^IPCLOCK.*{/ { node = $1 } $1 ~ /^ipclock_.*;/ { sub(/;.*/, "", $1); print $1 "@@" node }' "$src/$map" |
		sort >"$dir/nodes"
	check "the headers declare something" test -s "$dir/headers"
	check "$map names nothing twice" test -z "$(uniq -d "$dir/map.sorted")"
	check "the headers declare what $map exports" diff "$dir/headers" "$dir/map.sorted"
	check "$sym is $map" diff "$dir/map" "$build/$sym"
}

# shared_library NAME: its exports and flags.
shared_library() {
	shared=$build/.libs/$1.so
	if [ -e "$shared" ] && command -v nm >/dev/null; then
		# A version's own name is an absolute symbol.
		nm -D --defined-only "$shared" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort -u >"$dir/shared"
		check "$1.so exports that and nothing else" diff "$dir/map.sorted" "$dir/shared"
		nm -D --defined-only "$shared" | awk '$2 != "A" { print $3 }' | sort -u >"$dir/shared"
		check "each name in the version node where $map has it" diff "$dir/nodes" "$dir/shared"
	else
		skip "$1.so: none was built, or no nm here"
	fi
	if [ -e "$shared" ] && command -v readelf >/dev/null; then
		readelf -dW "$shared" >"$dir/dynamic"
		check "the soname is $1.so.0" has "SONAME.*\\[$1\\.so\\.0\\]" "$dir/dynamic"
		check "dlclose does not unload it" has 'FLAGS_1.*NODELETE' "$dir/dynamic"
	else
		skip "soname and flags: no shared library was built, or no readelf here"
	fi
}

static_library() {
	static=$build/.libs/$1.a
	if [ -e "$static" ] && command -v nm >/dev/null; then
		# Sanitizers add names of their own, 32-bit x86 helpers that many may have, 64-bit Windows pointers to some, and
		# 32-bit Windows an underscore to all.
		${NM:-nm} -g --defined-only "$static" 2>/dev/null |
			awk 'NF == 3 && $3 !~ /^__((odr_)?(asan|gcov|llvm)|x86\.get_pc_thunk)/ { sub(/^_ipclock/, "ipclock", $3); print $3 }' |
			sort -u >"$dir/static"
		grep -vxF -f "$dir/map" "$dir/static" >"$dir/internal"
		check "$1.a has all of them" test -z "$(comm -23 "$dir/map.sorted" "$dir/static")"
		check "its other names begin with ipclock__" only '^(\.refptr\.)?ipclock__' "$dir/internal"
	else
		skip "$1.a: none was built, or no nm here"
	fi
}

# Of a DLL, the names in its table of exports, and what it imports.
windows_library() {
	if [ -e "$dll" ]; then
		$objdump -p "$dll" >"$dir/dll"
		awk '/^\[Ordinal\/Name Pointer\] Table/ { table = 1; next } table && NF == 0 { exit } table { print $NF }' "$dir/dll" |
			sort -u >"$dir/exported"
		check "the DLL exports that and nothing else" diff "$dir/map.sorted" "$dir/exported"
		sed -n 's/.*DLL Name: //p' "$dir/dll" >"$dir/needed"
		check "it needs the system's DLLs alone" only "$system_dlls" "$dir/needed"
		$objdump -p "$build/.libs/ipclock.exe" | sed -n 's/.*DLL Name: //p' | grep -v '^libipclock-' >"$dir/needed"
		check "the program needs those and the library" only "$system_dlls" "$dir/needed"
		sed -n 's/^LIBRARY //p' "$build/lib/libipclock.def" >"$dir/name"
		check "the .def file names the DLL" test "$(cat "$dir/name")" = "${dll##*/}"
		sed -n 's/^    //p' "$build/lib/libipclock.def" >"$dir/def"
		check "it lists the exports" diff "$dir/map" "$dir/def"
	fi
}

agree lib libipclock "$src"/include/ipclock.h "$src"/include/ipclock/*.h
windows_library
shared_library libipclock
if [ ! -s "$dir/dynamic" ]; then
	skip "pthread_cancel finds libgcc_s: no shared library was built, or no readelf here"
elif [ "${NEEDS_LIBGCC_S:-no}" = yes ]; then
	check "pthread_cancel finds libgcc_s" has 'NEEDED.*\[libgcc_s\.so' "$dir/dynamic"
else
	skip "pthread_cancel finds libgcc_s: this build cancels no thread"
fi
static_library libipclock

if [ "${HAVE_REDIS:-no}" = yes ]; then
	agree redis libipclock-redis "$src"/redis/ipclock-redis.h
	shared_library libipclock-redis
	static_library libipclock-redis
else
	skip "libipclock-redis: not built"
fi
exit $status
