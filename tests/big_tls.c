/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * A program with so much thread-local storage that no thread fits on a small
 * stack.  It waits in the kernel's queue all the same, where others do.
 */
#include "support.h"

static _Thread_local volatile char big[300 * 1024];

/* A wait that a helper does, where there is one: after start there is one thread more, in the end none. */
START_TEST(G_timed_wait_with_much_thread_local_storage)
{
	struct ipclock *holder = must_open(test_path, 0);
	struct ipclock *l = must_open(test_path, 0);
	int threads = thread_count();

	big[sizeof(big) - 1] = 1;
	ck_assert_int_eq(ipclock_acquire(holder, 0), 0);
	ck_assert_int_eq(ipclock_acquire(l, 30), ETIMEDOUT);
	ck_assert_int_eq(ipclock_start(l, LONG_MS), EINPROGRESS);
	ck_assert_int_eq(thread_count(), test_posix() || test_windows() ? threads : threads + 1);
	ck_assert_int_eq(ipclock_release(holder), 0);
	while (ipclock_step(l, NULL) == EINPROGRESS)
		nap_ms(1);
	ck_assert_int_eq(ipclock_held(l), 1);
	ck_assert_int_eq(thread_count(), threads);
	ipclock_close(l);
	ipclock_close(holder);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, G_timed_wait_with_much_thread_local_storage);
}

int
main(void)
{
	return test_main("big_tls", add);
}
