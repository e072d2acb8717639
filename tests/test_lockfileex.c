/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * Byte ranges on Windows, lib/os_range_win32.c and lib/os_overlapped_win32.c, on
 * a Windows that is played here: its lock table, its requests that are put off,
 * and a clock that moves when somebody waits.  Promises A and E, and G: what a
 * wait in vain leaves behind.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "os_overlapped_win32.h"

/* ---- Windows ---- */

struct lock {
	HANDLE file;
	int64_t start;
	int64_t end;
	bool exclusive;
};

#define MOST_LOCKS  64
#define MOST_EVENTS 16
#define PENDING     ((ULONG_PTR)0x103)

static struct lock locks[MOST_LOCKS];
static unsigned lock_count;

static struct {
	bool open;
	bool set;
} events[MOST_EVENTS];

/* How a request that is put off goes on. */
static enum {
	COMPLETES,             /* as on Windows */
	SILENT,                /* as on Wine */
	GRANTED_AT_CANCEL,     /* the range came free as the wait was called off */
	NO_EVENT_AT_CANCEL,    /* the same is said, and no event is set */
	DONE_BEFORE_CANCEL,    /* it was granted already */
} manner;

static struct {
	OVERLAPPED *request;   /* NULL: none */
	struct lock lock;
} put_off;

static bool puts_off_tries;
static int64_t refuses_from;
static int64_t clock_ms, free_at;
static HANDLE frees;
static DWORD last_error;
static unsigned calls, cancels, waits;

static BOOL
error_of(DWORD error)
{
	last_error = error;
	return FALSE;
}

/* Handles of events are 4, 8 ...; of files, from 1000. */
static unsigned
event_of(HANDLE handle)
{
	unsigned n = (unsigned)((uintptr_t)handle >> 2);

	ck_assert_uint_lt(n, MOST_EVENTS);
	ck_assert(events[n].open);
	return n;
}

HANDLE
CreateEventW(void *security, BOOL manual, BOOL set, const wchar_t *name)
{
	unsigned n;

	ck_assert(!security && manual && !name);
	for (n = 1; n < MOST_EVENTS && events[n].open; n++)
		;
	ck_assert_uint_lt(n, MOST_EVENTS);
	events[n].open = true;
	events[n].set = set;
	return (HANDLE)(uintptr_t)(n << 2);
}

BOOL
ResetEvent(HANDLE event)
{
	events[event_of(event)].set = false;
	return TRUE;
}

BOOL
CloseHandle(HANDLE handle)
{
	events[event_of(handle)].open = false;
	return TRUE;
}

static unsigned
open_events(void)
{
	unsigned n, count = 0;

	for (n = 0; n < MOST_EVENTS; n++)
		count += events[n].open;
	return count;
}

/* Exclusive: in nobody's way, not even one's own; shared: one's own exclusive locks do not count. */
static bool
conflicts(const struct lock *lock)
{
	const struct lock *l;

	for (l = locks; l < locks + lock_count; l++)
		if (l->start < lock->end && lock->start < l->end &&
		    (lock->exclusive || (l->exclusive && l->file != lock->file)))
			return true;
	return false;
}

static void
add_lock(const struct lock *lock)
{
	ck_assert_uint_lt(lock_count, MOST_LOCKS);
	locks[lock_count++] = *lock;
}

static void
complete(void)
{
	add_lock(&put_off.lock);
	put_off.request->Internal = 0;
	events[event_of(put_off.request->hEvent)].set = true;
	put_off.request = NULL;
}

static struct lock
lock_of(HANDLE file, DWORD low, DWORD high, const OVERLAPPED *request, bool exclusive)
{
	uint64_t start = (uint64_t)request->OffsetHigh << 32 | request->Offset, length = (uint64_t)high << 32 | low;
	uint64_t end = start + length;

	return (struct lock){ file, (int64_t)start, end > INT64_MAX ? INT64_MAX : (int64_t)end, exclusive };
}

