/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <stdatomic.h>
#include <stddef.h>

#include "local.h"

bool
ipclock__local_may_go(const struct local *local, const struct local_waiter *waiter)
{
	if (local->first && local->first != waiter)
		return false;
	if (local->writer)
		return false;
	return local->readers == 0 || (waiter->mode == OS_SHARED && !local->draining);
}

void
ipclock__local_join(struct local *local, struct local_waiter *waiter)
{
	waiter->next = NULL;
	atomic_thread_fence(memory_order_release); /* a fork copies the list as it is */
	if (local->last)
		local->last->next = waiter;
	else
		local->first = waiter;
	local->last = waiter;
}

void
ipclock__local_leave(struct local *local, struct local_waiter *waiter)
{
	struct local_waiter **link = &local->first, *before = NULL;

	while (*link && *link != waiter) {
		before = *link;
		link = &before->next;
	}
	if (!*link)
		return;
	*link = waiter->next;
	if (local->last == waiter)
		local->last = before;
}

void
ipclock__local_wake(struct local *local)
{
	if (local->first && ipclock__local_may_go(local, local->first))
		ipclock__os_event_set(&local->first->event);
}
