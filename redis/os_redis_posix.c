/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <config.h>

#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "os_redis.h"

#ifdef CLOCK_BOOTTIME /* a lease goes on while the machine sleeps */
#define CLOCK CLOCK_BOOTTIME
#else
#define CLOCK CLOCK_MONOTONIC
#endif

int64_t
ipclock__os_redis_now(void)
{
	struct timespec t = { 0 };

	if (clock_gettime(CLOCK, &t) < 0)
		clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 * OS_MS + t.tv_nsec;
}

int
ipclock__os_redis_random(void *bytes, size_t size)
{
	int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC), r = 0;
	ssize_t n;

	if (fd < 0)
		return errno;
	do
		n = read(fd, bytes, size);
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)size)
		r = n < 0 ? errno : EIO;
	close(fd);
	return r;
}

int
ipclock__os_redis_milliseconds_until(int64_t when)
{
	int64_t left;

	if (when == OS_NEVER)
		return -1;
	left = (when - ipclock__os_redis_now() + OS_MS - 1) / OS_MS;
	return left < 0 ? 0 : left > 1000000 ? 1000000 : (int)left;
}

void
ipclock__os_redis_sleep_until(int64_t when)
{
	int left;

	while ((left = ipclock__os_redis_milliseconds_until(when)) != 0)
		poll(NULL, 0, left);
}

/* ---- threads and forks ---- */

void
ipclock__os_redis_enter(struct os_redis_guard *guard)
{
	guard->error = errno;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &guard->cancel_state);
}

void
ipclock__os_redis_leave(const struct os_redis_guard *guard)
{
	pthread_setcancelstate(guard->cancel_state, NULL);
	errno = guard->error;
}

static pthread_mutex_t *
pthread_of(struct os_redis_mutex *mutex)
{
	_Static_assert(sizeof(pthread_mutex_t) <= sizeof(mutex->storage), "room for a mutex");
	return (pthread_mutex_t *)(void *)mutex->storage.bytes;
}

int
ipclock__os_redis_mutex_make(struct os_redis_mutex *mutex)
{
	return pthread_mutex_init(pthread_of(mutex), NULL);
}

void
ipclock__os_redis_mutex_free(struct os_redis_mutex *mutex)
{
	pthread_mutex_destroy(pthread_of(mutex));
}

void
ipclock__os_redis_lock(struct os_redis_mutex *mutex)
{
	pthread_mutex_lock(pthread_of(mutex));
}

void
ipclock__os_redis_unlock(struct os_redis_mutex *mutex)
{
	pthread_mutex_unlock(pthread_of(mutex));
}

static pthread_mutex_t process = PTHREAD_MUTEX_INITIALIZER;
static void (*in_child)(void);

void
ipclock__os_redis_process_lock(void)
{
	pthread_mutex_lock(&process);
}

void
ipclock__os_redis_process_unlock(void)
{
	pthread_mutex_unlock(&process);
}

static void
child(void)
{
	int error = errno;

	if (in_child)
		in_child();
	errno = error;
	ipclock__os_redis_process_unlock();
}

static int
register_handlers(void)
{
	static bool registered;
	int r = 0;

	if (!registered)
		r = pthread_atfork(ipclock__os_redis_process_lock, ipclock__os_redis_process_unlock, child);
	registered = r == 0;
	return r;
}

/* Before there is a second thread: a fork(2) that has begun does not run what another thread registers. */
__attribute__((constructor)) static void
at_load(void)
{
	register_handlers();
}

int
ipclock__os_redis_at_fork(void (*run)(void))
{
	int r = register_handlers();

	if (r == 0)
		in_child = run;
	return r;
}

void
ipclock__os_redis_close(int fd)
{
	if (fd >= 0)
		close(fd);
}

/* ---- the thread ---- */

static void *
thread_main(void *arg)
{
	struct os_redis_thread *thread = arg;
	int before;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
	thread->run(thread->arg);
	return NULL;
}

static int
make_bell(int bell[2])
{
	int i;

	if (pipe(bell) < 0)
		return errno;
	for (i = 0; i < 2; i++) {
		fcntl(bell[i], F_SETFD, FD_CLOEXEC);
		fcntl(bell[i], F_SETFL, O_NONBLOCK);
	}
	return 0;
}

void
ipclock__os_redis_thread_forget(struct os_redis_thread *thread)
{
	close(thread->bell[0]);
	close(thread->bell[1]);
}

int
ipclock__os_redis_thread_start(struct os_redis_thread *thread, void (*run)(void *), void *arg)
{
	sigset_t all, before;
	pthread_t id;
	int r = make_bell(thread->bell);

	_Static_assert(sizeof(pthread_t) <= sizeof(thread->thread), "room for a thread");
	if (r)
		return r;
	thread->run = run;
	thread->arg = arg;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&id, NULL, thread_main, thread);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r)
		ipclock__os_redis_thread_forget(thread);
	else
		thread->thread = (uintptr_t)id;
	return r;
}

void
ipclock__os_redis_thread_wait(struct os_redis_thread *thread, int fd, int64_t until)
{
	struct pollfd p[2] = { { .fd = thread->bell[0], .events = POLLIN }, { .fd = fd, .events = POLLIN } };
	char rung[16];

	poll(p, 2, ipclock__os_redis_milliseconds_until(until));
	while (read(thread->bell[0], rung, sizeof(rung)) == (ssize_t)sizeof(rung))
		;
}

void
ipclock__os_redis_thread_ring(struct os_redis_thread *thread)
{
	while (write(thread->bell[1], "", 1) < 0 && errno == EINTR)
		;
}

void
ipclock__os_redis_thread_leave(struct os_redis_thread *thread)
{
	pthread_detach((pthread_t)thread->thread);
}

void
ipclock__os_redis_thread_join(struct os_redis_thread *thread)
{
	pthread_join((pthread_t)thread->thread, NULL);
	ipclock__os_redis_thread_forget(thread);
}
