#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors
#
# What is about Windows as a whole: which tests are left out and why, and Wine's locks beside Linux's.

# Compiled for POSIX alone. What is left out of the others they say themselves.
while read -r name why; do
	echo "skip - tests/$name: $why"
done <<'END'
test_costs system calls are counted by ptrace(2)
test_flock Windows has no locks of the flock(2) family: IPCLOCK_FLOCK is ENOTSUP
test_fork Windows has no fork(2)
test_holders Windows does not tell who holds a range
test_pidfile the tests are made of fork(2); test_windows_family has others
test_probe ipclock_probe() is ENOTSUP: the trials need fork(2)
test_replace the tests stop the program at each system call by ptrace(2); test_windows_family has others
test_soft_lock the tests are made of fork(2) and of link(2) that fails; test_windows_family has others
test_unlink IPCLOCK_UNLINK is ENOTSUP: an open file cannot be removed
END

case ${WINE:-} in
'') echo "skip - locks of Wine beside those of Linux: not under Wine" ;;
*) exec /usr/bin/env PYTHONDONTWRITEBYTECODE=1 "${PYTHON:-python3}" "${top_srcdir:-.}/tests/wine.py" ;;
esac
