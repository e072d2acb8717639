/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * Replacing a file as a whole.
 *
 *	           name_it             rename
 *	NAMELESS -----------> NAMED -----------> COMMITTED
 *	    |                   ^                   ^
 *	    |                   | where nothing     |
 *	    |      open --------+ goes nameless     |
 *	    +---------------------------------------+ link, IPCLOCK_REPLACE_NEW
 *
 * A name beside the target, .NAME.ipclock-NN, is one of few, so that what dead
 * writers left is found without reading the directory.  Its file is locked by
 * its writer for life: before it has the name where it can begin without one,
 * else right after, and then looked at again.  Only who has got that lock, and
 * then sees the name lead to that file still, removes it.
 */

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <ipclock/replace.h>

#include "message.h"
#include "os.h"
#include "os_replace.h"

#define NAMES      32 /* of new files of one target */
#define TAIL       ".ipclock-"
#define NAME_ADDS  (1 + sizeof(TAIL) - 1 + 2)
#define MOST_LINKS 40

struct ipclock_replace {
	char *path;          /* absolute, as it was asked for */
	char *name;          /* of the target in dir, links followed */
	char *temp;          /* .NAME.ipclock-NN */
	size_t stem;         /* how much of name is in temp */
	struct os_file dir;
	struct os_file file;
	unsigned flags;
	bool named;          /* temp is the file's name */
	bool committed;
	int broken;          /* what fsync(2) of the file said: it does not say so twice */
	long process;
	struct failure failure;
};

static const struct {
	int error;
	const char *text;
} reasons[] = {
	{ EBUSY, "others are replacing it, or it is a mount point; on Windows: it is open" },
	{ EPERM, "not permitted for this file or directory" },
	{ ESTALE, "the file server has lost it" },
	{ EBADF, "the descriptor was closed by other code" },
	{ EINVAL, "not a regular file" },
};

/* Notes how a call ended; reason NULL: what the error means. */
static int
finish(struct ipclock_replace *r, const char *path, const char *reason, int error)
{
	struct failure failure = { .operation = "replace", .reason = reason, .error = error };
	size_t i;

	for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]) && !failure.reason; i++)
		if (reasons[i].error == error)
			failure.reason = reasons[i].text;
	if (r)
		r->failure = failure;
	ipclock__message_note(&failure, path);
	return error;
}

/* ---- names ---- */

static bool
is_temp_name(const char *name)
{
	size_t length = strlen(name);
	const char *tail = name + (length > NAME_ADDS ? length - (NAME_ADDS - 1) : 0);

	return tail != name && *name == '.' && memcmp(tail, TAIL, sizeof(TAIL) - 1) == 0 &&
	    strspn(tail + sizeof(TAIL) - 1, "0123456789") == 2;
}

/* A long name is cut, between characters.  Two that are then alike share the names, which does no harm. */
static int
make_stem(struct ipclock_replace *r)
{
	size_t max = ipclock__os_dir_name_max(r->dir.fd);

	r->stem = strlen(r->name);
	if (max < r->stem + NAME_ADDS) {
		r->stem = max > NAME_ADDS ? max - NAME_ADDS : 0;
		while (r->stem > 0 && ((unsigned char)r->name[r->stem] & 0xc0) == 0x80)
			r->stem--;
	}
	r->temp = ipclock__os_alloc(r->stem + NAME_ADDS + 1);
	return r->temp ? 0 : ENOMEM;
}

static const char *
temp_name(struct ipclock_replace *r, unsigned i)
{
	snprintf(r->temp, r->stem + NAME_ADDS + 1, ".%.*s%s%02u", (int)r->stem, r->name, TAIL, i % 100);
	return r->temp;
}

/* ---- the target ---- */

static int
copy(char **to, const char *text)
{
	size_t size = strlen(text) + 1;

	*to = ipclock__os_alloc(size);
	if (!*to)
		return ENOMEM;
	memcpy(*to, text, size);
	return 0;
}

