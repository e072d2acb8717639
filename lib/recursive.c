/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <stddef.h>

#include "os.h"
#include "recursive.h"

struct owner *
ipclock__owners_find(struct owners *owners, uint64_t who)
{
	struct owner *owner;

	for (owner = &owners->first; owner; owner = owner->next)
		if (owner->who == who && (owner->reads || owner->writes))
			return owner;
	return NULL;
}

static struct owner *
unused(struct owners *owners)
{
	struct owner *owner;

	for (owner = &owners->first; owner; owner = owner->next)
		if (!owner->reads && !owner->writes)
			return owner;
	return NULL;
}

struct owner *
ipclock__owners_get(struct owners *owners, uint64_t who)
{
	struct owner *owner = ipclock__owners_find(owners, who);

	if (!owner)
		owner = unused(owners);
	if (!owner) {
		owner = ipclock__os_alloc(sizeof(*owner));
		if (!owner)
			return NULL;
		owner->next = owners->first.next;
		owners->first.next = owner;
	}
	owner->who = who;
	return owner;
}

void
ipclock__owners_reset(struct owners *owners)
{
	struct owner *owner;

	for (owner = &owners->first; owner; owner = owner->next)
		owner->reads = owner->writes = 0;
}

void
ipclock__owners_free(struct owners *owners)
{
	struct owner *owner, *next;

	for (owner = owners->first.next; owner; owner = next) {
		next = owner->next;
		ipclock__os_free(owner);
	}
}
