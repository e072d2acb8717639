#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors
#
# Each public header compiles alone as C of 1989 to 2023, as C++ of 1998 to 2023 and as MSVC does, without a warning,
# and holds no code, nor a type whose size is the program's choice.
set -u
include=${top_srcdir:-.}/include
. "${top_srcdir:-.}/tests/report.sh"

# none PATTERN FILE: succeeds if the file, comments and macros aside, has no such line.
none() {
	! sed -e ':a' -e '/\\$/{' -e N -e 's/\\\n//' -e ba -e '}' -e '/^#[ 	]*define/d' "$2" |
		sed -e 's|/\*.*\*/||g' -e '/\/\*/,/\*\//d' | grep -E "$1"
}

# compiles NAME LANGUAGE COMPILER...
compiles() {
	text="$1 as $2: "
	shift 2
	if "$@" -fsyntax-only -x c /dev/null 2>/dev/null; then
		# shellcheck disable=SC2086
		check "$text$*" "$@" $strict -I"$include" -I"$redis" "$dir/alone.c"
	else
		skip "$text$*: not here"
	fi
}

strict='-Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wundef -Werror -fsyntax-only'
cxx=${CXX:-c++}
msvc='clang --driver-mode=cl --target=x86_64-pc-windows-msvc /clang:-ffreestanding /W4 /WX /Zs' # without MSVC's own headers
has_clang=$(command -v clang)

two_sizes='\<((off|ino|time|dev|blkcnt)_t|struct (stat|timespec|timeval|flock))\>'

redis=${top_srcdir:-.}/redis
for header in "$include"/ipclock.h "$include"/ipclock/*.h "$redis"/ipclock-redis.h; do
	name=${header#"$include"/}
	name=${name#"$redis"/}
	printf '#include <%s>\n#include <%s>\nextern int unused;\n' "$name" "$name" >"$dir/alone.c"
	for standard in '-std=gnu89 -Wdeclaration-after-statement' \
		'-std=c99 -pedantic' '-std=c11 -pedantic' '-std=c2x -pedantic'; do
		# shellcheck disable=SC2086
		compiles "$name" C ${CC:-cc} $standard
	done
	for standard in '-std=c++98 -Wno-long-long' -std=c++11 -std=c++20 -std=c++2b; do
		# shellcheck disable=SC2086
		compiles "$name" C++ "$cxx" -x c++ -pedantic $standard
	done
	if [ -n "$has_clang" ]; then
		for language in TC TP; do
			# shellcheck disable=SC2086
			check "$name as MSVC does /$language" $msvc "/$language" -I"$include" -I"$redis" "$dir/alone.c"
		done
	else
		n=$((n + 1))
		echo "skip $n - $name as MSVC does: no clang here"
	fi
	check "$name has no type of two sizes" none "$two_sizes" "$header"
	check "$name has no code and no config.h" none '\<(inline|static)\>|config\.h' "$header"
	[ "$name" = ipclock.h ] || check "$name includes no other of ours" none '#[ \t]*include.*ipclock' "$header"
	[ "${name%/*}" = "$name" ] || check "ipclock.h includes $name" grep -qxF "#include <$name>" "$include/ipclock.h"
done
exit $status
