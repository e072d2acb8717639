/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * libipclock-redis and a server that is broken or hostile: each of its answers in each course of calls is replaced by
 * each kind of answer, cut off at each byte, or dripped.  Whatever it says, no call may break off, hang, or take for
 * held what was not granted.
 */

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "redis_fake.h"
#include "redis_server.h"

#define COMMAND_MS 40
#define GRANT      "*2\r\n:1\r\n$3\r\n100\r\n"
#define BUSY       "*5\r\n:0\r\n:0\r\n:60000\r\n$2\r\nab\r\n$12\r\nW 9 abc 99 x\r\n"

static atomic_llong ahead_ns; /* of the clock of the library */

/* In place of the system's. */
int
clock_gettime(clockid_t clock, struct timespec *t)
{
	long long ns;

	if (syscall(SYS_clock_gettime, clock, t) != 0)
		return -1;
	ns = t->tv_nsec + atomic_load(&ahead_ns);
	t->tv_sec += ns / 1000000000;
	t->tv_nsec = ns % 1000000000;
	return 0;
}

static const char *const odd[] = {
	"+\r\n", "+OK\r\n", "-\r\n", "-ERR x\r\n", "-NOSCRIPT x\r\n", "-OOM x\r\n", "-LOADING\r\n", "-BUSY x\r\n",
	"-READONLY x\r\n", "-MOVED\r\n", "-MOVED 1\r\n", "-MOVED 1 :\r\n", "-MOVED 1 :0\r\n", "-MOVED 1 :99999\r\n",
	"-MOVED 1 x:-1\r\n", "-ASK 1 x\r\n", "-TRYAGAIN x\r\n", ":0\r\n", ":1\r\n", ":2\r\n", ":-1\r\n",
	":9223372036854775807\r\n", ":9223372036854775808\r\n", ":x\r\n", ":\r\n", "$0\r\n\r\n", "$-1\r\n",
	"$-2\r\n", "$1\r\nx\r\n", "$1\r\nxx\r\n", "$3\r\n\0\0\0\r\n", "$9223372036854775807\r\n",
	"$99999999999999999999\r\n", "$4294967296\r\nx\r\n", "*0\r\n", "*-1\r\n", "*-2\r\n", "*1\r\n:1\r\n",
	"*2\r\n:1\r\n:1\r\n", "*2\r\n:1\r\n$-1\r\n", "*2\r\n:1\r\n*0\r\n", "*2\r\n:1\r\n$2\r\n-5\r\n",
	"*2\r\n$-1\r\n$-1\r\n", "*3\r\n:0\r\n:0\r\n:0\r\n", "*3\r\n:0\r\n:-9\r\n:-9\r\n",
	"*4\r\n:0\r\n:0\r\n:0\r\n:0\r\n", "*5\r\n:0\r\n:0\r\n:0\r\n$1\r\na\r\n$0\r\n\r\n",
	"*5\r\n:0\r\n:0\r\n:0\r\n$1\r\na\r\n-ERR\r\n",
	"*5\r\n:0\r\n:0\r\n:0\r\n$1\r\na\r\n$30\r\nW 99999999999999999999999 abcde\r\n",
	"*2\r\n*1\r\n*1\r\n:1\r\n:1\r\n", "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
	"*2147483648\r\n", "*9223372036854775807\r\n", "*1048576\r\n:1\r\n", "_\r\n", "#t\r\n", ",1.5\r\n",
	"(123\r\n", "=5\r\ntxt:x\r\n", "%1\r\n+a\r\n:1\r\n", "~1\r\n:1\r\n", ">1\r\n:1\r\n", "|1\r\n+a\r\n:1\r\n",
	"!3\r\nERR\r\n", "\r\n", "\n", "?", "HTTP/1.0 400 Bad Request\r\n\r\n", "\x15\x03\x03\x00\x02\x02\x50",
	":1\r\n:1\r\n", "+OK\r\n" GRANT, GRANT GRANT, "*2\r\n+role\r\n-ERR\r\n",
	"$25\r\nrun_id:abc\r\nrole:slave \r\n\r\n", "$7\r\nrun_id:\r\n",
};
#define ODD ((int)(sizeof(odd) / sizeof(*odd)))

static struct fake fake = { .odd_at = -1 };
static int protocol, command_ms = COMMAND_MS;

/* ---- courses of calls ---- */

