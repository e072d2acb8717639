#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors
#
# Each public header compiles alone as C99, as C++ and as MSVC does, without a warning, and holds no code.
set -u
include=${top_srcdir:-.}/include
. "${top_srcdir:-.}/tests/report.sh"

# none PATTERN FILE: succeeds if the file, comments and macros aside, has no such line.
none() {
	! sed -e ':a' -e '/\\$/{' -e N -e 's/\\\n//' -e ba -e '}' -e '/^#[ 	]*define/d' "$2" |
		sed -e 's|/\*.*\*/||g' -e '/\/\*/,/\*\//d' | grep -E "$1"
}

strict='-pedantic -Wall -Wextra -Werror -fsyntax-only'
cxx=${CXX:-c++}
has_cxx=$(command -v "$cxx")
msvc='clang --driver-mode=cl --target=x86_64-pc-windows-msvc /clang:-ffreestanding /W4 /WX /Zs' # without MSVC's own headers
has_clang=$(command -v clang)

redis=${top_srcdir:-.}/redis
for header in "$include"/ipclock.h "$include"/ipclock/*.h "$redis"/ipclock-redis.h; do
	name=${header#"$include"/}
	name=${name#"$redis"/}
	printf '#include <%s>\n#include <%s>\nextern int unused;\n' "$name" "$name" >"$dir/alone.c"
	# shellcheck disable=SC2086
	check "$name as C99" ${CC:-cc} -std=c99 $strict -I"$include" -I"$redis" "$dir/alone.c"
	if [ -n "$has_cxx" ]; then
		# shellcheck disable=SC2086
		check "$name as C++" "$cxx" -x c++ -std=c++98 $strict -Wno-long-long -I"$include" -I"$redis" "$dir/alone.c"
	else
		n=$((n + 1))
		echo "skip $n - $name as C++: no $cxx here"
	fi
	if [ -n "$has_clang" ]; then
		for language in TC TP; do
			# shellcheck disable=SC2086
			check "$name as MSVC does /$language" $msvc "/$language" -I"$include" -I"$redis" "$dir/alone.c"
		done
	else
		n=$((n + 1))
		echo "skip $n - $name as MSVC does: no clang here"
	fi
	check "$name has no code and no config.h" none '\<(inline|static)\>|config\.h' "$header"
	[ "$name" = ipclock.h ] || check "$name includes no other of ours" none '#[ \t]*include.*ipclock' "$header"
	[ "${name%/*}" = "$name" ] || check "ipclock.h includes $name" grep -qxF "#include <$name>" "$include/ipclock.h"
done
exit $status
