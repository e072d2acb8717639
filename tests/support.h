/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * What the process tests share: a directory of their own, counts of what a
 * process has open, waits for a condition, children and threads that report a
 * number.  A wait here ends when its condition is true; its bound of 20 s only
 * turns a hang into a failure.
 *
 * A test's name begins with the promise of ipclock(7) that it is about.
 */
#ifndef TESTS_SUPPORT_H
#define TESTS_SUPPORT_H

#include <check.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>

#include <ipclock.h>

#include "system.h"

/* For waits that must succeed, where the library is to bound the wait, not the test. */
#define LONG_MS 20000

/* The byte map of a lock file, said once more here on purpose. */
#define SLOT_BASE INT64_C(0x40000000)
#define SLOT_SIZE INT64_C(512)
#define LINE_BASE (INT64_C(1) << 62)
#define LINE_SIZE (INT64_C(1) << 40)

/* The test's own directory and a lock file's path in it, not made yet. */
extern char test_dir[];
extern char test_path[];

/* The body of main(): one suite, one case, a fork and a directory for each test. */
int test_main(const char *name, void (*add)(TCase *));

/* Says of a test that is not registered here: which, and why. */
void test_skip(const char *why);

/* Whether this build's range locks are classic fcntl ones, or those of Windows: IPCLOCK_RANGE_LOCKS=posix, windows. */
int test_posix(void);
int test_windows(void);

/* A path in the test's directory; valid for ever. */
const char *test_file(const char *name);

long now_ms(void);
void nap_ms(int ms);
int fd_count(void);

/* How many threads there are; and a wait for the kernel to have buried all but n. */
int thread_count(void);
void await_threads(int n);

/* Waits until ready(arg) is not 0. */
void await(int (*ready)(void *), void *arg, const char *what);

/* Waits until *value is at least n. */
void await_count(atomic_int *value, int n, const char *what);

/* How many numbers are taken in a slot's line, of writers (0) or readers (1), and a wait until they are n. */
int line_length(const char *path, unsigned slot);
int numbers_of(const char *path, unsigned slot, int readers);
void await_line(const char *path, unsigned slot, int n);

/* Runs fn in a child of fork(2): what it returned, or 1000 + the signal that ended it. */
int in_child(int (*fn)(void *), void *arg);
int child_result(pid_t pid);

/*
 * Starts a process of this program that does nothing but fn(text), with the same
 * test_dir and test_path, and ends with what that returns; for child_result() and
 * kill(2).  Of this process it has those n descriptors, by the same numbers, and
 * perhaps more.
 */
pid_t test_spawn(int (*fn)(const char *text), const char *text, const int *fds, int n);

/* Memory that all have who name that file, of zeros at first; until the process ends. */
void *test_shared(const char *path, size_t size);

/* Runs fn in a thread of its own and waits for what it returns. */
struct thread {
	pthread_t id;
	int (*fn)(void *);
	void *arg;
	int result;
	atomic_int done;
};
void thread_start(struct thread *t, int (*fn)(void *), void *arg);
int thread_join(struct thread *t);
int in_thread(int (*fn)(void *), void *arg);

/* A log callback's context that counts lines by level. */
struct ear {
	atomic_int lines[3];
	char last[3][512];
};
void ear_hears(void *ctx, int level, const char *line);

/* Options with these flags, or with an ear (NULL: none). */
struct ipclock_attr *attr_with(unsigned flags, struct ear *ear);

/* Opens or fails the test. */
struct ipclock *must_open(const char *path, unsigned flags);
struct ipclock_rw *must_rw_open(const char *path, unsigned flags);

/* Raw classic fcntl(2) lock, try: 0 or an errno value. */
int raw_lock(int fd, int type, int64_t start, int64_t len);

#endif
