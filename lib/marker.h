/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * What stands in the file whose existence is a soft lock: texts in, facts out.
 *
 * Ours, frozen, is two lines:
 *
 *	812
 *	ipclock/1 host=vm machine=3d12 boot=5e7c space=4026531836.4026531834 start=91215 token=0f3a lease=0
 *
 * The first is what liblockfile looks for.  Python's filelock takes two lines
 * for a pid and a host, and as no host has such a name, for one that it must
 * not judge: a longer text would be garbage to it, to be removed after 2 s.
 */
#ifndef IPCLOCK_MARKER_H
#define IPCLOCK_MARKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os_soft.h"

enum marker_format {
	MARKER_OURS,
	MARKER_EMPTY,    /* older filelocks, touch(1) */
	MARKER_PID,      /* liblockfile */
	MARKER_FILELOCK, /* pid and host, perhaps a line more */
	MARKER_OTHER
};

struct marker {
	long pid;
	struct os_system system;
	uint64_t started; /* the process; 0: not known */
	uint64_t token;   /* tells two acquires apart */
	int lease_ms;     /* 0: none */
};

#define MARKER_SIZE 1024 /* no text of ours is as long */

/* A text of that length or more is none of ours.  Fills in what the format has. */
enum marker_format ipclock__marker_parse(struct marker *marker, const char *text, size_t length);

size_t ipclock__marker_print(const struct marker *marker, char text[MARKER_SIZE]);

/*
 * Names of files beside the lock "base": a marker on its way to its place, or out
 * of it.  They tell the process that made it, so that it can be swept away.
 */
struct aside {
	long pid;
	uint32_t system; /* a hash */
	uint64_t token;
};

#define ASIDE_SIZE 128

void ipclock__aside_print(const struct aside *aside, const char *base, char name[ASIDE_SIZE]);
bool ipclock__aside_parse(struct aside *aside, const char *base, const char *name);

#endif
