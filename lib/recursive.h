/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * Who has acquired a recursive lock, and how often.  An owner is a thread's
 * number, or PROCESS for the whole process.  The first owner's record is part
 * of the handle; those of further reading threads are made once and used again.
 */
#ifndef IPCLOCK_RECURSIVE_H
#define IPCLOCK_RECURSIVE_H

#include <stdint.h>

struct owner {
	struct owner *next;
	uint64_t who;         /* 0: nobody's record */
	unsigned reads;
	unsigned writes;
};

struct owners {
	struct owner first;
};

#define PROCESS UINT64_C(1) /* threads are numbered from 2 */

/* That owner's record, or NULL if it holds nothing. */
struct owner *ipclock__owners_find(struct owners *owners, uint64_t who);

/* That owner's record, made if need be: NULL if there is no memory. */
struct owner *ipclock__owners_get(struct owners *owners, uint64_t who);

/* Nobody holds anything any more. */
void ipclock__owners_reset(struct owners *owners);

void ipclock__owners_free(struct owners *owners);

#endif
