/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* What stands in a soft lock, of ours, of liblockfile's or of filelock's; and, in its first line, names beside it. */

#include <limits.h>

#include "fuzz.h"
#include "marker.h"

static void
ends(const char *text, size_t size)
{
	MUST(memchr(text, '\0', size) != NULL);
}

static void
parse(const uint8_t *data, size_t size)
{
	struct marker marker;
	enum marker_format format = ipclock__marker_parse(&marker, (const char *)data, size);
	char again[MARKER_SIZE];

	ends(marker.system.host, sizeof(marker.system.host));
	ends(marker.system.machine, sizeof(marker.system.machine));
	ends(marker.system.boot, sizeof(marker.system.boot));
	ends(marker.system.space, sizeof(marker.system.space));
	MUST(*marker.system.host != '\0');
	MUST(marker.lease_ms >= 0);
	MUST((size == 0) == (format == MARKER_EMPTY));
	if (format == MARKER_OTHER || format == MARKER_EMPTY)
		MUST(marker.pid == 0 && marker.token == 0);
	else
		MUST(marker.pid > 0 && marker.pid <= INT_MAX);
	if (format == MARKER_OURS)
		MUST(ipclock__marker_print(&marker, again) == size && memcmp(again, data, size) == 0);
	else
		MUST(strcmp(marker.system.boot, OS_UNKNOWN) == 0 && marker.started == 0); /* never judged as ours */
}

static void
parse_name(const uint8_t *data, size_t size)
{
	char *name = fuzz_string(data, size), again[ASIDE_SIZE];
	struct aside aside;

	name[strcspn(name, "\n")] = '\0';
	if (ipclock__aside_parse(&aside, "lock", name)) {
		ipclock__aside_print(&aside, "lock", again);
		MUST(strcmp(again, name) == 0 && aside.pid > 0);
	}
	free(name);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = (uint8_t *)fuzz_string(data, size);

	parse(copy, size);
	parse_name(data, size);
	free(copy);
	return 0;
}
