# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors

# serial 1

# IPCLOCK_CHECK([MINIMUM-VERSION], [ACTION-IF-FOUND], [ACTION-IF-NOT-FOUND])
#
# Looks for libipclock, for a configure.ac or configure.in of autoconf 2.59 or later; needs no other macro. Sets and
# substitutes IPCLOCK_CFLAGS and IPCLOCK_LIBS, which are empty if it was not found. That is an error if there is no
# ACTION-IF-NOT-FOUND.
#
# configure gets --with-ipclock-prefix=DIR. Without it pkg-config is asked, and if there is none, or it knows nothing,
# the places that the compiler knows are tried. The version is read, not asked of a program; only in the last case one
# is run, which is no use when cross compiling.
AC_DEFUN([IPCLOCK_CHECK], [
AC_REQUIRE([AC_PROG_CC])
AC_ARG_WITH([ipclock-prefix],
	[  --with-ipclock-prefix=DIR  where libipclock is installed],
	[ipclock_prefix=$withval], [ipclock_prefix=])
AC_MSG_CHECKING([for libipclock[]m4_ifval([$1], [ >= $1])])
ipclock_minimum="$1"
IPCLOCK_CFLAGS= IPCLOCK_LIBS=-lipclock ipclock_version= ipclock_why=
case $ipclock_prefix in
no)
	ipclock_why='not wanted'
	;;
'' | yes)
	ipclock_pkg_config=${PKG_CONFIG-pkg-config}
	if $ipclock_pkg_config --exists libipclock >/dev/null 2>&1; then
		IPCLOCK_CFLAGS=`$ipclock_pkg_config --cflags libipclock`
		IPCLOCK_LIBS=`$ipclock_pkg_config --libs libipclock`
		ipclock_version=`$ipclock_pkg_config --modversion libipclock`
	fi
	;;
*)
	# In lib, in lib64 or the like, or in lib/x86_64-linux-gnu or the like.
	ipclock_libdir=$ipclock_prefix/lib
	for ipclock_pc in "$ipclock_prefix"/lib*/pkgconfig/libipclock.pc "$ipclock_prefix"/lib/*/pkgconfig/libipclock.pc; do
		if test -f "$ipclock_pc"; then
			ipclock_libdir=`echo "$ipclock_pc" | sed 's|/pkgconfig/libipclock.pc$||'`
			ipclock_version=`sed -n 's/^Version:[[ 	]]*//p' "$ipclock_pc"`
			break
		fi
	done
	IPCLOCK_CFLAGS=-I$ipclock_prefix/include
	IPCLOCK_LIBS="-L$ipclock_libdir -lipclock"
	;;
esac
ipclock_save_CFLAGS=$CFLAGS ipclock_save_LIBS=$LIBS
CFLAGS="$CFLAGS $IPCLOCK_CFLAGS" LIBS="$IPCLOCK_LIBS $LIBS"
if test -z "$ipclock_why"; then
	AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <ipclock.h>]], [[return ipclock_version() == 0;]])],
		[], [ipclock_why='no program can be linked with it'])
fi
if test -z "$ipclock_why" && test -n "$ipclock_minimum" && test -z "$ipclock_version"; then
	AC_RUN_IFELSE([AC_LANG_SOURCE([[#include <stdio.h>
#include <ipclock.h>
int main(void)
{
	FILE *f = fopen("conftest.ipc", "w");
	return f == NULL || fprintf(f, "%s\n", ipclock_version()) < 0 || fclose(f) != 0;
}]])], [ipclock_version=`cat conftest.ipc`], [], [:])
	rm -f conftest.ipc
	test -n "$ipclock_version" || ipclock_why='its version is not known: say --with-ipclock-prefix'
fi
CFLAGS=$ipclock_save_CFLAGS LIBS=$ipclock_save_LIBS
if test -z "$ipclock_why" && test -n "$ipclock_minimum"; then
	echo "$ipclock_version $ipclock_minimum" | awk '{
		n = split([$]1, have, "."); m = split([$]2, want, ".")
		for (i = 1; i <= n || i <= m; i++)
			if (have[[i]] + 0 != want[[i]] + 0)
				exit have[[i]] + 0 < want[[i]] + 0
	}' || ipclock_why="it is $ipclock_version"
fi
AC_SUBST([IPCLOCK_CFLAGS])
AC_SUBST([IPCLOCK_LIBS])
if test -z "$ipclock_why"; then
	AC_MSG_RESULT([yes $ipclock_version])
	m4_ifval([$2], [$2], [:])
else
	AC_MSG_RESULT([no, $ipclock_why])
	IPCLOCK_CFLAGS= IPCLOCK_LIBS=
	m4_ifval([$3], [$3], [AC_MSG_ERROR([no libipclock[]m4_ifval([$1], [ >= $1]): $ipclock_why])])
fi
])
