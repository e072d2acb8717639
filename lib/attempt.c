/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 *	        free                 granted, our turn
 *	begin -------> HELD <---------------------+
 *	  |              ^ free                   |
 *	  | busy         |                        |
 *	  +----------> look -- busy --> plan --> wait: LOCAL, DIRECT, HELPER, PAUSE
 *	                 ^                        |
 *	                 +--- event, pause over --+-- deadline --> last try --> ETIMEDOUT
 *
 * Invariants: an attempt that has a number, a helper or a kernel wait is the
 * first in its handle's queue.  Whoever leaves, in whatever way, has given back
 * number, helper and place in the queue.
 */
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>

#include "attempt.h"
#include "message.h"

#define SECOND          (1000 * OS_MS)
#define SECOND_LOOK     (110 * OS_MS) /* a lock seen free behind a waiter, who may pause for 100 ms: is it still? */
#define MOST_MOVES      100
#define MOST_LOOKS      20           /* at a file that is being removed */
#define REMOVAL         (OS_MS / 10) /* between two of them */

/* It has the lock, and keeps it for a step to come. */
static bool
helper_keeps(const struct attempt *a, int helped)
{
	return helped == 0 && !a->blocks && !a->helper_stops_at_lock;
}

static void
stop_helper(struct attempt *a)
{
	int helped = atomic_load_explicit(&a->helped, memory_order_acquire);

	if (a->helper_runs)
		ipclock__os_helper_stop(&a->helper, helped != EINPROGRESS && !helper_keeps(a, helped));
	a->helper_runs = false;
}

/* Gives back number, helper and what the helper got at the last moment. */
static void
let_go(struct attempt *a, struct shared *s, bool held)
{
	stop_helper(a);
	if (ipclock__line_leave(&a->line))
		s->soiled = true;
	if ((held || a->may_hold) && ipclock__place_unlock(&s->place, &s->file.os))
		s->soiled = true;
	a->may_hold = a->line.soiled = false;
}

/*
 * Removes the file if nobody else holds or waits in any of its slots: then all
 * of it can be had.  Whoever opened it and has locked nothing yet finds it gone
 * by the look at the path that follows each lock.
 */
static bool
remove_file(struct shared *s)
{
	const struct os_range all = { 0, 0 };

	if (s->local.first || ipclock__os_range_try(&s->file.os, all, OS_EXCLUSIVE))
		return false;
	s->stays = (unsigned short)ipclock__lock_file_unlink(&s->file);
	s->soiled |= ipclock__os_range_unlock(&s->file.os, all) != 0;
	ipclock__lock_file_drop(&s->file);
	s->has_queue = -1;
	return true;
}

/* Two that release different slots at once are in each other's way until both have unlocked: so once more. */
int
ipclock__attempt_unlock(struct shared *s)
{
	int r;

	if (s->options.unlink && remove_file(s))
		return 0;
	r = ipclock__place_unlock(&s->place, &s->file.os);
	if (s->options.unlink && r == 0)
		remove_file(s);
	return r;
}

/* Only closing frees what the kernel would not unlock; a caller's descriptor is asked once more. */
static void
clean(struct shared *s)
{
	s->soiled = !s->file.path && ipclock__place_clean(&s->place, &s->file.os);
	ipclock__lock_file_drop(&s->file);
}

static void
tidy(struct shared *s)
{
	if (s->soiled && !s->local.first && !s->local.writer && s->local.readers == 0)
		clean(s);
}

/* ---- owners of a recursive lock ---- */

uint64_t
ipclock__attempt_owner(const struct shared *s)
{
	return s->options.recursive_process ? PROCESS : ipclock__os_thread();
}

/*
 * An owner that acquires again: 0, counted.  EBUSY: it owns nothing.  A write in
 * a read would wait for itself.
 */
static int
enter_again(struct shared *s, enum os_mode mode)
{
	struct owner *owner;
	unsigned *count;

	if (!s->options.recursive)
		return EBUSY;
	owner = ipclock__owners_find(&s->owners, ipclock__attempt_owner(s));
	if (!owner)
		return EBUSY;
	if (mode == OS_EXCLUSIVE && owner->writes == 0)
		return EDEADLK;
	count = mode == OS_EXCLUSIVE ? &owner->writes : &owner->reads;
	if (*count == UINT_MAX)
		return ENOLCK;
	++*count;
	return 0;
}

