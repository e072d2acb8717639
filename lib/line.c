/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <errno.h>
#include <stddef.h>

#include "layout.h"
#include "line.h"

void
ipclock__place_slot(struct place *place, unsigned slot, bool in_line)
{
	place->exclusive.start = LAYOUT_LOCK_BASE + LAYOUT_LOCK_LEN * slot;
	place->exclusive.len = LAYOUT_LOCK_LEN;
	place->shared_skip = LAYOUT_SHARED_SKIP;
	place->line = in_line ? LAYOUT_LINE_BASE + LAYOUT_LINE_LEN * slot : NO_LINE;
	place->looks_first = in_line && slot == 0;
	place->refused = false;
}

void
ipclock__place_range(struct place *place, struct os_range range)
{
	place->exclusive = range;
	place->shared_skip = 0;
	place->line = NO_LINE;
	place->looks_first = false;
	place->refused = false;
}

/* The gate's byte is the first behind its line. */
void
ipclock__place_gate(struct place *place, unsigned semaphore)
{
	struct os_range gate = { LAYOUT_GATE_BASE + LAYOUT_GATE_SPACING * semaphore + LAYOUT_LINE_LEN, 1 };

	ipclock__place_range(place, gate);
	place->line = gate.start - LAYOUT_LINE_LEN;
}

struct os_range
ipclock__place_whole_gate(const struct place *place)
{
	struct os_range whole = place->exclusive;

	if (place->line != NO_LINE) {
		whole.start = place->line;
		whole.len += LAYOUT_LINE_LEN;
	}
	return whole;
}

static bool
is_free(const struct os_file *file, int64_t start, int64_t len, enum os_mode mode)
{
	struct os_range range = { start, len };
	struct os_lock found;

	return ipclock__os_range_query(file, range, mode, &found) == 0 && found.mode == OS_UNLOCKED;
}

bool
ipclock__place_take_free(const struct place *place, const struct os_file *file, enum os_mode mode)
{
	if (place->line != NO_LINE && !is_free(file, place->line, LAYOUT_LINE_LEN, OS_EXCLUSIVE))
		return false;
	if (mode == OS_SHARED && place->looks_first && !is_free(file, place->exclusive.start, 1, OS_SHARED))
		return false;
	return ipclock__os_range_try(file, ipclock__place_range_of(place, mode), mode) == 0;
}

int
ipclock__place_unlock(const struct place *place, const struct os_file *file)
{
	return ipclock__os_range_unlock(file, place->exclusive);
}

int
ipclock__place_leave_line(const struct place *place, const struct os_file *file)
{
	struct os_range line = { place->line, LAYOUT_LINE_LEN };

	return place->line == NO_LINE ? 0 : ipclock__os_range_unlock(file, line);
}

int
ipclock__place_clean(const struct place *place, const struct os_file *file)
{
	int r = ipclock__place_unlock(place, file);

	return r ? r : ipclock__place_leave_line(place, file);
}

void
ipclock__line_make(struct line *line, const struct os_file *file, struct place *place, enum os_mode mode)
{
	line->file = file;
	line->place = place;
	line->mode = mode;
	line->takes_number = false;
	line->beside = false;
	line->number = NO_NUMBER;
	line->next.start = line->next.len = 0;
	line->next_mode = OS_UNLOCKED;
	line->can_sleep = false;
	line->soiled = false;
	atomic_init(&line->ahead, NOBODY);
}

static int64_t
line_end(const struct line *line)
{
	return line->place->line + LAYOUT_LINE_LEN;
}

static int
blocked_by(struct line *line, struct os_range next, enum os_mode mode, int64_t ahead)
{
	line->next = next;
	line->next_mode = mode;
	line->can_sleep = true;
	atomic_store_explicit(&line->ahead, ahead, memory_order_relaxed);
	return EBUSY;
}

static void
refuse_line(struct line *line)
{
	line->place->line = NO_LINE;
	line->place->refused = true;
}

