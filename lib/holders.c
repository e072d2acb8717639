/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ipclock/attr.h>
#include <ipclock/holders.h>
#include <ipclock/semaphore.h>

#include "attr.h"
#include "holders.h"
#include "layout.h"
#include "message.h"

#define HOLDS     UINT64_C(0)
#define HEAD      UINT64_C(1)         /* of a semaphore's line: before all numbers */
#define NO_ORDER  (UINT64_C(1) << 63) /* and up: waits in the kernel's queue, behind all numbers */
#define MOST      16384               /* claims that are kept, and holders that are made of them */
#define LOOKS     5                   /* at most, at a list that changes */

struct claims {
	const struct sought *sought;
	struct os_claim *claim;
	size_t n, room;
	size_t listed; /* of them by the system's list alone */
};

struct found {
	struct ipclock_holder *holder;
	size_t n, room;
};

/* ---- what is of interest ---- */

static bool
overlap(struct os_range a, struct os_range b)
{
	return (a.len == 0 || b.start - a.start < a.len) && (b.len == 0 || a.start - b.start < b.len);
}

static bool
in_line(const struct sought *sought, const struct os_claim *claim)
{
	struct os_range line = { sought->place.line, LAYOUT_LINE_LEN };

	return line.start != NO_LINE && claim->range.start >= line.start && overlap(line, claim->range);
}

static bool
on_units(const struct sought *sought, const struct os_claim *claim)
{
	return sought->units.len && !claim->waits && overlap(sought->units, claim->range);
}

/* Somebody's lock of the whole file, or of much of it, is on the semaphore's bytes too, but none of its own. */
static bool
is_foreign(const struct sought *sought, const struct os_claim *claim)
{
	return sought->units.len && claim->range.start < sought->units.start;
}

/* A shared lock of the first bytes is a look at whether anybody writes, not a lock. */
static bool
on_lock(const struct sought *sought, const struct os_claim *claim)
{
	enum os_mode mode = claim->waits ? OS_EXCLUSIVE : claim->mode;

	return sought->whole || overlap(ipclock__place_range_of(&sought->place, mode), claim->range);
}

static bool
same(const struct os_claim *a, const struct os_claim *b)
{
	return !a->waits && a->mode == b->mode && a->range.start == b->range.start && a->range.len == b->range.len;
}

/* One of the list that a process has shown already, whose claim then answers for no other of the list. */
static bool
told_before(struct claims *claims, const struct os_claim *claim)
{
	size_t i;

	for (i = 0; claim->listed && !claim->waits && i < claims->n; i++)
		if (!claims->claim[i].listed && same(&claims->claim[i], claim)) {
			claims->claim[i].listed = true;
			return true;
		}
	return false;
}

static int
make_room(struct claims *claims)
{
	size_t room = claims->room ? 2 * claims->room : 16;
	struct os_claim *more;

	if (claims->n < claims->room)
		return 0;
	more = ipclock__os_alloc(room * sizeof(*more));
	if (!more)
		return ENOMEM;
	if (claims->n)
		memcpy(more, claims->claim, claims->n * sizeof(*more));
	ipclock__os_free(claims->claim);
	claims->claim = more;
	claims->room = room;
	return 0;
}

static int
take(void *ctx, const struct os_claim *claim)
{
	struct claims *claims = ctx;
	bool numbered = !claim->waits && in_line(claims->sought, claim);
	int r;

	if (is_foreign(claims->sought, claim))
		return 0;
	if ((!numbered && !on_lock(claims->sought, claim) && !on_units(claims->sought, claim)) ||
	    told_before(claims, claim) || claims->n == MOST)
		return 0;
	if (claim->waits && in_line(claims->sought, claim)) /* for the number before its own */
		return 0;
	r = make_room(claims);
	if (r == 0) {
		claims->claim[claims->n++] = *claim;
		claims->listed += claim->listed;
	}
	return r;
}

/* ---- where there is no list: somebody holds it ---- */

static int
open_to_ask(const struct sought *sought, struct os_file *file, enum os_kind *kind)
{
	return sought->path ? ipclock__os_open(file, kind, sought->path, OS_READ) :
	    ipclock__os_adopt(file, kind, sought->fd);
}