/* The first time.  The whole process owns it now: whoever waits in it may enter. */
static int
count_first(struct shared *s, enum os_mode mode)
{
	struct local_waiter *waiter;
	struct owner *owner;

	if (!s->options.recursive)
		return 0;
	owner = ipclock__owners_get(&s->owners, ipclock__attempt_owner(s));
	if (!owner)
		return ENOMEM;
	if (mode == OS_EXCLUSIVE)
		owner->writes++;
	else
		owner->reads++;
	for (waiter = s->local.first; waiter && s->options.recursive_process; waiter = waiter->next)
		ipclock__os_event_set(&waiter->event);
	return 0;
}

/* Readers of one handle share its one file lock; each waits its turn in the line all the same. */
static int
join_readers(struct attempt *a)
{
	int r = ipclock__line_turn(&a->line);

	return r ? r : ipclock__line_leave(&a->line);
}

static int
look(struct attempt *a, struct shared *s)
{
	int r;

	if (!ipclock__local_may_go(&s->local, &a->waiter)) {
		a->wait = WAIT_LOCAL;
		return EBUSY;
	}
	if (s->soiled && s->local.readers == 0) {
		let_go(a, s, false);
		clean(s);
	}
	a->wait = WAIT_NOTHING;
	s->attempts += s->attempts < INT_MAX;
	if (a->waiter.mode == OS_SHARED && s->local.readers > 0)
		return join_readers(a);
	r = ipclock__lock_file_ready(&s->file, a->waiter.mode == OS_EXCLUSIVE);
	return r ? r : ipclock__line_look(&a->line);
}

/* The path names another file now: let go, and open that one.  Readers keep the old one until they leave. */
static int
move(struct attempt *a, struct shared *s, bool held)
{
	let_go(a, s, held && s->local.readers == 0);
	if (a->moves++ >= MOST_MOVES)
		return ESTALE;
	if (s->local.readers > 0) {
		s->local.draining = true;
		a->wait = WAIT_LOCAL;
		return EBUSY;
	}
	ipclock__lock_file_drop(&s->file);
	s->has_queue = -1;
	return look(a, s);
}

/* Held, or about to be told busy: is the file that we speak of still the one that the path names? */
static int
follow_path(struct attempt *a, struct shared *s, int r)
{
	int check;

	while ((r == 0 || r == EBUSY) && a->wait != WAIT_LOCAL && !s->options.trust_path) {
		check = ipclock__lock_file_check(&s->file);
		if (check == 0)
			break;
		if (check == ESTALE) {
			r = move(a, s, r == 0);
			continue;
		}
		let_go(a, s, r == 0 && s->local.readers == 0);
		return check;
	}
	return r;
}

/* Somebody has locked all of it, and with it a byte that is no lock's. */
static bool
is_being_removed(const struct shared *s)
{
	const struct os_range first = { 0, 1 };
	struct os_lock found;

	return s->file.os.fd >= 0 && ipclock__os_range_query(&s->file.os, first, OS_EXCLUSIVE, &found) == 0 &&
	    found.mode == OS_EXCLUSIVE;
}

/*
 * Busy, and nothing else to wait for.  Whoever removes the file locks all of its
 * slots for the instant that this takes, and holds none: so look again.
 */
static int
look_past_removal(struct attempt *a, struct shared *s, int (*how)(struct attempt *, struct shared *))
{
	bool removed = s->options.unlink && a->wait != WAIT_LOCAL;
	int i, r = EBUSY;

	for (i = 0; i < MOST_LOOKS && r == EBUSY && removed; i++) {
		removed = is_being_removed(s);
		if (removed)
			ipclock__os_sleep_until(ipclock__os_now() + REMOVAL);
		r = follow_path(a, s, how(a, s));
	}
	return r;
}

/* What came of the last wait.  EBUSY and still waiting, or EBUSY and wait NOTHING: look again. */
static int
collect(struct attempt *a)
{
	int r = a->result;

	a->result = 0;
	ipclock__os_event_clear(&a->waiter.event);
	switch ((enum wait)a->wait) {
	case WAIT_DIRECT:
		a->wait = WAIT_NOTHING;
		if (r == ETIMEDOUT)
			return EBUSY;
		return r ? r : ipclock__line_follow(&a->line);
	case WAIT_HELPER:
		r = atomic_load_explicit(&a->helped, memory_order_acquire);
		if (r == EINPROGRESS)
			return EBUSY;
		stop_helper(a);
		a->wait = WAIT_NOTHING;
		r = atomic_load_explicit(&a->helped, memory_order_relaxed); /* it may have given the lock back meanwhile */
		return r == 0 && a->helper_stops_at_lock ? EBUSY : r;
	case WAIT_LOCAL:
	case WAIT_PAUSE:
	case WAIT_NOTHING:
		break;
	}
	a->wait = WAIT_NOTHING;
	return EBUSY;
}

