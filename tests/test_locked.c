/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * Functions and blocks that run under a lock.  Each test has functions of its
 * own, since a function opens its path once.
 */

#include <fcntl.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

enum { PROCESSES = 4, THREADS = 4 };

/* What another handle on the test's file is told: 0, or EBUSY while somebody holds. */
static int
try_write(void)
{
	struct ipclock_rw *rw = must_rw_open(test_path, 0);
	int r = ipclock_rw_acquire_write(rw, 0);

	ipclock_rw_close(rw);
	return r;
}

static int
try_read(void)
{
	struct ipclock_rw *rw = must_rw_open(test_path, 0);
	int r = ipclock_rw_acquire_read(rw, 0);

	ipclock_rw_close(rw);
	return r;
}

/* ---- exclusion ---- */

static IPCLOCK_LOCKED(int, add, (const char *path, int n), (path, n), test_path, -1)
{
	FILE *f = fopen(path, "r+");
	int total;

	if (!f)
		return -1;
	if (n == 0 || fscanf(f, "%d", &total) != 1) {
		fclose(f);
		return 0;
	}
	rewind(f);
	fprintf(f, "%d\n", total += n);
	return fclose(f) == 0 ? total : -1;
}

/* Where waiters ask by backoff, a turn takes long. */
static int
turns(void)
{
	return test_posix() ? 5 : 100;
}

static int
add_often(void *path)
{
	int i, wrong = 0;

	for (i = 0; i < turns(); i++)
		wrong += add(path, 1) <= 0 || add(path, 0) != 0;
	return wrong;
}

static int
add_by_threads(void *path)
{
	struct thread threads[THREADS];
	int i, wrong = 0;

	for (i = 0; i < THREADS; i++)
		thread_start(&threads[i], add_often, path);
	for (i = 0; i < THREADS; i++)
		wrong += thread_join(&threads[i]);
	return wrong;
}

START_TEST(A_no_update_is_lost)
{
	char path[256];
	pid_t pids[PROCESSES];
	FILE *f;
	int i, total;

	snprintf(path, sizeof(path), "%s", test_file("total"));
	f = fopen(path, "w");
	ck_assert(f && fprintf(f, "0\n") > 0 && fclose(f) == 0);
	for (i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		ck_assert_int_ge(pids[i], 0);
		if (pids[i] == 0)
			_exit(add_by_threads(path));
	}
	for (i = 0; i < PROCESSES; i++)
		ck_assert_int_eq(child_result(pids[i]), 0);
	f = fopen(path, "r");
	ck_assert(f && fscanf(f, "%d", &total) == 1 && fclose(f) == 0);
	ck_assert_int_eq(total, PROCESSES * THREADS * turns());
}
END_TEST

static int seen_write, seen_read;

static void
look(void)
{
	seen_write = try_write();
	seen_read = try_read();
}

static IPCLOCK_LOCKED(int, look_locked, (void), (), test_path, -1) { look(); return 1; }
static IPCLOCK_WRITE_LOCKED(int, look_writing, (void), (), test_path, -1) { look(); return 1; }
static IPCLOCK_READ_LOCKED(int, look_reading, (void), (), test_path, -1) { look(); return 1; }
static IPCLOCK_LOCKED_VOID(look_locked_void, (void), (), test_path) { look(); }
static IPCLOCK_WRITE_LOCKED_VOID(look_writing_void, (void), (), test_path) { look(); }
static IPCLOCK_READ_LOCKED_VOID(look_reading_void, (void), (), test_path) { look(); }
static IPCLOCK_LOCKED_BY(int, look_by, (struct ipclock *l), (l), l, 0, -1) { look(); return ipclock_held(l); }
static IPCLOCK_WRITE_LOCKED_BY(int, look_writing_by, (struct ipclock_rw *rw), (rw), rw, 0, -1)
{
	look();
	return ipclock_rw_held(rw);
}