BOOL
LockFileEx(HANDLE file, DWORD flags, DWORD reserved, DWORD low, DWORD high, OVERLAPPED *request)
{
	struct lock lock = lock_of(file, low, high, request, flags & LOCKFILE_EXCLUSIVE_LOCK);
	bool busy = conflicts(&lock);

	ck_assert_uint_eq(reserved, 0);
	calls++;
	if (refuses_from && lock.end > refuses_from)
		return error_of(ERROR_INVALID_PARAMETER);
	if (!busy && !(puts_off_tries && flags & LOCKFILE_FAIL_IMMEDIATELY)) {
		add_lock(&lock);
		return TRUE;
	}
	if (flags & LOCKFILE_FAIL_IMMEDIATELY && !puts_off_tries)
		return error_of(ERROR_LOCK_VIOLATION);
	put_off.request = request;
	put_off.lock = lock;
	if (manner == SILENT)
		return error_of(ERROR_IO_PENDING);
	request->Internal = PENDING;
	events[event_of(request->hEvent)].set = false;
	if (flags & LOCKFILE_FAIL_IMMEDIATELY && busy) {
		request->Internal = ERROR_LOCK_VIOLATION;
		events[event_of(request->hEvent)].set = true;
		put_off.request = NULL;
	} else if (!busy)
		complete();
	return error_of(ERROR_IO_PENDING);
}

BOOL
UnlockFileEx(HANDLE file, DWORD reserved, DWORD low, DWORD high, OVERLAPPED *request)
{
	struct lock lock = lock_of(file, low, high, request, false), *l;

	ck_assert_uint_eq(reserved, 0);
	calls++;
	for (l = locks; l < locks + lock_count; l++) /* the oldest first: an exclusive one before a shared one over it */
		if (l->file == file && l->start == lock.start && l->end == lock.end)
			break;
	if (l == locks + lock_count)
		return error_of(ERROR_NOT_LOCKED);
	memmove(l, l + 1, (size_t)(locks + --lock_count - l) * sizeof(*l));
	if (put_off.request && manner != SILENT && !conflicts(&put_off.lock))
		complete();
	return TRUE;
}

static void
free_all_of(HANDLE file)
{
	unsigned i;

	for (i = lock_count; i > 0; i--)
		if (locks[i - 1].file == file)
			locks[i - 1] = locks[--lock_count];
	if (put_off.request && manner == COMPLETES && !conflicts(&put_off.lock))
		complete();
}

BOOL
CancelIoEx(HANDLE file, OVERLAPPED *request)
{
	(void)file;
	cancels++;
	if (manner == SILENT || put_off.request != request)
		return error_of(ERROR_NOT_FOUND);
	put_off.request = NULL;
	switch (manner) {
	case GRANTED_AT_CANCEL:
	case DONE_BEFORE_CANCEL:
		free_all_of(frees);
		put_off.request = request;
		complete();
		return manner == DONE_BEFORE_CANCEL ? error_of(ERROR_NOT_FOUND) : TRUE;
	case NO_EVENT_AT_CANCEL:
		free_all_of(frees);
		add_lock(&put_off.lock);
		request->Internal = 0;
		return TRUE;
	case COMPLETES:
	case SILENT:
		break;
	}
	request->Internal = ERROR_OPERATION_ABORTED;
	events[event_of(request->hEvent)].set = true;
	return TRUE;
}

/* Wine believes whatever is there. */
BOOL
GetOverlappedResult(HANDLE file, OVERLAPPED *request, DWORD *bytes, BOOL wait)
{
	(void)file;
	ck_assert(wait);
	ck_assert_msg(manner == SILENT || request->Internal != PENDING, "it would wait for ever");
	*bytes = 0;
	if (manner == SILENT || request->Internal == 0)
		return TRUE;
	return error_of((DWORD)request->Internal);
}

DWORD
GetLastError(void)
{
	return last_error;
}