static bool has_queue(struct attempt *a, struct shared *s);

/*
 * Nobody holds the lock, and the one before us does not take it: it is stopped.
 * Seen twice, a while apart, behind the same number, so that a lock on its way
 * from hand to hand is not mistaken for one.  A reader too looks whether it is
 * free of everybody: readers that hold it make a writer wait, who is not stopped.
 * Where waiters pause, it is a second: the one before us may be in the midst of it.
 */
static int
take_behind_stopped(struct attempt *a, struct shared *s, int64_t now)
{
	int64_t ahead = atomic_load_explicit(&a->line.ahead, memory_order_relaxed);
	bool seen = ahead != NOBODY && ahead == a->stuck_behind;
	int r;

	a->stuck_behind = NOBODY;
	if (ahead == NOBODY || s->local.readers > 0 || !ipclock__line_lock_is_free(&a->line))
		return EBUSY;
	if (!seen) {
		a->stuck_behind = ahead;
		if (has_queue(a, s))
			a->look = now + SECOND_LOOK;
		return EBUSY;
	}
	stop_helper(a);
	a->wait = WAIT_NOTHING;
	r = ipclock__line_take(&a->line);
	return r == EBUSY ? look(a, s) : r;
}

/* Once a second. */
static int
inspect(struct attempt *a, struct shared *s, int64_t now)
{
	int r = EBUSY;

	a->look = now + SECOND;
	if (a->wait == WAIT_LOCAL)
		return EBUSY;
	if (s->soiled && s->local.readers == 0)
		r = look(a, s);
	else if (s->place.line != NO_LINE)
		r = take_behind_stopped(a, s, now);
	return follow_path(a, s, r);
}

/*
 * The deadline: if the lock is free it is ours, even out of turn; not shared
 * beside readers, else readers with short timeouts would pass a writer for ever.
 */
static int
last_try(struct attempt *a, struct shared *s)
{
	bool at_lock, was_full = a->helper_runs && !a->helper_stops_at_lock;
	int r;

	if (a->wait == WAIT_LOCAL || !ipclock__local_may_go(&s->local, &a->waiter))
		return EBUSY;
	stop_helper(a);
	at_lock = was_full && atomic_load_explicit(&a->line.ahead, memory_order_relaxed) == NOBODY;
	s->attempts += s->attempts < INT_MAX;
	r = at_lock ? ipclock__line_take(&a->line) : look(a, s);
	if (r == EBUSY && s->local.readers == 0 && s->file.os.fd >= 0 && ipclock__line_lock_is_free(&a->line))
		r = ipclock__line_take(&a->line);
	return r;
}

static int
timed_out(struct attempt *a, struct shared *s)
{
	int r = follow_path(a, s, last_try(a, s));

	if (r == EBUSY)
		r = look_past_removal(a, s, last_try);
	return r == EBUSY ? ETIMEDOUT : r;
}

/* A step's work, with the mutex held: 0, EBUSY, ETIMEDOUT or an error. */
static int
go_on(struct attempt *a, struct shared *s, int64_t now)
{
	int r = collect(a);

	s->attempts += r == 0; /* the kernel's queue asked for us */
	if (r == EINTR && !s->options.interruptible)
		r = EBUSY;
	if (r == EDEADLK) {
		a->wait = WAIT_PAUSE; /* the kernel's guess, wrong where threads share a process: ask later */
		a->line.can_sleep = false;
		s->has_queue = -1; /* or the system has found out that there is none */
		return EBUSY;
	}
	if (r == EBUSY && enter_again(s, a->waiter.mode) == 0) { /* the process owns it since */
		a->entered = true;
		return 0;
	}
	if (r == EBUSY && !ipclock__local_may_go(&s->local, &a->waiter)) {
		stop_helper(a); /* a reader of this handle became its writer: ours is not the next move */
		a->wait = WAIT_LOCAL;
	}
	if (r == EBUSY && a->wait == WAIT_NOTHING)
		r = look(a, s);
	if (r == 0)
		r = follow_path(a, s, r);
	if (r == EBUSY && now >= a->look)
		r = inspect(a, s, now);
	if (r == EBUSY && now >= a->deadline)
		r = timed_out(a, s);
	return r;
}

