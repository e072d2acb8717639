/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * Promise F.  Each waiter's number is seen in the line before the next one
 * comes, so the order of arrival is known; then each is heard to be granted
 * before the one before it has released to anybody else.
 */

#include <signal.h>
#include <string.h>

#include "agent_client.h"
#include "support.h"

#define WAITERS 8

/* Who comes: r or w.  Readers next to each other share. */
static void
in_order(const char *kinds, const char *timeout, unsigned flags)
{
	struct ipclock_rw *holder = must_rw_open(test_path, flags);
	struct agent a[WAITERS];
	int n = (int)strlen(kinds);
	int i;

	ck_assert_int_eq(ipclock_rw_acquire_write(holder, 0), 0);
	for (i = 0; i < n; i++) {
		agent_spawn(&a[i]);
		ck_assert_int_eq(agent_do(&a[i], "rw_open rw %s flags=%u", test_path, flags), 0);
		agent_send(&a[i], "%s rw %s", kinds[i] == 'r' ? "read" : "write", timeout);
		await_line(test_path, 0, i + 1);
	}
	for (i = 0; i < n; i++)
		ck_assert(!agent_answered(&a[i]));
	ck_assert_int_eq(ipclock_rw_release_write(holder), 0);
	for (i = 0; i < n; i++) {
		ck_assert_int_eq(agent_answer(&a[i]), 0);
		/* A newcomer does not pass those in line. */
		ck_assert_int_eq(ipclock_rw_acquire_write(holder, 0), EBUSY);
		if (i + 1 < n && kinds[i + 1] == 'w')
			ck_assert_int_eq(ipclock_rw_acquire_read(holder, 0), EBUSY);
		ck_assert_int_eq(agent_do(&a[i], "release_%s rw", kinds[i] == 'r' ? "read" : "write"), 0);
	}
	ck_assert_int_eq(line_length(test_path, 0), 0);
	ck_assert_int_eq(ipclock_rw_acquire_write(holder, 0), 0);
	for (i = 0; i < n; i++)
		agent_end(&a[i]);
	ipclock_rw_close(holder);
}

START_TEST(F_writers)
{
	in_order("wwwwwwww", "-1", 0);
}
END_TEST

START_TEST(F_mixed)
{
	in_order("wrwrrwrw", "-1", 0);
}
END_TEST

START_TEST(F_mixed_with_timeouts)
{
	in_order("rwrwwrrw", "20000", 0);
}
END_TEST

START_TEST(F_mixed_by_backoff)
{
	in_order("wrwrrw", "-1", IPCLOCK_POLL);
}
END_TEST

/* Reads that came together are held together. */
START_TEST(F_readers_in_a_row_share)
{
	struct ipclock_rw *holder = must_rw_open(test_path, 0);
	struct agent a[4];
	int i;

	ck_assert_int_eq(ipclock_rw_acquire_write(holder, 0), 0);
	for (i = 0; i < 4; i++) {
		agent_spawn(&a[i]);
		ck_assert_int_eq(agent_do(&a[i], "rw_open rw %s", test_path), 0);
		agent_send(&a[i], "read rw -1");
		await_line(test_path, 0, i + 1);
	}
	ck_assert_int_eq(ipclock_rw_release_write(holder), 0);
	for (i = 0; i < 4; i++)
		ck_assert_int_eq(agent_answer(&a[i]), 0);
	ck_assert_int_eq(line_length(test_path, 0), 0);
	ck_assert_int_eq(ipclock_rw_acquire_read(holder, 0), 0);
	for (i = 0; i < 4; i++)
		agent_end(&a[i]);
	ipclock_rw_close(holder);
}
END_TEST

/* First, middle and last give up; the others keep their order. */
START_TEST(F_order_outlives_those_who_give_up)
{
	struct ipclock *holder = must_open(test_path, 0);
	struct agent a[5];
	int i;

	ck_assert_int_eq(ipclock_acquire(holder, 0), 0);
	for (i = 0; i < 5; i++) {
		agent_spawn(&a[i]);
		ck_assert_int_eq(agent_do(&a[i], "open l %s", test_path), 0);
	}
	/* A started wait leaves when it is told to: 0, 2 and 4 are such. */
	for (i = 0; i < 5; i++) {
		if (i % 2 == 0)
			ck_assert_int_eq(agent_do(&a[i], "start l -1"), EINPROGRESS);
		else
			agent_send(&a[i], "acquire l -1");
		await_line(test_path, 0, i + 1);
	}
	for (i = 0; i < 5; i += 2) {
		ck_assert_int_eq(agent_do(&a[i], "cancel l"), 0);
		ck_assert_int_eq(agent_do(&a[i], "step l"), ECANCELED);
	}
	await_line(test_path, 0, 2);
	ck_assert_int_eq(ipclock_release(holder), 0);
	ck_assert_int_eq(agent_answer(&a[1]), 0);
	ck_assert(!agent_answered(&a[3]));
	ck_assert_int_eq(agent_do(&a[1], "release l"), 0);
	ck_assert_int_eq(agent_answer(&a[3]), 0);
	for (i = 0; i < 5; i++)
		agent_end(&a[i]);
	ipclock_close(holder);
}
END_TEST