static int
ask(struct claims *claims, enum os_kind *kind)
{
	const struct sought *sought = claims->sought;
	struct os_range range = sought->units.len ? sought->units : sought->place.exclusive;
	struct os_file file = { .fd = -1 };
	struct os_lock found;
	struct os_claim claim = { .pid = 0 };
	int r;

	ipclock__os_process_lock();
	r = open_to_ask(sought, &file, kind);
	if (r == 0) {
		r = *kind != OS_REGULAR ? EINVAL :
		    ipclock__os_range_query(&file, range, OS_EXCLUSIVE, &found);
		if (r == 0 && found.mode != OS_UNLOCKED) {
			claim.pid = ipclock__os_range_owner(&file, range);
			claim.mode = found.mode;
			claim.range = found.range;
		}
		if (sought->path)
			ipclock__os_close(&file);
		else
			ipclock__os_disown(&file);
	}
	ipclock__os_process_unlock();
	return r || claim.mode == OS_UNLOCKED ? r : take(claims, &claim);
}

/* ---- from claims to holders ---- */

/* Of one descriptor the number is the last byte: those before it are waited for. */
static uint64_t
number_of(const struct os_claim *claim)
{
	return (uint64_t)claim->range.start + (uint64_t)(claim->range.len ? claim->range.len : 1) - 1;
}

static void
add(struct found *found, const struct os_claim *claim, uint64_t order, bool writes, unsigned slot)
{
	if (found->n < found->room)
		found->holder[found->n++] = (struct ipclock_holder){ .order = order, .pid = claim->pid, .slot = slot,
			.writes = writes };
}

/* How many units of a semaphore a claim is on: classic locks that touch are one. */
static unsigned
units_of(const struct sought *sought, const struct os_claim *claim, unsigned *first)
{
	int64_t left;

	if (!on_units(sought, claim))
		return 0;
	*first = (unsigned)(claim->range.start - sought->units.start);
	left = sought->units.len - *first;
	return (unsigned)(claim->range.len && claim->range.len < left ? claim->range.len : left);
}

static void
add_units(struct found *found, const struct sought *sought, const struct os_claim *claim)
{
	unsigned first = 0, n = units_of(sought, claim, &first);

	for (; n > 0; n--)
		add(found, claim, HOLDS, claim->mode == OS_EXCLUSIVE, first++);
}

/* The claims of one descriptor: who holds has perhaps not yet given its number back.  Returns how many they are. */
static size_t
add_group(struct found *found, const struct sought *sought, const struct os_claim *claim, size_t most)
{
	uint64_t number = 0;
	bool holds = false, writes = false;
	size_t i;

	for (i = 0; i < most && (i == 0 || (claim->group && claim[i].group == claim->group)); i++)
		if (claim[i].waits)
			continue;
		else if (on_units(sought, &claim[i]))
			add_units(found, sought, &claim[i]);
		else if (!in_line(sought, &claim[i])) {
			holds = true;
			writes = writes || claim[i].mode == OS_EXCLUSIVE;
		} else if (number_of(&claim[i]) > number)
			number = number_of(&claim[i]);
	if (holds)
		add(found, claim, sought->units.len ? HEAD : HOLDS, writes, sought->slot);
	else if (number)
		add(found, claim, number, number % 2 == 0, sought->slot);
	return i;
}

static const struct ipclock_holder *
head_of_line(const struct found *found)
{
	const struct ipclock_holder *head = NULL;
	size_t i;

	for (i = 0; i < found->n; i++)
		if (found->holder[i].order > HEAD && found->holder[i].order < NO_ORDER &&
		    (!head || found->holder[i].order < head->order))
			head = &found->holder[i];
	return head;
}

static bool
has_number(const struct found *found, long pid)
{
	size_t i;

	for (i = 0; i < found->n; i++)
		if (pid && found->holder[i].pid == pid && found->holder[i].order != HOLDS)
			return true;
	return false;
}