/* ---- the helper's thread ---- */

/* A loop that does not step keeps nobody waiting for longer than a stopped process does: its turn is over then. */
static void
help(void *arg)
{
	struct attempt *a = arg;
	struct line *line = &a->line;
	int r;

	do {
		r = a->helper_stops_at_lock ? ipclock__line_turn(line) : ipclock__line_look(line);
		if (r != EBUSY || !line->can_sleep)
			break;
		r = ipclock__os_range_wait_stoppable(line->file, line->next, line->next_mode);
		if (r == 0)
			r = ipclock__line_follow(line);
	} while (r == EBUSY || r == EINTR);
	atomic_store_explicit(&a->helped, r, memory_order_release);
	ipclock__os_event_set(&a->waiter.event);
	if (helper_keeps(a, r)) {
		ipclock__os_helper_rest(ipclock__os_now() + SECOND);
		if (ipclock__place_unlock(line->place, line->file) == 0)
			atomic_store_explicit(&a->helped, EBUSY, memory_order_release);
	}
}

/* ---- how to wait ---- */

static bool
has_queue(struct attempt *a, struct shared *s)
{
	if (s->options.poll || s->options.sleep || !a->line.can_sleep)
		return false;
	if (s->has_queue < 0)
		s->has_queue = ipclock__os_range_has_queue(&s->file.os);
	return s->has_queue;
}

/*
 * May this thread sleep in the kernel for the lock: with a deadline, or with
 * nothing else to look at?  A signal that came just before would not end it.
 */
static bool
waits_direct(const struct attempt *a, const struct shared *s)
{
	if (!a->blocks || s->local.readers > 0)
		return false;
	if (ipclock__os_range_wait_ends())
		return true;
	return a->deadline == OS_NEVER && !s->options.cancel && !s->options.interruptible && !a->looks;
}

/*
 * With readers in the handle the helper only waits for its turn: it must get no
 * lock that their release would give away under its feet.  So too for a caller
 * who waits for ever, whose own thread is handed the lock quicker.
 */
static bool
start_helper(struct attempt *a, struct shared *s)
{
	a->helper_stops_at_lock = s->local.readers > 0 || waits_direct(a, s);
	ipclock__os_event_clear(&a->waiter.event);
	atomic_store_explicit(&a->helped, EINPROGRESS, memory_order_relaxed);
	a->helper_runs = ipclock__os_helper_start(&a->helper, help, a) == 0;
	if (a->helper_runs && !a->helper_stops_at_lock)
		a->may_hold = true;
	return a->helper_runs;
}

static enum wait
choose_wait(struct attempt *a, struct shared *s)
{
	bool at_lock = atomic_load_explicit(&a->line.ahead, memory_order_relaxed) == NOBODY;

	if (!has_queue(a, s))
		return WAIT_PAUSE;
	if (waits_direct(a, s) && (at_lock || ipclock__os_range_wait_ends()))
		return WAIT_DIRECT;
	return start_helper(a, s) ? WAIT_HELPER : WAIT_PAUSE;
}

static int64_t
earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Rounded up, 0 if it is over. */
static int
ms_between(int64_t now, int64_t then)
{
	int64_t left = then > now ? (then - now + OS_MS - 1) / OS_MS : 0;

	return left > INT_MAX ? INT_MAX : (int)left;
}

/* A line that moves is asked from the beginning of the schedule again. */
static int64_t
next_pause(struct attempt *a, struct shared *s)
{
	int64_t ahead = atomic_load_explicit(&a->line.ahead, memory_order_relaxed);

	if (ahead != a->seen_ahead)
		a->pauses = 0;
	a->seen_ahead = ahead;
	return OS_MS * ipclock__backoff_pause(&s->options.backoff, a->pauses++, &s->seed);
}

/*
 * What to wait for, and until when.  A loop that never asked for our descriptor
 * is told to come back as often as by backoff, and so is who must ask a callback.
 */
