/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * Byte ranges by LockFileEx(), whose locks belong to the handle.  They differ
 * from POSIX's in this:
 *
 *	- what is unlocked must be what was locked, so each open file knows what
 *	  it holds;
 *	- a shared lock may be taken over an exclusive one of the same handle, and
 *	  the next unlocking ends the exclusive one: that is how a lock becomes
 *	  shared.  It cannot become exclusive;
 *	- nobody tells who holds a range.  To ask is to take it shared for a moment:
 *	  that shows exclusive locks alone, as numbers in the line are, and keeps
 *	  nobody but a writer out meanwhile, who looks again.
 */
#include <config.h>

#include <errno.h>
#include <string.h>

#include "os_overlapped_win32.h"

/* A lock, a number, the byte of the number before, one on its way, and two to spare. A caller's may have more. */
#define MOSTLY_HELD 6

/* A range [start, end). */
struct held {
	int64_t start;
	int64_t end;
	struct os_range range;
	enum os_mode mode;
};

struct open_file {
	struct open_file *next;
	int fd;
	unsigned users;        /* a caller may let us have its handle more than once */
	bool ours;
	HANDLE event;          /* of the requests that do not wait */
	SRWLOCK lock;          /* of what follows; held during requests that do not wait */
	int64_t last;          /* where a query found the last lock: the next one is near */
	unsigned count, room;
	struct held *held;
	struct held mostly[MOSTLY_HELD];
};

#define BUCKETS 64

static SRWLOCK table_lock = SRWLOCK_INIT;
static struct open_file *table[BUCKETS];

/* Where it is noted, or would be; with the table locked. */
static struct open_file **
link_of(int fd)
{
	struct open_file **link = &table[((unsigned)fd >> 2) % BUCKETS];

	while (*link && (*link)->fd != fd)
		link = &(*link)->next;
	return link;
}

static struct open_file *
find(int fd)
{
	struct open_file *open;

	AcquireSRWLockShared(&table_lock);
	open = *link_of(fd);
	ReleaseSRWLockShared(&table_lock);
	return open;
}

/* Locked, or NULL: it is not open. */
static struct open_file *
enter(const struct os_file *file)
{
	struct open_file *open = find(file->fd);

	if (open)
		AcquireSRWLockExclusive(&open->lock);
	return open;
}

static int
leave(struct open_file *open, int r)
{
	ReleaseSRWLockExclusive(&open->lock);
	return r;
}

static int64_t
end_of(struct os_range range)
{
	return range.len == 0 || range.len > INT64_MAX - range.start ? INT64_MAX : range.start + range.len;
}

static bool
overlaps(const struct held *held, struct os_range range)
{
	return held->start < end_of(range) && range.start < held->end;
}

static bool
covers(const struct held *held, struct os_range range)
{
	return held->start <= range.start && end_of(range) <= held->end;
}

/* ---- what is held ---- */

static struct held *
find_held(struct open_file *open, struct os_range range)
{
	unsigned i;

	for (i = 0; i < open->count; i++)
		if (overlaps(&open->held[i], range))
			return &open->held[i];
	return NULL;
}

static void
note(struct held *held, struct os_range range, enum os_mode mode)
{
	*held = (struct held){ range.start, end_of(range), range, mode };
}

static void
drop(struct open_file *open, struct held *held)
{
	*held = open->held[--open->count];
}

static bool
make_room(struct open_file *open)
{
	struct held *more;

	if (open->count < open->room)
		return true;
	more = ipclock__os_alloc(2 * open->room * sizeof(*more));
	if (!more)
		return false;
	memcpy(more, open->held, open->count * sizeof(*more));
	if (open->held != open->mostly)
		ipclock__os_free(open->held);
	open->held = more;
	open->room *= 2;
	return true;
}

static int
ask(const struct open_file *open, struct os_range range, enum os_mode mode)
{
	return ipclock__os_overlapped_try(ipclock__os_handle(open->fd), open->event, range, mode);
}

static int
unlock(const struct open_file *open, struct os_range range)
{
	return ipclock__os_overlapped_unlock(ipclock__os_handle(open->fd), range);
}

static int
take(struct open_file *open, struct os_range range, enum os_mode mode)
{
	int r = make_room(open) ? ask(open, range, mode) : ENOLCK;

	if (r == 0)
		note(&open->held[open->count++], range, mode);
	return r;
}

/* The exclusive lock goes first, whatever the ranges. */
static int
downgrade(struct open_file *open, struct held *held, struct os_range range)
{
	int r = ask(open, range, OS_SHARED);

	if (r == 0)
		r = unlock(open, held->range);
	if (r == 0)
		note(held, range, OS_SHARED);
	return r;
}

