/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * Mutexes, the process lock and events, of slim locks and one condition
 * variable, so that an event itself stays one word.  All waiters look up when
 * any event is set.  There are no signals, no fork, and no descriptors to poll.
 */
#include <config.h>

#include <errno.h>

#include "os_win32.h"

static SRWLOCK *
lock_of(struct os_mutex *mutex)
{
	_Static_assert(sizeof(SRWLOCK) <= sizeof(mutex->storage), "room for a mutex");
	return (SRWLOCK *)(void *)mutex->storage.bytes;
}

int
ipclock__os_mutex_make(struct os_mutex *mutex)
{
	InitializeSRWLock(lock_of(mutex));
	return 0;
}

void
ipclock__os_mutex_free(struct os_mutex *mutex)
{
	(void)mutex;
}

void
ipclock__os_mutex_lock(struct os_mutex *mutex)
{
	AcquireSRWLockExclusive(lock_of(mutex));
}

void
ipclock__os_mutex_unlock(struct os_mutex *mutex)
{
	ReleaseSRWLockExclusive(lock_of(mutex));
}

static SRWLOCK process = SRWLOCK_INIT;

void
ipclock__os_process_lock(void)
{
	AcquireSRWLockExclusive(&process);
}

void
ipclock__os_process_unlock(void)
{
	ReleaseSRWLockExclusive(&process);
}

int
ipclock__os_at_fork(void (*child)(void))
{
	(void)child;
	return 0;
}

/* ---- events ---- */

static SRWLOCK events = SRWLOCK_INIT;
static CONDITION_VARIABLE changed = CONDITION_VARIABLE_INIT;

void
ipclock__os_event_make(struct os_event *event)
{
	atomic_init(&event->set, 0);
	atomic_init(&event->fd, -1);
}

void
ipclock__os_event_free(struct os_event *event)
{
	(void)event;
}

void
ipclock__os_event_set(struct os_event *event)
{
	AcquireSRWLockExclusive(&events);
	atomic_store(&event->set, 1);
	ReleaseSRWLockExclusive(&events);
	WakeAllConditionVariable(&changed);
}

void
ipclock__os_event_clear(struct os_event *event)
{
	atomic_exchange(&event->set, 0);
}

int
ipclock__os_event_wait(struct os_event *event, int64_t until)
{
	DWORD ms;
	int r = 0;

	AcquireSRWLockExclusive(&events);
	while (!atomic_load(&event->set) && r == 0) {
		ms = ipclock__os_ms_until(until);
		if (ms == 0)
			r = ETIMEDOUT;
		else
			SleepConditionVariableSRW(&changed, &events, ms, 0);
	}
	ReleaseSRWLockExclusive(&events);
	return r;
}

int
ipclock__os_event_fd(struct os_event *event)
{
	(void)event;
	return -1;
}
