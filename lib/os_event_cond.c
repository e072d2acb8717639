/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * Events where there is nothing but POSIX: one condition variable for the whole
 * process, so that an event itself stays one word.  All waiters look up when any
 * event is set.  A signal handler does not end a wait, and there are no
 * descriptors to poll.
 */
#include <config.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include "os.h"
#include "os_posix.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
make_condition(void)
{
	ipclock__os_condition_make(&changed);
}

static void
lock(sigset_t *before)
{
	sigset_t all;

	pthread_once(&once, make_condition);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, before);
	pthread_mutex_lock(&mutex);
}

static void
unlock(const sigset_t *before)
{
	pthread_mutex_unlock(&mutex);
	pthread_sigmask(SIG_SETMASK, before, NULL);
}

/* Another thread may have been in here: the child starts anew. */
static void
after_fork(void)
{
	pthread_mutex_init(&mutex, NULL);
	make_condition();
}

int
ipclock__os_event_at_fork(void)
{
	pthread_once(&once, make_condition);
	return pthread_atfork(NULL, NULL, after_fork);
}

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
	sigset_t before;

	lock(&before);
	atomic_store(&event->set, 1);
	pthread_cond_broadcast(&changed);
	unlock(&before);
}

void
ipclock__os_event_clear(struct os_event *event)
{
	atomic_exchange(&event->set, 0);
}

/* Signals stay as they are while it sleeps: a handler may run, and must not find the mutex taken. */
int
ipclock__os_event_wait(struct os_event *event, int64_t until)
{
	sigset_t before;
	int r = 0;

	lock(&before);
	while (!atomic_load(&event->set) && r == 0)
		r = until == OS_NEVER ? pthread_cond_wait(&changed, &mutex) :
		    ipclock__os_condition_wait(&changed, &mutex, until);
	if (atomic_load(&event->set))
		r = 0;
	unlock(&before);
	return r;
}

int
ipclock__os_event_fd(struct os_event *event)
{
	(void)event;
	return -1;
}