static struct ipclock_redis *
try_open(void)
{
	struct ipclock_redis_attr *attr;
	struct ipclock_redis *r;
	int error;

	ck_assert_int_eq(ipclock_redis_attr_new(&attr), 0);
	ck_assert_int_eq(ipclock_redis_attr_set_timeouts(attr, command_ms, command_ms), 0);
	ck_assert_int_eq(ipclock_redis_attr_set_backoff(attr, 1, 1), 0);
	ck_assert_int_eq(ipclock_redis_attr_set_protocol(attr, protocol), 0);
	error = ipclock_redis_open(&r, fake_url(), "c", attr);
	ck_assert((error == 0) == (r != NULL));
	ipclock_redis_attr_free(attr);
	return r;
}

/* What a grant must be: the one that was sent, or one that is as good. */
static void
must_make_sense(struct ipclock_redis *r, int error)
{
	uint64_t token = 0;

	ck_assert(error >= 0 && error != EDEADLK && error != EINVAL && error != EPERM);
	ck_assert(ipclock_redis_held(r) == 0 || error == 0);
	if (error == 0 && protocol == IPCLOCK_REDIS_LEASE && ipclock_redis_token(r, &token) == 0)
		ck_assert(token == 100 || token == (uint64_t)-5);
}

static void
hold(struct ipclock_redis *r)
{
	int error = ipclock_redis_acquire_write(r, 0);

	must_make_sense(r, error);
	if (error == 0)
		ipclock_redis_renew(r);
	if (error == 0)
		ipclock_redis_release(r);
	ck_assert_int_eq(ipclock_redis_held(r), 0);
}

static void
hold_twice(struct ipclock_redis *r)
{
	hold(r);
	hold(r);
}

static void
hold_by_a_thread(struct ipclock_redis *r)
{
	ipclock_redis_start_renewing(r);
	hold(r);
}

static void
wait_a_while(struct ipclock_redis *r)
{
	must_make_sense(r, ipclock_redis_acquire_write(r, 5));
}

static void
step(struct ipclock_redis *r)
{
	int i, wait_ms, error = ipclock_redis_start_write(r, 60000);

	for (i = 0; i < 4 && error == EINPROGRESS; i++) {
		error = ipclock_redis_step(r, &wait_ms);
		ck_assert_int_ge(wait_ms, 0);
		nap_ms(wait_ms < 2 ? wait_ms : 2);
	}
	must_make_sense(r, error);
	ipclock_redis_cancel(r);
}

static int
look(void *ctx, const struct ipclock_redis_holder *holder)
{
	(void)ctx;
	ck_assert_int_ge(ipclock_redis_holder_writes(holder), 0);
	return 0;
}

static void
ask_who(struct ipclock_redis *r)
{
	ck_assert_int_ge(ipclock_redis_holders(r, look, NULL), 0);
}

static const struct course {
	void (*run)(struct ipclock_redis *r);
	int protocol;
	long least; /* answers, where all are right */
	const char *ask, *who;
} courses[] = {
	{ hold_twice, IPCLOCK_REDIS_LEASE, 11, GRANT, "*0\r\n" },
	{ hold_by_a_thread, IPCLOCK_REDIS_LEASE, 8, GRANT, "*0\r\n" },
	{ wait_a_while, IPCLOCK_REDIS_LEASE, 6, BUSY "|" GRANT, "*0\r\n" },
	{ step, IPCLOCK_REDIS_LEASE, 6, BUSY "|" BUSY "|" GRANT, "*0\r\n" },
	{ ask_who, IPCLOCK_REDIS_LEASE, 4, BUSY, "*4\r\n:0\r\n$11\r\nW 9 abc 99 \r\n:1\r\n$7\r\nR 9 abc\r\n" },
	{ hold_twice, IPCLOCK_REDIS_PORTALOCKER, 12, "", "" },
	{ step, IPCLOCK_REDIS_PORTALOCKER, 6, "", "" },
};
#define COURSES ((int)(sizeof(courses) / sizeof(*courses)))

static long
run(const struct course *course)
{
	struct ipclock_redis *r;

	protocol = course->protocol;
	fake.ask = course->ask;
	fake.who = course->who;
	fake_count();
	r = try_open();
	if (r) {
		course->run(r);
		ck_assert_int_eq(ipclock_redis_close(r), 0);
	}
	return fake_count();
}

/* ---- answers ---- */

/* A check framework that forks counts each as a test. */
static void
begin(void)
{
	fake = (struct fake){ .odd_at = -1 };
	fake_start(&fake);
}

