/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ipclock/semaphore.h>

#include "attr.h"
#include "layout.h"
#include "message.h"
#include "pattern.h"
#include "semaphore.h"

/* ---- what is said of a call ---- */

static const char *const reasons[] = {
	[SEM_BAD_TIMEOUT] = "the timeout is below -1",
	[SEM_NO_SLOT] = "no such slot",
	[SEM_NOT_HELD] = "the slot is not held through this handle",
	[SEM_NO_PLACE] = "no place to put the number: NULL",
};

static int
finish(struct ipclock_sem *sem, const char *operation, int r, enum sem_reason reason)
{
	struct failure failure = { operation, reason == SEM_IN_LINE ? NULL : reasons[reason], r, 0 };

	ipclock__os_mutex_lock(&sem->gate.mutex);
	failure.waited_ms = sem->waited_ms;
	sem->operation = operation;
	sem->error = r;
	sem->reason = reason;
	ipclock__os_mutex_unlock(&sem->gate.mutex);
	ipclock__message_note(&failure, sem->gate.file.path);
	return r;
}

/* ---- the child of a fork ---- */

/* Runs alone; each unit sees to itself. */
static void
forked(struct lock_file *file)
{
	struct ipclock_sem *sem = (struct ipclock_sem *)(void *)((char *)file - offsetof(struct ipclock_sem, gate.file));
	struct shared *s = &sem->gate;

	s->generation++;
	ipclock__os_mutex_make(&s->mutex);
	s->local.first = s->local.last = NULL;
	s->local.writer = s->local.draining = false;
	file->writer = 0;
	s->has_queue = -1;
	ipclock__os_forget(&file->os);
	ipclock__os_watch_close(&sem->watch);
}

/* ---- open and close ---- */

static const char *
bad_options(const struct ipclock_attr *attr, bool files)
{
	if (attr->range_set || (attr->whole && !files))
		return "a semaphore has bytes of its own: no range, no flock";
	if (attr->options.recursive)
		return "a semaphore has no owner: not recursive";
	if (attr->options.inherit)
		return "the slots of a semaphore do not pass to a child";
	if (attr->options.unlink)
		return "the file of a semaphore stays: not IPCLOCK_UNLINK";
	if (files && attr->slot_set)
		return "each slot is a file: there is one semaphore";
	if (attr->slot > LAYOUT_LAST_SEMAPHORE)
		return "semaphores of a file are 0 to 1048575";
	return NULL;
}

static void
set_up(struct ipclock_sem *sem, unsigned count, const struct ipclock_attr *attr)
{
	struct shared *s = &sem->gate;

	sem->options = s->options = attr->options;
	s->options.log = NULL; /* of the slot, not of the gate */
	ipclock__place_gate(&s->place, attr->slot);
	s->file.perm = attr->perm;
	s->file.create = attr->create;
	s->file.make_parents = attr->make_parents;
	s->file.range = &s->place.exclusive;
	s->file.forked = forked;
	s->has_queue = -1;
	s->seed = (uint32_t)(ipclock__os_thread() ^ ((uintptr_t)sem >> 4));
	sem->slots.count = count;
	sem->slots.next = (uint32_t)(ipclock__os_now() / 1000) % count; /* they begin at different slots */
	sem->slots.first = LAYOUT_UNIT_BASE + LAYOUT_UNIT_SPACING * attr->slot;
	sem->slots.trust_path = attr->options.trust_path;
	sem->slots.model = &s->file;
	sem->watch.fd = -1;
}

static int
open_gate(struct ipclock_sem *sem, const char *path)
{
	int r = ipclock__os_mutex_make(&sem->gate.mutex);

	if (r)
		return r;
	r = ipclock__lock_file_open(&sem->gate.file, path);
	if (r)
		ipclock__os_mutex_free(&sem->gate.mutex);
	return r;
}

