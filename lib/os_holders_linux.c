/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * Who holds what, from /proc: fdinfo shows the locks of each descriptor that we
 * may look into, open file description locks among them; /proc/locks shows all
 * locks and waiters, but no process for those.
 */

#include <config.h>

#include <sys/stat.h>
#include <sys/types.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/sysmacros.h>

#include "os.h"

/* How the kernel names the file in a line about a lock: not by what stat(2) says on btrfs and overlayfs. */
struct name {
	unsigned major, minor;
	unsigned long long inode;
};

struct search {
	struct name name;
	bool whole;
	unsigned long group;
	int (*take)(void *ctx, const struct os_claim *claim);
	void *ctx;
};

/* ---- lines of a file of /proc ---- */

struct lines {
	int fd;
	size_t start, end;
	char buffer[1024];
};

static int
lines_open(struct lines *lines, const char *path)
{
	lines->start = lines->end = 0;
	do
		lines->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	while (lines->fd < 0 && errno == EINTR);
	return lines->fd < 0 ? errno : 0;
}

/* The next line without its end, or NULL.  One that is too long comes in pieces. */
static char *
lines_next(struct lines *lines)
{
	char *line = lines->buffer + lines->start, *newline;
	ssize_t n;

	for (;;) {
		newline = memchr(line, '\n', lines->end - lines->start);
		if (newline || (lines->start == 0 && lines->end == sizeof(lines->buffer) - 1))
			break;
		memmove(lines->buffer, line, lines->end - lines->start);
		lines->end -= lines->start;
		lines->start = 0;
		line = lines->buffer;
		n = read(lines->fd, lines->buffer + lines->end, sizeof(lines->buffer) - 1 - lines->end);
		if (n <= 0)
			return NULL;
		lines->end += (size_t)n;
	}
	if (!newline)
		newline = lines->buffer + lines->end;
	*newline = '\0';
	lines->start = (size_t)(newline - lines->buffer) + 1;
	if (lines->start > lines->end)
		lines->start = lines->end;
	return line;
}

/* ---- how the kernel names the file ---- */

static unsigned long long
field_of(const char *path, const char *field, unsigned long long otherwise)
{
	struct lines lines;
	unsigned long long value = otherwise;
	size_t length = strlen(field);
	char *line;

	if (lines_open(&lines, path))
		return otherwise;
	while ((line = lines_next(&lines)) != NULL)
		if (strncmp(line, field, length) == 0 && line[length] == ':')
			value = strtoull(line + length + 1, NULL, 10);
	close(lines.fd);
	return value;
}

/* The file system's own device, whatever device its files claim to be on. */
static void
find_device(struct name *name, unsigned long long mount)
{
	struct lines lines;
	unsigned long long id;
	unsigned major, minor;
	char *line;

	if (lines_open(&lines, "/proc/self/mountinfo"))
		return;
	while ((line = lines_next(&lines)) != NULL)
		if (sscanf(line, "%llu %*u %u:%u ", &id, &major, &minor) == 3 && id == mount) {
			name->major = major;
			name->minor = minor;
			break;
		}
	close(lines.fd);
}

static int
identify(int fd, struct name *name, enum os_kind *kind)
{
	unsigned long long mount;
	struct stat st;
	char path[64];

	if (fstat(fd, &st) < 0)
		return errno;
	*kind = S_ISLNK(st.st_mode) || S_ISREG(st.st_mode) ? OS_REGULAR : S_ISDIR(st.st_mode) ? OS_DIRECTORY : OS_OTHER;
	if (S_ISLNK(st.st_mode))
		return ELOOP;
	name->major = major(st.st_dev);
	name->minor = minor(st.st_dev);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	name->inode = field_of(path, "ino", (unsigned long long)st.st_ino);
	mount = field_of(path, "mnt_id", 0);
	if (mount)
		find_device(name, mount);
	return 0;
}

/* ---- a line about a lock ---- */

struct told {
	char kind[16];
	long pid;
	struct os_claim claim;
};

/* "1: OFDLCK ADVISORY  WRITE -1 fe:00:11019702 1073741824 1073742335", of a waiter "1: -> OFDLCK ..." */
static bool
parse(const char *line, const struct search *search, struct told *told)
{
	char mode[16], last[32];
	struct name name;
	long long start, end;
	const char *rest = strchr(line, ':');

	*told = (struct told){ .pid = 0 };
	if (!rest)
		return false;
	rest += 1 + strspn(rest + 1, " ");
	told->claim.waits = strncmp(rest, "->", 2) == 0;
	if (told->claim.waits)
		rest += 2;
	if (sscanf(rest, "%15s %*s %15s %ld %x:%x:%llu %lld %31s", told->kind, mode, &told->pid, &name.major,
	    &name.minor, &name.inode, &start, last) != 8)
		return false;
	if (name.inode != search->name.inode || name.major != search->name.major || name.minor != search->name.minor ||
	    (strcmp(told->kind, "FLOCK") == 0) != search->whole || (strcmp(told->kind, "FLOCK") != 0 &&
	    strcmp(told->kind, "POSIX") != 0 && strcmp(told->kind, "OFDLCK") != 0))
		return false;
	end = strcmp(last, "EOF") == 0 ? INT64_MAX : strtoll(last, NULL, 10);
	if (start < 0 || end < start)
		return false;
	told->claim.mode = strcmp(mode, "WRITE") == 0 ? OS_EXCLUSIVE : OS_SHARED;
	told->claim.range.start = start;
	told->claim.range.len = end == INT64_MAX ? 0 : end - start + 1;
	return true;
}