/* One who timed out has left the line and no gap that stops anybody. */
START_TEST(F_order_outlives_a_timeout)
{
	struct ipclock *holder = must_open(test_path, 0);
	struct agent a[3];
	int i;

	ck_assert_int_eq(ipclock_acquire(holder, 0), 0);
	for (i = 0; i < 3; i++) {
		agent_spawn(&a[i]);
		ck_assert_int_eq(agent_do(&a[i], "open l %s", test_path), 0);
		agent_send(&a[i], "acquire l %d", i == 1 ? 700 : IPCLOCK_FOREVER);
		await_line(test_path, 0, i + 1);
	}
	ck_assert_int_eq(agent_answer(&a[1]), ETIMEDOUT);
	/* Who waited behind it may for an instant hold its byte. */
	await_line(test_path, 0, 2);
	ck_assert_int_eq(ipclock_release(holder), 0);
	ck_assert_int_eq(agent_answer(&a[0]), 0);
	ck_assert_int_eq(agent_do(&a[0], "release l"), 0);
	ck_assert_int_eq(agent_answer(&a[2]), 0);
	for (i = 0; i < 3; i++)
		agent_end(&a[i]);
	ipclock_close(holder);
}
END_TEST

/* On disk: an even byte is a writer's number, an odd one a reader's. */
START_TEST(F_numbers_tell_the_mode)
{
	static const char kinds[] = "wrrww";
	struct ipclock *holder = must_open(test_path, 0);
	struct agent a[5];
	int i;

	ck_assert_int_eq(ipclock_acquire(holder, 0), 0);
	for (i = 0; i < 5; i++) {
		agent_spawn(&a[i]);
		ck_assert_int_eq(agent_do(&a[i], "rw_open rw %s", test_path), 0);
		agent_send(&a[i], "%s rw -1", kinds[i] == 'r' ? "read" : "write");
		await_line(test_path, 0, i + 1);
	}
	ck_assert_int_eq(numbers_of(test_path, 0, 0), 3);
	ck_assert_int_eq(numbers_of(test_path, 0, 1), 2);
	for (i = 0; i < 5; i++)
		agent_kill(&a[i], SIGKILL);
	ck_assert_int_eq(line_length(test_path, 0), 0);
	ipclock_close(holder);
}
END_TEST

/* A line a slot: those who wait in one are not in the way in another. */
START_TEST(F_a_line_a_slot)
{
	struct agent holder, waiter, other;

	agent_spawn(&holder);
	agent_spawn(&waiter);
	agent_spawn(&other);
	ck_assert_int_eq(agent_do(&holder, "open l %s slot=5", test_path), 0);
	ck_assert_int_eq(agent_do(&waiter, "open l %s slot=5", test_path), 0);
	ck_assert_int_eq(agent_do(&other, "open l %s slot=6", test_path), 0);
	ck_assert_int_eq(agent_do(&holder, "acquire l 0"), 0);
	agent_send(&waiter, "acquire l -1");
	await_line(test_path, 5, 1);
	ck_assert_int_eq(line_length(test_path, 0), 0);
	ck_assert_int_eq(line_length(test_path, 6), 0);
	ck_assert_int_eq(agent_do(&other, "acquire l 0"), 0);
	ck_assert_int_eq(agent_do(&holder, "release l"), 0);
	ck_assert_int_eq(agent_answer(&waiter), 0);
	agent_end(&holder);
	agent_end(&waiter);
	agent_end(&other);
}
END_TEST

/* IPCLOCK_UNFAIR takes no number and does not look at the line. */
START_TEST(A_unfair_waits_without_a_number)
{
	struct ipclock *holder = must_open(test_path, IPCLOCK_UNFAIR);
	struct agent a, timed;

	agent_spawn(&a);
	agent_spawn(&timed);
	ck_assert_int_eq(agent_do(&a, "open l %s flags=%u", test_path, IPCLOCK_UNFAIR), 0);
	ck_assert_int_eq(agent_do(&timed, "open l %s flags=%u", test_path, IPCLOCK_UNFAIR), 0);
	ck_assert_int_eq(ipclock_acquire(holder, 0), 0);
	agent_send(&a, "acquire l -1");
	agent_send(&timed, "acquire l %d", LONG_MS);
	agent_await_log(&a, IPCLOCK_LOG_DEBUG);
	agent_await_log(&timed, IPCLOCK_LOG_DEBUG);
	ck_assert_int_eq(line_length(test_path, 0), 0);
	ck_assert_int_eq(ipclock_release(holder), 0);
	/* Either may be first. */
	while (!agent_answered(&a) && !agent_answered(&timed))
		nap_ms(1);
	ck_assert_int_eq(ipclock_acquire(holder, 0), EBUSY);
	if (agent_answered(&a)) {
		ck_assert_int_eq(agent_do(&a, "release l"), 0);
		ck_assert_int_eq(agent_answer(&a), 0);
		ck_assert_int_eq(agent_answer(&timed), 0);
	} else {
		ck_assert_int_eq(agent_do(&timed, "release l"), 0);
		ck_assert_int_eq(agent_answer(&timed), 0);
		ck_assert_int_eq(agent_answer(&a), 0);
	}
	agent_end(&a);
	agent_end(&timed);
	ipclock_close(holder);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, F_writers);
	tcase_add_test(t, F_mixed);
	tcase_add_test(t, F_mixed_with_timeouts);
	tcase_add_test(t, F_mixed_by_backoff);
	tcase_add_test(t, F_readers_in_a_row_share);
	tcase_add_test(t, F_order_outlives_those_who_give_up);
	tcase_add_test(t, F_order_outlives_a_timeout);
	tcase_add_test(t, F_numbers_tell_the_mode);
	tcase_add_test(t, F_a_line_a_slot);
	tcase_add_test(t, A_unfair_waits_without_a_number);
}

int
main(void)
{
	return test_main("order", add);
}