DWORD
WaitForSingleObject(HANDLE handle, DWORD ms)
{
	unsigned n = event_of(handle);

	if (events[n].set || ms == 0)
		return events[n].set ? WAIT_OBJECT_0 : WAIT_TIMEOUT;
	waits++;
	ck_assert(ms != INFINITE || (free_at > clock_ms && manner == COMPLETES));
	if (free_at > clock_ms && free_at - clock_ms <= (int64_t)ms) {
		clock_ms = free_at;
		free_all_of(frees);
		return events[n].set ? WAIT_OBJECT_0 : WAIT_TIMEOUT;
	}
	clock_ms += ms;
	return WAIT_TIMEOUT;
}

void
InitializeSRWLock(SRWLOCK *lock)
{
	lock->taken = 0;
}

void
AcquireSRWLockExclusive(SRWLOCK *lock)
{
	ck_assert_int_eq(lock->taken++, 0);
}

void
AcquireSRWLockShared(SRWLOCK *lock)
{
	AcquireSRWLockExclusive(lock);
}

void
ReleaseSRWLockExclusive(SRWLOCK *lock)
{
	ck_assert_int_eq(--lock->taken, 0);
}

void
ReleaseSRWLockShared(SRWLOCK *lock)
{
	ReleaseSRWLockExclusive(lock);
}

/* ---- what else the library has of it ---- */

DWORD
ipclock__os_ms_until(int64_t when)
{
	int64_t left = when / OS_MS - clock_ms;

	return when == OS_NEVER ? INFINITE : left > 0 ? (DWORD)left : 0;
}

int
ipclock__os_error(DWORD error)
{
	return error == ERROR_LOCK_VIOLATION ? EBUSY : error == ERROR_NOT_LOCKED ? ENOLCK :
	    error == ERROR_OPERATION_ABORTED ? ECANCELED : EIO;
}

/* ---- the tests ---- */

#define LINE (INT64_C(1) << 62)

static const struct os_range whole_lock = { 0x40000000, 512 }, read_part = { 0x40000002, 510 }, byte = { LINE, 1 };
static struct os_file ours = { .fd = 1000 }, theirs = { .fd = 1004 };

static void
set_up(void)
{
	ck_assert_int_eq(ipclock__os_range_opened(&ours, true), 0);
	ck_assert_int_eq(ipclock__os_range_opened(&theirs, true), 0);
	frees = ipclock__os_handle(theirs.fd);
}

static void
tear_down(void)
{
	ipclock__os_range_closed(&ours);
	ipclock__os_range_closed(&theirs);
	ck_assert_uint_eq(open_events(), 0);
	ck_assert_uint_eq(lock_count, 0);
}

static unsigned
held_by(const struct os_file *file)
{
	unsigned i, n = 0;

	for (i = 0; i < lock_count; i++)
		n += locks[i].file == ipclock__os_handle(file->fd);
	return n;
}

static int
wait_100(void)
{
	return ipclock__os_range_wait(&ours, byte, OS_SHARED, 100 * OS_MS);
}

static void
they_hold_the_byte(void)
{
	ck_assert_int_eq(ipclock__os_range_try(&theirs, byte, OS_EXCLUSIVE), 0);
}

START_TEST(e_granted_in_time)
{
	they_hold_the_byte();
	free_at = 40;
	ck_assert_int_eq(wait_100(), 0);
	ck_assert_int_eq(clock_ms, 40);
	ck_assert_uint_eq(held_by(&ours), 1);
	ck_assert_uint_eq(cancels, 0);
	ck_assert_uint_eq(open_events(), 2);
	ck_assert_int_eq(ipclock__os_range_unlock(&ours, byte), 0);
	ck_assert_uint_eq(held_by(&ours), 0);
	ck_assert(ipclock__os_range_has_queue(&ours));
}
END_TEST

START_TEST(e_waits_for_ever)
{
	they_hold_the_byte();
	free_at = 4000;
	ck_assert_int_eq(ipclock__os_range_wait(&ours, byte, OS_EXCLUSIVE, OS_NEVER), 0);
	ck_assert_int_eq(clock_ms, 4000);
	ck_assert_uint_eq(held_by(&ours), 1);
}
END_TEST

