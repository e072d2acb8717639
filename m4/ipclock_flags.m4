# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors

# IPCLOCK_CFLAGS(VARIABLE, FLAGS): adds to VARIABLE those of the FLAGS that the compiler knows.
AC_DEFUN([IPCLOCK_CFLAGS], [m4_foreach_w([ipclock_flag], [$2],
	[_IPCLOCK_FLAG([$1], [compiler], [CFLAGS], [AC_COMPILE_IFELSE], m4_defn([ipclock_flag]))])])

# IPCLOCK_LDFLAGS(VARIABLE, FLAGS): the same for the linker, FLAGS being what follows -Wl,.
AC_DEFUN([IPCLOCK_LDFLAGS], [m4_foreach_w([ipclock_flag], [$2],
	[_IPCLOCK_FLAG([$1], [linker], [LDFLAGS], [AC_LINK_IFELSE], [-Wl,]m4_defn([ipclock_flag]))])])

# _IPCLOCK_FLAG(VARIABLE, TOOL, WHERE, TRY, FLAG); -Werror, since clang only warns of what it does not know.
AC_DEFUN([_IPCLOCK_FLAG], [
	AS_VAR_PUSHDEF([cache], [ipclock_cv_flag_$5])
	AC_CACHE_CHECK([whether the $2 knows $5], [cache], [
		ipclock_save_CFLAGS=$CFLAGS ipclock_save_$3=$$3
		CFLAGS="$CFLAGS -Werror"
		$3="$$3 $5"
		$4([AC_LANG_PROGRAM([], [])], [AS_VAR_SET([cache], [yes])], [AS_VAR_SET([cache], [no])])
		$3=$ipclock_save_$3 CFLAGS=$ipclock_save_CFLAGS])
	AS_VAR_IF([cache], [yes], [$1="$$1 $5"])
	AS_VAR_POPDEF([cache])])