/* The three strings of the files, one behind the other; the directory is made absolute. */
static int
keep_names(struct ipclock_sem *sem, const char *directory, const char *name, const char *pattern)
{
	char *absolute;
	size_t a, b, c;
	int r = ipclock__os_absolute(directory, &absolute);

	if (r)
		return r;
	a = strlen(absolute) + 1, b = strlen(name) + 1, c = strlen(pattern) + 1;
	sem->names = ipclock__os_alloc(a + b + c);
	if (sem->names) {
		sem->slots.directory = memcpy(sem->names, absolute, a);
		sem->slots.name = memcpy(sem->names + a, name, b);
		sem->slots.pattern = memcpy(sem->names + a + b, pattern, c);
	}
	ipclock__os_free(absolute);
	return sem->names ? 0 : ENOMEM;
}

/* What is opened: a file, or with a name a file for each slot. */
struct target {
	const char *path;
	const char *directory;
	const char *name;
	const char *pattern;
};

static int
make(struct ipclock_sem **made, const struct target *target, unsigned count, const struct ipclock_attr *attr)
{
	struct ipclock_sem *sem = ipclock__os_alloc(sizeof(*sem));
	char path[MOST_SLOT_PATH];
	int r = 0;

	if (!sem)
		return ENOMEM;
	set_up(sem, count, attr);
	if (target->name)
		r = keep_names(sem, target->directory, target->name, target->pattern);
	if (r == 0 && target->name)
		r = ipclock__slots_path(&sem->slots, 0, path);
	if (r == 0)
		r = open_gate(sem, target->name ? path : target->path);
	if (r) {
		ipclock__os_free(sem->names);
		ipclock__os_free(sem);
	} else
		*made = sem;
	return r;
}

static bool
cannot_be_used(int error)
{
	return error == ENOENT || error == ENOTDIR || error == EACCES || error == EPERM || error == EROFS;
}

/* As Python's tempfile looks for its directory. */
static int
make_in_temporary(struct ipclock_sem **made, struct target *target, unsigned count, const struct ipclock_attr *attr)
{
	const char *const directories[] = { getenv("TMPDIR"), getenv("TEMP"), getenv("TMP"), "/tmp", "/var/tmp",
		"/usr/tmp" };
	int r = ENOENT;
	size_t i;

	for (i = 0; i < sizeof(directories) / sizeof(directories[0]) && cannot_be_used(r); i++) {
		target->directory = directories[i];
		if (target->directory && *target->directory)
			r = make(made, target, count, attr);
	}
	return r;
}

static const char *
bad_target(const struct target *target, unsigned count)
{
	char name[MOST_SLOT_PATH];

	if (!target->pattern)
		return !target->path ? "no path: NULL" : !*target->path ? "the path is empty" : NULL;
	if (!target->name || strchr(target->name, '/'))
		return target->name ? "the name has a slash in it" : "no name: NULL";
	if (strchr(target->pattern, '/'))
		return "the pattern has a slash in it";
	if (ipclock__pattern_format(target->pattern, target->name, 0, name, sizeof(name)) == EINVAL)
		return "not a pattern of {name} and {number}";
	if (count > 1 && !ipclock__pattern_counts(target->pattern, target->name))
		return "the pattern gives all slots one name";
	return NULL;
}

static int
open_checked(struct ipclock_sem **sem, struct target *target, unsigned count, const struct ipclock_attr *attr)
{
	struct os_guard guard;
	struct ipclock_sem *made = NULL;
	int r;

	ipclock__os_enter(&guard);
	if (target->name && !target->directory)
		r = make_in_temporary(&made, target, count, attr);
	else
		r = make(&made, target, count, attr);
	*sem = made;
	ipclock__os_leave(&guard);
	return r;
}

