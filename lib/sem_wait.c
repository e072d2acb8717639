/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "message.h"
#include "semaphore.h"

#define SECOND     (1000 * OS_MS)
#define LEAST_REST 300 /* ms: thrice the longest pause of one who has not chosen */
#define MOST_MOVES 100 /* to a new file */

/* ---- what the log hears ---- */

static void
say(const struct request *q, enum log_level level, const char *what, int ms)
{
	const struct ipclock_sem *sem = q->sem;
	char clause[64], line[512];
	struct failure failure = { "semaphore", clause, 0, 0 };

	if (!sem->options.log)
		return;
	snprintf(clause, sizeof(clause), ms < 0 ? "%s" : "%s %d ms", what, ms);
	ipclock__message_format(&failure, sem->gate.file.path, line, sizeof(line));
	sem->options.log(sem->options.log_ctx, (int)level, line);
}

static void
say_waits(struct request *q)
{
	if (!q->waits)
		say(q, LOG_DEBUG, "waiting", -1);
	q->waits = true;
}

static void
say_ended(const struct request *q, int r, int ms)
{
	if (!q->waits)
		return;
	if (r == 0)
		say(q, LOG_INFO, "granted after", ms);
	else
		say(q, LOG_WARNING, r == ETIMEDOUT ? "timed out after" : "given up after", ms);
}

/* ---- one look ---- */

static int
take(struct request *q)
{
	struct ipclock_sem *sem = q->sem;
	int r;

	ipclock__os_mutex_lock(&sem->gate.mutex);
	r = ipclock__slots_take(&sem->slots, &q->slot);
	ipclock__os_mutex_unlock(&sem->gate.mutex);
	return r;
}

/* Does somebody hold or wait for the gate?  EBUSY.  ESTALE: of a file that is not the path's any more. */
static int
look_at_gate(struct ipclock_sem *sem)
{
	struct shared *s = &sem->gate;
	struct os_lock found;
	int r;

	if (s->local.first || s->local.writer)
		return EBUSY;
	r = ipclock__lock_file_ready(&s->file, true);
	if (r)
		return r;
	r = ipclock__os_range_query(&s->file.os, ipclock__place_whole_gate(&s->place), OS_EXCLUSIVE, &found);
	if (r == 0 && found.mode != OS_UNLOCKED)
		r = EBUSY;
	if ((r == EBUSY || sem->slots.directory) && !sem->options.trust_path &&
	    ipclock__lock_file_check(&s->file) == ESTALE)
		r = ESTALE;
	return r;
}

/* The slot is of another file than the gate, which must be the old one. */
static bool
gate_is_old(const struct ipclock_sem *sem)
{
	struct os_id gate = sem->gate.file.os.id, slot = sem->slots.id;

	return !sem->slots.directory && !sem->options.trust_path &&
	    (gate.device != slot.device || gate.inode != slot.inode);
}

/* Without a place in line, and with the mutex held. */
static int
try_now(struct request *q)
{
	struct ipclock_sem *sem = q->sem;
	int r = ESTALE, moves;

	if (sem->options.unfair)
		return ipclock__slots_take(&sem->slots, &q->slot);
	for (moves = 0; moves < MOST_MOVES && r == ESTALE; moves++) {
		r = look_at_gate(sem);
		q->in_line = r == EBUSY;
		if (r == 0)
			r = ipclock__slots_take(&sem->slots, &q->slot);
		if (r == 0 && gate_is_old(sem)) {
			ipclock__slots_give(&sem->slots, q->slot);
			r = ESTALE;
		}
		if (r == ESTALE)
			ipclock__lock_file_drop(&sem->gate.file);
	}
	return r;
}

/* ---- the head of the line ---- */

static int
ms_until(int64_t when, int64_t now)
{
	int64_t left = when - now;

	if (left <= 0)
		return 0;
	left = left / OS_MS + (left % OS_MS != 0);
	return left > INT_MAX ? INT_MAX : (int)left;
}