static IPCLOCK_READ_LOCKED_BY(int, look_reading_by, (struct ipclock_rw *rw), (rw), rw, 0, -1)
{
	look();
	return ipclock_rw_held(rw);
}

static IPCLOCK_LOCKED_BY_VOID(look_by_void, (struct ipclock *l), (l), l, 0) { look(); ck_assert(ipclock_held(l)); }
static IPCLOCK_WRITE_LOCKED_BY_VOID(look_writing_by_void, (struct ipclock_rw *rw), (rw), rw, 0)
{
	look();
	ck_assert(ipclock_rw_held(rw));
}

static IPCLOCK_READ_LOCKED_BY_VOID(look_reading_by_void, (struct ipclock_rw *rw), (rw), rw, 0)
{
	look();
	ck_assert(ipclock_rw_held(rw));
}


/* Held so inside, and not at all afterwards. */
static void
assert_looked(int write, int read)
{
	ck_assert_int_eq(ipclock_locked_error(), 0);
	ck_assert_int_eq(seen_write, write);
	ck_assert_int_eq(seen_read, read);
	ck_assert_int_eq(try_write(), 0);
	seen_write = seen_read = -1;
}

START_TEST(A_every_form_holds_its_mode_in_the_body)
{
	struct ipclock *l = must_open(test_path, 0);
	struct ipclock_rw *rw = must_rw_open(test_path, 0);

	ck_assert_int_eq(look_locked(), 1);
	assert_looked(EBUSY, EBUSY);
	ck_assert_int_eq(look_writing(), 1);
	assert_looked(EBUSY, EBUSY);
	ck_assert_int_eq(look_reading(), 1);
	assert_looked(EBUSY, 0);
	look_locked_void();
	assert_looked(EBUSY, EBUSY);
	look_writing_void();
	assert_looked(EBUSY, EBUSY);
	look_reading_void();
	assert_looked(EBUSY, 0);
	ck_assert_int_eq(look_by(l), 1);
	assert_looked(EBUSY, EBUSY);
	ck_assert_int_eq(look_writing_by(rw), 1);
	assert_looked(EBUSY, EBUSY);
	ck_assert_int_eq(look_reading_by(rw), 1);
	assert_looked(EBUSY, 0);
	look_by_void(l);
	assert_looked(EBUSY, EBUSY);
	look_writing_by_void(rw);
	assert_looked(EBUSY, EBUSY);
	look_reading_by_void(rw);
	assert_looked(EBUSY, 0);
	ipclock_rw_close(rw);
	ipclock_close(l);
}
END_TEST

/* ---- recursion ---- */

static int outer_ran;

static IPCLOCK_LOCKED(int, factorial, (int n), (n), test_path, -1)
{
	return n < 2 ? 1 : n * factorial(n - 1);
}

static IPCLOCK_READ_LOCKED(int, read_it, (void), (), "lock", -1) { return try_write(); }
static IPCLOCK_WRITE_LOCKED(int, write_it, (void), (), test_path, -1) { return read_it(); }
static IPCLOCK_READ_LOCKED(int, write_in_read, (void), (), test_path, -2)
{
	outer_ran = 1;
	return write_it();
}
static IPCLOCK_READ_LOCKED(int, read_in_read, (void), (), test_path, -2) { return read_it(); }

START_TEST(one_path_is_one_recursive_lock)
{
	int fds;

	ck_assert_int_eq(chdir(test_dir), 0);
	ck_assert_int_eq(factorial(5), 120);
	ck_assert_int_eq(try_write(), 0);
	fds = fd_count();
	ck_assert_int_eq(write_it(), EBUSY);
	ck_assert_int_eq(try_write(), 0);
	ck_assert_int_eq(read_in_read(), EBUSY);
	ck_assert_int_eq(try_write(), 0);
	ck_assert_int_eq(fd_count(), fds);
}
END_TEST

static IPCLOCK_LOCKED(int, first, (void), (), test_path, -1) { return 0; }
static IPCLOCK_LOCKED(int, second, (void), (), test_path, -1) { return 0; }