/* A query over bytes of the line.  A file system that refuses such offsets has no line. */
static int
query(struct line *line, int64_t from, int64_t end, struct os_lock *found)
{
	struct os_range range = { from, end - from };
	int r = ipclock__os_range_query(line->file, range, OS_EXCLUSIVE, found);

	if (r == ENOTSUP && line->number == NO_NUMBER) {
		refuse_line(line);
		found->mode = OS_UNLOCKED;
		return 0;
	}
	return r;
}

/* fasteners and lockf lock the whole file: that is the lock, not a waiter. */
static bool
covers_line(const struct line *line, const struct os_lock *found)
{
	return found->range.start < line->place->line;
}

/*
 * The highest locked byte in [line, before), or NOBODY.  The kernel tells any
 * lock in the range, not the highest: walk up until nothing is left above.
 */
static int
last_before(struct line *line, int64_t before, int64_t *last, enum os_mode *mode)
{
	struct os_lock found;
	int64_t from = line->place->line;
	int r;

	*last = NOBODY;
	*mode = OS_UNLOCKED;
	while (from < before) {
		r = query(line, from, before, &found);
		if (r)
			return r;
		if (found.mode == OS_UNLOCKED)
			break;
		line->beside = covers_line(line, &found);
		if (line->beside)
			break;
		from = found.range.len && found.range.len < before - found.range.start ?
		    found.range.start + found.range.len : before;
		*last = from - 1;
		*mode = found.mode;
	}
	return 0;
}

static int
anybody_in_line(struct line *line)
{
	struct os_lock found;
	int r = query(line, line->place->line, line_end(line), &found);

	if (r || found.mode == OS_UNLOCKED || covers_line(line, &found))
		return r;
	line->can_sleep = false;
	return EBUSY;
}

/* A descriptor that cannot write can take its number only shared, on most systems. */
static enum os_mode
number_mode(const struct line *line)
{
	return line->file->access & (OS_WRITE | OS_ANY_LOCK) ? OS_EXCLUSIVE : OS_SHARED;
}

static int
give_number_back(struct line *line)
{
	if (line->number == NO_NUMBER)
		return 0;
	line->number = NO_NUMBER;
	return ipclock__place_leave_line(line->place, line->file);
}

/*
 * 0: it is ours, and nobody took a higher one meanwhile, who would then have
 * come after us and stand before.
 */
static int
take_number(struct line *line, int64_t number)
{
	struct os_range range = { number, 1 };
	struct os_lock above = { .mode = OS_UNLOCKED };
	int r = ipclock__os_range_try(line->file, range, number_mode(line)), left;

	if (r)
		return r;
	line->number = number;
	if (number + 1 < line_end(line)) /* a length of 0 would reach into other lines */
		r = query(line, number + 1, line_end(line), &above);
	if (r == 0 && above.mode != OS_UNLOCKED)
		r = EBUSY;
	left = r ? give_number_back(line) : 0;
	if (left)
		line->soiled = true;
	return left ? left : r;
}

/* The first free byte above all others: even to write, odd to read. */
static int64_t
number_after(const struct line *line, int64_t last)
{
	int64_t number = last == NOBODY ? line->place->line : last + 1;

	return number + ((number & 1) != (line->mode == OS_SHARED));
}

/* Each turn of the loop somebody else has got a number. */
static int
join(struct line *line)
{
	enum os_mode mode;
	int64_t last, number;
	int r;

	do {
		r = last_before(line, line_end(line), &last, &mode);
		if (r || line->beside || line->place->line == NO_LINE)
			return r;
		number = number_after(line, last);
		if (number >= line_end(line)) { /* full: it empties, since nobody can join */
			line->can_sleep = false;
			atomic_store_explicit(&line->ahead, last, memory_order_relaxed);
			return EBUSY;
		}
		r = take_number(line, number);
	} while (r == EBUSY);
	if (r == ENOTSUP) {
		refuse_line(line);
		r = 0;
	}
	return r;
}

