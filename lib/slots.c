/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <errno.h>
#include <stddef.h>
#include <stdio.h>

#include "pattern.h"
#include "slots.h"

#define MOST_IDLE   4   /* descriptors kept for the next time */
#define MOST_ROUNDS 100 /* a file replaced as fast as we open it */

struct unit {
	struct lock_file file;
	struct os_range range;
	struct unit *next;
	unsigned slot;
	bool held;
};

/* The child of a fork holds nothing, and frees nothing of its parent's. */
static void
forked(struct lock_file *file)
{
	struct unit *unit = (struct unit *)(void *)((char *)file - offsetof(struct unit, file));

	unit->held = false;
	ipclock__os_forget(&file->os);
}

int
ipclock__slots_path(const struct slots *slots, unsigned slot, char *path)
{
	int length = snprintf(path, MOST_SLOT_PATH, "%s/", slots->directory);

	if (length < 0 || length >= MOST_SLOT_PATH)
		return ENAMETOOLONG;
	return ipclock__pattern_format(slots->pattern, slots->name, slot, path + length, (size_t)(MOST_SLOT_PATH - length));
}

/* ---- the pool ---- */

static struct unit *
find_held(const struct slots *slots, unsigned slot)
{
	struct unit *unit;

	for (unit = slots->units; unit; unit = unit->next)
		if (unit->held && unit->slot == slot)
			break;
	return unit;
}

static int
open_unit(struct slots *slots, struct unit *unit)
{
	const struct lock_file *model = slots->model;
	char path[MOST_SLOT_PATH];
	int r = 0;

	unit->file.perm = model->perm;
	unit->file.create = model->create;
	unit->file.make_parents = model->make_parents;
	unit->file.range = &unit->range;
	unit->file.forked = forked;
	unit->file.os.whole = slots->directory != NULL;
	if (slots->directory)
		r = ipclock__slots_path(slots, unit->slot, path);
	return r ? r : ipclock__lock_file_open(&unit->file, slots->directory ? path : model->path);
}

/* An idle one, of that slot if they are files; or a new one. */
static int
spare(struct slots *slots, unsigned slot, struct unit **unit)
{
	struct unit *u;
	int r;

	for (u = slots->units; u; u = u->next)
		if (!u->held && (!slots->directory || u->slot == slot))
			break;
	*unit = u;
	if (u)
		return 0;
	u = ipclock__os_alloc(sizeof(*u));
	if (!u)
		return ENOMEM;
	u->slot = slot;
	r = open_unit(slots, u);
	if (r) {
		ipclock__os_free(u);
		return r;
	}
	u->next = slots->units;
	slots->units = u;
	*unit = u;
	return 0;
}

static void
end_unit(struct unit **link)
{
	struct unit *unit = *link;

	*link = unit->next;
	ipclock__lock_file_close(&unit->file);
	ipclock__os_free(unit);
}

static void
trim(struct slots *slots)
{
	struct unit **link = &slots->units;
	unsigned idle = 0;

	while (*link)
		if (!(*link)->held && ++idle > MOST_IDLE)
			end_unit(link);
		else
			link = &(*link)->next;
}

/* ---- taking ---- */

static void
set_slot(const struct slots *slots, struct unit *unit, unsigned slot)
{
	unit->slot = slot;
	unit->range.start = slots->directory ? 0 : slots->first + slot;
	unit->range.len = slots->directory ? 0 : 1;
}

static int
try_unit(struct unit *unit)
{
	return ipclock__os_range_try(&unit->file.os, unit->range, OS_EXCLUSIVE);
}

/* A description that holds some unit is no good for another: try each byte by the spare one. */
static int
try_bytes(const struct slots *slots, struct unit *unit)
{
	unsigned n, slot;
	int r = EBUSY;

	for (n = 0; n < slots->count && r == EBUSY; n++) {
		slot = (unsigned)(((uint64_t)slots->next + n) % slots->count);
		if (find_held(slots, slot))
			continue; /* be it of a file that was replaced: numbers are held once */
		set_slot(slots, unit, slot);
		r = try_unit(unit);
	}
	return r;
}

static int
try_file(const struct slots *slots, struct unit *unit)
{
	set_slot(slots, unit, unit->slot);
	return try_unit(unit);
}

/* Held, or busy: of the file that the path names?  What was replaced is let go of. */
static int
confirm(const struct slots *slots, struct unit *unit, int r)
{
	int check = 0;

	if ((r == 0 || r == EBUSY) && !slots->trust_path)
		check = ipclock__lock_file_check(&unit->file);
	if (check) {
		if (r == 0)
			ipclock__os_range_unlock(&unit->file.os, unit->range);
		ipclock__lock_file_drop(&unit->file);
		return check;
	}
	if (r == 0)
		unit->held = true;
	return r;
}

