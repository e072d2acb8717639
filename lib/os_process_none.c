/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* Who runs, where the system does not tell boots and lives apart: nobody is ever proven dead. */

#include <config.h>

#include <ctype.h>
#include <string.h>
#include <unistd.h>

#include "os_soft.h"

void
ipclock__os_system(struct os_system *system)
{
	char *p;

	if (gethostname(system->host, sizeof(system->host) - 1) < 0)
		system->host[0] = '\0';
	system->host[sizeof(system->host) - 1] = '\0';
	for (p = system->host; *p; p++)
		if (!isgraph((unsigned char)*p) || (unsigned char)*p > 126)
			*p = '_';
	if (*system->host == '\0')
		strcpy(system->host, OS_UNKNOWN);
	strcpy(system->machine, OS_UNKNOWN);
	strcpy(system->boot, OS_UNKNOWN);
	strcpy(system->space, OS_UNKNOWN);
}

uint64_t
ipclock__os_started(long pid)
{
	(void)pid;
	return 0;
}

enum os_life
ipclock__os_life(long pid, uint64_t started)
{
	(void)pid, (void)started;
	return OS_UNSURE;
}
