/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* Promises C and D, with fork in every state, and exec. */


#include <config.h>

#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent_client.h"
#include "support.h"

/* Whether this process has the file at the path open, through any descriptor. */
static int
is_open(const char *path)
{
	struct stat file, st;
	int fd;

	if (stat(path, &file) != 0)
		return 0;
	for (fd = 0; fd < 256; fd++)
		if (fstat(fd, &st) == 0 && st.st_dev == file.st_dev && st.st_ino == file.st_ino)
			return 1;
	return 0;
}

static int
child_of_a_holder(void *arg)
{
	struct ipclock *l = arg;

	if (is_open(test_path))
		return 10;
	if (ipclock_held(l) != 0)
		return 11;
	if (ipclock_release(l) != EPERM)
		return 12;
	if (ipclock_acquire(l, 0) != EBUSY)
		return 13;
	if (ipclock_acquire(l, 30) != ETIMEDOUT)
		return 14;
	if (ipclock_start(l, 1000) != EINPROGRESS)
		return 15;
	ipclock_cancel(l);
	return ipclock_close(l);
}

static int
exit_at_once(void *arg)
{
	(void)arg;
	return 0;
}

static int
close_it(void *arg)
{
	return ipclock_close(arg);
}

static atomic_int opens, stop;

static int
open_and_close(void *arg)
{
	struct ipclock *l;
	int r;

	(void)arg;
	do {
		r = ipclock_open(&l, test_path, NULL);
		if (r == 0)
			r = ipclock_close(l);
		opens++;
	} while (r == 0 && !stop);
	return r;
}

static int
open_and_close_once(void *arg)
{
	stop = 1;
	return open_and_close(arg);
}

static void
await_the_first_open(void)
{
	while (opens == 0)
		sched_yield();
}

/* In a process that has not used the library yet. */
static int
fork_beside_the_first_open(void *arg)
{
	struct thread t;
	int r;

	(void)arg;
	pthread_atfork(await_the_first_open, NULL, NULL);
	thread_start(&t, open_and_close, NULL);
	r = in_child(open_and_close_once, NULL);
	stop = 1;
	return r ? r : thread_join(&t);
}

START_TEST(D_a_fork_beside_the_first_open)
{
	int i;

	for (i = 0; i < 50; i++)
		ck_assert_int_eq(in_child(fork_beside_the_first_open, NULL), 0);
}
END_TEST

START_TEST(D_child_holds_nothing_and_frees_nothing)
{
	static int (*const children[])(void *) = { child_of_a_holder, exit_at_once, close_it };
	struct ipclock *l = must_open(test_path, 0);
	struct agent a;
	int i;

	agent_spawn(&a);
	ck_assert_int_eq(agent_do(&a, "open l %s", test_path), 0);
	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	for (i = 0; i < 3; i++) {
		ck_assert_int_eq(in_child(children[i], l), 0);
		ck_assert_int_eq(ipclock_held(l), 1);
		ck_assert_int_eq(agent_do(&a, "acquire l 0"), EBUSY);
	}
	ck_assert_int_eq(ipclock_release(l), 0);
	ck_assert_int_eq(agent_do(&a, "acquire l 0"), 0);
	agent_end(&a);
	ipclock_close(l);
}
END_TEST

static int
child_of_a_reader(void *arg)
{
	struct ipclock_rw *rw = arg;

	if (ipclock_rw_held(rw) != 0 || ipclock_rw_release_read(rw) != EPERM)
		return 10;
	if (ipclock_rw_downgrade(rw) != EPERM || ipclock_rw_try_upgrade(rw) != EPERM)
		return 11;
	if (ipclock_rw_acquire_write(rw, 0) != EBUSY)
		return 12;
	if (ipclock_rw_acquire_read(rw, 0) != 0)
		return 13;
	if (ipclock_rw_try_upgrade(rw) != EBUSY)
		return 14;
	return ipclock_rw_release_read(rw);
}