/* ---- the locks of a descriptor, a process, all processes ---- */

/* A classic lock is its process's; a child that has inherited the descriptor shows it too. */
static int
take_descriptor(struct search *search, const char *path, long pid)
{
	struct lines lines;
	struct told told;
	char *line;
	int r = 0;

	if (lines_open(&lines, path))
		return errno == EMFILE || errno == ENFILE ? errno : 0;
	search->group++;
	while (r == 0 && (line = lines_next(&lines)) != NULL) {
		if (strncmp(line, "lock:", 5) != 0 || !parse(line + 5, search, &told))
			continue;
		if (strcmp(told.kind, "POSIX") == 0 && told.pid != pid)
			continue;
		told.claim.pid = pid;
		told.claim.group = strcmp(told.kind, "POSIX") == 0 ? 0 : search->group;
		r = search->take(search->ctx, &told.claim);
	}
	close(lines.fd);
	return r;
}

static bool
is_number(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text) && strlen(text) < 16;
}

/* Out of descriptors is our trouble; what else goes wrong is that the process is gone or not for us. */
static int
take_process(struct search *search, long pid)
{
	char path[64];
	struct dirent *entry;
	DIR *dir;
	int r = 0;

	snprintf(path, sizeof(path), "/proc/%ld/fdinfo", pid);
	dir = opendir(path);
	if (!dir)
		return errno == EMFILE || errno == ENFILE || errno == ENOMEM ? errno : 0;
	while (r == 0 && (entry = readdir(dir)) != NULL) {
		if (!is_number(entry->d_name))
			continue;
		snprintf(path, sizeof(path), "/proc/%ld/fdinfo/%.15s", pid, entry->d_name);
		r = take_descriptor(search, path, pid);
	}
	closedir(dir);
	return r;
}

static int
take_processes(struct search *search)
{
	struct dirent *entry;
	DIR *dir = opendir("/proc");
	int r = 0;

	if (!dir)
		return errno == EMFILE || errno == ENFILE || errno == ENOMEM ? errno : ENOTSUP;
	while (r == 0 && (entry = readdir(dir)) != NULL)
		if (is_number(entry->d_name))
			r = take_process(search, strtol(entry->d_name, NULL, 10));
	closedir(dir);
	return r;
}

/* flock(2) names who took the lock, who may have died and left it to a child. */
static bool
is_alive(long pid)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%ld", pid);
	return pid > 0 && stat(path, &st) == 0;
}

static int
take_list(struct search *search)
{
	struct lines lines;
	struct told told;
	char *line;
	int r = 0;

	r = lines_open(&lines, "/proc/locks");
	if (r)
		return r == EMFILE || r == ENFILE ? r : ENOTSUP;
	while (r == 0 && (line = lines_next(&lines)) != NULL) {
		if (!parse(line, search, &told))
			continue;
		told.claim.pid = is_alive(told.pid) ? told.pid : 0;
		told.claim.listed = true;
		r = search->take(search->ctx, &told.claim);
	}
	close(lines.fd);
	return r;
}

/* O_PATH: needs no permission on the file, and its close drops no classic locks. */
int
ipclock__os_claims(const char *path, int fd, bool whole, enum os_kind *kind,
    int (*take)(void *ctx, const struct os_claim *claim), void *ctx)
{
	struct search search = { .whole = whole, .take = take, .ctx = ctx };
	int own = path ? open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC) : -1, r, listed;

	if (path && own < 0)
		return errno;
	r = identify(path ? own : fd, &search.name, kind);
	if (own >= 0)
		close(own);
	if (r)
		return r;
	r = take_processes(&search);
	if (r && r != ENOTSUP)
		return r;
	listed = take_list(&search);
	return listed == ENOTSUP ? r : listed;
}

/* The processes that can be known have been told. */
long
ipclock__os_range_owner(const struct os_file *file, struct os_range range)
{
	(void)file, (void)range;
	return 0;
}

void
ipclock__os_command(long pid, char *name, size_t size)
{
	struct lines lines;
	char path[64], *line;

	*name = '\0';
	snprintf(path, sizeof(path), "/proc/%ld/comm", pid);
	if (pid <= 0 || lines_open(&lines, path))
		return;
	line = lines_next(&lines);
	if (line)
		snprintf(name, size, "%.*s", (int)size - 1, line);
	close(lines.fd);
}