/* Of a range of which this file has something already. */
static int
convert(struct open_file *open, struct held *held, struct os_range range, enum os_mode mode)
{
	if (covers(held, range) && held->mode == mode)
		return 0;
	if (mode == OS_EXCLUSIVE)
		return ENOTSUP;
	return covers(held, range) ? downgrade(open, held, range) : take(open, range, mode);
}

int
ipclock__os_range_try(const struct os_file *file, struct os_range range, enum os_mode mode)
{
	struct open_file *open = enter(file);
	struct held *held;

	if (!open)
		return EBADF;
	held = find_held(open, range);
	return leave(open, held ? convert(open, held, range, mode) : take(open, range, mode));
}

/* A part of what is held stays: who asks for that goes on to convert the rest, or to release it. */
int
ipclock__os_range_unlock(const struct os_file *file, struct os_range range)
{
	struct open_file *open = enter(file);
	unsigned i;
	int r = 0, error;

	if (!open)
		return EBADF;
	for (i = open->count; i > 0; i--) {
		if (open->held[i - 1].start < range.start || end_of(range) < open->held[i - 1].end)
			continue;
		error = unlock(open, open->held[i - 1].range);
		if (error == 0 || error == ENOLCK) /* not locked: somebody used the handle behind our back */
			drop(open, &open->held[i - 1]);
		r = r ? r : error;
	}
	return leave(open, r);
}

/* ---- waiting ---- */

bool
ipclock__os_range_wait_ends(void)
{
	return true;
}

/* A caller's handle may be one that waits by itself, and without an end. */
bool
ipclock__os_range_has_queue(const struct os_file *file)
{
	struct open_file *open = find(file->fd);

	return open && open->ours && ipclock__os_overlapped_ends();
}

static int
wait_for(const struct open_file *open, struct os_range range, enum os_mode mode, int64_t until)
{
	HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);
	int r;

	if (!event)
		return EDEADLK; /* ask later */
	r = ipclock__os_overlapped_wait(ipclock__os_handle(open->fd), event, range, mode, until);
	CloseHandle(event);
	return r;
}

/* EDEADLK wherever one cannot wait: the caller asks later. */
int
ipclock__os_range_wait(const struct os_file *file, struct os_range range, enum os_mode mode, int64_t until)
{
	struct open_file *open;
	int r = 0;

	if (!ipclock__os_range_has_queue(file))
		return EDEADLK;
	open = enter(file);
	if (find_held(open, range))
		r = ENOTSUP;
	else if (!make_room(open))
		r = ENOLCK;
	leave(open, 0);
	if (r == 0)
		r = wait_for(open, range, mode, until);
	if (r)
		return r;
	enter(file);
	note(&open->held[open->count++], range, mode);
	return leave(open, 0);
}

int
ipclock__os_range_wait_stoppable(const struct os_file *file, struct os_range range, enum os_mode mode)
{
	return ipclock__os_range_wait(file, range, mode, OS_NEVER);
}

/* ---- asking ---- */

/* Is any of [start, end) locked exclusively?  0 or EBUSY. */
static int
probe(const struct open_file *open, int64_t start, int64_t end)
{
	struct os_range range = { start, end == INT64_MAX ? 0 : end - start };
	int r = ask(open, range, OS_SHARED);

	return r ? r : unlock(open, range);
}

/* Where to begin: just below what we hold ourselves, or where the last lock was found before. */
static int64_t
guess(const struct open_file *open, int64_t low, int64_t high)
{
	int64_t at = open->last;
	unsigned i;

	for (i = 0; i < open->count; i++)
		if (open->held[i].start == high)
			at = high - 1;
	return at < low ? low : at >= high ? high - 1 : at;
}

/* What is left to search: [low, end) has a lock, [high, end) has none. */
struct search {
	int64_t low;
	int64_t high;
	int64_t end;
};

/* 0: the byte or something above is locked; EBUSY: nothing is. */
static int
step(const struct open_file *open, struct search *search, int64_t at)
{
	int r = probe(open, at, search->end);

	if (r == EBUSY)
		search->low = at;
	else if (r == 0)
		search->high = at;
	else
		return r;
	return 0;
}

/* From the guess with ever wider steps, to where it must lie between. */
static int
gallop(const struct open_file *open, struct search *search)
{
	int64_t at = guess(open, search->low, search->high), width;
	int r = at > search->low ? step(open, search, at) : 0;
	bool up = search->low == at;

	for (width = 1; r == 0 && width <= (search->high - search->low) / 2; width *= 2) {
		at = up ? search->low + width : search->high - width;
		r = step(open, search, at);
		if (up != (search->low == at))
			break;
	}
	return r;
}

/* The last locked byte of [low, end), of which there is one. */
static int
find_last(struct open_file *open, int64_t low, int64_t end, int64_t *last)
{
	struct search search = { low, end, end };
	int r = gallop(open, &search);

	while (r == 0 && search.high - search.low > 1)
		r = step(open, &search, search.low + (search.high - search.low) / 2);
	*last = open->last = search.low;
	return r;
}

