/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support.h"

char test_dir[128];
char test_path[160];

static void
setup(void)
{
	const char *base = getenv("TMPDIR");

	snprintf(test_dir, sizeof(test_dir), "%s/ipclock-test.XXXXXX", base != NULL ? base : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(test_dir));
	/* Another user looks in as well. */
	ck_assert_int_eq(chmod(test_dir, 0755), 0);
	snprintf(test_path, sizeof(test_path), "%s/lock", test_dir);
}

static void
teardown(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		execlp("rm", "rm", "-rf", test_dir, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
}

int
test_main(const char *name, void (*add)(TCase *))
{
	Suite *suite = suite_create(name);
	TCase *tcase = tcase_create(name);
	SRunner *runner = srunner_create(suite);
	int failed;

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
	printf("skip - %s\n", why);
	fflush(stdout);
}

int
test_posix(void)
{
	const char *kind = getenv("IPCLOCK_RANGE_LOCKS");

	return kind != NULL && strcmp(kind, "posix") == 0;
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
entries(const char *path)
{
	DIR *dir = opendir(path);
	int n = 0;

	if (dir == NULL)
		return -1;
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

int
fd_count(void)
{
	return entries("/proc/self/fd");
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
	return entries("/proc/self/task");
}

static int
as_few_threads(void *arg)
{
	return entries("/proc/self/task") <= *(int *)arg;
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
	int kinds; /* count readers' numbers alone: 1, writers': 0, all: -1 */
};

/* The kernel tells of any lock in the range, not of the first: look on both sides of it. */
static int
count_between(int fd, int64_t from, int64_t end, int kinds)
{
	struct flock f = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = from, .l_len = end - from };
	int64_t at;
	int n = 0;

	if (from >= end || fcntl(fd, F_GETLK, &f) != 0 || f.l_type == F_UNLCK)
		return 0;
	if (f.l_start < from || f.l_len == 0)
		return 0; /* the whole file */
	/* A process's classic locks on neighbours are one lock. */
	for (at = f.l_start; at < f.l_start + f.l_len; at++)
		n += kinds < 0 || (at & 1) == kinds;
	return n + count_between(fd, from, f.l_start, kinds) + count_between(fd, at, end, kinds);
}

/* In a child: here a close would drop this process's own classic locks. */
static int
count_numbers(void *arg)
{
	const struct place *place = arg;
	int64_t begin = LINE_BASE + LINE_SIZE * (int64_t)place->slot;
	int fd = open(place->path, O_RDWR);

	return fd < 0 ? 0 : count_between(fd, begin, begin + LINE_SIZE, place->kinds);
}

int
numbers_of(const char *path, unsigned slot, int kinds)
{
	struct place place = { .path = path, .slot = slot, .kinds = kinds };

	return in_child(count_numbers, &place);
}

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

int
child_result(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

int
in_child(int (*fn)(void *), void *arg)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(fn(arg));
	return child_result(pid);
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

int
raw_lock(int fd, int type, int64_t start, int64_t len)
{
	struct flock f = { .l_type = (short)type, .l_whence = SEEK_SET, .l_start = start, .l_len = len };

	return fcntl(fd, F_SETLK, &f) == 0 ? 0 : errno;
}
