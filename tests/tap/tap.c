/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "tap_process.h"

#define CASES 16
#define TESTS 2048

struct tap_case {
	const char *name;
	double seconds;
	void (*setup)(void);
	void (*teardown)(void);
};

struct tap_suite {
	const char *name;
	int failed;
};

/* A program has one suite. */
static struct tap_suite the_suite;
static struct tap_case cases[CASES];
static struct one_test {
	const struct tap_case *tcase;
	const struct tap_test *test;
	int i, loops;
} tests[TESTS];
static int n_cases, n_tests;
static const struct one_test *current;

Suite *
suite_create(const char *name)
{
	the_suite.name = name;
	return &the_suite;
}

TCase *
tcase_create(const char *name)
{
	if (n_cases == CASES)
		abort();
	cases[n_cases] = (struct tap_case){ .name = name, .seconds = 60 };
	return &cases[n_cases++];
}

void
suite_add_tcase(Suite *suite, TCase *tcase)
{
	(void)suite;
	(void)tcase;
}

void
tcase_set_timeout(TCase *tcase, double seconds)
{
	tcase->seconds = seconds;
}

void
tcase_add_checked_fixture(TCase *tcase, void (*setup)(void), void (*teardown)(void))
{
	tcase->setup = setup;
	tcase->teardown = teardown;
}

void
tcase_add_loop_test(TCase *tcase, const struct tap_test *test, int start, int end)
{
	int i;

	for (i = start; i < end; i++) {
		if (n_tests == TESTS)
			abort();
		tests[n_tests++] = (struct one_test){ .tcase = tcase, .test = test, .i = i, .loops = end - start };
	}
}

SRunner *
srunner_create(Suite *suite)
{
	return suite;
}

static const char *
name_of(const struct one_test *one)
{
	static char name[256];

	if (one->loops > 1)
		snprintf(name, sizeof(name), "%s: %s: %d", the_suite.name, one->test->name, one->i);
	else
		snprintf(name, sizeof(name), "%s: %s", the_suite.name, one->test->name);
	return name;
}

/* In the test's own process. */
static void
run(int n)
{
	current = &tests[n];
	if (current->tcase->setup != NULL)
		current->tcase->setup();
	current->test->fn(current->i);
	if (current->tcase->teardown != NULL)
		current->tcase->teardown();
	fflush(stdout);
}

static void
run_and_tell(int n)
{
	int status = tap_process_run(n, tests[n].tcase->seconds, run);

	if (status == TAP_SKIPPED)
		return; /* it said so itself */
	printf("%s %d - %s\n", status == 0 ? "ok" : "not ok", n + 1, name_of(&tests[n]));
	if (status > 1)
		printf("# exit status %d\n", status);
	fflush(stdout);
	the_suite.failed += status != 0;
}

void
srunner_run_all(SRunner *runner, enum print_output mode)
{
	int n;

	(void)runner;
	(void)mode;
	tap_process_begin();
	if ((n = tap_process_case()) >= 0) {
		if (n >= n_tests)
			abort();
		run(n);
		tap_process_exit(0);
	}
	printf("1..%d\n", n_tests);
	for (n = 0; n < n_tests; n++)
		run_and_tell(n);
}

int
srunner_ntests_failed(SRunner *runner)
{
	return runner->failed;
}

void
srunner_free(SRunner *runner)
{
	(void)runner;
}

static void
say_where(const char *file, int line)
{
	printf("# %s:%d: %s: ", file, line, current != NULL ? name_of(current) : "before any test");
}

void
tap_fail(const char *file, int line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say_where(file, line);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
	tap_process_exit(1);
}

void
tap_fail_int(const char *file, int line, const char *what, intmax_t left, intmax_t right)
{
	say_where(file, line);
	printf("%s: %" PRId64 ", %" PRId64 "\n", what, (int64_t)left, (int64_t)right);
	fflush(stdout);
	tap_process_exit(1);
}

void
tap_fail_uint(const char *file, int line, const char *what, uintmax_t left, uintmax_t right)
{
	say_where(file, line);
	printf("%s: %" PRIu64 ", %" PRIu64 "\n", what, (uint64_t)left, (uint64_t)right);
	fflush(stdout);
	tap_process_exit(1);
}

void
tap_skip(const char *why)
{
	printf("skip - %s: %s\n", current != NULL ? name_of(current) : the_suite.name, why);
	if (current != NULL && current->tcase->teardown != NULL)
		current->tcase->teardown();
	fflush(stdout);
	tap_process_exit(TAP_SKIPPED);
}
