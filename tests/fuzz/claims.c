/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * What Linux says in /proc of who holds what, and what is made of it.  The input
 * is five texts, each ended by a NUL: the fdinfo of our descriptor, mountinfo,
 * the fdinfo of another's, /proc/locks, and the name of a program.
 */

#include <config.h>

#include <sys/mman.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

#include <ipclock.h>

/* What the fake system has too. */
#define ipclock__os_claims claims_of_texts
#define ipclock__os_range_owner owner_of_texts
#define ipclock__os_command command_of_texts

#include "fuzz.h"
#include "os_fake.h"

static struct {
	const char *name; /* which paths end so */
	const uint8_t *data;
	size_t size;
} files[] = {
	{ "/self/fdinfo/", NULL, 0 },
	{ "/mountinfo", NULL, 0 },
	{ "/fdinfo/", NULL, 0 },
	{ "/locks", NULL, 0 },
	{ "/comm", NULL, 0 },
	{ "", NULL, 0 }, /* the lock file */
};

#define FILES (sizeof(files) / sizeof(*files))

/* A descriptor of the text of that name. */
static int
open_text(const char *path, int how)
{
	int fd = memfd_create("text", MFD_CLOEXEC);
	size_t i = 0;

	(void)how;
	while (!strstr(path, files[i].name))
		i++;
	if (fd < 0 || (files[i].size && write(fd, files[i].data, files[i].size) < 0) || lseek(fd, 0, SEEK_SET) < 0)
		abort();
	return fd;
}

/* One process, with one descriptor. */
static DIR *
open_directory(const char *path)
{
	(void)path;
	return opendir("/proc/self/task");
}

/* The code as it is, but for what it opens. */
#define open open_text
#define opendir open_directory
#include "../../lib/os_holders_linux.c"
#include "../../lib/holders.c"
#undef open
#undef opendir

static int
check(void *ctx, const struct ipclock_holder *holder)
{
	int *last = ctx, place = ipclock_holder_place(holder);

	MUST(place == *last || place == *last + 1);
	*last = place;
	MUST(ipclock_holder_writes(holder) == 0 || ipclock_holder_writes(holder) == 1);
	MUST(ipclock_holder_command(holder) == NULL || strlen(ipclock_holder_command(holder)) < 64);
	return 0;
}

static void
question(const struct ipclock_attr *attr)
{
	int last = 0;

	fake_reset();
	fake_file("/lock", 0);
	MUST(ipclock_holders("/lock", attr, check, &last) == 0);
	MUST(fake_open_files() == 0 && fake_allocated() == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ipclock_attr *flock;
	const uint8_t *end;
	size_t i;

	if (!flock && (ipclock_attr_new(&flock) || ipclock_attr_set_protocol(flock, IPCLOCK_FLOCK)))
		abort();
	for (i = 0; i + 1 < FILES; i++) {
		end = size ? memchr(data, '\0', size) : NULL;
		files[i].data = data;
		files[i].size = end ? (size_t)(end - data) : size;
		size -= files[i].size + (end != NULL);
		data += files[i].size + (end != NULL);
	}
	question(NULL);
	question(flock);
	return 0;
}