static IPCLOCK_LOCKED(int, here, (void), (), test_path, -1) { return 0; }
static IPCLOCK_LOCKED(int, elsewhere, (void), (), test_file("other"), -1) { return try_write(); }

START_TEST(another_path_is_another_lock)
{
	ck_assert_int_eq(here(), 0);
	ck_assert_int_eq(elsewhere(), 0);
}
END_TEST

static int
try_first_byte(void *arg)
{
	(void)arg;
	return raw_lock(open(test_path, O_RDWR), F_WRLCK, 0, 1);
}

/* It would close it again, and drop what other code has locked. */
START_TEST(C_a_second_function_does_not_open_the_file)
{
	int fd;

	ck_assert_int_eq(first(), 0);
	fd = open(test_path, O_RDWR);
	ck_assert_int_eq(raw_lock(fd, F_WRLCK, 0, 1), 0);
	ck_assert_int_eq(second(), 0);
	ck_assert_int_ne(in_child(try_first_byte, NULL), 0);
	close(fd);
}
END_TEST

START_TEST(write_in_read_is_refused)
{
	ck_assert_int_eq(write_in_read(), -1);
	ck_assert_int_eq(outer_ran, 1);
	ck_assert_int_eq(ipclock_locked_error(), 0); /* the outer one's */
	ck_assert_int_eq(try_write(), 0);
}
END_TEST

static int inner_error;

static IPCLOCK_WRITE_LOCKED(int, refused, (void), (), test_path, -1) { return 0; }
static IPCLOCK_READ_LOCKED(int, asks_inside, (void), (), test_path, -2)
{
	int r = refused();

	inner_error = ipclock_locked_error();
	return r;
}

START_TEST(the_body_can_ask_why)
{
	ck_assert_int_eq(asks_inside(), -1);
	ck_assert_int_eq(inner_error, EDEADLK);
}
END_TEST

/* ---- failure ---- */

static int evaluated, ran;
static char directory_path[256];

static const char *
evaluate(const char *path)
{
	evaluated++;
	return path;
}

static IPCLOCK_LOCKED(int, in_directory, (int n), (n), evaluate(directory_path), ran ? -9 : -n)
{
	ran = 1;
	return n;
}

START_TEST(a_failed_open_is_told_and_tried_again)
{
	int n;

	snprintf(directory_path, sizeof(directory_path), "%s/lock", test_file("dir"));
	errno = 77;
	n = in_directory(5);
	ck_assert_int_eq(n, -5);
	ck_assert_int_eq(errno, 77);
	ck_assert_int_eq(ran, 0);
	ck_assert_int_eq(ipclock_locked_error(), ENOENT);
	ck_assert_ptr_nonnull(strstr(ipclock_message(NULL), directory_path));
	ck_assert_int_eq(mkdir(test_file("dir"), 0700), 0);
	ck_assert_int_eq(in_directory(5), 5);
	ck_assert_int_eq(ipclock_locked_error(), 0);
	ck_assert_int_eq(evaluated, 2);
	strcpy(directory_path, "/nowhere/at/all");
	ck_assert_int_eq(in_directory(6), 6); /* the first value counts */
	ck_assert_int_eq(evaluated, 2);
}
END_TEST

static const char *bad_path;

static IPCLOCK_LOCKED(int, by_bad_path, (void), (), bad_path, ipclock_locked_error()) { return 0; }
static IPCLOCK_LOCKED_BY(int, by, (struct ipclock *l, int ms), (l, ms), l, ms, ipclock_locked_error())
{
	return ms == 77 || !ipclock_held(l);
}