START_TEST(D_child_of_a_reader)
{
	struct ipclock_rw *rw = must_rw_open(test_path, 0);
	struct agent a;

	agent_spawn(&a);
	ck_assert_int_eq(agent_do(&a, "rw_open rw %s", test_path), 0);
	ck_assert_int_eq(ipclock_rw_acquire_read(rw, 0), 0);
	ck_assert_int_eq(in_child(child_of_a_reader, rw), 0);
	ck_assert_int_eq(agent_do(&a, "write rw 0"), EBUSY);
	ck_assert_int_eq(agent_do(&a, "read rw 0"), 0);
	agent_end(&a);
	ck_assert_int_eq(ipclock_rw_try_upgrade(rw), 0);
	ipclock_rw_close(rw);
}
END_TEST

/* Depth and owner of a recursive lock are not inherited either. */
static int
child_of_a_recursive_holder(void *arg)
{
	struct ipclock *l = arg;

	if (ipclock_held(l) != 0 || ipclock_release(l) != EPERM)
		return 10;
	return ipclock_acquire(l, 0) == EBUSY ? 0 : 11;
}

START_TEST(D_child_of_a_recursive_holder)
{
	static const unsigned flags[] = { IPCLOCK_RECURSIVE, IPCLOCK_RECURSIVE_PROCESS };
	int i;

	for (i = 0; i < 2; i++) {
		struct ipclock *l = must_open(test_path, flags[i]);

		ck_assert_int_eq(ipclock_acquire(l, 0), 0);
		ck_assert_int_eq(ipclock_acquire(l, 0), 0);
		ck_assert_int_eq(in_child(child_of_a_recursive_holder, l), 0);
		ck_assert_int_eq(ipclock_release(l), 0);
		ck_assert_int_eq(ipclock_release(l), 0);
		ipclock_close(l);
	}
}
END_TEST

/* What the child acquires keeps its parent out. */
START_TEST(A_child_and_parent_exclude_each_other)
{
	struct agent parent;
	struct ipclock *l = must_open(test_path, 0);

	agent_spawn(&parent);
	ck_assert_int_eq(agent_do(&parent, "open l %s", test_path), 0);
	ck_assert_int_eq(agent_do(&parent, "open two %s", test_path), 0);
	ck_assert_int_gt(agent_do(&parent, "fork"), 1);
	ck_assert_int_eq(agent_do(&parent, "acquire l 0"), 0);
	ck_assert_int_eq(agent_do(&parent, "acquire two 0"), EBUSY);
	ck_assert_int_eq(ipclock_acquire(l, 0), EBUSY);
	ck_assert_int_eq(agent_do(&parent, "release l"), 0);
	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	ck_assert_int_eq(agent_do(&parent, "acquire l 0"), EBUSY);
	agent_end(&parent);
	ipclock_close(l);
}
END_TEST

static int
acquire_and_tell(void *arg)
{
	struct ipclock *l = arg;

	return ipclock_acquire(l, 0);
}

START_TEST(A_handle_of_before_the_fork_on_both_sides)
{
	struct ipclock *l = must_open(test_path, 0);
	int ends[2];
	char c;
	pid_t pid;

	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	ck_assert_int_eq(ipclock_release(l), 0);
	ck_assert_int_eq(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		c = (char)acquire_and_tell(l);
		if (write(ends[1], &c, 1) != 1)
			_exit(1);
		pause();
	}
	ck_assert_int_eq(read(ends[0], &c, 1), 1);
	ck_assert_int_eq(c, 0);
	ck_assert_int_eq(ipclock_acquire(l, 0), EBUSY);
	ck_assert_int_eq(ipclock_acquire(l, 20), ETIMEDOUT);
	kill(pid, SIGKILL);
	ck_assert_int_eq(child_result(pid), 1000 + SIGKILL);
	ck_assert_int_eq(ipclock_acquire(l, IPCLOCK_FOREVER), 0);
	ipclock_close(l);
}
END_TEST