static void
plan(struct attempt *a, struct shared *s, int64_t now)
{
	bool asks, pauses;

	if (a->wait == WAIT_NOTHING)
		a->wait = (unsigned char)choose_wait(a, s);
	a->moves = 0;
	a->wake = a->deadline;
	pauses = a->wait == WAIT_PAUSE || s->options.sleep;
	asks = s->options.cancel || (!a->blocks && a->waiter.event.fd < 0);
	if (!pauses)
		a->wake = earlier(a->wake, a->look);
	if (pauses || asks)
		a->wake = earlier(a->wake, now + next_pause(a, s));
	if (s->options.sleep && a->blocks)
		a->sleep_ms = ms_between(now, a->wake);
}

/* ---- what the log hears ---- */

static void
say(const struct attempt *a, const struct shared *s, enum log_level level, const char *what, int ms)
{
	char clause[64], line[512];
	struct failure failure = { ipclock__mode_operation(a->waiter.mode), clause, 0, 0 };

	if (!s->options.log)
		return;
	snprintf(clause, sizeof(clause), ms < 0 ? "%s" : "%s %d ms", what, ms);
	ipclock__message_format(&failure, s->file.path, line, sizeof(line));
	s->options.log(s->options.log_ctx, (int)level, line);
}

static void
say_began(const struct attempt *a, const struct shared *s, bool no_line)
{
	say(a, s, LOG_DEBUG, "waiting", -1);
	if (no_line)
		say(a, s, LOG_WARNING, "the file system has no room for a line: no order of arrival", -1);
}

static void
say_ended(const struct attempt *a, const struct shared *s, int r, int ms)
{
	if (r == 0)
		say(a, s, LOG_INFO, "granted after", ms);
	else
		say(a, s, LOG_WARNING, r == ETIMEDOUT ? "timed out after" : "given up after", ms);
}

void
ipclock__attempt_say_stays(struct shared *s)
{
	struct failure failure = { "release", NULL, 0, 0 };
	char system[128], clause[192], line[512];
	int error;

	if (!s->options.unlink || !s->options.log)
		return;
	ipclock__os_mutex_lock(&s->mutex);
	error = s->stays;
	s->stays = 0;
	ipclock__os_mutex_unlock(&s->mutex);
	if (error == 0)
		return;
	snprintf(clause, sizeof(clause), "the file could not be removed: %s",
	    ipclock__os_strerror(error, system, sizeof(system)));
	failure.reason = clause;
	ipclock__message_format(&failure, s->file.path, line, sizeof(line));
	s->options.log(s->options.log_ctx, LOG_WARNING, line);
}

static int
waited_ms(const struct attempt *a, int64_t now)
{
	int64_t ms = (now - a->begun) / OS_MS;

	return ms > INT_MAX ? INT_MAX : (int)ms;
}

/* ---- from outside ---- */

/* A caller's description may have held the lock for writing; a read leaves out its first bytes. */
static void
drop_rest_of_write(struct attempt *a, struct shared *s)
{
	struct os_range skipped = { s->place.exclusive.start, s->place.shared_skip };

	if (!s->file.path && a->waiter.mode == OS_SHARED && skipped.len)
		ipclock__os_range_unlock(&s->file.os, skipped);
}

static void
hold(struct attempt *a, struct shared *s)
{
	drop_rest_of_write(a, s);
	ipclock__local_take(&s->local, a->waiter.mode);
	if (a->waiter.mode == OS_EXCLUSIVE)
		atomic_store_explicit(&s->file.writer, ipclock__os_thread(), memory_order_relaxed);
	a->may_hold = false;
}

/* Ends it, with the mutex held: held, or nothing left of it. */
static int
end(struct attempt *a, struct shared *s, int r)
{
	a->over = true;
	if (r == 0 && !a->entered) {
		hold(a, s);
		r = count_first(s, a->waiter.mode);
		if (r)
			ipclock__attempt_give(s, a->waiter.mode);
	}
	let_go(a, s, false);
	if (r == ESTALE || r == EIO)
		s->soiled = true; /* a file server's word: another descriptor may do */
	ipclock__local_leave(&s->local, &a->waiter);
	ipclock__os_event_clear(&a->waiter.event); /* nothing is left that a step could do */
	if (r && s->options.unlink && a->line.takes_number && !s->local.writer && s->local.readers == 0)
		remove_file(s); /* its number kept the last holder from it */
	tidy(s);
	ipclock__local_wake(&s->local);
	return r;
}