START_TEST(no_letter_each_answer_is_odd)
{
	const struct course *course = &courses[_i];
	int fds, i;
	long n = run(course), at;

	fds = fd_count();
	ck_assert_msg(n >= course->least, "%ld answers", n);
	for (at = 0; at < n; at++)
		for (i = 0; i < ODD; i++) {
			fake.odd_at = at;
			fake.odd = odd[i];
			fake.hangs_up = i % 3 != 0;
			run(course);
		}
	ck_assert_int_le(fd_count(), fds + 4); /* those of the fake that it has not closed yet */
}
END_TEST

START_TEST(no_letter_each_answer_ends_early)
{
	const struct course *course = &courses[_i];
	long n = run(course), at;

	fake.hangs_up = 1;
	for (at = 0; at < n; at++) {
		fake.odd_at = at;
		fake.cut = 1;
		run(course);
		for (fake.cut = 2; fake.cut <= fake_odd_length(); fake.cut++)
			run(course);
	}
}
END_TEST

START_TEST(no_letter_each_answer_drips)
{
	const struct course *course = &courses[_i];
	long n = run(course), at;

	fake.drips = 1;
	for (at = 0; at < n; at++) {
		fake.odd_at = at;
		run(course);
	}
}
END_TEST

/* More than anyone wants to know, or has memory for. */
START_TEST(E_an_answer_without_an_end)
{
	struct ipclock_redis *r = NULL;
	static char text[1 << 20];

	command_ms = LONG_MS;
	memset(text, 'x', sizeof(text) - 1);
	memcpy(text, "$999999999\r\n", 12);
	fake = (struct fake){ .odd = text, .endless = 200, .hangs_up = 1 };
	r = try_open();
	ck_assert_ptr_null(r);
	ck_assert_ptr_nonnull(strstr(ipclock_redis_message(NULL), "no end"));
}
END_TEST

/* That nobody can tell whether a holder lives does not mean that it is dead. */
START_TEST(A_no_list_of_clients)
{
	struct ipclock_redis *r;

	/* Behind CLIENT ID, INFO, SCRIPT LOAD, EVALSHA. */
	fake = (struct fake){ .ask = BUSY, .odd_at = 4, .odd = ":1\r\n" };
	r = try_open();
	ck_assert_ptr_nonnull(r);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), EPROTO);
	ipclock_redis_close(r);
}
END_TEST

/* ---- time ---- */

static void
leap(void)
{
	atomic_fetch_add(&ahead_ns, 5000 * 1000000LL);
}

/* A renewal that the server grants in time, and that is heard of when the lease before it is over: that is lost. */
START_TEST(B_a_renewal_that_comes_late)
{
	struct ipclock_redis *r;

	fake.ask = GRANT;
	r = try_open(); /* with a lease of 10 s */
	ck_assert_ptr_nonnull(r);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), 0);
	fake_count();
	atomic_fetch_add(&ahead_ns, 6000 * 1000000LL);
	ck_assert_int_eq(ipclock_redis_held(r), 1);
	fake.odd_at = 1; /* behind SCRIPT LOAD */
	fake.before = leap;
	ck_assert_int_eq(ipclock_redis_renew(r), ESTALE);
	ck_assert_int_eq(ipclock_redis_held(r), 0);
	ck_assert_int_eq(ipclock_redis_release(r), ESTALE);
	ipclock_redis_close(r);
}
END_TEST

/* What else is told on the channel does not lengthen a release. */
START_TEST(E_a_release_that_comes_late)
{
	struct ipclock_redis *r;

	protocol = IPCLOCK_REDIS_PORTALOCKER;
	r = try_open();
	ck_assert_ptr_nonnull(r);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), 0);
	fake_count();
	fake.odd_at = 0; /* UNSUBSCRIBE */
	fake.odd = "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nx\r\n"
	    "*3\r\n$11\r\nunsubscribe\r\n$1\r\nc\r\n:0\r\n";
	fake.before = leap;
	ck_assert_int_eq(ipclock_redis_release(r), ETIMEDOUT);
	ck_assert_int_eq(ipclock_redis_held(r), 0);
	ipclock_redis_close(r);
}
END_TEST

static void
add(TCase *t)
{
	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, begin, fake_stop);
	tcase_add_loop_test(t, no_letter_each_answer_is_odd, 0, COURSES);
	tcase_add_loop_test(t, no_letter_each_answer_ends_early, 0, COURSES);
	tcase_add_loop_test(t, no_letter_each_answer_drips, 0, COURSES);
	tcase_add_test(t, E_an_answer_without_an_end);
	tcase_add_test(t, A_no_list_of_clients);
	tcase_add_test(t, B_a_renewal_that_comes_late);
	tcase_add_test(t, E_a_release_that_comes_late);
}

int
main(void)
{
	return test_main("redis_answers", add);
}