START_TEST(e_too_late)
{
	they_hold_the_byte();
	ck_assert_int_eq(wait_100(), ETIMEDOUT);
	ck_assert_int_eq(clock_ms, 100);
	ck_assert_uint_eq(cancels, 1);
	ck_assert_uint_eq(held_by(&ours), 0);
	ck_assert_uint_eq(open_events(), 2);
	ck_assert(put_off.request == NULL);
	ck_assert(ipclock__os_range_has_queue(&ours));
}
END_TEST

START_TEST(e_granted_at_the_last_moment)
{
	manner = _i ? DONE_BEFORE_CANCEL : GRANTED_AT_CANCEL;
	they_hold_the_byte();
	ck_assert_int_eq(wait_100(), 0);
	ck_assert_uint_eq(held_by(&ours), 1);
	ck_assert(ipclock__os_range_has_queue(&ours));
	ck_assert_int_eq(ipclock__os_range_unlock(&ours, byte), 0); /* it is known to be held */
	ck_assert_uint_eq(held_by(&ours), 0);
}
END_TEST

/* A grant that no event confirms is none: and if it was one, it is given back. */
START_TEST(a_not_believed_without_the_event)
{
	manner = NO_EVENT_AT_CANCEL;
	they_hold_the_byte();
	ck_assert_int_eq(wait_100(), EDEADLK);
	ck_assert_uint_eq(held_by(&ours), 0);
	ck_assert(!ipclock__os_range_has_queue(&ours));
	ck_assert_uint_eq(open_events(), 2);
}
END_TEST

/* Put off, and nothing written: no wait at all, and no second request. */
START_TEST(a_wine)
{
	manner = SILENT;
	they_hold_the_byte();
	ck_assert_int_eq(wait_100(), EDEADLK);
	ck_assert_uint_eq(waits, 0);
	ck_assert_int_eq(clock_ms, 0);
	ck_assert_uint_eq(held_by(&ours), 0);
	ck_assert_uint_eq(held_by(&theirs), 1);
	ck_assert(!ipclock__os_range_has_queue(&ours));
	calls = 0;
	ck_assert_int_eq(wait_100(), EDEADLK);
	ck_assert_uint_eq(calls, 0);
	ck_assert_int_eq(ipclock__os_range_try(&ours, byte, OS_EXCLUSIVE), EBUSY);
}
END_TEST

START_TEST(a_try_may_be_put_off)
{
	puts_off_tries = true;
	ck_assert_int_eq(ipclock__os_range_try(&theirs, byte, OS_EXCLUSIVE), 0);
	ck_assert_int_eq(ipclock__os_range_try(&ours, byte, OS_SHARED), EBUSY);
	ck_assert_uint_eq(held_by(&ours), 0);
	ck_assert_int_eq(ipclock__os_range_unlock(&theirs, byte), 0);
	ck_assert_int_eq(ipclock__os_range_try(&ours, byte, OS_SHARED), 0);
	ck_assert_uint_eq(held_by(&ours), 1);
}
END_TEST

/* A caller's handle may be one that waits without an end. */
START_TEST(no_wait_on_a_callers_handle)
{
	struct os_file callers = { .fd = 1008 };

	ck_assert_int_eq(ipclock__os_range_opened(&callers, false), 0);
	they_hold_the_byte();
	calls = 0;
	ck_assert(!ipclock__os_range_has_queue(&callers));
	ck_assert_int_eq(ipclock__os_range_wait(&callers, byte, OS_SHARED, OS_NEVER), EDEADLK);
	ck_assert_uint_eq(calls, 0);
	ipclock__os_range_closed(&callers);
}
END_TEST

START_TEST(offsets_that_are_refused)
{
	refuses_from = LINE;
	ck_assert_int_eq(ipclock__os_range_try(&ours, byte, OS_EXCLUSIVE), ENOTSUP);
	ck_assert_int_eq(ipclock__os_range_try(&ours, whole_lock, OS_EXCLUSIVE), 0);
}
END_TEST

