# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors

# IPCLOCK_BENCH: what "make bench" compares with; none of it is needed. Sets BENCH_CPPFLAGS and BENCH_LIBS.
AC_DEFUN([IPCLOCK_BENCH], [
AC_ARG_VAR([CXX], [C++ compiler command, for make bench only])
AC_CHECK_PROGS([CXX], [c++ g++ clang++])
PKG_CHECK_MODULES([APR], [apr-1], [have_apr=yes], [have_apr=no])
PKG_CHECK_MODULES([SQLITE], [sqlite3], [have_sqlite=yes], [have_sqlite=no])
AC_CHECK_HEADER([lockfile.h],
	[AC_CHECK_LIB([lockfile], [lockfile_create], [have_lockfile=yes], [have_lockfile=no])], [have_lockfile=no])
AC_MSG_CHECKING([for Boost.Interprocess])
AS_IF([test -n "$CXX" && echo '@%:@include <boost/interprocess/sync/file_lock.hpp>' >conftest.cc &&
		$CXX -c -o conftest.o conftest.cc >&AS_MESSAGE_LOG_FD 2>&1],
	[have_boost=yes], [have_boost=no])
AC_MSG_RESULT([$have_boost])
BENCH_CPPFLAGS="$APR_CFLAGS $SQLITE_CFLAGS"
BENCH_LIBS="$APR_LIBS $SQLITE_LIBS"
AS_IF([test $have_lockfile = yes], [BENCH_LIBS="$BENCH_LIBS -llockfile"])
AS_IF([test $have_boost = yes], [BENCH_LIBS="$BENCH_LIBS -lstdc++ -lrt"])
AC_SUBST([BENCH_CPPFLAGS])
AC_SUBST([BENCH_LIBS])
AM_CONDITIONAL([BENCH_APR], [test $have_apr = yes])
AM_CONDITIONAL([BENCH_SQLITE], [test $have_sqlite = yes])
AM_CONDITIONAL([BENCH_LOCKFILE], [test $have_lockfile = yes])
AM_CONDITIONAL([BENCH_BOOST], [test $have_boost = yes])
])
