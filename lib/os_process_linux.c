/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* Who runs, from Linux's /proc. */

#include <config.h>

#include <sys/types.h>

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os_soft.h"

/* The first line, made fit for a marker. */
static void
tidy(char *text)
{
	char *p;

	text[strcspn(text, "\n")] = '\0';
	for (p = text; *p; p++)
		if (!isgraph((unsigned char)*p) || (unsigned char)*p > 126)
			*p = '_';
	if (*text == '\0')
		strcpy(text, OS_UNKNOWN);
}

static bool
read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	ssize_t n = -1;

	if (fd >= 0) {
		do
			n = read(fd, text, size - 1);
		while (n < 0 && errno == EINTR);
		close(fd);
	}
	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

static void
read_name(const char *path, char *name, size_t size)
{
	read_text(path, name, size);
	tidy(name);
}

/* "pid:[4026531836]" */
static unsigned long
namespace_of(const char *path)
{
	char text[64];
	ssize_t n = readlink(path, text, sizeof(text) - 1);
	char *number;

	text[n > 0 ? n : 0] = '\0';
	number = strchr(text, '[');
	return number ? strtoul(number + 1, NULL, 10) : 0;
}

/* A start time is told by the clock of the reader's time namespace; kernels before 5.6 have but one. */
static void
name_space(char *name, size_t size)
{
	unsigned long pids = namespace_of("/proc/self/ns/pid");

	if (pids)
		snprintf(name, size, "%lu.%lu", pids, namespace_of("/proc/self/ns/time"));
	else
		snprintf(name, size, OS_UNKNOWN);
}

void
ipclock__os_system(struct os_system *system)
{
	if (gethostname(system->host, sizeof(system->host) - 1) < 0)
		system->host[0] = '\0';
	system->host[sizeof(system->host) - 1] = '\0';
	tidy(system->host);
	read_name("/etc/machine-id", system->machine, sizeof(system->machine));
	if (strcmp(system->machine, "uninitialized") == 0) /* in an image that never booted: machine-id(5) */
		strcpy(system->machine, OS_UNKNOWN);
	read_name("/proc/sys/kernel/random/boot_id", system->boot, sizeof(system->boot));
	name_space(system->space, sizeof(system->space));
}

/* A /proc that was mounted in another pid namespace tells of other processes. */
static bool
proc_is_ours(void)
{
	char text[32];
	ssize_t n = readlink("/proc/self", text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return strtol(text, NULL, 10) == (long)getpid();
}

struct facts {
	unsigned long long started;
	long threads;
	char state;
};

/* Of its first thread, which started with it: QEMU shows a program another /proc/PID/stat of itself than others see. */
static bool
find_facts(long pid, struct facts *facts)
{
	char path[64], text[1024], *rest;

	snprintf(path, sizeof(path), "/proc/%ld/task/%ld/stat", pid, pid);
	if (!proc_is_ours() || !read_text(path, text, sizeof(text)) || !(rest = strrchr(text, ')')))
		return false;
	return sscanf(rest + 1, " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %ld %*s %llu",
	    &facts->state, &facts->threads, &facts->started) == 3;
}

uint64_t
ipclock__os_started(long pid)
{
	struct facts facts;

	return find_facts(pid, &facts) ? facts.started : 0;
}

/*
 * That /proc does not show it proves nothing: it may be hidden.  A zombie never
 * runs again; but a first thread that has ended is shown as one while others go on.
 */
enum os_life
ipclock__os_life(long pid, uint64_t started)
{
	struct facts facts;

	if (kill((pid_t)pid, 0) < 0 && errno == ESRCH)
		return OS_GONE;
	if (!find_facts(pid, &facts))
		return OS_UNSURE;
	if (started && facts.started != started)
		return OS_GONE;
	return (facts.state == 'Z' || facts.state == 'X') && facts.threads <= 1 ? OS_GONE : OS_RUNS;
}