/* At no time can another writer get in. */
START_TEST(a_downgrade)
{
	struct os_range skipped = { whole_lock.start, 2 };

	ck_assert_int_eq(ipclock__os_range_try(&ours, whole_lock, OS_EXCLUSIVE), 0);
	ck_assert_int_eq(ipclock__os_range_unlock(&ours, skipped), 0);
	ck_assert_int_eq(ipclock__os_range_try(&theirs, skipped, OS_EXCLUSIVE), EBUSY); /* a part goes with the rest */
	ck_assert_int_eq(ipclock__os_range_try(&ours, read_part, OS_SHARED), 0);
	ck_assert_uint_eq(held_by(&ours), 1);
	ck_assert_int_eq(ipclock__os_range_try(&theirs, whole_lock, OS_EXCLUSIVE), EBUSY);
	ck_assert_int_eq(ipclock__os_range_try(&theirs, read_part, OS_SHARED), 0);
	ck_assert_int_eq(ipclock__os_range_unlock(&ours, whole_lock), 0);
	ck_assert_uint_eq(held_by(&ours), 0);
}
END_TEST

START_TEST(a_downgrade_of_one_byte)
{
	ck_assert_int_eq(ipclock__os_range_try(&ours, byte, OS_EXCLUSIVE), 0);
	ck_assert_int_eq(ipclock__os_range_try(&ours, byte, OS_SHARED), 0);
	ck_assert_uint_eq(held_by(&ours), 1);
	ck_assert(!locks[0].exclusive);
}
END_TEST

START_TEST(no_upgrade)
{
	ck_assert_int_eq(ipclock__os_range_try(&ours, read_part, OS_SHARED), 0);
	ck_assert_int_eq(ipclock__os_range_try(&ours, whole_lock, OS_EXCLUSIVE), ENOTSUP);
	ck_assert_uint_eq(held_by(&ours), 1);
	ck_assert_int_eq(ipclock__os_range_try(&theirs, whole_lock, OS_EXCLUSIVE), EBUSY);
}
END_TEST

START_TEST(is_free_asks_readers_too)
{
	ck_assert(ipclock__os_range_is_free(&ours, whole_lock));
	ck_assert_uint_eq(lock_count, 0);
	ck_assert_int_eq(ipclock__os_range_try(&theirs, read_part, OS_SHARED), 0);
	ck_assert(!ipclock__os_range_is_free(&ours, whole_lock));
	ck_assert_uint_eq(held_by(&ours), 0);
}
END_TEST

static struct os_lock
query(int64_t from, int64_t end)
{
	struct os_range range = { from, end - from };
	struct os_lock found;

	ck_assert_int_eq(ipclock__os_range_query(&ours, range, OS_EXCLUSIVE, &found), 0);
	return found;
}

/* Theirs is each byte with a bit of the pattern, ours one: the last of theirs below any end is found, ours stays. */
START_TEST(a_query_finds_the_last)
{
	unsigned pattern = (unsigned)_i * 2654435761u >> 12 & 0xFFF, own = (unsigned)_i % 12, n, end, left;
	struct os_range mine = { LINE + own, 1 };
	struct os_lock found;
	int64_t expected;

	pattern &= ~(1u << own);
	ck_assert_int_eq(ipclock__os_range_try(&ours, mine, OS_EXCLUSIVE), 0);
	for (n = 0; n < 12; n++)
		if (pattern & 1u << n)
			add_lock(&(struct lock){ ipclock__os_handle(2000), LINE + n, LINE + n + 1, true });
	for (end = 1; end <= 13; end++) {
		left = end == 13 ? pattern : pattern & ((1u << end) - 1);
		for (expected = -1, n = 0; n < 12; n++)
			if (left & 1u << n)
				expected = LINE + n;
		found = query(LINE, end == 13 ? LINE + (INT64_C(1) << 40) : LINE + end);
		ck_assert_int_eq(found.mode, expected < 0 ? OS_UNLOCKED : OS_EXCLUSIVE);
		ck_assert(expected < 0 || found.range.start == expected);
		ck_assert_uint_eq(held_by(&ours), 1);
		ck_assert(locks[0].file == ipclock__os_handle(ours.fd) && locks[0].exclusive);
	}
	free_all_of(ipclock__os_handle(2000));
}
END_TEST

