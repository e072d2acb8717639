/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * As much of libcheck's interface as the tests here use, for where there is no
 * libcheck: Windows, musl.  Prints TAP.  Each test runs in a process of its
 * own; CK_FORK=no keeps all of them in one, and TAP_CASE=N runs the Nth alone.
 */
#ifndef TAP_CHECK_H
#define TAP_CHECK_H

/* Like libcheck's, these macros convert what they compare. */
#pragma GCC system_header

#include <stdint.h>
#include <string.h>

/* How a test that cannot be done here ends. */
#define TAP_SKIPPED 77

enum print_output { CK_NORMAL, CK_VERBOSE };

struct tap_test {
	const char *name;
	void (*fn)(int _i);
};

typedef struct tap_suite Suite;
typedef struct tap_case TCase;
typedef struct tap_suite SRunner;

Suite *suite_create(const char *name);
TCase *tcase_create(const char *name);
void suite_add_tcase(Suite *suite, TCase *tcase);
void tcase_set_timeout(TCase *tcase, double seconds);
void tcase_add_checked_fixture(TCase *tcase, void (*setup)(void), void (*teardown)(void));
void tcase_add_loop_test(TCase *tcase, const struct tap_test *test, int start, int end);
#define tcase_add_test(tcase, test) tcase_add_loop_test(tcase, test, 0, 1)

SRunner *srunner_create(Suite *suite);
void srunner_run_all(SRunner *runner, enum print_output mode);
int srunner_ntests_failed(SRunner *runner);
void srunner_free(SRunner *runner);

#define START_TEST(test) \
	static void test##_fn(int _i); \
	static const struct tap_test test##_test = { #test, test##_fn }; \
	static const struct tap_test *const test = &test##_test; \
	static void test##_fn(int _i __attribute__((unused)))
#define END_TEST

/* End the test's process; what they say follows a '#'. */
_Noreturn void tap_fail(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));
_Noreturn void tap_fail_int(const char *file, int line, const char *what, intmax_t left, intmax_t right);
_Noreturn void tap_fail_uint(const char *file, int line, const char *what, uintmax_t left, uintmax_t right);

/* Ends a test that cannot be done here, and says why. */
_Noreturn void tap_skip(const char *why);

#define TAP_COMPARE(type, fail, a, op, b) do { \
	type tap_a = (a); \
	type tap_b = (b); \
	if (!(tap_a op tap_b)) \
		fail(__FILE__, __LINE__, #a " " #op " " #b, tap_a, tap_b); \
} while (0)

#define ck_assert_int_eq(a, b) TAP_COMPARE(intmax_t, tap_fail_int, a, ==, b)
#define ck_assert_int_ne(a, b) TAP_COMPARE(intmax_t, tap_fail_int, a, !=, b)
#define ck_assert_int_lt(a, b) TAP_COMPARE(intmax_t, tap_fail_int, a, <, b)
#define ck_assert_int_le(a, b) TAP_COMPARE(intmax_t, tap_fail_int, a, <=, b)
#define ck_assert_int_gt(a, b) TAP_COMPARE(intmax_t, tap_fail_int, a, >, b)
#define ck_assert_int_ge(a, b) TAP_COMPARE(intmax_t, tap_fail_int, a, >=, b)
#define ck_assert_uint_eq(a, b) TAP_COMPARE(uintmax_t, tap_fail_uint, a, ==, b)
#define ck_assert_uint_ne(a, b) TAP_COMPARE(uintmax_t, tap_fail_uint, a, !=, b)
#define ck_assert_uint_lt(a, b) TAP_COMPARE(uintmax_t, tap_fail_uint, a, <, b)
#define ck_assert_uint_le(a, b) TAP_COMPARE(uintmax_t, tap_fail_uint, a, <=, b)
#define ck_assert_uint_gt(a, b) TAP_COMPARE(uintmax_t, tap_fail_uint, a, >, b)
#define ck_assert_uint_ge(a, b) TAP_COMPARE(uintmax_t, tap_fail_uint, a, >=, b)

#define TAP_COMPARE_STR(a, op, b) do { \
	const char *tap_a = (a); \
	const char *tap_b = (b); \
	if (tap_a == NULL || tap_b == NULL || !(strcmp(tap_a, tap_b) op 0)) \
		tap_fail(__FILE__, __LINE__, "%s: \"%s\", \"%s\"", #a " " #op " " #b, tap_a ? tap_a : "NULL", \
		    tap_b ? tap_b : "NULL"); \
} while (0)

#define ck_assert_str_eq(a, b) TAP_COMPARE_STR(a, ==, b)
#define ck_assert_str_ne(a, b) TAP_COMPARE_STR(a, !=, b)

#define ck_assert_msg(condition, ...) \
	((condition) ? (void)0 : tap_fail(__FILE__, __LINE__, __VA_ARGS__))
#define ck_assert(condition) ck_assert_msg(condition, "%s", #condition)
#define ck_assert_ptr_eq(a, b) ck_assert((a) == (b))
#define ck_assert_ptr_null(p) ck_assert((p) == NULL)
#define ck_assert_ptr_nonnull(p) ck_assert((p) != NULL)
#define ck_abort_msg(...) tap_fail(__FILE__, __LINE__, __VA_ARGS__)

#endif