static int
take_with(struct slots *slots, unsigned slot, int (*try)(const struct slots *, struct unit *), struct unit **unit)
{
	int r = ESTALE, round;

	for (round = 0; round < MOST_ROUNDS && r == ESTALE; round++) {
		r = spare(slots, slot, unit);
		if (r == 0)
			r = ipclock__lock_file_ready(&(*unit)->file, true);
		if (r == 0)
			r = confirm(slots, *unit, try(slots, *unit));
	}
	return r;
}

static int
take_file(struct slots *slots, struct unit **unit)
{
	unsigned n, slot;
	int r = EBUSY;

	for (n = 0; n < slots->count && r == EBUSY; n++) {
		slot = (unsigned)(((uint64_t)slots->next + n) % slots->count);
		if (!find_held(slots, slot))
			r = take_with(slots, slot, try_file, unit);
		trim(slots);
	}
	return r;
}

int
ipclock__slots_take(struct slots *slots, unsigned *slot)
{
	struct unit *unit = NULL;
	int r;

	r = slots->directory ? take_file(slots, &unit) : take_with(slots, slots->next, try_bytes, &unit);
	if (r)
		return r;
	*slot = slots->next = unit->slot;
	slots->id = unit->file.os.id;
	return 0;
}

int
ipclock__slots_give(struct slots *slots, unsigned slot)
{
	struct unit *unit = find_held(slots, slot);
	int lost, r;

	if (!unit)
		return EPERM;
	lost = ipclock__os_range_check(&unit->file.os, unit->range, OS_EXCLUSIVE);
	r = ipclock__os_range_unlock(&unit->file.os, unit->range);
	unit->held = false;
	if (r)
		ipclock__lock_file_drop(&unit->file);
	slots->next = slot;
	trim(slots);
	return lost ? lost : r;
}

/* ---- asking ---- */

/* Counts the bytes of [at, end) that are free: from each busy one to the next. */
static int
free_bytes(const struct os_file *file, int64_t at, int64_t end, unsigned most, unsigned *count)
{
	struct os_range range;
	struct os_lock found;
	int64_t stop, next;
	int r;

	while (at < end && *count < most) {
		next = stop = end;
		for (;;) { /* the kernel tells of any lock in the range, not of the first */
			range.start = at;
			range.len = stop - at;
			r = ipclock__os_range_query(file, range, OS_EXCLUSIVE, &found);
			if (r)
				return r;
			if (found.mode == OS_UNLOCKED)
				break;
			next = found.range.len && found.range.len < end - found.range.start ?
			    found.range.start + found.range.len : end;
			stop = found.range.start > at ? found.range.start : at;
			if (stop == at)
				break;
		}
		*count += (unsigned)(stop - at);
		at = next;
	}
	return 0;
}

static int
count_bytes(struct slots *slots, unsigned most, unsigned *count)
{
	struct unit *unit;
	int r = ESTALE, round;

	for (round = 0; round < MOST_ROUNDS && r == ESTALE; round++) {
		r = spare(slots, 0, &unit);
		if (r == 0)
			r = ipclock__lock_file_ready(&unit->file, false);
		if (r == 0 && !slots->trust_path && (r = ipclock__lock_file_check(&unit->file)) != 0)
			ipclock__lock_file_drop(&unit->file);
	}
	return r ? r : free_bytes(&unit->file.os, slots->first, slots->first + slots->count, most, count);
}

/* flock(2) has no query: to lock is to ask. */
static int
count_files(struct slots *slots, unsigned most, unsigned *count)
{
	struct unit *unit;
	unsigned slot;
	int r = 0;

	for (slot = 0; slot < slots->count && *count < most && (r == 0 || r == EBUSY); slot++) {
		if (find_held(slots, slot))
			continue;
		r = take_with(slots, slot, try_file, &unit);
		if (r == 0) {
			ipclock__os_range_unlock(&unit->file.os, unit->range);
			unit->held = false;
			++*count;
		}
		trim(slots);
	}
	return r == EBUSY ? 0 : r;
}

int
ipclock__slots_free(struct slots *slots, unsigned most, unsigned *count)
{
	int r;

	*count = 0;
	r = slots->directory ? count_files(slots, most, count) : count_bytes(slots, most, count);
	if (*count > most)
		*count = most;
	trim(slots);
	return r;
}

unsigned
ipclock__slots_held(const struct slots *slots)
{
	const struct unit *unit;
	unsigned n = 0;

	for (unit = slots->units; unit; unit = unit->next)
		n += unit->held;
	return n;
}

int
ipclock__slots_fd(const struct slots *slots, unsigned slot)
{
	const struct unit *unit = find_held(slots, slot);

	return unit ? unit->file.os.fd : -1;
}

void
ipclock__slots_close(struct slots *slots)
{
	while (slots->units) {
		if (slots->units->held)
			ipclock__os_range_unlock(&slots->units->file.os, slots->units->range);
		end_unit(&slots->units);
	}
}