/* The wait for a number is shared, so that several can; a descriptor that cannot read waits exclusively. */
static int
look_ahead(struct line *line)
{
	struct os_range byte = { 0, 1 };
	enum os_mode mode, theirs;
	int r = last_before(line, line->number, &byte.start, &theirs);

	if (r || byte.start == NOBODY || line->beside)
		return r;
	mode = line->file->access & OS_READ ? OS_SHARED : OS_EXCLUSIVE;
	r = blocked_by(line, byte, mode, byte.start);
	if (theirs == OS_SHARED && mode == OS_SHARED)
		line->can_sleep = false;
	return r;
}

int
ipclock__line_turn(struct line *line)
{
	int r;

	line->beside = false;
	atomic_store_explicit(&line->ahead, NOBODY, memory_order_relaxed);
	if (line->place->line == NO_LINE)
		return 0;
	if (line->number == NO_NUMBER) {
		r = anybody_in_line(line);
		if (r != EBUSY || !line->takes_number)
			return r;
		r = join(line);
		if (r || line->number == NO_NUMBER)
			return r;
	}
	return look_ahead(line);
}

/*
 * SQLite's writer that waits for readers to leave holds the first byte alone;
 * one that writes holds the lock's bytes too, and then the lock is what to wait for.
 */
static int
look_first(struct line *line, struct os_range lock)
{
	struct os_range byte = { line->place->exclusive.start, 1 };
	struct os_lock found;
	int r = ipclock__os_range_query(line->file, byte, OS_SHARED, &found);

	if (r || found.mode == OS_UNLOCKED)
		return r;
	if (found.range.len == 0 || found.range.start + found.range.len > lock.start)
		return blocked_by(line, lock, OS_SHARED, NOBODY);
	return blocked_by(line, byte, OS_SHARED, NOBODY);
}

static int
try_lock(struct line *line)
{
	struct os_range lock = ipclock__place_range_of(line->place, line->mode);
	int r = 0;

	if (line->mode == OS_SHARED && line->place->looks_first)
		r = look_first(line, lock);
	if (r == 0)
		r = ipclock__os_range_try(line->file, lock, line->mode);
	else
		return r;
	return r == EBUSY ? blocked_by(line, lock, line->mode, NOBODY) : r;
}

/* The number goes, or the lock does too. */
static int
leave_with_lock(struct line *line)
{
	int r = ipclock__line_leave(line);

	if (r)
		ipclock__place_unlock(line->place, line->file);
	return r;
}

int
ipclock__line_take(struct line *line)
{
	int r = try_lock(line);

	return r ? r : leave_with_lock(line);
}

int
ipclock__line_look(struct line *line)
{
	int r = ipclock__line_turn(line);

	if (r)
		return r;
	r = ipclock__line_take(line);
	if (r != EBUSY || !line->takes_number || line->number != NO_NUMBER || line->place->line == NO_LINE)
		return r;
	r = join(line);
	if (r || line->number == NO_NUMBER)
		return r ? r : EBUSY;
	r = look_ahead(line);
	return r ? r : ipclock__line_take(line);
}

static bool
next_is_lock(const struct line *line)
{
	struct os_range lock = ipclock__place_range_of(line->place, line->mode);

	return line->next.start == lock.start && line->next.len == lock.len;
}

int
ipclock__line_follow(struct line *line)
{
	int r;

	line->next_mode = OS_UNLOCKED;
	if (next_is_lock(line))
		return leave_with_lock(line);
	r = ipclock__os_range_unlock(line->file, line->next);
	line->soiled |= r != 0;
	return r ? r : EBUSY;
}

/*
 * A wait that was broken off may have got its byte at the last moment: the one
 * of the number before lies in the line, SQLite's first byte does not.
 */
int
ipclock__line_leave(struct line *line)
{
	int r = 0;

	if (line->next_mode != OS_UNLOCKED && line->next.start == line->place->exclusive.start && line->next.len == 1 &&
	    line->place->looks_first)
		r = ipclock__os_range_unlock(line->file, line->next);
	line->next_mode = OS_UNLOCKED;
	line->soiled |= r != 0;
	r = give_number_back(line);
	line->soiled |= r != 0;
	return line->soiled ? ENOLCK : 0;
}

bool
ipclock__line_lock_is_free(const struct line *line)
{
	return ipclock__os_range_is_free(line->file, line->place->exclusive);
}