/* Goes on to path, seen from the directory where we are.  Writes into path. */
static int
enter(struct ipclock_replace *r, char *path)
{
	char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	struct os_file dir;
	int x;

	if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return EISDIR;
	if (is_temp_name(name))
		return EINVAL;
	ipclock__os_free(r->name);
	x = copy(&r->name, name);
	if (x)
		return x;
	if (slash)
		slash[slash == path] = '\0';
	x = ipclock__os_dir_open(&dir, r->dir.fd, slash ? path : ".");
	if (x)
		return x;
	ipclock__os_new_close(&r->dir);
	r->dir = dir;
	return 0;
}

/* May what is there be replaced? */
static int
judge(const struct ipclock_replace *r, enum os_entry entry)
{
	static const int errors[] = { [OS_ABSENT] = 0, [OS_FILE] = 0, [OS_LINK] = ELOOP, [OS_SUBDIRECTORY] = EISDIR,
		[OS_SPECIAL] = EINVAL };

	return entry != OS_ABSENT && (r->flags & IPCLOCK_REPLACE_NEW) ? EEXIST : errors[entry];
}

static int
find_target(struct ipclock_replace *r, const char *path, enum os_entry *entry)
{
	char *text;
	int i, x = copy(&text, path);

	for (i = 0; x == 0 && i <= MOST_LINKS; i++) {
		x = enter(r, text);
		ipclock__os_free(text);
		if (x == 0)
			x = ipclock__os_entry_look(r->dir.fd, r->name, entry);
		if (x)
			return x;
		if (*entry != OS_LINK || !(r->flags & IPCLOCK_REPLACE_FOLLOW))
			return judge(r, *entry);
		x = ipclock__os_entry_read_link(r->dir.fd, r->name, &text);
	}
	if (x == 0) {
		ipclock__os_free(text);
		x = ELOOP;
	}
	return x;
}

/* ---- the new file ---- */

/* Is the name free now, its writer having been dead? */
static bool
remove_dead(const struct ipclock_replace *r, const char *name)
{
	struct os_file file;
	bool removed = false;

	if (ipclock__os_new_other(&file, r->dir.fd, name))
		return false;
	if (ipclock__os_new_lock(&file) == 0) {
		removed = ipclock__os_entry_is(r->dir.fd, name, &file.id) &&
		    ipclock__os_entry_remove(r->dir.fd, name) == 0;
		ipclock__os_new_unlock(&file); /* committed under our feet: a child has no part in it */
	}
	ipclock__os_new_close(&file);
	return removed;
}

static void
remove_all_dead(struct ipclock_replace *r)
{
	unsigned i;

	for (i = 0; i < NAMES; i++)
		remove_dead(r, temp_name(r, i));
}

/* EEXIST: another has this name, or takes us for dead and removes it. */
static int
make_named(struct ipclock_replace *r, const char *name, unsigned perm)
{
	int x = ipclock__os_new_named(&r->file, r->dir.fd, name, perm);

	if (x)
		return x;
	x = ipclock__os_new_lock(&r->file);
	if (x == 0 && ipclock__os_entry_is(r->dir.fd, name, &r->file.id)) {
		r->named = true;
		return 0;
	}
	if (x != 0 && x != EBUSY)
		ipclock__os_entry_remove(r->dir.fd, name);
	ipclock__os_new_close(&r->file);
	return x == 0 || x == EBUSY ? EEXIST : x;
}

static int
make_file(struct ipclock_replace *r, unsigned perm)
{
	unsigned i;
	int x = ipclock__os_new_nameless(&r->file, r->dir.fd, perm);

	if (x == 0)
		return ipclock__os_new_lock(&r->file);
	for (i = 0, x = x == ENOTSUP ? EEXIST : x; i < NAMES && x == EEXIST; i++)
		x = make_named(r, temp_name(r, i), perm);
	return x == EEXIST ? EBUSY : x;
}

/* ---- open and abort ---- */