int
ipclock__attempt_give(struct shared *s, enum os_mode mode)
{
	int r = 0, lost;

	if (mode == OS_EXCLUSIVE)
		atomic_store_explicit(&s->file.writer, 0, memory_order_relaxed);
	if (ipclock__local_give(&s->local, mode)) {
		lost = ipclock__os_range_check(&s->file.os, ipclock__place_range_of(&s->place, mode), mode);
		r = ipclock__attempt_unlock(s);
		s->soiled |= r != 0;
		tidy(s);
		if (lost)
			r = lost;
	}
	ipclock__local_wake(&s->local);
	return r;
}

void
ipclock__attempt_make(struct attempt *a, struct shared *s, enum os_mode mode, bool blocks)
{
	a->waiter.mode = mode;
	ipclock__line_make(&a->line, &s->file.os, &s->place, mode);
	a->stuck_behind = NOBODY;
	a->generation = s->generation;
	a->pauses = 0;
	a->moves = 0;
	a->seen_ahead = NOBODY;
	a->wait = WAIT_NOTHING;
	a->result = 0;
	a->helper_runs = a->may_hold = a->over = a->entered = a->looks = false;
	a->blocks = blocks;
	a->deadline = OS_NEVER;
}

/* The clock is read only by those who must wait. */
static void
begin_to_wait(struct attempt *a, struct shared *s, int timeout_ms)
{
	a->begun = ipclock__os_now();
	a->look = a->begun + SECOND;
	if (timeout_ms > 0)
		a->deadline = a->begun + timeout_ms * OS_MS;
	ipclock__os_event_clear(&a->waiter.event); /* an attempt before may have left it set */
	ipclock__local_join(&s->local, &a->waiter);
	plan(a, s, a->begun);
}

int
ipclock__attempt_begin(struct attempt *a, struct shared *s, int timeout_ms)
{
	bool no_line;
	int r;

	a->line.takes_number = timeout_ms != 0;
	ipclock__os_mutex_lock(&s->mutex);
	s->attempts = s->waited_ms = 0;
	r = enter_again(s, a->waiter.mode);
	a->entered = r == 0;
	if (r == EBUSY || (r == EDEADLK && !a->blocks)) /* an event loop's other tasks may give it back */
		r = follow_path(a, s, look(a, s));
	if (r == EBUSY && timeout_ms == 0)
		r = look_past_removal(a, s, look);
	if (r == EBUSY && timeout_ms < 0 && a->blocks && ipclock__lock_file_held_by(&s->file, ipclock__os_thread()))
		r = EDEADLK;
	if (r == EBUSY && timeout_ms != 0) {
		begin_to_wait(a, s, timeout_ms);
		r = EINPROGRESS;
	} else
		r = end(a, s, r);
	no_line = r == EINPROGRESS && s->place.refused && !s->told_no_line;
	s->told_no_line |= no_line;
	ipclock__os_mutex_unlock(&s->mutex);
	if (r == EINPROGRESS)
		say_began(a, s, no_line);
	else
		ipclock__attempt_say_stays(s);
	return a->generation == s->generation ? r : ECANCELED; /* the log callback forked */
}

/* Nothing of this handle is held, waited for, to be cleaned, opened or counted. */
static bool
is_idle(const struct shared *s, enum os_mode mode)
{
	return !s->local.first && !s->local.writer && s->local.readers == 0 && !s->soiled && !s->options.recursive &&
	    s->file.path && s->file.os.fd >= 0 && (mode == OS_SHARED || s->file.os.access & OS_WRITE);
}

/* On the right file. */
static bool
is_in_place(const struct shared *s)
{
	struct os_id id;

	return s->options.trust_path || (ipclock__os_identify(s->file.path, &id) == 0 &&
	    id.device == s->file.os.id.device && id.inode == s->file.os.id.inode);
}

bool
ipclock__attempt_at_once(struct shared *s, enum os_mode mode)
{
	bool held;

	ipclock__os_mutex_lock(&s->mutex);
	held = is_idle(s, mode) && ipclock__place_take_free(&s->place, &s->file.os, mode);
	if (held && !is_in_place(s)) {
		s->soiled = ipclock__place_unlock(&s->place, &s->file.os) != 0;
		held = false;
	}
	if (held) {
		ipclock__local_take(&s->local, mode);
		if (mode == OS_EXCLUSIVE)
			atomic_store_explicit(&s->file.writer, ipclock__os_thread(), memory_order_relaxed);
		s->attempts = 1;
		s->waited_ms = 0;
	}
	ipclock__os_mutex_unlock(&s->mutex);
	return held;
}