/* After an event first a short pause, and then the schedule from its beginning. */
static int64_t
pause_end(struct request *q, int64_t now)
{
	struct ipclock_sem *sem = q->sem;
	int ms = q->soon ? 1 : ipclock__backoff_pause(&sem->options.backoff, q->pauses++, &q->seed);

	if (q->soon)
		q->pauses = 0;
	q->soon = false;
	return q->deadline - now < ms * OS_MS ? q->deadline : now + ms * OS_MS;
}

static int
pause_until(struct request *q, int64_t until, bool watched)
{
	struct ipclock_sem *sem = q->sem;
	int r;

	if (sem->options.sleep) {
		ipclock__options_sleep(&sem->options, ms_until(until, ipclock__os_now()));
		return q->generation == sem->gate.generation ? 0 : ECANCELED;
	}
	r = watched ? ipclock__os_watch_wait(&sem->watch, until) : ipclock__os_sleep_until(until);
	if (r == EINTR)
		return sem->options.interruptible ? EINTR : 0;
	q->soon = r == 0 && watched;
	return 0;
}

static int
rest(struct request *q, int64_t now, bool watched)
{
	struct ipclock_sem *sem = q->sem;

	say_waits(q);
	if (sem->options.cancel && sem->options.cancel(sem->options.cancel_ctx))
		return ECANCELED;
	if (q->generation != sem->gate.generation)
		return ECANCELED;
	return pause_until(q, pause_end(q, now), watched);
}

/* Files are not watched: other programs' tries close them all the time. */
static bool
arm(struct ipclock_sem *sem)
{
	const struct options *options = &sem->options;

	return !options->unfair && !options->poll && !options->sleep && !sem->slots.directory &&
	    ipclock__os_watch_arm(&sem->watch, &sem->gate.file.os) == 0;
}

static bool
gate_was_replaced(struct ipclock_sem *sem)
{
	return !sem->options.unfair && !sem->options.trust_path && ipclock__lock_file_check(&sem->gate.file) == ESTALE;
}

/* Looks and pauses until it has a slot.  ESTALE: there is a new gate. */
static int
ask(struct request *q)
{
	int64_t now;
	bool watched;
	int r;

	do {
		watched = arm(q->sem);
		now = ipclock__os_now();
		r = take(q);
		if (r != EBUSY)
			return r;
		if (now >= q->deadline)
			return ETIMEDOUT;
		if (gate_was_replaced(q->sem))
			return ESTALE;
		r = rest(q, now, watched);
	} while (r == 0);
	return r;
}

/* ---- in line ---- */

/* The first in line but us.  Linux tells of the oldest lock first, elsewhere it may be any. */
static int64_t
front_of_line(const struct ipclock_sem *sem, int64_t ahead)
{
	const struct shared *s = &sem->gate;
	struct os_range range = { s->place.line, ahead + 1 - s->place.line };
	struct os_lock found;

	if (ahead == NOBODY || s->place.line == NO_LINE || range.len <= 0 ||
	    ipclock__os_range_query(&s->file.os, range, OS_EXCLUSIVE, &found) || found.mode == OS_UNLOCKED)
		return NOBODY;
	return found.range.start;
}

/*
 * The head should have taken a slot that was free some pauses ago, or else the
 * line would have moved: it is stopped, or it states fewer slots than we do.
 */
static int
look_past_head(struct request *q, const struct attempt *a)
{
	struct ipclock_sem *sem = q->sem;
	int64_t ahead = atomic_load_explicit(&a->line.ahead, memory_order_relaxed), front;
	unsigned free_slots = 0;
	int r = EBUSY;

	if (a->wait == WAIT_LOCAL || ipclock__slots_free(&sem->slots, 1, &free_slots) || free_slots == 0) {
		q->seen_free = false;
		return EBUSY;
	}
	front = front_of_line(sem, ahead);
	if (q->seen_free && front == q->front)
		r = ipclock__slots_take(&sem->slots, &q->slot);
	q->seen_free = true;
	q->front = front;
	return r;
}

