/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* A system without files that have no name yet, and whose ACLs and attributes we do not know. */

#include <config.h>

#include <errno.h>
#include <fcntl.h>

#include "os_replace.h"
#include "os_replace_posix.h"

int
ipclock__os_new_nameless(struct os_file *file, int dir, unsigned perm)
{
	(void)file;
	(void)dir;
	(void)perm;
	return ENOTSUP;
}

int
ipclock__os_new_name(const struct os_file *file, int dir, const char *name)
{
	(void)file;
	(void)dir;
	(void)name;
	return ENOTSUP;
}

int
ipclock__os_entry_rename_new(int dir, const char *from, const char *to)
{
	(void)dir;
	(void)from;
	(void)to;
	return ENOTSUP;
}

int
ipclock__os_carry(const struct os_file *file, int dir, const char *name, struct os_traits *traits)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno;
	return S_ISREG(st.st_mode) ? ipclock__os_carry_owner(file, &st, traits) : EINVAL;
}
