/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <stddef.h>

#include <ipclock/rw_lock.h>

#include "handle.h"

static struct handle *
handle(struct ipclock_rw *rw)
{
	return (struct handle *)(void *)rw;
}

int
ipclock_rw_open(struct ipclock_rw **rw, const char *path, const struct ipclock_attr *attr)
{
	return ipclock__handle_open((struct handle **)(void *)rw, path, attr);
}

int
ipclock_rw_open_fd(struct ipclock_rw **rw, int fd, const struct ipclock_attr *attr)
{
	return ipclock__handle_open_fd((struct handle **)(void *)rw, fd, attr);
}

int
ipclock_rw_acquire_read(struct ipclock_rw *rw, int timeout_ms)
{
	return ipclock__handle_acquire(handle(rw), OS_SHARED, timeout_ms);
}

int
ipclock_rw_acquire_write(struct ipclock_rw *rw, int timeout_ms)
{
	return ipclock__handle_acquire(handle(rw), OS_EXCLUSIVE, timeout_ms);
}

int
ipclock_rw_release_read(struct ipclock_rw *rw)
{
	return ipclock__handle_release(handle(rw), OS_SHARED);
}

int
ipclock_rw_release_write(struct ipclock_rw *rw)
{
	return ipclock__handle_release(handle(rw), OS_EXCLUSIVE);
}

int
ipclock_rw_downgrade(struct ipclock_rw *rw)
{
	return ipclock__handle_downgrade(handle(rw));
}

int
ipclock_rw_try_upgrade(struct ipclock_rw *rw)
{
	return ipclock__handle_try_upgrade(handle(rw));
}

int
ipclock_rw_close(struct ipclock_rw *rw)
{
	return ipclock__handle_close(handle(rw));
}

int
ipclock_rw_start_read(struct ipclock_rw *rw, int timeout_ms)
{
	return ipclock__handle_start(handle(rw), OS_SHARED, timeout_ms);
}

int
ipclock_rw_start_write(struct ipclock_rw *rw, int timeout_ms)
{
	return ipclock__handle_start(handle(rw), OS_EXCLUSIVE, timeout_ms);
}

int
ipclock_rw_step(struct ipclock_rw *rw, int *wait_ms)
{
	return ipclock__handle_step(handle(rw), wait_ms);
}

int
ipclock_rw_pollfd(struct ipclock_rw *rw)
{
	return ipclock__handle_pollfd(handle(rw));
}

void
ipclock_rw_cancel(struct ipclock_rw *rw)
{
	ipclock__handle_cancel(handle(rw));
}

int
ipclock_rw_fd(struct ipclock_rw *rw)
{
	return ipclock__handle_fd(handle(rw));
}

const char *
ipclock_rw_path(struct ipclock_rw *rw)
{
	return ipclock__handle_path(handle(rw));
}

const char *
ipclock_rw_message(struct ipclock_rw *rw)
{
	return ipclock__handle_message(handle(rw));
}

int
ipclock_rw_held(struct ipclock_rw *rw)
{
	return ipclock__handle_held(handle(rw));
}

long
ipclock_rw_attempts(struct ipclock_rw *rw)
{
	return ipclock__handle_attempts(handle(rw));
}

long
ipclock_rw_waited_ms(struct ipclock_rw *rw)
{
	return ipclock__handle_waited_ms(handle(rw));
}