/* The parent dies, its child lives: the lock is free, and the child may take it. */
START_TEST(B_parent_dies_and_its_child_lives)
{
	struct ipclock *l = must_open(test_path, 0);
	struct agent parent;

	agent_spawn(&parent);
	ck_assert_int_eq(agent_do(&parent, "open l %s", test_path), 0);
	ck_assert_int_eq(agent_do(&parent, "acquire l 0"), 0);
	ck_assert_int_gt(agent_do(&parent, "fork"), 1);
	ck_assert_int_eq(agent_do(&parent, "held l"), 0);
	ck_assert_int_eq(agent_do(&parent, "release l"), EPERM);
	ck_assert_int_eq(agent_do(&parent, "acquire l 0"), EBUSY);
	agent_kill(&parent, SIGSTOP);
	agent_send(&parent, "acquire l 20000");
	await_line(test_path, 0, 1);
	ck_assert_int_eq(kill(parent.pid, SIGKILL), 0);
	ck_assert_int_eq(agent_answer(&parent), 0);
	ck_assert_int_eq(ipclock_acquire(l, 0), EBUSY);
	ck_assert_int_eq(agent_do(&parent, "release l"), 0);
	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	agent_end(&parent);
	ipclock_close(l);
}
END_TEST

/* A child that never calls the library is in nobody's way either. */
START_TEST(B_parent_dies_and_its_child_knows_nothing)
{
	struct ipclock *l = must_open(test_path, 0);
	struct agent parent;

	agent_spawn(&parent);
	ck_assert_int_eq(agent_do(&parent, "open l %s", test_path), 0);
	ck_assert_int_eq(agent_do(&parent, "acquire l 0"), 0);
	ck_assert_int_gt(agent_do(&parent, "fork"), 1);
	ck_assert_int_eq(kill(parent.pid, SIGKILL), 0);
	ck_assert_int_eq(ipclock_acquire(l, LONG_MS), 0);
	ck_assert_int_gt(agent_do(&parent, "pid"), 1);
	agent_end(&parent);
	ipclock_close(l);
}
END_TEST

static int
child_of_a_starter(void *arg)
{
	struct ipclock *l = arg;

	if (ipclock_step(l, NULL) != ECANCELED)
		return 10;
	if (ipclock_held(l) != 0)
		return 11;
	if (ipclock_acquire(l, 0) != EBUSY)
		return 12;
	return 0;
}

START_TEST(D_started_wait_is_gone_in_the_child)
{
	struct ipclock *holder = must_open(test_path, 0);
	struct ipclock *l = must_open(test_path, 0);
	int error, wait_ms;

	ck_assert_int_eq(ipclock_acquire(holder, 0), 0);
	ck_assert_int_eq(ipclock_start(l, LONG_MS), EINPROGRESS);
	await_line(test_path, 0, 1);
	ck_assert_int_eq(in_child(child_of_a_starter, l), 0);
	ck_assert_int_eq(line_length(test_path, 0), 1);
	ck_assert_int_eq(ipclock_step(l, NULL), EINPROGRESS);
	ck_assert_int_eq(ipclock_release(holder), 0);
	while ((error = ipclock_step(l, &wait_ms)) == EINPROGRESS)
		nap_ms(wait_ms < 20 ? wait_ms : 20);
	ck_assert_int_eq(error, 0);
	ck_assert_int_eq(in_child(child_of_a_holder, l), 0);
	ipclock_close(l);
	ipclock_close(holder);
}
END_TEST

/* A started wait that the child leaves alone and closes. */
START_TEST(D_started_wait_is_closed_in_the_child)
{
	struct ipclock *holder = must_open(test_path, 0);
	struct ipclock *l = must_open(test_path, 0);

	ck_assert_int_eq(ipclock_acquire(holder, 0), 0);
	ck_assert_int_eq(ipclock_start(l, LONG_MS), EINPROGRESS);
	await_line(test_path, 0, 1);
	ck_assert_int_eq(in_child(close_it, l), 0);
	ck_assert_int_eq(line_length(test_path, 0), 1);
	ck_assert_int_eq(ipclock_step(l, NULL), EINPROGRESS);
	ipclock_close(l);
	ipclock_close(holder);
}
END_TEST