/* What this file has locked exclusively has no locks of others in it, and may not be probed: the last of that. */
static const struct held *
last_exclusive(const struct open_file *open, int64_t start, int64_t end)
{
	const struct held *last = NULL, *held;

	for (held = open->held; held < open->held + open->count; held++)
		if (held->mode == OS_EXCLUSIVE && held->start < end && start < held->end &&
		    (!last || held->start > last->start))
			last = held;
	return last;
}

/* EBUSY: the byte is the last in [start, end) that another has locked. */
static int
look(struct open_file *open, int64_t start, int64_t end, int64_t *byte)
{
	const struct held *own;
	int64_t from;
	int r;

	do {
		own = last_exclusive(open, start, end);
		from = own && own->end > start ? own->end : start;
		r = from < end ? probe(open, from, end) : 0;
		if (r == EBUSY) {
			r = find_last(open, from, end, byte);
			return r ? r : EBUSY;
		}
		if (own)
			end = own->start;
	} while (r == 0 && own && start < end);
	return r;
}

/* A semaphore's slots are fewer, the numbers of a line are more. */
#define MANY (INT64_C(1) << 24)

/*
 * A lock of all that was asked for, and of the byte before, is one of the whole
 * file.  Where the bytes are few each may be another's.
 */
static bool
sticks_out(struct open_file *open, int64_t start, int64_t end, int64_t byte)
{
	struct os_range before = { start - 1, 1 };

	return byte == end - 1 && end - start > MANY && start > 0 && !find_held(open, before) &&
	    probe(open, start - 1, start) == EBUSY;
}

/* Of several locks the last. */
int
ipclock__os_range_query(const struct os_file *file, struct os_range range, enum os_mode mode, struct os_lock *found)
{
	struct open_file *open = enter(file);
	int64_t end = end_of(range), byte = 0;
	int r;

	(void)mode;
	if (!open)
		return EBADF;
	found->mode = OS_UNLOCKED;
	r = look(open, range.start, end, &byte);
	if (r == EBUSY) {
		found->mode = OS_EXCLUSIVE;
		found->range = (struct os_range){ byte, 1 };
		if (sticks_out(open, range.start, end, byte))
			found->range = (struct os_range){ range.start - 1, end - range.start + 1 };
		r = 0;
	}
	return leave(open, r);
}

/* Nobody may hold it shared either: so it is taken exclusively, for a moment. */
bool
ipclock__os_range_is_free(const struct os_file *file, struct os_range range)
{
	struct open_file *open = enter(file);
	bool is_free;

	if (!open)
		return false;
	is_free = !find_held(open, range) && ask(open, range, OS_EXCLUSIVE) == 0 && unlock(open, range) == 0;
	leave(open, 0);
	return is_free;
}

bool
ipclock__os_range_inherits(void)
{
	return false;
}

int
ipclock__os_range_check(const struct os_file *file, struct os_range range, enum os_mode mode)
{
	(void)file, (void)range, (void)mode;
	return 0;
}

/* ---- opening and closing ---- */

static struct open_file *
make(int fd, bool ours)
{
	struct open_file *open = ipclock__os_alloc(sizeof(*open));

	if (!open)
		return NULL;
	open->fd = fd;
	open->ours = ours;
	open->room = MOSTLY_HELD;
	open->held = open->mostly;
	InitializeSRWLock(&open->lock);
	open->event = CreateEventW(NULL, TRUE, FALSE, NULL);
	if (open->event)
		return open;
	ipclock__os_free(open);
	return NULL;
}

int
ipclock__os_range_opened(const struct os_file *file, bool ours)
{
	struct open_file **link;
	int r;

	AcquireSRWLockExclusive(&table_lock);
	link = link_of(file->fd);
	if (!*link)
		*link = make(file->fd, ours);
	if (*link)
		(*link)->users++;
	r = *link ? 0 : ENOMEM;
	ReleaseSRWLockExclusive(&table_lock);
	return r;
}

/* NULL: somebody else uses it still. */
static struct open_file *
take_out(int fd)
{
	struct open_file **link, *open;

	AcquireSRWLockExclusive(&table_lock);
	link = link_of(fd);
	open = *link;
	if (open && --open->users > 0)
		open = NULL;
	if (open)
		*link = open->next;
	ReleaseSRWLockExclusive(&table_lock);
	return open;
}

/* Windows unlocks what a closed handle held, but in its own time. */
void
ipclock__os_range_closed(struct os_file *file)
{
	struct open_file *open = take_out(file->fd);

	file->fd = -1;
	if (!open)
		return;
	while (open->count > 0)
		unlock(open, open->held[--open->count].range);
	CloseHandle(open->event);
	if (open->held != open->mostly)
		ipclock__os_free(open->held);
	ipclock__os_free(open);
}