bool
ipclock__attempt_give_at_once(struct shared *s, enum os_mode mode)
{
	struct local *local = &s->local;
	bool ours, given;

	ipclock__os_mutex_lock(&s->mutex);
	ours = mode == OS_EXCLUSIVE ? local->writer : local->readers == 1;
	given = ours && !local->first && !s->soiled && !s->options.recursive && !s->options.unlink &&
	    !s->options.inherit && ipclock__os_range_check(&s->file.os, ipclock__place_range_of(&s->place, mode), mode) == 0 &&
	    ipclock__place_unlock(&s->place, &s->file.os) == 0;
	if (given) {
		ipclock__local_give(local, mode);
		atomic_store_explicit(&s->file.writer, 0, memory_order_relaxed);
	}
	ipclock__os_mutex_unlock(&s->mutex);
	return given;
}

static int
ask_to_stop(const struct attempt *a, const struct shared *s)
{
	if (a->result == EINTR && s->options.interruptible)
		return EINTR;
	if (s->options.cancel && s->options.cancel(s->options.cancel_ctx))
		return ECANCELED;
	return 0;
}

int
ipclock__attempt_step(struct attempt *a, struct shared *s)
{
	int64_t now = ipclock__os_now();
	int r = ask_to_stop(a, s);
	int ms;

	if (a->generation != s->generation)
		return ECANCELED; /* a callback forked, and this is the child */
	if (r == 0 && a->wait == WAIT_PAUSE && now < a->wake && !atomic_load(&a->waiter.event.set))
		return EINPROGRESS;
	ipclock__os_mutex_lock(&s->mutex);
	if (a->over) {
		ipclock__os_mutex_unlock(&s->mutex);
		return ECANCELED; /* a callback, or another thread, cancelled it */
	}
	if (r == 0)
		r = go_on(a, s, now);
	if (r == EBUSY) {
		plan(a, s, now);
		r = EINPROGRESS;
	} else
		r = end(a, s, r);
	ms = waited_ms(a, now);
	s->waited_ms = ms;
	ipclock__os_mutex_unlock(&s->mutex);
	if (r != EINPROGRESS) {
		say_ended(a, s, r, ms);
		ipclock__attempt_say_stays(s);
	}
	return a->generation == s->generation ? r : ECANCELED; /* the log callback forked */
}

int
ipclock__attempt_due_ms(const struct attempt *a)
{
	return a->wake == OS_NEVER ? -1 : ms_between(ipclock__os_now(), a->wake);
}

static int
sleep_on(struct attempt *a, struct shared *s)
{
	if (a->wait == WAIT_DIRECT)
		return ipclock__os_range_wait(&s->file.os, a->line.next, a->line.next_mode,
		    ipclock__os_range_wait_ends() ? a->wake : OS_NEVER);
	if (s->options.sleep) {
		ipclock__options_sleep(&s->options, a->sleep_ms);
		a->wake = 0; /* over when it says so, whatever the clock says */
		return 0;
	}
	if (a->wait == WAIT_PAUSE)
		return ipclock__os_sleep_until(a->wake);
	return ipclock__os_event_wait(&a->waiter.event, a->wake);
}

int
ipclock__attempt_wait(struct attempt *a, struct shared *s)
{
	a->result = sleep_on(a, s);
	return ipclock__attempt_step(a, s);
}

int
ipclock__attempt_run(struct attempt *a, struct shared *s, int timeout_ms)
{
	int r = ipclock__attempt_begin(a, s, timeout_ms);

	while (r == EINPROGRESS)
		r = ipclock__attempt_wait(a, s);
	return r;
}

void
ipclock__attempt_abandon(struct attempt *a, struct shared *s)
{
	bool over;

	ipclock__os_mutex_lock(&s->mutex);
	over = a->over;
	if (!over)
		end(a, s, ECANCELED);
	ipclock__os_mutex_unlock(&s->mutex);
	if (!over)
		say_ended(a, s, ECANCELED, waited_ms(a, ipclock__os_now()));
	ipclock__attempt_say_stays(s);
}
