/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* What the soft lock asks of an operating system beyond os.h: who runs, and files that come and go. */
#ifndef IPCLOCK_OS_SOFT_H
#define IPCLOCK_OS_SOFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os.h"

/* ---- processes ---- */

#define OS_UNKNOWN "-"

/* Where a process runs.  Graphic characters only; what the system does not tell is OS_UNKNOWN. */
struct os_system {
	char host[256];
	char machine[64]; /* of this installation; stays over a reboot */
	char boot[64];    /* new with each boot */
	char space[64];   /* in which a pid and a start time mean the same */
};

enum os_life { OS_GONE, OS_RUNS, OS_UNSURE };

void ipclock__os_system(struct os_system *system);

/* When it was started, in whatever unit; 0: not known. */
uint64_t ipclock__os_started(long pid);

/* Of a process of this system: OS_GONE is a proof.  started 0: whoever has that pid. */
enum os_life ipclock__os_life(long pid, uint64_t started);

/* ---- files ---- */

/* All of it, and on its way to a file server when this returns; not to a disk. */
int ipclock__os_soft_write(const struct os_file *file, const char *text, size_t length);

/* As much as there is room for, from the beginning. */
int ipclock__os_soft_read(const struct os_file *file, char *text, size_t size, size_t *length);

/* Time of the last change, by the clock of the file system, and number of names. */
int ipclock__os_soft_status(const struct os_file *file, int64_t *changed, unsigned long *names);

/* Sets that time to now. */
int ipclock__os_soft_touch(const struct os_file *file);

/* The kernel's lock on the file itself, for an instant, one try: EBUSY.  Any other error: there is no such lock. */
int ipclock__os_soft_guard(const struct os_file *file);
void ipclock__os_soft_unguard(const struct os_file *file);

int ipclock__os_soft_remove(const char *path);

/* Tells each of every name in the directory, until it says no. */
void ipclock__os_soft_list(const char *directory, bool (*each)(void *ctx, const char *name), void *ctx);

/* A number that nobody else has got. */
uint64_t ipclock__os_soft_token(void);

#endif
