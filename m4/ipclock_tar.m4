# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors

# IPCLOCK_TAR: "make dist" makes the same bytes wherever it is run, if tar is GNU's. All files get the date of the
# ChangeLog, which dist-hook gives that of the commit.
AC_DEFUN([IPCLOCK_TAR], [
AC_CACHE_CHECK([whether tar makes the same bytes twice], [ipclock_cv_tar], [
	ipclock_flags='--format=ustar --sort=name --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX'
	: >conftest.file
	AS_IF([${TAR-tar} $ipclock_flags --mtime=./conftest.file -chf - conftest.file >/dev/null 2>&1],
		[ipclock_cv_tar=$ipclock_flags], [ipclock_cv_tar=no])])
AS_IF([test "$ipclock_cv_tar" != no],
	[am__tar='$${TAR-tar} '"$ipclock_cv_tar"' --mtime=./"$$tardir"/ChangeLog -chf - "$$tardir"'])
])