START_TEST(bad_input)
{
	struct ipclock *l = must_open(test_path, 0);
	struct ipclock_scope scope;
	char *long_path = malloc(10000);

	ck_assert_int_eq(by_bad_path(), EINVAL);
	bad_path = "";
	ck_assert_int_eq(by_bad_path(), EINVAL);
	memset(long_path, 'x', 9999);
	long_path[9999] = '\0';
	bad_path = long_path;
	ck_assert_int_eq(by_bad_path(), EINVAL);
	free(long_path);
	bad_path = test_dir;
	ck_assert_int_eq(by_bad_path(), EINVAL);
	ck_assert_int_eq(by(NULL, 0), EINVAL);
	ck_assert_int_eq(by(l, -2), EINVAL);
	ck_assert_int_eq(ipclock_locked_ready(NULL), 0);
	scope = ipclock_locked_enter(NULL, 1, test_path);
	ck_assert_int_eq(scope.error, EINVAL);
	ck_assert_str_ne(ipclock_message(NULL), "");
	ck_assert_int_eq(ipclock_locked_error(), EINVAL);
	ipclock_locked_leave(&scope);
	ipclock_locked_leave(NULL);
	ck_assert_int_eq(ipclock_locked_error(), EINVAL);
	ipclock_close(l);
}
END_TEST

static int
error_here(void *arg)
{
	(void)arg;
	return ipclock_locked_error();
}

START_TEST(E_a_timeout_is_told_to_its_thread)
{
	struct ipclock *l = must_open(test_path, 0), *other = must_open(test_path, 0);

	ck_assert_int_eq(ipclock_acquire(other, 0), 0);
	ck_assert_int_eq(by(l, 0), EBUSY);
	ck_assert_int_eq(by(l, 30), ETIMEDOUT);
	ck_assert_int_eq(ipclock_locked_error(), ETIMEDOUT);
	ck_assert_int_eq(in_thread(error_here, NULL), 0);
	ck_assert_int_eq(by(l, -1), EDEADLK);
	ck_assert_int_eq(ipclock_held(other), 1);
	ck_assert_int_eq(ipclock_release(other), 0);
	ck_assert_int_eq(by(l, 0), 0);
	ck_assert_int_eq(ipclock_locked_error(), 0);
	ipclock_close(other);
	ipclock_close(l);
}
END_TEST

/* ---- threads ---- */

static pthread_barrier_t barrier;
static atomic_int inside, most;

static IPCLOCK_LOCKED(int, raced, (void), (), test_path, -1)
{
	int now = ++inside;

	if (now > most)
		most = now;
	inside--;
	return 0;
}

static IPCLOCK_LOCKED(int, raced_too, (void), (), test_path, -1) { return raced(); }

static int
race(void *arg)
{
	(void)arg;
	pthread_barrier_wait(&barrier);
	return raced() | raced_too();
}

START_TEST(A_threads_open_one_handle)
{
	enum { MANY = 16 };
	struct thread threads[MANY];
	int i, fds = fd_count();

	pthread_barrier_init(&barrier, NULL, MANY);
	for (i = 0; i < MANY; i++)
		thread_start(&threads[i], race, NULL);
	for (i = 0; i < MANY; i++)
		ck_assert_int_eq(thread_join(&threads[i]), 0);
	ck_assert_int_eq(most, 1);
	ck_assert_int_eq(fd_count(), fds + 1);
}
END_TEST

enum { RACERS = 4, RACES = 100 };

/* Each race is for another path, and somebody often finds that another has just opened it. */
static int
race_often(void *arg)
{
	struct ipclock_scope scope;
	char path[256];
	int i, r = 0;

	(void)arg;
	for (i = 0; i < RACES; i++) {
		struct ipclock_locked function = { NULL };

		snprintf(path, sizeof(path), "%s/%d", test_dir, i);
		pthread_barrier_wait(&barrier);
		scope = ipclock_locked_enter(&function, 1, path);
		r |= scope.error;
		ipclock_locked_leave(&scope);
	}
	return r;
}