static int
forever(void *lock)
{
	return ipclock_acquire(lock, IPCLOCK_FOREVER);
}

static int
for_long(void *lock)
{
	return ipclock_acquire(lock, LONG_MS);
}

static int
try_and_close(void *lock)
{
	if (ipclock_acquire(lock, 0) != EBUSY)
		return 10;
	if (ipclock_acquire(lock, 30) != ETIMEDOUT)
		return 11;
	return ipclock_close(lock);
}

static void
fork_while_a_thread_waits(int (*wait)(void *), unsigned flags)
{
	struct ipclock *l = must_open(test_path, flags);
	struct thread t;
	struct agent a;

	agent_spawn(&a);
	ck_assert_int_eq(agent_do(&a, "open l %s", test_path), 0);
	ck_assert_int_eq(agent_do(&a, "acquire l 0"), 0);
	thread_start(&t, wait, l);
	await_line(test_path, 0, 1);
	ck_assert_int_eq(in_child(try_and_close, l), 0);
	ck_assert_int_eq(line_length(test_path, 0), 1);
	ck_assert(!atomic_load(&t.done));
	ck_assert_int_eq(agent_do(&a, "release l"), 0);
	ck_assert_int_eq(thread_join(&t), 0);
	ck_assert_int_eq(agent_do(&a, "acquire l 0"), EBUSY);
	agent_end(&a);
	ipclock_close(l);
}

START_TEST(D_fork_while_a_thread_waits)
{
	fork_while_a_thread_waits(forever, 0);
	fork_while_a_thread_waits(for_long, 0);
	fork_while_a_thread_waits(forever, IPCLOCK_POLL);
}
END_TEST

static int
turn(void *arg)
{
	struct ipclock *l = arg;
	int error = 0;

	while (error == 0 && !atomic_load(&stop)) {
		error = ipclock_acquire(l, LONG_MS);
		if (error == 0)
			error = ipclock_release(l);
	}
	return error;
}

static int
acquire_and_release(void *arg)
{
	int error = ipclock_acquire(arg, LONG_MS);

	return error != 0 ? error : ipclock_release(arg);
}

static int
try_and_release(void *arg)
{
	int error = ipclock_acquire(arg, 0);

	return error == EBUSY ? 0 : error != 0 ? error : ipclock_release(arg);
}

/*
 * Forks at any instant of other threads' acquires and releases.  The child waits
 * through the handle that makes no thread: AddressSanitizer's allocator, which a
 * new thread calls, is not safe after such a fork.
 */
START_TEST(D_fork_in_any_state)
{
	struct ipclock *shared = must_open(test_path, 0);
	struct ipclock *poll = must_open(test_path, IPCLOCK_POLL);
	struct thread t[3];
	int i;

	thread_start(&t[0], turn, shared);
	thread_start(&t[1], turn, shared);
	thread_start(&t[2], turn, poll);
	for (i = 0; i < 20; i++) {
		ck_assert_int_eq(in_child(try_and_release, shared), 0);
		ck_assert_int_eq(in_child(try_and_release, poll), 0);
		ck_assert_int_eq(in_child(acquire_and_release, poll), 0);
	}
	atomic_store(&stop, 1);
	for (i = 0; i < 3; i++)
		ck_assert_int_eq(thread_join(&t[i]), 0);
	ipclock_close(shared);
	ipclock_close(poll);
}
END_TEST

static int
child_with_a_borrowed_descriptor(void *arg)
{
	struct ipclock *l = arg;

	if (ipclock_held(l) != 0)
		return 10;
	if (ipclock_acquire(l, 0) != EPERM || ipclock_acquire(l, 30) != EPERM)
		return 11;
	if (ipclock_acquire(l, IPCLOCK_FOREVER) != EPERM || ipclock_start(l, 30) != EPERM)
		return 12;
	if (ipclock_release(l) != EPERM)
		return 13;
	return ipclock_close(l);
}

