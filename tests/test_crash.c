/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* Promise B: whoever dies, or stands still, the others get on. */

#include <signal.h>
#include <stdbool.h>
#include <string.h>

#include "agent_client.h"
#include "support.h"

#define LINE 5

/* A holder and a line behind it, in one process each; each kind is r or w. */
static void
line_up(struct agent *a, const char *kinds, const char *timeout, unsigned flags)
{
	int i;

	for (i = 0; kinds[i] != '\0'; i++) {
		agent_spawn(&a[i]);
		ck_assert_int_eq(agent_do(&a[i], "rw_open rw %s flags=%u", test_path, flags), 0);
		agent_send(&a[i], "%s rw %s", kinds[i] == 'r' ? "read" : "write", timeout);
		if (i == 0)
			ck_assert_int_eq(agent_answer(&a[i]), 0);
		await_line(test_path, 0, i);
	}
}

static void
release(struct agent *a, char kind)
{
	ck_assert_int_eq(agent_do(a, "release_%s rw", kind == 'r' ? "read" : "write"), 0);
}

START_TEST(B_holder_killed)
{
	static const char *const modes[] = { "read", "write" };
	struct ipclock_rw *rw = must_rw_open(test_path, 0);
	struct agent a;
	int m;

	for (m = 0; m < 2; m++) {
		agent_spawn(&a);
		ck_assert_int_eq(agent_do(&a, "rw_open rw %s", test_path), 0);
		ck_assert_int_eq(agent_do(&a, "%s rw 0", modes[m]), 0);
		ck_assert_int_eq(ipclock_rw_acquire_write(rw, 0), EBUSY);
		agent_kill(&a, SIGKILL);
		ck_assert_int_eq(ipclock_rw_acquire_write(rw, 0), 0);
		ck_assert_int_eq(ipclock_rw_release_write(rw), 0);
	}
	ipclock_rw_close(rw);
}
END_TEST

START_TEST(B_holder_exits)
{
	struct ipclock *l = must_open(test_path, 0);
	struct agent a;

	agent_spawn(&a);
	ck_assert_int_eq(agent_do(&a, "open l %s", test_path), 0);
	ck_assert_int_eq(agent_do(&a, "acquire l 0"), 0);
	agent_send(&a, "exit");
	ck_assert_int_eq(ipclock_acquire(l, LONG_MS), 0);
	agent_end(&a);
	ipclock_close(l);
}
END_TEST

static void
holder_dies(const char *kinds, const char *timeout, unsigned flags)
{
	struct agent a[LINE];
	int i, n = (int)strlen(kinds);

	line_up(a, kinds, timeout, flags);
	for (i = 1; i < n; i++) {
		agent_kill(&a[i - 1], SIGKILL);
		ck_assert_int_eq(agent_answer(&a[i]), 0);
	}
	agent_end(&a[n - 1]);
}

START_TEST(B_each_holder_killed_in_turn)
{
	holder_dies("wwrw", "-1", 0);
}
END_TEST

START_TEST(B_each_holder_killed_in_turn_with_timeouts)
{
	holder_dies("rwwr", "20000", 0);
}
END_TEST

static void
waiter_dies(int who, const char *timeout, unsigned flags)
{
	static const char kinds[] = "wwrww";
	struct agent a[LINE];
	int i, last = 0;

	line_up(a, kinds, timeout, flags);
	agent_kill(&a[who], SIGKILL);
	await_line(test_path, 0, LINE - 2);
	for (i = 1; i < LINE; i++) {
		if (i == who)
			continue;
		ck_assert(!agent_answered(&a[i]));
		release(&a[last], kinds[last]);
		ck_assert_int_eq(agent_answer(&a[i]), 0);
		last = i;
	}
	for (i = 0; i < LINE; i++)
		if (i != who)
			agent_end(&a[i]);
	ck_assert_int_eq(line_length(test_path, 0), 0);
}

START_TEST(B_first_in_line_killed)
{
	waiter_dies(1, "-1", 0);
}
END_TEST

START_TEST(B_one_in_the_middle_killed)
{
	waiter_dies(2, "-1", 0);
	waiter_dies(3, "20000", 0);
}
END_TEST

START_TEST(B_last_in_line_killed)
{
	waiter_dies(4, "-1", 0);
}
END_TEST

START_TEST(B_waiters_by_backoff_killed)
{
	waiter_dies(1, "-1", IPCLOCK_POLL);
	waiter_dies(3, "-1", IPCLOCK_POLL);
}
END_TEST

/* The next of the two to be granted: out of turn, either may be first. */
static int
next_granted(struct agent *a, int one, int two)
{
	long end = now_ms() + LONG_MS;

	while (!agent_answered(&a[one]) && !agent_answered(&a[two])) {
		ck_assert_msg(now_ms() < end, "nobody gets on");
		nap_ms(1);
	}
	return agent_answered(&a[one]) ? one : two;
}

