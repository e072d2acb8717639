/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "support.h"
#include "support_os.h"

char test_dir[SUPPORT_DIRECTORY];
char test_path[SUPPORT_DIRECTORY + 32];

static void
name_lock(const char *directory)
{
	snprintf(test_dir, sizeof(test_dir), "%s", directory);
	snprintf(test_path, sizeof(test_path), "%s/lock", directory);
}

static void
setup(void)
{
	char path[SUPPORT_DIRECTORY];

	support_make_directory(path);
	name_lock(path);
}

static void
teardown(void)
{
	support_remove_directory(test_dir);
}

int
test_main(const char *name, void (*add)(TCase *))
{
	Suite *suite = suite_create(name);
	TCase *tcase = tcase_create(name);
	SRunner *runner = srunner_create(suite);
	int failed;

	support_spawned(name_lock);
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	add(tcase);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_VERBOSE);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

void
test_skip(const char *why)
{
	/* A process for one test alone has heard it from the process for all. */
	if (getenv("TAP_CASE") != NULL)
		return;
	printf("skip - %s\n", why);
	fflush(stdout);
}

static int
range_locks_are(const char *kind)
{
	const char *ours = getenv("IPCLOCK_RANGE_LOCKS");

	return ours != NULL && strcmp(ours, kind) == 0;
}

int
test_posix(void)
{
	return range_locks_are("posix");
}

int
test_windows(void)
{
	return range_locks_are("windows");
}

const char *
test_file(const char *name)
{
	static char paths[8][256];
	static unsigned next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", test_dir, name);
	return path;
}

long
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void
nap_ms(int ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

	while (nanosleep(&t, &t) != 0 && errno == EINTR)
		;
}

static int
nothing(void *arg)
{
	(void)arg;
	return 0;
}

/* The first thread of all may bring a sanitizer's own, who stays. */
int
thread_count(void)
{
	in_thread(nothing, NULL);
	return support_threads();
}

static int
as_few_threads(void *arg)
{
	return support_threads() <= *(int *)arg;
}

void
await_threads(int n)
{
	await(as_few_threads, &n, "threads to end");
}

void
await(int (*ready)(void *), void *arg, const char *what)
{
	long end = now_ms() + LONG_MS;

	while (!ready(arg)) {
		ck_assert_msg(now_ms() < end, "waited in vain: %s", what);
		nap_ms(1);
	}
}

void
await_count(atomic_int *value, int n, const char *what)
{
	long end = now_ms() + LONG_MS;

	while (atomic_load(value) < n) {
		ck_assert_msg(now_ms() < end, "waited in vain: %s", what);
		nap_ms(1);
	}
}

struct place {
	const char *path;
	unsigned slot;
	int n;
};

int
line_length(const char *path, unsigned slot)
{
	return numbers_of(path, slot, -1);
}

static int
line_is(void *arg)
{
	const struct place *place = arg;

	return line_length(place->path, place->slot) == place->n;
}

void
await_line(const char *path, unsigned slot, int n)
{
	struct place place = { .path = path, .slot = slot, .n = n };

	await(line_is, &place, "so many numbers in the line");
}

static void *
thread_body(void *arg)
{
	struct thread *t = arg;

	t->result = t->fn(t->arg);
	atomic_store(&t->done, 1);
	return NULL;
}

void
thread_start(struct thread *t, int (*fn)(void *), void *arg)
{
	t->fn = fn;
	t->arg = arg;
	t->result = -1;
	atomic_store(&t->done, 0);
	ck_assert_int_eq(pthread_create(&t->id, NULL, thread_body, t), 0);
}

int
thread_join(struct thread *t)
{
	await_count(&t->done, 1, "a thread to end");
	pthread_join(t->id, NULL);
	return t->result;
}

int
in_thread(int (*fn)(void *), void *arg)
{
	struct thread t;

	thread_start(&t, fn, arg);
	return thread_join(&t);
}

void
ear_hears(void *ctx, int level, const char *line)
{
	struct ear *ear = ctx;

	if (level < 0 || level > 2)
		abort();
	snprintf(ear->last[level], sizeof(ear->last[level]), "%s", line);
	atomic_fetch_add(&ear->lines[level], 1);
}

struct ipclock_attr *
attr_with(unsigned flags, struct ear *ear)
{
	struct ipclock_attr *attr;

	ck_assert_int_eq(ipclock_attr_new(&attr), 0);
	ck_assert_int_eq(ipclock_attr_set_flags(attr, flags), 0);
	if (ear != NULL)
		ck_assert_int_eq(ipclock_attr_set_log(attr, ear_hears, ear), 0);
	return attr;
}

struct ipclock *
must_open(const char *path, unsigned flags)
{
	struct ipclock_attr *attr = attr_with(flags, NULL);
	struct ipclock *lock;
	int error = ipclock_open(&lock, path, attr);

	ck_assert_msg(error == 0, "%s", ipclock_message(NULL));
	ipclock_attr_free(attr);
	return lock;
}

struct ipclock_rw *
must_rw_open(const char *path, unsigned flags)
{
	struct ipclock_attr *attr = attr_with(flags, NULL);
	struct ipclock_rw *rw;
	int error = ipclock_rw_open(&rw, path, attr);

	ck_assert_msg(error == 0, "%s", ipclock_message(NULL));
	ipclock_attr_free(attr);
	return rw;
}
