/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * The functions behind the macros.  A path is opened once in a process, and
 * never closed: the list of handles only grows, under the process lock, so
 * that a fork finds it whole.  Nothing else is locked during an open.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <ipclock/locked.h>

#include "handle.h"

struct path {
	struct path *next;
	struct handle *handle;
};

static struct path *paths;

static _Thread_local int last_error;

/* C99 declares it, without _Atomic; only we look at it. */
static _Atomic(struct handle *) *
cell(struct ipclock_locked *function)
{
	_Static_assert(sizeof(_Atomic(struct handle *)) == sizeof(function->handle) &&
	    _Alignof(_Atomic(struct handle *)) == _Alignof(void *), "a pointer is atomic as it is");
	return (_Atomic(struct handle *) *)(void *)&function->handle;
}

/* ---- one handle a path ---- */

static struct handle *
find(const char *absolute)
{
	struct path *p;

	for (p = paths; p; p = p->next)
		if (strcmp(ipclock__handle_path(p->handle), absolute) == 0)
			return p->handle;
	return NULL;
}

/* NULL: not opened yet; or there is something wrong with the path, which open says best. */
static struct handle *
known(const char *path)
{
	struct handle *h;
	char *absolute;

	if (!path || !*path || ipclock__os_absolute(path, &absolute) != 0)
		return NULL;
	ipclock__os_process_lock();
	h = find(absolute);
	ipclock__os_process_unlock();
	ipclock__os_free(absolute);
	return h;
}

/* Two threads may have opened at once: the first to come here has it. */
static struct handle *
list(struct path *path)
{
	struct handle *h;

	ipclock__os_process_lock();
	h = find(ipclock__handle_path(path->handle));
	if (!h) {
		path->next = paths;
		paths = path;
	}
	ipclock__os_process_unlock();
	if (!h)
		return path->handle;
	ipclock__handle_close(path->handle);
	ipclock__os_free(path);
	return h;
}

static int
open_new(struct handle **handle, const char *path)
{
	struct ipclock_attr attr = ipclock__attr_defaults;
	struct path *new = ipclock__os_alloc(sizeof(*new));
	int r;

	if (!new)
		return ipclock__message_outcome("open", NULL, NULL, ENOMEM);
	attr.options.recursive = true;
	r = ipclock__handle_open(&new->handle, path, &attr);
	if (r)
		ipclock__os_free(new);
	else
		*handle = list(new);
	return r;
}

/* The first value that can be opened counts. */
static int
open_once(struct ipclock_locked *function, const char *path)
{
	struct handle *h, *none = NULL;
	struct os_guard guard;
	int r = 0;

	ipclock__os_enter(&guard);
	h = known(path);
	if (!h)
		r = open_new(&h, path);
	if (r == 0)
		atomic_compare_exchange_strong(cell(function), &none, h);
	ipclock__os_leave(&guard);
	return r;
}

int
ipclock_locked_ready(struct ipclock_locked *function)
{
	return function && atomic_load(cell(function)) != NULL;
}

/* ---- enter and leave ---- */

static struct ipclock_scope
entered(struct handle *h, enum os_mode mode, int error)
{
	last_error = error;
	return (struct ipclock_scope){ .error = error, .writes = mode == OS_EXCLUSIVE, .handle = h };
}

static struct ipclock_scope
enter(void *handle, enum os_mode mode, int timeout_ms)
{
	return entered(handle, mode, ipclock__handle_acquire(handle, mode, timeout_ms));
}

struct ipclock_scope
ipclock_locked_enter(struct ipclock_locked *function, int writes, const char *path)
{
	enum os_mode mode = writes ? OS_EXCLUSIVE : OS_SHARED;
	int r = 0;

	if (!function)
		return entered(NULL, mode, ipclock__message_outcome("enter", NULL, "no function: NULL", EINVAL));
	if (!ipclock_locked_ready(function))
		r = open_once(function, path);
	return r ? entered(NULL, mode, r) : enter(atomic_load(cell(function)), mode, -1);
}

struct ipclock_scope
ipclock_scope_lock(struct ipclock *lock, int timeout_ms)
{
	return enter(lock, OS_EXCLUSIVE, timeout_ms);
}

struct ipclock_scope
ipclock_scope_read(struct ipclock_rw *rw, int timeout_ms)
{
	return enter(rw, OS_SHARED, timeout_ms);
}

struct ipclock_scope
ipclock_scope_write(struct ipclock_rw *rw, int timeout_ms)
{
	return enter(rw, OS_EXCLUSIVE, timeout_ms);
}

/* That the body ran is what the caller must know: an error here would look as if it had not. */
void
ipclock_locked_leave(struct ipclock_scope *scope)
{
	if (!scope || scope->error)
		return;
	ipclock__handle_release(scope->handle, scope->writes ? OS_EXCLUSIVE : OS_SHARED);
	scope->error = EPERM;
	last_error = 0;
}

int
ipclock_locked_error(void)
{
	return last_error;
}
