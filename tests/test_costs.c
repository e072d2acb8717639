/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * What an acquire and its release cost where nobody else is, in system calls
 * and allocations: counted, not timed.  Clocks are for "make bench".
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "allocations.h"
#include "calls.h"
#include "support.h"

enum { PAIRS = 10 };

static const struct cost {
	const char *what;
	unsigned flags;
	int write, calls, posix; /* of a pair; with classic fcntl locks */
} costs[] = {
	{ "exclusive", 0, 1, 4, 11 },
	{ "shared", 0, 0, 5, 14 },
	{ "exclusive, trusted path", IPCLOCK_TRUST_PATH, 1, 3, 10 },
	{ "exclusive, unfair", IPCLOCK_UNFAIR, 1, 3, 8 },
	{ "exclusive, trusted path, unfair", IPCLOCK_TRUST_PATH | IPCLOCK_UNFAIR, 1, 2, 7 },
	{ "shared, trusted path, unfair", IPCLOCK_TRUST_PATH | IPCLOCK_UNFAIR, 0, 2, 7 },
	{ "exclusive, interruptible", IPCLOCK_INTERRUPTIBLE, 1, 4, 11 },
	{ "exclusive, recursive", IPCLOCK_RECURSIVE, 1, 4, 11 },
};

enum { COSTS = sizeof(costs) / sizeof(costs[0]) };

struct run {
	const struct cost *cost;
	struct ipclock_rw *rw;
	int timeout_ms;
};

/* Without an assertion that works, since those allocate. */
static void
pair(struct run *r)
{
	int error;

	if (r->cost->write)
		error = ipclock_rw_acquire_write(r->rw, r->timeout_ms);
	else
		error = ipclock_rw_acquire_read(r->rw, r->timeout_ms);
	if (error == 0)
		error = r->cost->write ? ipclock_rw_release_write(r->rw) : ipclock_rw_release_read(r->rw);
	if (error != 0)
		abort();
}

static void
before(void *ctx)
{
	struct run *r = ctx;

	r->rw = must_rw_open(test_path, r->cost->flags);
	pair(r);
}

static void
pairs(void *ctx)
{
	int i;

	for (i = 0; i < PAIRS; i++)
		pair(ctx);
}

static void
costs_calls(const struct cost *cost, int timeout_ms)
{
	struct run r = { .cost = cost, .timeout_ms = timeout_ms };

	int wanted = PAIRS * (test_posix() ? cost->posix : cost->calls);
	long n = calls_count(before, pairs, &r);

	ck_assert_msg(n == wanted, "%s, timeout %d: %ld calls, not %d", cost->what, timeout_ms, n, wanted);
}

START_TEST(system_calls_of_a_pair)
{
	costs_calls(&costs[_i], 0);
	costs_calls(&costs[_i], LONG_MS);
	costs_calls(&costs[_i], IPCLOCK_FOREVER);
}
END_TEST

START_TEST(allocations_of_a_pair)
{
	struct run r = { .cost = &costs[_i], .timeout_ms = LONG_MS };
	void *volatile memory = malloc(1);
	long earlier;

	free(memory);
	ck_assert_int_gt(allocations(), 0); /* they are counted */
	before(&r);
	earlier = allocations();
	pairs(&r);
	ck_assert_int_eq(allocations() - earlier, 0);
	ipclock_rw_close(r.rw);
}
END_TEST

static int
try_to_lock(void *fd)
{
	return raw_lock(*(int *)fd, F_WRLCK, SLOT_BASE, SLOT_SIZE) == 0;
}

/* Descriptor 0 is free: what is opened there is moved, and noted twice. */
static int
open_without_memory(void *nth)
{
	int error, fd = open(test_path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	struct ipclock *holder, *other;

	close(0);
	holder = must_open(test_path, 0);
	if (ipclock_acquire(holder, 0) != 0)
		return 254;
	allocations_fail(*(long *)nth);
	error = ipclock_open(&other, test_path, NULL);
	allocations_fail(0);
	return in_child(try_to_lock, &fd) == 0 ? error : 255;
}

START_TEST(C_another_open_fails_for_want_of_memory)
{
	int error = ENOMEM;
	long nth;

	for (nth = 1; error == ENOMEM; nth++)
		error = in_child(open_without_memory, &nth);
	ck_assert_int_eq(error, 0);
	ck_assert_int_gt(nth, 3);
}
END_TEST

static void
nothing(void *ctx)
{
	(void)ctx;
}

static void
add(TCase *t)
{
	if (calls_count(nothing, nothing, NULL) == 0)
		tcase_add_loop_test(t, system_calls_of_a_pair, 0, COSTS);
	else
		test_skip("the system calls of a pair: they cannot be counted here");
	if (allocations() >= 0) {
		tcase_add_loop_test(t, allocations_of_a_pair, 0, COSTS);
		tcase_add_test(t, C_another_open_fails_for_want_of_memory);
	} else
		test_skip("the allocations of a pair, and what happens without: not counted with a sanitizer");
}

int
main(void)
{
	return test_main("costs", add);
}