static void
destroy(struct ipclock_replace *r)
{
	if (r->named && r->process == ipclock__os_pid() && ipclock__os_check(&r->file) == 0 &&
	    ipclock__os_entry_is(r->dir.fd, r->temp, &r->file.id))
		ipclock__os_entry_remove(r->dir.fd, r->temp);
	ipclock__os_new_close(&r->file);
	ipclock__os_new_close(&r->dir);
	ipclock__os_free(r->temp);
	ipclock__os_free(r->name);
	ipclock__os_free(r->path);
	ipclock__os_free(r);
}

/* A file that replaces another is its owner's alone until the commit. */
static int
begin(struct ipclock_replace *r, const char *path)
{
	enum os_entry entry;
	int x = find_target(r, path, &entry);

	if (x == 0)
		x = make_stem(r);
	if (x)
		return x;
	remove_all_dead(r);
	return make_file(r, entry == OS_ABSENT ? 0666 : 0600);
}

static int
open_handle(struct ipclock_replace **replace, const char *path, unsigned flags)
{
	struct ipclock_replace *r;
	int x;

	if (!replace)
		return finish(NULL, path, "no place to put the handle: NULL", EINVAL);
	*replace = NULL;
	if (!path || !*path)
		return finish(NULL, NULL, path ? "the path is empty" : "no path: NULL", EINVAL);
	if (flags & ~(IPCLOCK_REPLACE_NEW | IPCLOCK_REPLACE_FOLLOW))
		return finish(NULL, path, "unknown flags", EINVAL);
	r = ipclock__os_alloc(sizeof(*r));
	if (!r)
		return finish(NULL, path, NULL, ENOMEM);
	*r = (struct ipclock_replace){ .dir.fd = OS_HERE, .file.fd = -1, .flags = flags,
		.process = ipclock__os_pid() };
	x = ipclock__os_absolute(path, &r->path);
	if (x == ENAMETOOLONG)
		x = finish(NULL, path, "the path is too long", EINVAL);
	else if (x || (x = begin(r, ipclock__os_dir_start(path, r->path))) != 0)
		x = finish(NULL, path, NULL, x);
	if (x)
		destroy(r);
	else
		*replace = r;
	return x ? x : finish(NULL, path, NULL, 0);
}

int
ipclock_replace_open(struct ipclock_replace **replace, const char *path, unsigned flags)
{
	struct os_guard guard;
	int x;

	ipclock__os_enter(&guard);
	x = open_handle(replace, path, flags);
	ipclock__os_leave(&guard);
	return x;
}

int
ipclock_replace_abort(struct ipclock_replace *replace)
{
	struct os_guard guard;
	int x;

	ipclock__os_enter(&guard);
	if (!replace) {
		x = finish(NULL, NULL, "no handle: NULL", EINVAL);
	} else if (replace->process != ipclock__os_pid()) {
		x = finish(replace, replace->path, "the handle is the parent's", EPERM);
	} else {
		x = finish(replace, replace->path, NULL, 0);
	}
	if (replace)
		destroy(replace);
	ipclock__os_leave(&guard);
	return x;
}

/* ---- commit ---- */

/* Nobody's rights grow: what the old group or ACL kept from somebody, others do not get either. */
static unsigned
kept_mode(const struct os_traits *traits)
{
	unsigned mode = traits->mode, both = mode >> 3 & mode & 07;

	if (!traits->owner_kept)
		mode &= ~04000u;
	if (!traits->group_kept)
		mode = (mode & ~02077u) | both << 3 | both;
	if (traits->acl == OS_ACL_LOST)
		mode &= ~02077u;
	return mode;
}

/* ENOENT: what was there has gone, and the file is as it was made. */
static int
keep_metadata(struct ipclock_replace *r)
{
	struct os_traits traits;
	enum os_entry entry;
	int x = ipclock__os_entry_look(r->dir.fd, r->name, &entry);

	if (x == 0)
		x = judge(r, entry);
	if (x || entry == OS_ABSENT)
		return x;
	x = ipclock__os_carry(&r->file, r->dir.fd, r->name, &traits);
	if (x == 0)
		x = ipclock__os_set_mode(&r->file, kept_mode(&traits));
	return x == ENOENT ? 0 : x;
}

