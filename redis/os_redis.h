/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * What libipclock-redis asks of an operating system beyond what hiredis does:
 * the only seam.  A function that can fail returns 0 or an errno value.
 */
#ifndef IPCLOCK_OS_REDIS_H
#define IPCLOCK_OS_REDIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OS_MS    INT64_C(1000000)
#define OS_NEVER INT64_MAX

/* Nanoseconds on a clock that nobody can set, and that goes on while the machine sleeps, where there is one. */
int64_t ipclock__os_redis_now(void);

/* For poll(2): rounded up, 0 if it is past, -1 for OS_NEVER; less than the truth where that is long. */
int ipclock__os_redis_milliseconds_until(int64_t when);

/* Bytes that nobody can guess. */
int ipclock__os_redis_random(void *bytes, size_t size);

/* Sleeps until then, whatever signal handlers run. */
void ipclock__os_redis_sleep_until(int64_t when);

/* Around every public call: keeps errno, and cancellation of the thread away. */
struct os_redis_guard {
	int error;
	int cancel_state;
};

void ipclock__os_redis_enter(struct os_redis_guard *guard);
void ipclock__os_redis_leave(const struct os_redis_guard *guard);

/* A mutex inside a handle. */
struct os_redis_mutex {
	union {
		void *align;
		unsigned char bytes[48];
	} storage;
};

int ipclock__os_redis_mutex_make(struct os_redis_mutex *mutex);
void ipclock__os_redis_mutex_free(struct os_redis_mutex *mutex);
void ipclock__os_redis_lock(struct os_redis_mutex *mutex);
void ipclock__os_redis_unlock(struct os_redis_mutex *mutex);

/* The one lock of the whole process, which fork(2) takes as well; child() runs in each child, with that lock held. */
void ipclock__os_redis_process_lock(void);
void ipclock__os_redis_process_unlock(void);
int ipclock__os_redis_at_fork(void (*child)(void));

/* In a child: closes its copy of its parent's socket, if it has one. */
void ipclock__os_redis_close(int fd);

/* A thread with all signals blocked that runs run(arg). */
struct os_redis_thread {
	uintptr_t thread;
	int bell[2];
	void (*run)(void *arg);
	void *arg;
};

int ipclock__os_redis_thread_start(struct os_redis_thread *thread, void (*run)(void *), void *arg);

/* In the thread: waits for the bell, for fd (or -1) to be readable or dead, or until then. */
void ipclock__os_redis_thread_wait(struct os_redis_thread *thread, int fd, int64_t until);

/* Ends its wait. */
void ipclock__os_redis_thread_ring(struct os_redis_thread *thread);

/* Waits for the end of run(), which the caller has told to end and rung for. */
void ipclock__os_redis_thread_join(struct os_redis_thread *thread);

/* It may end when it likes, and forgets itself. */
void ipclock__os_redis_thread_leave(struct os_redis_thread *thread);

/* In a child, where there is no such thread; or in one that was left. */
void ipclock__os_redis_thread_forget(struct os_redis_thread *thread);

#endif