static int
open_target(struct ipclock_sem **sem, struct target *target, unsigned count, const struct ipclock_attr *attr)
{
	const char *shown = target->path ? target->path : target->name, *bad;
	int r;

	if (!sem)
		return ipclock__message_outcome("open semaphore", shown, "no place to put the handle: NULL", EINVAL);
	*sem = NULL;
	attr = attr ? attr : &ipclock__attr_defaults;
	bad = bad_target(target, count);
	if (!bad && (count == 0 || count > IPCLOCK_SEM_MOST))
		bad = "the slots must be 1 to 4096";
	if (!bad)
		bad = bad_options(attr, target->name != NULL);
	if (bad)
		return ipclock__message_outcome("open semaphore", shown, bad, EINVAL);
	r = open_checked(sem, target, count, attr);
	if (r == ENAMETOOLONG)
		return ipclock__message_outcome("open semaphore", shown, "the path is too long", EINVAL);
	return ipclock__message_outcome("open semaphore", shown, r == EINVAL ? "not a regular file" : NULL, r);
}

int
ipclock_sem_open(struct ipclock_sem **sem, const char *path, unsigned slots, const struct ipclock_attr *attr)
{
	struct target target = { .path = path };

	return open_target(sem, &target, slots, attr);
}

int
ipclock_sem_open_files(struct ipclock_sem **sem, const char *directory, const char *name, unsigned slots,
    const struct ipclock_attr *attr)
{
	return ipclock_sem_open_pattern(sem, directory, name, "{name}.{number:02d}.lock", slots, attr);
}

int
ipclock_sem_open_pattern(struct ipclock_sem **sem, const char *directory, const char *name, const char *pattern,
    unsigned slots, const struct ipclock_attr *attr)
{
	struct target target = { .directory = directory, .name = name, .pattern = pattern };

	if (sem && !pattern) {
		*sem = NULL;
		return ipclock__message_outcome("open semaphore", name, "no pattern: NULL", EINVAL);
	}
	return open_target(sem, &target, slots, attr);
}

int
ipclock_sem_close(struct ipclock_sem *sem)
{
	struct os_guard guard;

	if (!sem)
		return ipclock__message_outcome("close", NULL, "no semaphore: NULL", EINVAL);
	ipclock__os_enter(&guard);
	ipclock__slots_close(&sem->slots);
	ipclock__os_watch_close(&sem->watch);
	ipclock__lock_file_close(&sem->gate.file);
	ipclock__os_mutex_free(&sem->gate.mutex);
	ipclock__owners_free(&sem->gate.owners);
	ipclock__os_free(sem->names);
	ipclock__os_free(sem);
	ipclock__os_leave(&guard);
	return ipclock__message_outcome("close", NULL, NULL, 0);
}

/* ---- acquire and release ---- */

int
ipclock_sem_acquire(struct ipclock_sem *sem, int timeout_ms, unsigned *slot)
{
	struct request request = { .sem = sem, .timeout_ms = timeout_ms };
	struct os_guard guard;
	bool held;
	int r;

	if (!sem)
		return ipclock__message_outcome("semaphore", NULL, "no semaphore: NULL", EINVAL);
	if (!slot || timeout_ms < -1)
		return finish(sem, "semaphore", EINVAL, slot ? SEM_BAD_TIMEOUT : SEM_NO_PLACE);
	held = ipclock__options_hold_signals(&sem->options, timeout_ms);
	ipclock__os_enter(&guard);
	r = ipclock__sem_wait(&request);
	if (r == 0)
		*slot = request.slot;
	finish(sem, "semaphore", r, r == EBUSY && request.in_line ? SEM_IN_LINE : SEM_NO_REASON);
	ipclock__os_leave(&guard);
	if (held)
		ipclock__os_signals_let();
	return r;
}

/* Wakes the head of the line, if there is one.  Those who look by pauses alone are not told. */
static void
ring(struct ipclock_sem *sem)
{
	struct shared *s = &sem->gate;
	struct os_lock found = { .mode = OS_UNLOCKED };

	if (sem->options.unfair || sem->slots.directory || s->file.os.fd < 0)
		return;
	if (!s->local.writer &&
	    (ipclock__os_range_query(&s->file.os, s->place.exclusive, OS_EXCLUSIVE, &found) || found.mode == OS_UNLOCKED))
		return;
	ipclock__os_watch_ring(&s->file.os);
}