START_TEST(G_the_losers_of_a_race_to_open_leave_nothing)
{
	struct thread threads[RACERS];
	int i, fds = fd_count();

	pthread_barrier_init(&barrier, NULL, RACERS);
	for (i = 0; i < RACERS; i++)
		thread_start(&threads[i], race_often, NULL);
	for (i = 0; i < RACERS; i++)
		ck_assert_int_eq(thread_join(&threads[i]), 0);
	ck_assert_int_eq(fd_count(), fds + RACES);
}
END_TEST

/* ---- fork ---- */

static IPCLOCK_LOCKED(int, forks, (pid_t *pid), (pid), test_path, -1)
{
	int r;

	*pid = fork();
	if (*pid == 0)
		return try_write(); /* by way of the release */
	r = child_result(*pid);
	return r == EBUSY ? try_write() : -2;
}

static IPCLOCK_LOCKED(int, after, (void), (), test_path, -1) { return try_write(); }

static int
call_after(void *arg)
{
	(void)arg;
	return after();
}

START_TEST(D_the_child_holds_nothing_and_frees_nothing)
{
	pid_t pid = -1;
	int r = forks(&pid);

	if (pid == 0)
		_exit(ipclock_locked_error() ? 99 : r);
	ck_assert_int_eq(r, EBUSY);
	ck_assert_int_eq(try_write(), 0);
	ck_assert_int_eq(in_child(call_after, NULL), EBUSY);
	ck_assert_int_eq(after(), EBUSY);
}
END_TEST

static atomic_int gate, at_gate;

static const char *
slow_path(void)
{
	at_gate++;
	await_count(&gate, 1, "the gate");
	return test_path;
}

static IPCLOCK_LOCKED(int, slow, (void), (), slow_path(), -1) { return try_write(); }

static int
call_slow(void *arg)
{
	(void)arg;
	return slow();
}

static int
call_slow_in_child(void *arg)
{
	(void)arg;
	gate = 1;
	return slow();
}

START_TEST(D_a_fork_during_the_first_open)
{
	struct thread t;

	thread_start(&t, call_slow, NULL);
	await_count(&at_gate, 1, "the first open");
	ck_assert_int_eq(in_child(call_slow_in_child, NULL), EBUSY);
	gate = 1;
	ck_assert_int_eq(thread_join(&t), EBUSY);
}
END_TEST

static atomic_int stop;

enum { MANY_PATHS = 200 };

/* The first of these opens it, and the others find it. */
static int
enter_path(int i)
{
	struct ipclock_locked function = { NULL };
	struct ipclock_scope scope;
	char path[256];

	snprintf(path, sizeof(path), "%s/%d", test_dir, i % MANY_PATHS);
	scope = ipclock_locked_enter(&function, 1, path);
	if (scope.error)
		return scope.error;
	ipclock_locked_leave(&scope);
	return 0;
}

static int
enter_paths(void *arg)
{
	int i, r = 0;

	(void)arg;
	for (i = 0; r == 0 && !stop; i++)
		r = enter_path(i);
	return r;
}

static int
enter_all(void *arg)
{
	int i, r = 0;

	(void)arg;
	for (i = 0; r == 0 && i < MANY_PATHS; i++)
		r = enter_path(i);
	return r;
}

START_TEST(D_forks_during_opens)
{
	struct thread t;
	int i;

	thread_start(&t, enter_paths, NULL);
	for (i = 0; i < 50; i++)
		ck_assert_int_eq(in_child(enter_all, NULL), 0);
	stop = 1;
	ck_assert_int_eq(thread_join(&t), 0);
}
END_TEST

/* ---- ways out ---- */

static jmp_buf escape;

static IPCLOCK_LOCKED(int, jumps, (int jump), (jump), test_path, -1)
{
	if (jump)
		longjmp(escape, 1);
	return 0;
}

START_TEST(longjmp_keeps_the_lock)
{
	if (setjmp(escape) == 0)
		jumps(1);
	ck_assert_int_eq(try_write(), EBUSY);
	ck_assert_int_eq(jumps(0), 0); /* this thread's own lock */
	ck_assert_int_eq(try_write(), EBUSY);
}
END_TEST

#ifdef IPCLOCK_SCOPE