static int
name_it(struct ipclock_replace *r)
{
	int x = EEXIST;
	unsigned i;

	for (i = 0; i < NAMES && x == EEXIST; i++) {
		x = ipclock__os_new_name(&r->file, r->dir.fd, temp_name(r, i));
		if (x == EEXIST && remove_dead(r, r->temp))
			x = ipclock__os_new_name(&r->file, r->dir.fd, r->temp);
	}
	r->named = x == 0;
	return x == EEXIST ? EBUSY : x;
}

static int
move_to_free(struct ipclock_replace *r)
{
	int x;

	if (!r->named)
		return ipclock__os_new_name(&r->file, r->dir.fd, r->name);
	x = ipclock__os_entry_rename_new(r->dir.fd, r->temp, r->name);
	if (x == ENOTSUP)
		x = ipclock__os_entry_link(r->dir.fd, r->temp, r->name);
	return x;
}

static int
move_over(struct ipclock_replace *r)
{
	int x = r->named ? 0 : name_it(r);

	return x ? x : ipclock__os_entry_rename(r->dir.fd, r->temp, r->name);
}

/* A file server whose answer was lost may have done it all the same. */
static int
publish(struct ipclock_replace *r)
{
	int x;

	do
		x = r->flags & IPCLOCK_REPLACE_NEW ? move_to_free(r) : move_over(r);
	while (x == EINTR && !ipclock__os_entry_is(r->dir.fd, r->name, &r->file.id));
	if (x && !ipclock__os_entry_is(r->dir.fd, r->name, &r->file.id))
		return x;
	if (r->named && ipclock__os_entry_is(r->dir.fd, r->temp, &r->file.id))
		ipclock__os_entry_remove(r->dir.fd, r->temp); /* it was linked */
	r->named = false;
	r->committed = true;
	ipclock__os_new_unlock(&r->file);
	return 0;
}

static int
commit(struct ipclock_replace *r)
{
	int x;

	if (r->process != ipclock__os_pid())
		return finish(r, r->path, "the handle is the parent's", EPERM);
	if (r->committed)
		return finish(r, r->path, "committed already", EINVAL);
	x = r->broken ? 0 : ipclock__os_check(&r->file);
	if (x == 0 && !r->broken)
		x = keep_metadata(r);
	if (x)
		return finish(r, r->path, NULL, x);
	if (!r->broken)
		r->broken = ipclock__os_new_sync(&r->file);
	if (r->broken)
		return finish(r, r->path, "the new contents could not be written to disk", r->broken);
	x = publish(r);
	if (x)
		return finish(r, r->path, NULL, x);
	x = ipclock__os_dir_sync(r->dir.fd);
	return finish(r, r->path, x ? "in place, but a power cut may undo it: fsync of the directory failed" : NULL, x);
}

int
ipclock_replace_commit(struct ipclock_replace *replace)
{
	struct os_guard guard;
	int x;

	ipclock__os_enter(&guard);
	x = replace ? commit(replace) : finish(NULL, NULL, "no handle: NULL", EINVAL);
	ipclock__os_leave(&guard);
	return x;
}

/* ---- asking ---- */

int
ipclock_replace_fd(struct ipclock_replace *replace)
{
	return replace ? replace->file.fd : -1;
}

const char *
ipclock_replace_path(struct ipclock_replace *replace)
{
	return replace ? replace->path : NULL;
}

const char *
ipclock_replace_message(struct ipclock_replace *replace)
{
	struct os_guard guard;
	const char *text;

	ipclock__os_enter(&guard);
	text = replace ? ipclock__message_text(&replace->failure, replace->path) : ipclock__message_last();
	ipclock__os_leave(&guard);
	return text;
}