START_TEST(D_open_fd_is_refused_in_the_child)
{
	int fd = open(test_path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	struct ipclock *l;
	struct agent a;
	int held;

	agent_spawn(&a);
	ck_assert_int_eq(agent_do(&a, "open l %s", test_path), 0);
	ck_assert_int_eq(ipclock_open_fd(&l, fd, NULL), 0);
	for (held = 0; held < 2; held++) {
		if (held)
			ck_assert_int_eq(ipclock_acquire(l, 0), 0);
		ck_assert_int_eq(in_child(child_with_a_borrowed_descriptor, l), 0);
	}
	ck_assert_int_eq(ipclock_held(l), 1);
	ck_assert_int_eq(agent_do(&a, "acquire l 0"), EBUSY);
	ck_assert_int_eq(ipclock_release(l), 0);
	ck_assert_int_eq(agent_do(&a, "acquire l 0"), 0);
	agent_end(&a);
	ipclock_close(l);
	close(fd);
}
END_TEST

/* Its end in the child is nothing to another handle on that file. */
static int
child_with_a_borrowed_descriptor_and_its_own(void *arg)
{
	struct ipclock *l = must_open(test_path, 0);

	if (ipclock_acquire(l, 0) != 0)
		return 10;
	if (ipclock_close(arg) != 0)
		return 11;
	if (ipclock_release(l) != 0 || ipclock_acquire(l, 0) != 0)
		return 12;
	return ipclock_close(l);
}

START_TEST(C_open_fd_is_closed_in_the_child)
{
	int fd = open(test_path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	struct ipclock *l;

	ck_assert_int_eq(ipclock_open_fd(&l, fd, NULL), 0);
	ck_assert_int_eq(in_child(child_with_a_borrowed_descriptor_and_its_own, l), 0);
	ipclock_close(l);
	close(fd);
}
END_TEST

/* A log callback that forks: its child comes back from it in the middle of the acquire. */
static pid_t forked;

static void
fork_when_a_wait_begins(void *ctx, int level, const char *line)
{
	(void)ctx, (void)line;
	if (level == IPCLOCK_LOG_DEBUG)
		forked = fork();
}

static void
sleep_in_the_parent(void *holder, int ms)
{
	(void)ms;
	if (forked == 0)
		_exit(10);
	ipclock_release(holder);
}

START_TEST(D_fork_from_the_log)
{
	struct ipclock_attr *attr = attr_with(0, NULL);
	struct ipclock *holder = must_open(test_path, 0);
	struct ipclock *l;
	int error;

	ipclock_attr_set_log(attr, fork_when_a_wait_begins, NULL);
	ipclock_attr_set_sleep(attr, sleep_in_the_parent, holder);
	ck_assert_int_eq(ipclock_open(&l, test_path, attr), 0);
	ck_assert_int_eq(ipclock_acquire(holder, 0), 0);
	error = ipclock_acquire(l, LONG_MS);
	if (forked == 0)
		_exit(error == ECANCELED ? 0 : 11);
	ck_assert_int_eq(error, 0);
	ck_assert_int_eq(child_result(forked), 0);
	ipclock_close(l);
	ipclock_close(holder);
	ipclock_attr_free(attr);
}
END_TEST

/* open, acquire, daemon(): the daemon holds, its dead parents do not matter, and it can release. */
START_TEST(D_inherit_by_a_daemon)
{
	struct ipclock *l = must_open(test_path, 0);
	struct agent a;

	agent_spawn(&a);
	ck_assert_int_eq(agent_do(&a, "open l %s flags=%u", test_path, IPCLOCK_INHERIT), 0);
	ck_assert_int_eq(agent_do(&a, "acquire l 0"), 0);
	ck_assert_int_gt(agent_do(&a, "daemon"), 1);
	while (waitpid(a.pid, NULL, 0) == -1 && errno == EINTR)
		;
	ck_assert_int_eq(ipclock_acquire(l, 0), EBUSY);
	ck_assert_int_eq(agent_do(&a, "held l"), 1);
	ck_assert_int_eq(ipclock_acquire(l, 30), ETIMEDOUT);
	ck_assert_int_eq(agent_do(&a, "release l"), 0);
	ck_assert_int_eq(agent_do(&a, "release l"), EPERM);
	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	ck_assert_int_eq(agent_do(&a, "acquire l 0"), EBUSY);
	ck_assert_int_eq(ipclock_release(l), 0);
	ck_assert_int_eq(agent_do(&a, "acquire l 0"), 0);
	agent_end(&a);
	/* It exits when it sees the end of its input. */
	ck_assert_int_eq(ipclock_acquire(l, LONG_MS), 0);
	ipclock_close(l);
}
END_TEST

/* ---- the loader's lock is another thread's at the fork ---- */

static int in_loader[2], leave_loader[2];

static int
stay(struct dl_phdr_info *info, size_t size, void *arg)
{
	char byte = 0;

	(void)info, (void)size, (void)arg;
	return write(in_loader[1], &byte, 1) == 1 && read(leave_loader[0], &byte, 1) == 1;
}

static int
stay_in_loader(void *arg)
{
	return dl_iterate_phdr(stay, arg);
}

static int
waits_in_vain(void *arg)
{
	alarm(20);
	return ipclock_acquire(arg, 10);
}

START_TEST(D_E_fork_while_a_thread_is_in_the_loader)
{
	struct ipclock *holder = must_open(test_path, 0), *l = must_open(test_path, 0);
	struct thread t;
	char byte;

	ck_assert(pipe(in_loader) == 0 && pipe(leave_loader) == 0);
	ck_assert_int_eq(ipclock_acquire(holder, 0), 0);
	thread_start(&t, stay_in_loader, NULL);
	ck_assert_int_eq(read(in_loader[0], &byte, 1), 1);
	ck_assert_int_eq(in_child(waits_in_vain, l), ETIMEDOUT);
	ck_assert_int_eq(write(leave_loader[1], &byte, 1), 1);
	ck_assert_int_eq(thread_join(&t), 1);
	ipclock_close(l);
	ipclock_close(holder);
}
END_TEST

struct heir {
	struct ipclock *lock;
	int told[2]; /* the parent holds it anew */
};

static int
heir_tries_again(void *arg)
{
	struct heir *heir = arg;
	char byte;

	if (ipclock_release(heir->lock) != 0)
		return 210;
	close(heir->told[1]);
	if (read(heir->told[0], &byte, 1) != 1)
		return 211;
	return ipclock_acquire(heir->lock, 0);
}

/* Once an inherited lock was released, child and parent are two like any others. */
START_TEST(A_heir_and_parent_exclude_each_other)
{
	struct heir heir = { .lock = must_open(test_path, IPCLOCK_INHERIT) };
	struct ipclock *other = must_open(test_path, 0);
	pid_t pid;

	ck_assert_int_eq(pipe(heir.told), 0);
	ck_assert_int_eq(ipclock_acquire(heir.lock, 0), 0);
	pid = fork();
	if (pid == 0)
		_exit(heir_tries_again(&heir));
	ck_assert_int_eq(ipclock_acquire(other, LONG_MS), 0);
	ck_assert_int_eq(ipclock_release(other), 0);
	ck_assert_int_eq(ipclock_release(heir.lock), 0);
	ck_assert_int_eq(ipclock_acquire(heir.lock, 0), 0);
	ck_assert_int_eq(write(heir.told[1], "", 1), 1);
	ck_assert_int_eq(child_result(pid), EBUSY);
	ipclock_close(heir.lock);
	ipclock_close(other);
}
END_TEST

/* The kernel frees it when the daemon dies without a call to the library. */
START_TEST(B_inherit_by_a_daemon_that_dies)
{
	struct ipclock *l = must_open(test_path, 0);
	struct agent a;
	long pid;

	agent_spawn(&a);
	ck_assert_int_eq(agent_do(&a, "rw_open l %s flags=%u", test_path, IPCLOCK_INHERIT), 0);
	ck_assert_int_eq(agent_do(&a, "read l 0"), 0);
	pid = agent_do(&a, "daemon");
	while (waitpid(a.pid, NULL, 0) == -1 && errno == EINTR)
		;
	ck_assert_int_eq(ipclock_acquire(l, 0), EBUSY);
	ck_assert_int_eq(kill((pid_t)pid, SIGKILL), 0);
	ck_assert_int_eq(ipclock_acquire(l, LONG_MS), 0);
	agent_end(&a);
	ipclock_close(l);
}
END_TEST

/* What is not held does not pass: parent and child exclude each other as ever. */
START_TEST(A_inherit_of_a_free_lock)
{
	struct ipclock *l = must_open(test_path, IPCLOCK_INHERIT);
	struct agent a;

	ck_assert_int_eq(in_child(acquire_and_release, l), 0);
	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	ck_assert_int_eq(ipclock_release(l), 0);
	agent_spawn(&a);
	ck_assert_int_eq(agent_do(&a, "open l %s flags=%u", test_path, IPCLOCK_INHERIT), 0);
	ck_assert_int_gt(agent_do(&a, "fork"), 1);
	ck_assert_int_eq(agent_do(&a, "held l"), 0);
	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	ck_assert_int_eq(agent_do(&a, "acquire l 0"), EBUSY);
	agent_end(&a);
	ipclock_close(l);
}
END_TEST

START_TEST(I_inherit_is_refused_where_locks_do_not_pass)
{
	struct ipclock_attr *attr = attr_with(IPCLOCK_INHERIT, NULL);
	struct ipclock *l;

	ck_assert_int_eq(ipclock_open(&l, test_path, attr), ENOTSUP);
	ck_assert_str_ne(ipclock_message(NULL), "");
	ipclock_attr_free(attr);
}
END_TEST

START_TEST(C_exec_of_something_else)
{
	struct ipclock *l = must_open(test_path, 0);
	struct agent a;

	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	ck_assert_int_eq(system("exit 3") >> 8, 3);
	agent_spawn(&a);
	ck_assert_int_eq(agent_do(&a, "open l %s", test_path), 0);
	ck_assert_int_eq(agent_do(&a, "acquire l 0"), EBUSY);
	ck_assert_int_eq(agent_do(&a, "close l"), 0);
	ck_assert_int_eq(agent_do(&a, "open l %s", test_path), 0);
	ck_assert_int_eq(agent_do(&a, "acquire l 20"), ETIMEDOUT);
	agent_end(&a);
	ipclock_close(l);
}
END_TEST

START_TEST(B_exec_frees)
{
	struct ipclock *l = must_open(test_path, 0);
	struct agent a;

	agent_spawn(&a);
	ck_assert_int_eq(agent_do(&a, "open l %s", test_path), 0);
	ck_assert_int_eq(agent_do(&a, "acquire l 0"), 0);
	agent_send(&a, "exec");
	ck_assert_int_eq(agent_do(&a, "pid"), a.pid);
	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	agent_end(&a);
	ipclock_close(l);
}
END_TEST

/* FD_CLOEXEC cleared on purpose: the lock passes, and ends with the last descriptor. */
START_TEST(C_exec_with_the_descriptor)
{
	struct ipclock *l = must_open(test_path, 0);
	struct agent a;

	agent_spawn(&a);
	ck_assert_int_eq(agent_do(&a, "open l %s", test_path), 0);
	ck_assert_int_eq(agent_do(&a, "acquire l 0"), 0);
	ck_assert_int_eq(agent_do(&a, "pass l"), 0);
	agent_send(&a, "exec");
	ck_assert_int_eq(agent_do(&a, "pid"), a.pid);
	ck_assert_int_eq(ipclock_acquire(l, 0), EBUSY);
	agent_end(&a);
	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	ipclock_close(l);
}
END_TEST

/* Other handles on the same file come and go; in classic fcntl a close drops what the process holds. */
START_TEST(C_other_handles_are_closed)
{
	struct ipclock *l = must_open(test_path, 0);
	struct ipclock_rw *other;
	struct agent a;
	int i;

	agent_spawn(&a);
	ck_assert_int_eq(agent_do(&a, "open l %s", test_path), 0);
	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	for (i = 0; i < 3; i++) {
		other = must_rw_open(test_path, 0);
		ck_assert_int_eq(ipclock_rw_acquire_read(other, 0), EBUSY);
		ck_assert_int_eq(ipclock_rw_close(other), 0);
		ck_assert_int_eq(agent_do(&a, "acquire l 0"), EBUSY);
	}
	ck_assert_int_eq(ipclock_release(l), 0);
	ck_assert_int_eq(agent_do(&a, "acquire l 0"), 0);
	agent_end(&a);
	ipclock_close(l);
}
END_TEST

/* Readers through two handles: one goes, the other stays. */
START_TEST(C_another_reader_of_the_process_goes)
{
	struct ipclock_rw *one = must_rw_open(test_path, 0);
	struct ipclock_rw *two = must_rw_open(test_path, 0);
	struct agent a;

	agent_spawn(&a);
	ck_assert_int_eq(agent_do(&a, "open l %s", test_path), 0);
	ck_assert_int_eq(ipclock_rw_acquire_read(one, 0), 0);
	ck_assert_int_eq(ipclock_rw_acquire_read(two, 0), 0);
	ck_assert_int_eq(ipclock_rw_release_read(one), 0);
	ck_assert_int_eq(agent_do(&a, "acquire l 0"), EBUSY);
	ck_assert_int_eq(ipclock_rw_close(one), 0);
	ck_assert_int_eq(agent_do(&a, "acquire l 0"), EBUSY);
	ck_assert_int_eq(ipclock_rw_close(two), 0);
	ck_assert_int_eq(agent_do(&a, "acquire l 0"), 0);
	agent_end(&a);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, A_child_and_parent_exclude_each_other);
	tcase_add_test(t, A_handle_of_before_the_fork_on_both_sides);
	tcase_add_test(t, B_parent_dies_and_its_child_lives);
	tcase_add_test(t, B_parent_dies_and_its_child_knows_nothing);
	tcase_add_test(t, B_exec_frees);
	tcase_add_test(t, C_exec_of_something_else);
	tcase_add_test(t, C_exec_with_the_descriptor);
	tcase_add_test(t, C_other_handles_are_closed);
	tcase_add_test(t, C_another_reader_of_the_process_goes);
	tcase_add_test(t, D_a_fork_beside_the_first_open);
	tcase_add_test(t, D_child_holds_nothing_and_frees_nothing);
	tcase_add_test(t, D_child_of_a_reader);
	tcase_add_test(t, D_child_of_a_recursive_holder);
	tcase_add_test(t, D_started_wait_is_gone_in_the_child);
	tcase_add_test(t, D_started_wait_is_closed_in_the_child);
	tcase_add_test(t, D_fork_while_a_thread_waits);
	tcase_add_test(t, D_fork_in_any_state);
	tcase_add_test(t, D_open_fd_is_refused_in_the_child);
	tcase_add_test(t, D_fork_from_the_log);
	tcase_add_test(t, C_open_fd_is_closed_in_the_child);
	tcase_add_test(t, D_E_fork_while_a_thread_is_in_the_loader);
	if (test_posix()) {
		tcase_add_test(t, I_inherit_is_refused_where_locks_do_not_pass);
		test_skip("IPCLOCK_INHERIT, four tests: classic locks do not pass to a child");
		return;
	}
	tcase_add_test(t, D_inherit_by_a_daemon);
	tcase_add_test(t, B_inherit_by_a_daemon_that_dies);
	tcase_add_test(t, A_inherit_of_a_free_lock);
	tcase_add_test(t, A_heir_and_parent_exclude_each_other);
}

int
main(void)
{
	return test_main("fork", add);
}