/* Who waits in the kernel's queue for the lock; the first in line does so too, and was told by its number. */
static void
add_waiters(struct found *found, const struct claims *claims)
{
	const struct ipclock_holder *head = head_of_line(found);
	bool seen = !head, head_writes = head && head->writes, writes;
	size_t i;

	for (i = 0; i < claims->n; i++) {
		if (!claims->claim[i].waits || has_number(found, claims->claim[i].pid))
			continue;
		writes = claims->claim[i].mode == OS_EXCLUSIVE;
		if (!seen && claims->claim[i].pid == 0 && writes == head_writes)
			seen = true;
		else
			add(found, &claims->claim[i], NO_ORDER + i, writes, claims->sought->slot);
	}
}

static int
compare(const void *left, const void *right)
{
	const struct ipclock_holder *a = left, *b = right;

	if (a->order != b->order)
		return a->order < b->order ? -1 : 1;
	if (a->slot != b->slot)
		return a->slot < b->slot ? -1 : 1;
	return a->pid == b->pid ? b->writes - a->writes : a->pid < b->pid ? -1 : 1;
}

/* Sorts, leaves out who is there twice, and counts the places. */
static void
arrange(struct found *found, const struct sought *sought)
{
	struct ipclock_holder *last = NULL, *holder;
	size_t i, n = 0;

	if (found->n)
		qsort(found->holder, found->n, sizeof(*found->holder), compare);
	for (i = 0; i < found->n; i++) {
		holder = &found->holder[i];
		if (last && holder->pid && last->pid == holder->pid && last->order == holder->order &&
		    last->slot == holder->slot)
			continue;
		holder->place = holder->order == HOLDS ? 0 : !last ? 1 : last->place + (last->order != holder->order);
		holder->whole = sought->whole;
		found->holder[n] = *holder;
		last = &found->holder[n++];
	}
	found->n = n;
}

static size_t
count_holders(const struct claims *claims)
{
	size_t i, n = claims->n;
	unsigned first;

	for (i = 0; i < claims->n; i++)
		n += units_of(claims->sought, &claims->claim[i], &first);
	return n < MOST ? n : MOST;
}

static int
interpret(struct found *found, const struct claims *claims)
{
	size_t i = 0;

	found->room = count_holders(claims);
	found->holder = ipclock__os_alloc((found->room + 1) * sizeof(*found->holder));
	if (!found->holder)
		return ENOMEM;
	while (i < claims->n)
		i += add_group(found, claims->sought, claims->claim + i, claims->n - i);
	add_waiters(found, claims);
	arrange(found, claims->sought);
	return 0;
}

/*
 * A list that changes while it is read, by locks of any file, may show a lock
 * twice.  What only the list shows is there if the next look says so, too.
 */
static int
collect(struct claims *claims, enum os_kind *kind)
{
	const struct sought *sought = claims->sought;
	size_t before = 0;
	int i, r = 0;

	for (i = 0; i < LOOKS && r == 0 && (i == 0 || claims->listed != before); i++) {
		before = claims->listed;
		claims->n = claims->listed = 0;
		r = ipclock__os_claims(sought->path, sought->fd, sought->whole, kind, take, claims);
	}
	return r;
}

static int
look(struct found *found, const struct sought *sought)
{
	struct claims claims = { .sought = sought };
	enum os_kind kind = OS_REGULAR;
	int r, asked;

	r = collect(&claims, &kind);
	if ((r == 0 || r == ENOTSUP) && (kind == OS_OTHER || (kind == OS_DIRECTORY && !sought->whole)))
		r = EINVAL;
	if ((r == 0 || r == ENOTSUP) && claims.n == 0 && !sought->whole) {
		asked = ask(&claims, &kind);
		if (r == ENOTSUP || asked == ENOMEM)
			r = asked;
	}
	if (r == 0)
		r = interpret(found, &claims);
	ipclock__os_free(claims.claim);
	return r;
}

int
ipclock__holders_each(const struct sought *sought, int (*each)(void *, const struct ipclock_holder *), void *ctx)
{
	struct found found = { .holder = NULL };
	size_t i;
	int r = look(&found, sought);

	for (i = 0; r == 0 && i < found.n; i++) {
		ipclock__os_command(found.holder[i].pid, found.holder[i].command, sizeof(found.holder[i].command));
		if (each(ctx, &found.holder[i]))
			break;
	}
	ipclock__os_free(found.holder);
	return r;
}

