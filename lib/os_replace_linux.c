/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* Files without a name, O_TMPFILE; renaming to a free name; ACLs and attributes. */

#include <config.h>

#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "os_replace.h"
#include "os_replace_posix.h"

#define ACL            "system.posix_acl_access"
#define MOST           65536 /* of a value and of a list of names: the kernel's bound */
#define RENAME_TO_FREE 1u    /* RENAME_NOREPLACE, which not every C library's headers know */

struct proc_name {
	char text[32];
};

static const char *
proc_name(struct proc_name *name, int fd)
{
	snprintf(name->text, sizeof(name->text), "/proc/self/fd/%d", fd);
	return name->text;
}

/* ---- names ---- */

/* An old kernel takes O_TMPFILE for O_DIRECTORY and says EISDIR; file systems say all sorts of things. */
int
ipclock__os_new_nameless(struct os_file *file, int dir, unsigned perm)
{
	struct proc_name name;
	int r = ipclock__os_open_at(file, dir, ".", O_TMPFILE | O_RDWR, (mode_t)perm);

	if (r)
		return r == EISDIR || r == EINVAL || r == ENOENT || r == ENOSYS || r == EOPNOTSUPP ? ENOTSUP : r;
	if (access(proc_name(&name, file->fd), F_OK) == 0)
		return 0;
	ipclock__os_new_close(file);
	return ENOTSUP;
}

/* By /proc, since AT_EMPTY_PATH wants a capability; which may help where /proc has gone since. */
int
ipclock__os_new_name(const struct os_file *file, int dir, const char *name)
{
	struct proc_name proc;

	if (linkat(AT_FDCWD, proc_name(&proc, file->fd), dir, name, AT_SYMLINK_FOLLOW) == 0)
		return 0;
	if (errno == ENOENT && linkat(file->fd, "", dir, name, AT_EMPTY_PATH) == 0)
		return 0;
	return errno;
}

int
ipclock__os_entry_rename_new(int dir, const char *from, const char *to)
{
	if (syscall(SYS_renameat2, dir, from, dir, to, RENAME_TO_FREE) == 0)
		return 0;
	return errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP ? ENOTSUP : errno;
}

/* ---- metadata ---- */

/* Not there, not here, or not for us: then it is left out.  Anything else is a failure. */
static bool
is_denied(int error)
{
	return error == ENODATA || error == EOPNOTSUPP || error == EPERM || error == EACCES || error == EINVAL ||
	    error == ENOENT || error == ENOSYS;
}

/* Hashes of the contents are wrong for others; the ACL has its own way. */
static bool
is_carried(const char *name)
{
	return strncmp(name, "user.", 5) == 0 || (strncmp(name, "security.", 9) == 0 &&
	    strcmp(name, "security.ima") != 0 && strcmp(name, "security.evm") != 0);
}

static int
carry_attribute(int fd, const char *from, const char *name, char *value)
{
	ssize_t size = getxattr(from, name, value, MOST);

	if (size < 0 || fsetxattr(fd, name, value, (size_t)size, 0) < 0)
		return is_denied(errno) ? 0 : errno;
	return 0;
}

/* While the mode still lets us write. */
static int
carry_attributes(int fd, const char *from, char *list, char *value)
{
	ssize_t size = listxattr(from, list, MOST);
	const char *name;
	int r = 0;

	if (size < 0)
		return is_denied(errno) ? 0 : errno;
	for (name = list; r == 0 && name < list + size; name += strlen(name) + 1)
		if (is_carried(name))
			r = carry_attribute(fd, from, name, value);
	return r;
}

/* What the directory's default ACL gave must go where the old file had none: our mode would bring it to life. */
static enum os_acl
carry_acl(int fd, const char *from, char *value, bool group_kept)
{
	ssize_t size = getxattr(from, ACL, value, MOST);

	if (size >= 0)
		return group_kept && fsetxattr(fd, ACL, value, (size_t)size, 0) == 0 ? OS_ACL_KEPT : OS_ACL_LOST;
	if (errno != ENODATA && errno != EOPNOTSUPP)
		return OS_ACL_LOST;
	return fremovexattr(fd, ACL) == 0 || errno == ENODATA || errno == EOPNOTSUPP ? OS_ACL_NONE : OS_ACL_LOST;
}

static int
carry(const struct os_file *file, int model, struct os_traits *traits)
{
	struct proc_name from;
	struct stat st;
	char *room;
	int r;

	if (fstat(model, &st) < 0)
		return errno;
	if (!S_ISREG(st.st_mode))
		return EINVAL;
	r = ipclock__os_carry_owner(file, &st, traits);
	if (r)
		return r;
	room = ipclock__os_alloc(2 * MOST);
	if (!room)
		return ENOMEM;
	r = carry_attributes(file->fd, proc_name(&from, model), room, room + MOST);
	if (r == 0)
		traits->acl = carry_acl(file->fd, from.text, room, traits->group_kept);
	ipclock__os_free(room);
	return r;
}

/* O_PATH wants no permission, and its close does not drop the process's fcntl(2) locks on the target. */
int
ipclock__os_carry(const struct os_file *file, int dir, const char *name, struct os_traits *traits)
{
	struct os_file model;
	int r = ipclock__os_open_at(&model, dir, name, O_PATH | O_NOFOLLOW, 0);

	if (r)
		return r;
	r = carry(file, model.fd, traits);
	ipclock__os_new_close(&model);
	return r;
}
