#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors

# The Python examples, with the library that was just built.
python=${PYTHON3:-/usr/bin/python3}
IPCLOCK_LIBRARY=${top_builddir:-.}/.libs/libipclock.so
PYTHONDONTWRITEBYTECODE=1
export IPCLOCK_LIBRARY PYTHONDONTWRITEBYTECODE
cd "${top_srcdir:-.}/examples/python" || exit 1
if ! why=$("$python" -c 'import sys; assert sys.version_info >= (3, 9); import ipclock._lib' 2>&1); then
	[ ! -e "$IPCLOCK_LIBRARY" ] || why=$(echo "$why" | sed 's/cannot open shared object.*/wrong ELF class/') # of another machine
	case $why in
	*"ASan runtime"*|*__asan_*|*__tsan_*|*__ubsan_*|*libasan*|*libtsan*) why='the library needs a sanitizer in the program' ;;
	*"invalid ELF header"*|*"wrong ELF class"*) why="the library is for another C library or machine than $python" ;;
	*AssertionError*|*"not found"*) why="$python is not here or older than 3.9" ;;
	*) echo "not ok 1 - the library loads"; echo "$why" | sed 's/^/# /'; exit 1 ;;
	esac
	echo "skip 1 - the Python examples: $why"
	exit 0
fi
"$python" -m unittest -v tests.test_shims 2>&1 | awk '
/ \.\.\. ok$/ { print "ok " ++n " - " $1; next }
/ \.\.\. skipped / { print "skip " ++n " - " $1; next }
/ \.\.\. (FAIL|ERROR)$/ { print "not ok " ++n " - " $1; next }
/^OK/ { passed = 1 }
{ print "# " $0 }
END { exit !passed }'