int
ipclock_sem_release(struct ipclock_sem *sem, unsigned slot)
{
	struct os_guard guard;
	int r;

	if (!sem)
		return ipclock__message_outcome("release", NULL, "no semaphore: NULL", EINVAL);
	if (slot >= sem->slots.count)
		return finish(sem, "release", EINVAL, SEM_NO_SLOT);
	ipclock__os_enter(&guard);
	ipclock__os_mutex_lock(&sem->gate.mutex);
	r = ipclock__slots_give(&sem->slots, slot);
	if (r != EPERM)
		ring(sem);
	ipclock__os_mutex_unlock(&sem->gate.mutex);
	finish(sem, "release", r, r == EPERM ? SEM_NOT_HELD : SEM_NO_REASON);
	ipclock__os_leave(&guard);
	return r;
}

/* ---- asking ---- */

int
ipclock_sem_value(struct ipclock_sem *sem, unsigned *free_slots)
{
	struct os_guard guard;
	unsigned count = 0;
	int r;

	if (!sem)
		return ipclock__message_outcome("value", NULL, "no semaphore: NULL", EINVAL);
	if (!free_slots)
		return finish(sem, "value", EINVAL, SEM_NO_PLACE);
	ipclock__os_enter(&guard);
	ipclock__os_mutex_lock(&sem->gate.mutex);
	r = ipclock__slots_free(&sem->slots, sem->slots.count, &count);
	ipclock__os_mutex_unlock(&sem->gate.mutex);
	if (r == 0)
		*free_slots = count;
	finish(sem, "value", r, SEM_NO_REASON);
	ipclock__os_leave(&guard);
	return r;
}

int
ipclock_sem_held(struct ipclock_sem *sem)
{
	int held;

	if (!sem)
		return 0;
	ipclock__os_mutex_lock(&sem->gate.mutex);
	held = (int)ipclock__slots_held(&sem->slots);
	ipclock__os_mutex_unlock(&sem->gate.mutex);
	return held;
}

int
ipclock_sem_fd(struct ipclock_sem *sem, unsigned slot)
{
	int fd;

	if (!sem)
		return -1;
	ipclock__os_mutex_lock(&sem->gate.mutex);
	fd = ipclock__slots_fd(&sem->slots, slot);
	ipclock__os_mutex_unlock(&sem->gate.mutex);
	return fd;
}

const char *
ipclock_sem_path(struct ipclock_sem *sem)
{
	return sem ? sem->gate.file.path : NULL;
}

const char *
ipclock_sem_message(struct ipclock_sem *sem)
{
	struct failure failure = { NULL, NULL, 0, 0 };
	enum sem_reason reason;
	struct os_guard guard;
	const char *text;
	char more[64] = "others wait in line";

	if (!sem)
		return ipclock__message_last();
	ipclock__os_enter(&guard);
	ipclock__os_mutex_lock(&sem->gate.mutex);
	reason = sem->reason;
	failure.operation = sem->operation;
	failure.error = sem->error;
	failure.waited_ms = sem->waited_ms;
	failure.reason = reason == SEM_IN_LINE ? NULL : reasons[reason];
	ipclock__os_mutex_unlock(&sem->gate.mutex);
	text = ipclock__message_text(&failure, sem->gate.file.path);
	if (reason != SEM_IN_LINE)
		snprintf(more, sizeof(more), sem->slots.count == 1 ? "its slot is taken" : "all %u slots are taken",
		    sem->slots.count);
	if (failure.error == EBUSY || failure.error == ETIMEDOUT)
		ipclock__message_go_on(more);
	ipclock__os_leave(&guard);
	return text;
}
