/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <string.h>

#include "owner.h"

static bool
known(const char *name)
{
	return strcmp(name, OS_UNKNOWN) != 0;
}

static bool
same(const char *a, const char *b)
{
	return known(a) && strcmp(a, b) == 0;
}

/*
 * Machines and containers may share a host's name, so another boot proves
 * something only where the machine is known to be the same.
 */
enum owner_state
ipclock__owner_judge(enum marker_format format, const struct marker *m, const struct os_system *us,
    enum os_life (*life)(long pid, uint64_t started))
{
	enum os_life lives;

	if ((format != MARKER_OURS && format != MARKER_FILELOCK) || !same(m->system.host, us->host))
		return OWNER_UNKNOWN;
	if (format == MARKER_OURS) {
		if (known(m->system.boot) && known(us->boot) && strcmp(m->system.boot, us->boot) != 0)
			return same(m->system.machine, us->machine) ? OWNER_DEAD : OWNER_UNKNOWN;
		if (!same(m->system.boot, us->boot) || !same(m->system.space, us->space))
			return OWNER_UNKNOWN;
	}
	lives = life(m->pid, m->started);
	return lives == OS_GONE ? OWNER_DEAD : lives == OS_RUNS ? OWNER_ALIVE : OWNER_UNKNOWN;
}

/* FNV-1a. */
static uint32_t
hash(uint32_t h, const char *text)
{
	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 16777619u;
	return h;
}

uint32_t
ipclock__owner_hash(const struct os_system *system)
{
	return hash(hash(hash(2166136261u, system->host), system->boot), system->space);
}