/* In a long line the last look says where to begin. */
START_TEST(a_query_is_quick)
{
	struct lock far = { ipclock__os_handle(2000), LINE + 1000000, LINE + 1000001, true };

	add_lock(&far);
	ck_assert_int_eq(query(LINE, LINE + (INT64_C(1) << 40)).range.start, far.start);
	ck_assert_uint_le(calls, 2 * 2 * 20 + 8);
	locks[0].start += 3;
	locks[0].end += 3;
	calls = 0;
	ck_assert_int_eq(query(LINE, LINE + (INT64_C(1) << 40)).range.start, far.start + 3);
	ck_assert_uint_le(calls, 12);
	free_all_of(ipclock__os_handle(2000));
}
END_TEST

START_TEST(a_lock_of_the_whole_file_sticks_out)
{
	struct lock all = { ipclock__os_handle(2000), 0, INT64_MAX, true };

	add_lock(&all);
	ck_assert_int_lt(query(LINE, LINE + (INT64_C(1) << 40)).range.start, LINE);
	free_all_of(ipclock__os_handle(2000));
}
END_TEST

/* The last of its users closes it. */
START_TEST(c_a_handle_that_is_had_twice)
{
	struct os_file again = ours;

	ck_assert_int_eq(ipclock__os_range_opened(&again, false), 0);
	ck_assert_int_eq(ipclock__os_range_try(&ours, byte, OS_EXCLUSIVE), 0);
	ipclock__os_range_closed(&again);
	ck_assert_uint_eq(held_by(&ours), 1);
	ck_assert_int_eq(ipclock__os_range_unlock(&ours, byte), 0);
	ck_assert_uint_eq(held_by(&ours), 0);
}
END_TEST

/* Each of its users may hold something. */
START_TEST(a_handle_with_many_locks)
{
	struct os_range range = { 0, 1 };

	for (; range.start < 30; range.start++)
		ck_assert_int_eq(ipclock__os_range_try(&ours, range, OS_EXCLUSIVE), 0);
	ck_assert_uint_eq(held_by(&ours), 30);
	while (range.start-- > 0)
		ck_assert_int_eq(ipclock__os_range_unlock(&ours, range), 0);
	ck_assert_uint_eq(held_by(&ours), 0);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("LockFileEx");
	TCase *t = tcase_create("requests");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, e_granted_in_time);
	tcase_add_test(t, e_waits_for_ever);
	tcase_add_test(t, e_too_late);
	tcase_add_loop_test(t, e_granted_at_the_last_moment, 0, 2);
	tcase_add_test(t, a_not_believed_without_the_event);
	tcase_add_test(t, a_wine);
	tcase_add_test(t, a_try_may_be_put_off);
	tcase_add_test(t, no_wait_on_a_callers_handle);
	tcase_add_test(t, offsets_that_are_refused);
	suite_add_tcase(s, t);
	t = tcase_create("ranges");
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, a_downgrade);
	tcase_add_test(t, a_downgrade_of_one_byte);
	tcase_add_test(t, no_upgrade);
	tcase_add_test(t, is_free_asks_readers_too);
	tcase_add_loop_test(t, a_query_finds_the_last, 0, 64);
	tcase_add_test(t, a_query_is_quick);
	tcase_add_test(t, a_lock_of_the_whole_file_sticks_out);
	tcase_add_test(t, c_a_handle_that_is_had_twice);
	tcase_add_test(t, a_handle_with_many_locks);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	SRunner *runner = srunner_create(suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