/* ---- for a message ---- */

struct first {
	struct ipclock_holder holder;
	int holders;
};

static int
remember(void *ctx, const struct ipclock_holder *holder)
{
	struct first *first = ctx;

	if (holder->place)
		return 1;
	if (first->holders++ == 0)
		first->holder = *holder;
	return 0;
}

void
ipclock__holders_named(const struct sought *sought, char *text, size_t size)
{
	struct first first = { .holders = 0 };
	char who[48] = "an unknown process", more[32] = "";

	*text = '\0';
	if (ipclock__holders_each(sought, remember, &first) || first.holders == 0)
		return;
	if (first.holder.pid)
		snprintf(who, sizeof(who), "pid %ld", first.holder.pid);
	if (first.holders > 1)
		snprintf(more, sizeof(more), " and %d more", first.holders - 1);
	snprintf(text, size, "held by %s (%s)%s", who, first.holder.writes ? "write" : "read", more);
}

/* ---- the public calls ---- */

static int
tell(const struct sought *sought, int (*each)(void *, const struct ipclock_holder *), void *ctx)
{
	const char *path = sought->path;
	struct os_guard guard;
	int r;

	if (!path || !*path)
		return ipclock__message_outcome("holders", NULL, path ? "the path is empty" : "no path: NULL", EINVAL);
	if (!each)
		return ipclock__message_outcome("holders of", path, "nobody to tell: NULL", EINVAL);
	ipclock__os_enter(&guard);
	r = ipclock__holders_each(sought, each, ctx);
	if (r == ENAMETOOLONG)
		r = ipclock__message_outcome("holders of", path, "the path is too long", EINVAL);
	else
		r = ipclock__message_outcome("holders of", path, r == EINVAL ? "not a regular file" : NULL, r);
	ipclock__os_leave(&guard);
	return r;
}

int
ipclock_holders(const char *path, const struct ipclock_attr *attr, int (*each)(void *, const struct ipclock_holder *),
    void *ctx)
{
	const struct ipclock_attr *a = attr ? attr : &ipclock__attr_defaults;
	struct sought sought = { .path = path, .fd = -1, .slot = a->slot, .whole = a->whole };

	if (a->range_set || a->whole)
		ipclock__place_range(&sought.place, a->range);
	else
		ipclock__place_slot(&sought.place, a->slot, true);
	return tell(&sought, each, ctx);
}

int
ipclock_sem_holders(const char *path, const struct ipclock_attr *attr,
    int (*each)(void *, const struct ipclock_holder *), void *ctx)
{
	const struct ipclock_attr *a = attr ? attr : &ipclock__attr_defaults;
	struct sought sought = { .path = path, .fd = -1 };

	if (a->range_set || a->whole || a->slot > LAYOUT_LAST_SEMAPHORE)
		return ipclock__message_outcome("holders of", path, "not a semaphore's range, protocol or slot", EINVAL);
	ipclock__place_gate(&sought.place, a->slot);
	sought.units.start = LAYOUT_UNIT_BASE + LAYOUT_UNIT_SPACING * a->slot;
	sought.units.len = IPCLOCK_SEM_MOST;
	return tell(&sought, each, ctx);
}

long
ipclock_holder_pid(const struct ipclock_holder *holder)
{
	return holder ? holder->pid : 0;
}

int
ipclock_holder_writes(const struct ipclock_holder *holder)
{
	return holder && holder->writes;
}

int
ipclock_holder_place(const struct ipclock_holder *holder)
{
	return holder ? holder->place : 0;
}

int
ipclock_holder_protocol(const struct ipclock_holder *holder)
{
	return holder && holder->whole ? IPCLOCK_FLOCK : IPCLOCK_RANGE;
}

unsigned
ipclock_holder_slot(const struct ipclock_holder *holder)
{
	return holder ? holder->slot : 0;
}

const char *
ipclock_holder_command(const struct ipclock_holder *holder)
{
	return holder && *holder->command ? holder->command : NULL;
}
