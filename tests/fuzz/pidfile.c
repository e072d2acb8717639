/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* What stands in a pid file that another holds; and in one's own, when it is removed. */

#include <errno.h>
#include <limits.h>

#include <ipclock/pidfile.h>

#include "fuzz.h"
#include "layout.h"
#include "os_fake.h"
#include "os_pidfile.h"

#define SELF 4711

static struct {
	const uint8_t *data;
	size_t size;
} contents;

void
ipclock__os_pidfile_read(const struct os_file *file, char *text, size_t size)
{
	size_t n = contents.size < size - 1 ? contents.size : size - 1;

	(void)file;
	if (n)
		memcpy(text, contents.data, n);
	text[n] = '\0';
}

long
ipclock__os_pid(void)
{
	return SELF;
}

int
ipclock__os_check(const struct os_file *file)
{
	(void)file;
	return 0;
}

int
ipclock__os_pidfile_write(const struct os_file *file, const char *text)
{
	(void)file, (void)text;
	return 0;
}

int
ipclock__os_pidfile_remove(struct os_file *file, const char *path)
{
	(void)file;
	return ipclock__os_unlink(path);
}

/* The number that stands there alone, or none. */
static void
held_by_another(void)
{
	struct ipclock_pidfile *pidfile;
	char text[32];
	pid_t other;

	fake_lock(fake_other("/pid"), LAYOUT_LOCK_BASE, LAYOUT_LOCK_LEN, OS_EXCLUSIVE);
	MUST(ipclock_pidfile_open(&pidfile, "/pid", 0600, &other) == EEXIST && pidfile == NULL);
	MUST(other == -1 || other > 0);
	if (other > 0) {
		ipclock__os_pidfile_read(NULL, text, sizeof(text));
		MUST(strtol(text, NULL, 10) == other);
	}
}

static void
held_by_us(void)
{
	struct ipclock_pidfile *pidfile;
	char text[32];
	int r;

	MUST(ipclock_pidfile_open(&pidfile, "/mine", 0600, NULL) == 0);
	r = ipclock_pidfile_remove(pidfile);
	MUST(r == 0 || r == EPERM);
	ipclock__os_pidfile_read(NULL, text, sizeof(text));
	if (r == 0)
		MUST(*text == '\0' || strtol(text, NULL, 10) == SELF);
	else
		ipclock_pidfile_close(pidfile);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	contents.data = data;
	contents.size = size;
	fake_reset();
	fake_file("/pid", 0);
	held_by_another();
	held_by_us();
	MUST(fake_open_files() == 0);
	return 0;
}
