/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "marker.h"

#define MOST_OF_BASE 64

size_t
ipclock__marker_print(const struct marker *m, char text[MARKER_SIZE])
{
	return (size_t)snprintf(text, MARKER_SIZE,
	    "%ld\nipclock/1 host=%s machine=%s boot=%s space=%s start=%" PRIu64 " token=%016" PRIx64 " lease=%d\n",
	    m->pid, m->system.host, m->system.machine, m->system.boot, m->system.space, m->started, m->token, m->lease_ms);
}

static bool
is_pid(long pid)
{
	return pid > 0 && pid <= INT_MAX;
}

/* Whatever does not print as it was read is not ours. */
/* It will be shown to people: nothing that a terminal obeys. */
static bool
is_plain(const char *text)
{
	while (*text > ' ' && *text <= '~')
		text++;
	return *text == '\0';
}

static bool
parse_ours(struct marker *m, const char *text)
{
	char again[MARKER_SIZE];
	int n = sscanf(text,
	    "%19ld ipclock/1 host=%255s machine=%63s boot=%63s space=%63s start=%20" SCNu64 " token=%16" SCNx64
	    " lease=%10d", &m->pid, m->system.host, m->system.machine, m->system.boot, m->system.space, &m->started,
	    &m->token, &m->lease_ms);

	if (n != 8 || !is_pid(m->pid) || m->lease_ms < 0 || !is_plain(m->system.host) || !is_plain(m->system.machine) ||
	    !is_plain(m->system.boot) || !is_plain(m->system.space))
		return false;
	ipclock__marker_print(m, again);
	return strcmp(text, again) == 0;
}

static void
forget(struct marker *m)
{
	memset(m, 0, sizeof(*m));
	strcpy(m->system.host, OS_UNKNOWN);
	strcpy(m->system.machine, OS_UNKNOWN);
	strcpy(m->system.boot, OS_UNKNOWN);
	strcpy(m->system.space, OS_UNKNOWN);
}

/* "812", or "812" and a host, and a line that is of no concern. */
static enum marker_format
parse_foreign(struct marker *m, const char *text)
{
	char host[256];
	int end = 0, host_end = 0;

	sscanf(text, "%10ld%n %255s%n", &m->pid, &end, host, &host_end);
	if (end == 0 || !is_pid(m->pid) || (text[end] && text[end] != '\n'))
		return MARKER_OTHER;
	if (host_end == 0)
		return MARKER_PID;
	text += host_end;
	if (*text && (*text++ != '\n' || (strchr(text, '\n') && strchr(text, '\n')[1])))
		return MARKER_OTHER;
	strcpy(m->system.host, is_plain(host) ? host : OS_UNKNOWN);
	return MARKER_FILELOCK;
}

enum marker_format
ipclock__marker_parse(struct marker *m, const char *text, size_t length)
{
	char copy[MARKER_SIZE];
	enum marker_format format = MARKER_OTHER;

	forget(m);
	if (length == 0)
		return MARKER_EMPTY;
	if (length >= sizeof(copy) || memchr(text, '\0', length))
		return MARKER_OTHER;
	memcpy(copy, text, length);
	copy[length] = '\0';
	if (parse_ours(m, copy))
		return MARKER_OURS;
	forget(m);
	if (!strstr(copy, "ipclock/"))
		format = parse_foreign(m, copy);
	if (format == MARKER_OTHER)
		forget(m);
	return format;
}

/* ---- names ---- */

void
ipclock__aside_print(const struct aside *aside, const char *base, char name[ASIDE_SIZE])
{
	snprintf(name, ASIDE_SIZE, ".%.*s.%ld.%08" PRIx32 ".%016" PRIx64 ".ipclock", MOST_OF_BASE, base, aside->pid,
	    aside->system, aside->token);
}

bool
ipclock__aside_parse(struct aside *aside, const char *base, const char *name)
{
	size_t length = strlen(base);
	char again[ASIDE_SIZE];

	if (length > MOST_OF_BASE)
		length = MOST_OF_BASE;
	if (*name != '.' || strncmp(name + 1, base, length) != 0)
		return false;
	if (sscanf(name + 1 + length, ".%10ld.%8" SCNx32 ".%16" SCNx64, &aside->pid, &aside->system,
	    &aside->token) != 3)
		return false;
	ipclock__aside_print(aside, base, again);
	return is_pid(aside->pid) && strcmp(name, again) == 0;
}
