/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <check.h>
#include <limits.h>
#include <stdlib.h>

#include "backoff.h"

START_TEST(grows_by_the_step_up_to_the_maximum)
{
	const struct backoff fasteners = { 10, 100, 0 };
	uint32_t seed = 1;
	int n;

	for (n = 0; n < 10; n++)
		ck_assert_int_eq(ipclock__backoff_pause(&fasteners, (unsigned)n, &seed), 10 * (n + 1));
	ck_assert_int_eq(ipclock__backoff_pause(&fasteners, 10, &seed), 100);
	ck_assert_int_eq(ipclock__backoff_pause(&fasteners, UINT_MAX, &seed), 100);
}
END_TEST

START_TEST(does_not_overflow)
{
	const struct backoff huge = { INT_MAX, INT_MAX, 100 };
	uint32_t seed = 7;
	int n, pause;

	for (n = 0; n < 1000; n++) {
		pause = ipclock__backoff_pause(&huge, UINT_MAX, &seed);
		ck_assert_int_ge(pause, 1);
	}
}
END_TEST

START_TEST(jitter_stays_in_its_bounds_and_is_used)
{
	const struct backoff jitter = { 100, 100, 25 };
	uint32_t seed = 42;
	int n, pause, least = INT_MAX, most = 0;

	for (n = 0; n < 10000; n++) {
		pause = ipclock__backoff_pause(&jitter, 0, &seed);
		least = pause < least ? pause : least;
		most = pause > most ? pause : most;
	}
	ck_assert_int_eq(least, 75);
	ck_assert_int_eq(most, 125);
}
END_TEST

START_TEST(full_jitter_never_pauses_for_nothing)
{
	const struct backoff jitter = { 1, 1, 100 };
	uint32_t seed = 0;
	int n;

	for (n = 0; n < 1000; n++)
		ck_assert_int_ge(ipclock__backoff_pause(&jitter, 0, &seed), 1);
}
END_TEST

START_TEST(seeds_differ_and_repeat)
{
	const struct backoff jitter = { 1000, 1000, 100 };
	uint32_t a = 5, b = 5, c = 6;
	int n, differ = 0;

	for (n = 0; n < 100; n++) {
		int pause = ipclock__backoff_pause(&jitter, 0, &a);

		ck_assert_int_eq(pause, ipclock__backoff_pause(&jitter, 0, &b));
		differ += pause != ipclock__backoff_pause(&jitter, 0, &c);
	}
	ck_assert_int_gt(differ, 50);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("backoff");
	TCase *tcase = tcase_create("backoff");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, grows_by_the_step_up_to_the_maximum);
	tcase_add_test(tcase, does_not_overflow);
	tcase_add_test(tcase, jitter_stays_in_its_bounds_and_is_used);
	tcase_add_test(tcase, full_jitter_never_pauses_for_nothing);
	tcase_add_test(tcase, seeds_differ_and_repeat);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
