/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "lock_file.h"

/* Somebody makes and removes the file as fast as we open it. */
#define MOST_ROUNDS 100

static struct lock_file *files;

static void
after_fork(void)
{
	struct lock_file *file;

	for (file = files; file; file = file->next)
		file->forked(file);
}

static void
enlist(struct lock_file *file)
{
	file->previous = NULL;
	file->next = files;
	if (files)
		files->previous = file;
	files = file;
}

static void
unlist(struct lock_file *file)
{
	if (file->previous)
		file->previous->next = file->next;
	else
		files = file->next;
	if (file->next)
		file->next->previous = file->previous;
}

static int
open_kind(struct lock_file *file, unsigned how)
{
	enum os_kind kind;
	int r = ipclock__os_open(&file->os, &kind, file->path, how);

	if (r == 0 && kind != OS_REGULAR && !(kind == OS_DIRECTORY && file->os.whole)) {
		ipclock__os_close(&file->os);
		r = EINVAL;
	}
	return r;
}

/* A directory can be opened for reading only. */
static bool
means_read_only(int error)
{
	return error == EACCES || error == EPERM || error == EROFS || error == ETXTBSY || error == EISDIR;
}

/*
 * Without O_CREAT: fs.protected_regular refuses it on another user's file in a
 * sticky directory, even to root.
 */
static int
open_existing(struct lock_file *file)
{
	int r = open_kind(file, OS_READ | OS_WRITE), read_error = 0;

	file->read_only = 0;
	if (means_read_only(r) && (read_error = open_kind(file, OS_READ)) == 0) {
		file->read_only = r == EROFS ? EROFS : EACCES;
		return 0;
	}
	return r == EISDIR ? read_error : r;
}

/* Only the creator sets permissions. */
static int
create_new(struct lock_file *file)
{
	int r = open_kind(file, OS_READ | OS_WRITE | OS_CREATE);

	if (r == 0 && file->perm != NO_PERM)
		r = ipclock__os_set_mode(&file->os, file->perm);
	if (r && file->os.fd >= 0)
		ipclock__os_close(&file->os);
	return r;
}

int
ipclock__lock_file_make_parents(char *path)
{
	char *slash;
	int r = 0;

	for (slash = strchr(path + 1, '/'); slash && r == 0; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		r = ipclock__os_make_directory(path);
		*slash = '/';
		if (r == EEXIST)
			r = 0;
	}
	return r;
}

static int
open_by_path(struct lock_file *file)
{
	int r, round;

	for (round = 0; round < MOST_ROUNDS; round++) {
		r = open_existing(file);
		if (r != ENOENT || !file->create)
			return r;
		r = create_new(file);
		if (r == ENOENT && file->make_parents && round == 0)
			r = ipclock__lock_file_make_parents(file->path);
		else if (r != EEXIST)
			return r;
		if (r && r != EEXIST)
			return r;
	}
	return ESTALE;
}

static int
list_once(void)
{
	static bool hooked;
	int r = 0;

	if (!hooked)
		r = ipclock__os_at_fork(after_fork);
	hooked = r == 0;
	return r;
}

int
ipclock__lock_file_open(struct lock_file *file, const char *path)
{
	int r;

	file->os.fd = -1;
	r = ipclock__os_absolute(path, &file->path);
	if (r)
		return r;
	ipclock__os_process_lock();
	r = list_once();
	if (r == 0)
		r = open_by_path(file);
	if (r == 0)
		enlist(file);
	ipclock__os_process_unlock();
	if (r)
		ipclock__os_free(file->path);
	return r;
}

int
ipclock__lock_file_adopt(struct lock_file *file, int fd)
{
	enum os_kind kind;
	int r;

	file->path = NULL;
	r = ipclock__os_adopt(&file->os, &kind, fd);
	if (r)
		return r;
	if (kind != OS_REGULAR && !(kind == OS_DIRECTORY && file->os.whole))
		r = EINVAL;
	ipclock__os_process_lock();
	if (r == 0)
		r = list_once();
	if (r == 0)
		enlist(file);
	else
		ipclock__os_disown(&file->os);
	ipclock__os_process_unlock();
	return r;
}

void
ipclock__lock_file_close(struct lock_file *file)
{
	ipclock__os_process_lock();
	unlist(file);
	if (file->path && file->os.fd >= 0)
		ipclock__os_close(&file->os);
	else if (!file->path && !file->disowned)
		ipclock__os_disown(&file->os);
	ipclock__os_process_unlock();
	ipclock__os_free(file->path);
}

void
ipclock__lock_file_drop(struct lock_file *file)
{
	ipclock__os_process_lock();
	if (file->path && file->os.fd >= 0)
		ipclock__os_close(&file->os);
	ipclock__os_process_unlock();
}

/* The permissions may have changed since: try once more, and keep what we have if that fails. */
static int
open_for_writing(struct lock_file *file)
{
	struct os_file reading = file->os;
	int why = file->read_only;
	int r = open_kind(file, OS_READ | OS_WRITE);

	if (r == ENOENT) { /* gone, and nobody of this handle holds what we had */
		ipclock__os_close(&reading);
		r = open_by_path(file);
		return r ? r : file->read_only;
	}
	if (r) {
		file->os = reading;
		return means_read_only(r) ? why : r;
	}
	file->read_only = 0;
	ipclock__os_close(&reading);
	return 0;
}

int
ipclock__lock_file_ready(struct lock_file *file, bool for_writing)
{
	int r = 0;

	if (file->disowned)
		return EPERM;
	for_writing = for_writing && !file->os.whole; /* flock asks for no permission to write */
	if (!file->path)
		return for_writing && !(file->os.access & OS_WRITE) ? EBADF : 0;
	if (file->os.fd >= 0 && !(for_writing && file->read_only))
		return 0;
	ipclock__os_process_lock();
	if (file->os.fd < 0)
		r = open_by_path(file);
	if (r == 0 && for_writing && file->read_only)
		r = open_for_writing(file);
	ipclock__os_process_unlock();
	return r;
}

int
ipclock__lock_file_check(const struct lock_file *file)
{
	struct os_id id;
	int r;

	if (!file->path)
		return 0;
	r = ipclock__os_identify(file->path, &id);
	if (r == ENOENT || r == ENOTDIR)
		return ESTALE;
	if (r == 0 && (id.device != file->os.id.device || id.inode != file->os.id.inode))
		return ESTALE;
	return r;
}

int
ipclock__lock_file_unlink(const struct lock_file *file)
{
	int r = ipclock__lock_file_check(file);

	if (r == 0)
		r = ipclock__os_unlink(file->path);
	return r == ESTALE || r == ENOENT ? 0 : r;
}

static bool
overlap(struct os_range a, struct os_range b)
{
	return (a.len == 0 || b.start - a.start < a.len) && (b.len == 0 || a.start - b.start < b.len);
}

bool
ipclock__lock_file_held_by(const struct lock_file *file, uint64_t thread)
{
	const struct lock_file *other;

	ipclock__os_process_lock();
	for (other = files; other; other = other->next)
		if (atomic_load_explicit(&other->writer, memory_order_relaxed) == thread &&
		    other->os.whole == file->os.whole && other->os.id.device == file->os.id.device &&
		    other->os.id.inode == file->os.id.inode && overlap(*other->range, *file->range))
			break;
	ipclock__os_process_unlock();
	return other != NULL;
}