static int
leave_scope_by(int way, struct ipclock *l)
{
	int i;

	for (i = 0; i < 1; i++) {
		IPCLOCK_SCOPE(guard, l, 0);

		if (guard.error || try_write() != EBUSY)
			return -1;
		if (way == 0)
			return try_write();
		if (way == 1)
			break;
		if (way == 2)
			continue;
		if (way == 3)
			goto out;
		if (way == 4) {
			ipclock_locked_leave(&guard);
			ck_assert_int_eq(guard.error, EPERM);
			ck_assert_int_eq(try_write(), 0);
			ck_assert_int_eq(ipclock_acquire(l, 0), 0);
		}
	}
	return 0;
out:
	return 1;
}

START_TEST(A_a_scope_ends_with_its_block)
{
	const int results[] = { EBUSY, 0, 0, 1 };
	struct ipclock *l = must_open(test_path, 0);
	int way;

	for (way = 0; way < 4; way++) {
		ck_assert_int_eq(leave_scope_by(way, l), results[way]);
		ck_assert_int_eq(try_write(), 0);
	}
	ck_assert_int_eq(leave_scope_by(4, l), 0);
	ck_assert_int_eq(ipclock_release(l), 0); /* the end of the block did nothing more */
	ipclock_close(l);
}
END_TEST

START_TEST(A_scopes_have_modes_and_errors)
{
	struct ipclock_rw *rw = must_rw_open(test_path, 0), *other = must_rw_open(test_path, 0);

	{
		IPCLOCK_READ_SCOPE(reading, rw, 0);

		ck_assert_int_eq(reading.error, 0);
		ck_assert_int_eq(try_read(), 0);
		ck_assert_int_eq(try_write(), EBUSY);
		{
			IPCLOCK_WRITE_SCOPE(writing, other, 30);

			ck_assert_int_eq(writing.error, ETIMEDOUT);
			ck_assert_int_eq(ipclock_locked_error(), ETIMEDOUT);
		}
		ck_assert_int_eq(try_write(), EBUSY); /* what failed released nothing */
	}
	{
		IPCLOCK_WRITE_SCOPE(writing, rw, IPCLOCK_FOREVER);

		ck_assert_int_eq(writing.error, 0);
		ck_assert_int_eq(try_read(), EBUSY);
	}
	ck_assert_int_eq(try_write(), 0);
	ipclock_rw_close(other);
	ipclock_rw_close(rw);
}
END_TEST

#endif

static void
add_tests(TCase *tcase)
{
	tcase_add_test(tcase, A_no_update_is_lost);
	tcase_add_test(tcase, A_every_form_holds_its_mode_in_the_body);
	tcase_add_test(tcase, one_path_is_one_recursive_lock);
	tcase_add_test(tcase, another_path_is_another_lock);
	tcase_add_test(tcase, C_a_second_function_does_not_open_the_file);
	tcase_add_test(tcase, write_in_read_is_refused);
	tcase_add_test(tcase, the_body_can_ask_why);
	tcase_add_test(tcase, a_failed_open_is_told_and_tried_again);
	tcase_add_test(tcase, bad_input);
	tcase_add_test(tcase, E_a_timeout_is_told_to_its_thread);
	tcase_add_test(tcase, A_threads_open_one_handle);
	tcase_add_test(tcase, G_the_losers_of_a_race_to_open_leave_nothing);
	tcase_add_test(tcase, D_the_child_holds_nothing_and_frees_nothing);
	tcase_add_test(tcase, D_a_fork_during_the_first_open);
	tcase_add_test(tcase, D_forks_during_opens);
	tcase_add_test(tcase, longjmp_keeps_the_lock);
#ifdef IPCLOCK_SCOPE
	tcase_add_test(tcase, A_a_scope_ends_with_its_block);
	tcase_add_test(tcase, A_scopes_have_modes_and_errors);
#endif
}

int
main(void)
{
	return test_main("locked", add_tests);
}