/* How long a slot must be seen free: thrice as long as a head that looks by pauses may take to see it. */
static int64_t
rest_of_slot(const struct options *options)
{
	int64_t ms = 3 * (int64_t)options->backoff.max_ms;

	return ms < LEAST_REST ? LEAST_REST * OS_MS : ms * OS_MS < SECOND ? ms * OS_MS : SECOND;
}

/* Each look costs up to a system call a slot. */
static void
set_look(struct request *q, int64_t now)
{
	q->look = now + (q->seen_free ? rest_of_slot(&q->sem->options) : SECOND) + q->sem->slots.count * OS_MS;
}

/* 0: the gate is held.  EEXIST: no need, a slot is.  EBUSY, ETIMEDOUT: too late. */
static int
enter(struct request *q)
{
	struct shared *s = &q->sem->gate;
	int64_t now = ipclock__os_now();
	struct attempt a;
	int r;

	ipclock__os_event_make(&a.waiter.event);
	ipclock__attempt_make(&a, s, OS_EXCLUSIVE, true);
	a.looks = true;
	set_look(q, now);
	r = ipclock__attempt_begin(&a, s, q->deadline == OS_NEVER ? -1 : ms_until(q->deadline, now));
	if (r == EINPROGRESS)
		say_waits(q);
	while (r == EINPROGRESS) {
		if (a.wake > q->look)
			a.wake = q->look;
		r = ipclock__attempt_wait(&a, s);
		now = ipclock__os_now();
		if (r != EINPROGRESS || now < q->look)
			continue;
		ipclock__os_mutex_lock(&s->mutex);
		r = look_past_head(q, &a);
		ipclock__os_mutex_unlock(&s->mutex);
		set_look(q, now);
		if (r != EBUSY)
			ipclock__attempt_abandon(&a, s);
		r = r == 0 ? EEXIST : r == EBUSY ? EINPROGRESS : r;
	}
	return r;
}

static void
leave(struct request *q)
{
	struct shared *s = &q->sem->gate;

	if (q->generation != s->generation)
		return;
	ipclock__os_mutex_lock(&s->mutex);
	ipclock__attempt_give(s, OS_EXCLUSIVE);
	ipclock__os_mutex_unlock(&s->mutex);
}

static int
in_turn(struct request *q)
{
	int r = enter(q);

	if (r == 0) {
		r = ask(q);
		leave(q);
	} else if (r == EEXIST)
		r = 0;
	else if (r == EBUSY || r == ETIMEDOUT) {
		r = take(q);
		r = r == EBUSY ? ETIMEDOUT : r;
	}
	return r;
}

/* ---- the whole ---- */

static int
wait_for_slot(struct request *q)
{
	int r = ESTALE, moves;

	for (moves = 0; moves < MOST_MOVES && r == ESTALE; moves++)
		r = q->sem->options.unfair ? ask(q) : in_turn(q);
	return r;
}

int
ipclock__sem_wait(struct request *q)
{
	struct ipclock_sem *sem = q->sem;
	int64_t ms;
	int r;

	q->generation = sem->gate.generation;
	q->seed = (uint32_t)(ipclock__os_thread() ^ ((uintptr_t)q >> 4));
	ipclock__os_mutex_lock(&sem->gate.mutex);
	sem->waited_ms = 0;
	r = try_now(q);
	ipclock__os_mutex_unlock(&sem->gate.mutex);
	if (r != EBUSY || q->timeout_ms == 0)
		return r;
	q->begun = ipclock__os_now();
	q->deadline = q->timeout_ms < 0 ? OS_NEVER : q->begun + q->timeout_ms * OS_MS;
	r = wait_for_slot(q);
	if (q->generation != sem->gate.generation)
		return ECANCELED;
	ms = (ipclock__os_now() - q->begun) / OS_MS;
	if (ms > INT_MAX)
		ms = INT_MAX;
	ipclock__os_mutex_lock(&sem->gate.mutex);
	sem->waited_ms = (int)ms;
	ipclock__os_mutex_unlock(&sem->gate.mutex);
	say_ended(q, r, (int)ms);
	return r;
}
