/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <stddef.h>

#include <ipclock/process_lock.h>

#include "handle.h"

/* A process lock is a handle that is only ever locked exclusively. */
static struct handle *
handle(struct ipclock *lock)
{
	return (struct handle *)(void *)lock;
}

int
ipclock_open(struct ipclock **lock, const char *path, const struct ipclock_attr *attr)
{
	return ipclock__handle_open((struct handle **)(void *)lock, path, attr);
}

int
ipclock_open_fd(struct ipclock **lock, int fd, const struct ipclock_attr *attr)
{
	return ipclock__handle_open_fd((struct handle **)(void *)lock, fd, attr);
}

int
ipclock_acquire(struct ipclock *lock, int timeout_ms)
{
	return ipclock__handle_acquire(handle(lock), OS_EXCLUSIVE, timeout_ms);
}

int
ipclock_release(struct ipclock *lock)
{
	return ipclock__handle_release(handle(lock), OS_EXCLUSIVE);
}

int
ipclock_close(struct ipclock *lock)
{
	return ipclock__handle_close(handle(lock));
}

int
ipclock_start(struct ipclock *lock, int timeout_ms)
{
	return ipclock__handle_start(handle(lock), OS_EXCLUSIVE, timeout_ms);
}

int
ipclock_step(struct ipclock *lock, int *wait_ms)
{
	return ipclock__handle_step(handle(lock), wait_ms);
}

int
ipclock_pollfd(struct ipclock *lock)
{
	return ipclock__handle_pollfd(handle(lock));
}

void
ipclock_cancel(struct ipclock *lock)
{
	ipclock__handle_cancel(handle(lock));
}

int
ipclock_fd(struct ipclock *lock)
{
	return ipclock__handle_fd(handle(lock));
}

const char *
ipclock_path(struct ipclock *lock)
{
	return ipclock__handle_path(handle(lock));
}

const char *
ipclock_message(struct ipclock *lock)
{
	return ipclock__handle_message(handle(lock));
}

int
ipclock_held(struct ipclock *lock)
{
	return ipclock__handle_held(handle(lock));
}

long
ipclock_attempts(struct ipclock *lock)
{
	return ipclock__handle_attempts(handle(lock));
}

long
ipclock_waited_ms(struct ipclock *lock)
{
	return ipclock__handle_waited_ms(handle(lock));
}