/* A stopped waiter keeps its place but must not block a free lock. */
static void
waiter_stops(const char *timeout, unsigned flags)
{
	static const char kinds[] = "wwwr";
	struct agent a[LINE];
	int i, first, second;

	line_up(a, kinds, timeout, flags);
	agent_stop(&a[1]);
	release(&a[0], 'w');
	first = next_granted(a, 2, 3);
	second = 5 - first;
	ck_assert_int_eq(agent_answer(&a[first]), 0);
	ck_assert(!agent_answered(&a[second]));
	release(&a[first], kinds[first]);
	ck_assert_int_eq(agent_answer(&a[second]), 0);
	release(&a[second], kinds[second]);
	agent_kill(&a[1], SIGCONT);
	ck_assert_int_eq(agent_answer(&a[1]), 0);
	ck_assert_int_eq(agent_do(&a[0], "write rw 0"), EBUSY);
	release(&a[1], 'w');
	ck_assert_int_eq(agent_do(&a[0], "write rw 0"), 0);
	for (i = 0; i < 4; i++)
		agent_end(&a[i]);
}

START_TEST(F_stopped_waiter_blocks_nobody)
{
	waiter_stops("-1", 0);
}
END_TEST

START_TEST(F_stopped_waiter_blocks_nobody_with_timeouts)
{
	waiter_stops("20000", 0);
}
END_TEST

START_TEST(F_stopped_waiter_blocks_nobody_by_backoff)
{
	waiter_stops("-1", IPCLOCK_POLL);
}
END_TEST

/* The same for a started wait that nobody steps, stopped before it is granted, or granted to a loop that is busy. */
static void
start_is_forgotten(bool stopped)
{
	struct agent a[3];
	int i;

	for (i = 0; i < 3; i++) {
		agent_spawn(&a[i]);
		ck_assert_int_eq(agent_do(&a[i], "open l %s", test_path), 0);
	}
	ck_assert_int_eq(agent_do(&a[0], "acquire l 0"), 0);
	ck_assert_int_eq(agent_do(&a[1], "start l -1"), EINPROGRESS);
	await_line(test_path, 0, 1);
	agent_send(&a[2], "acquire l -1");
	await_line(test_path, 0, 2);
	if (stopped)
		agent_stop(&a[1]);
	ck_assert_int_eq(agent_do(&a[0], "release l"), 0);
	ck_assert_int_eq(agent_answer(&a[2]), 0);
	if (stopped)
		agent_kill(&a[1], SIGKILL);
	else {
		ck_assert_int_eq(agent_do(&a[1], "step l"), EINPROGRESS);
		ck_assert_int_eq(agent_do(&a[1], "held l"), 0);
		agent_end(&a[1]);
	}
	agent_end(&a[0]);
	agent_end(&a[2]);
}

START_TEST(F_forgotten_start_blocks_nobody)
{
	start_is_forgotten(true);
}
END_TEST

START_TEST(F_start_that_is_not_stepped_blocks_nobody)
{
	start_is_forgotten(false);
}
END_TEST

/* A holder that stands still still holds. */
START_TEST(A_stopped_holder_holds)
{
	struct ipclock *l = must_open(test_path, 0);
	struct agent a;

	agent_spawn(&a);
	ck_assert_int_eq(agent_do(&a, "open l %s", test_path), 0);
	ck_assert_int_eq(agent_do(&a, "acquire l 0"), 0);
	agent_stop(&a);
	ck_assert_int_eq(ipclock_acquire(l, 0), EBUSY);
	ck_assert_int_eq(ipclock_acquire(l, 1300), ETIMEDOUT);
	agent_kill(&a, SIGKILL);
	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	ipclock_close(l);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, B_holder_killed);
	tcase_add_test(t, B_holder_exits);
	tcase_add_test(t, B_each_holder_killed_in_turn);
	tcase_add_test(t, B_each_holder_killed_in_turn_with_timeouts);
	tcase_add_test(t, B_first_in_line_killed);
	tcase_add_test(t, B_one_in_the_middle_killed);
	tcase_add_test(t, B_last_in_line_killed);
	tcase_add_test(t, B_waiters_by_backoff_killed);
	tcase_add_test(t, F_stopped_waiter_blocks_nobody);
	tcase_add_test(t, F_stopped_waiter_blocks_nobody_with_timeouts);
	tcase_add_test(t, F_stopped_waiter_blocks_nobody_by_backoff);
	tcase_add_test(t, F_forgotten_start_blocks_nobody);
	tcase_add_test(t, F_start_that_is_not_stepped_blocks_nobody);
	tcase_add_test(t, A_stopped_holder_holds);
}

int
main(void)
{
	return test_main("crash", add);
}
