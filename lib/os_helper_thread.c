/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * The helper as a POSIX thread.  Linux has no lock call with a deadline, and
 * whatever else could break one off (a signal, a timer, a child) belongs to
 * the program; a thread that can be cancelled disturbs nobody.
 */

#include <config.h>

#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>

#include "os.h"
#include "os_helper.h"
#include "os_posix.h"

#define SMALL_STACK ((size_t)64 * 1024)

static void *
thread_main(void *arg)
{
	struct os_helper *helper = arg;
	int before;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
	helper->run(helper->arg);
	return NULL;
}

static size_t small_stack = SMALL_STACK;

/* glibc takes static thread-local storage out of the stack that was asked for. */
static int
add_thread_local(struct dl_phdr_info *info, size_t size, void *sum)
{
	int i;

	(void)size;
	for (i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_TLS)
			*(size_t *)sum += info->dlpi_phdr[i].p_memsz + info->dlpi_phdr[i].p_align;
	return 0;
}

/*
 * Not later: the loader's lock may be another thread's at a fork, and is then
 * nobody's in the child.
 */
void
ipclock__os_helper_prepare(void)
{
	size_t stack = SMALL_STACK;

	dl_iterate_phdr(add_thread_local, &stack);
	small_stack = (stack + 4095) & ~(size_t)4095;
}

static int
create(pthread_t *thread, size_t stack, struct os_helper *helper)
{
	pthread_attr_t attr;
	int r = pthread_attr_init(&attr);

	if (r)
		return r;
	if (stack)
		r = pthread_attr_setstacksize(&attr, stack);
	if (r == 0)
		r = pthread_create(thread, &attr, thread_main, helper);
	pthread_attr_destroy(&attr);
	return r;
}

/* A program with much thread-local storage does not fit on a small stack: EINVAL. */
int
ipclock__os_helper_start(struct os_helper *helper, void (*run)(void *), void *arg)
{
	sigset_t all, before;
	pthread_t thread;
	int r;

	_Static_assert(sizeof(pthread_t) <= sizeof(helper->thread), "room for a thread");
	if (!ipclock__os_can_cancel())
		return ENOTSUP;
	helper->run = run;
	helper->arg = arg;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = create(&thread, small_stack, helper);
	if (r == EINVAL)
		r = create(&thread, 0, helper);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r == 0)
		helper->thread = (uintptr_t)thread;
	return r;
}

void
ipclock__os_helper_stop(struct os_helper *helper, bool at_its_end)
{
	pthread_t thread = (pthread_t)helper->thread;

	if (!at_its_end)
		pthread_cancel(thread);
	pthread_join(thread, NULL);
}

/* Sleeping, unlike locking, is a cancellation point everywhere. */
void
ipclock__os_helper_rest(int64_t until)
{
	int before;

	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &before);
	ipclock__os_sleep_until(until);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
}
