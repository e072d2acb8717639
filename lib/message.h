/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * What failed, kept as data and put into words when somebody asks: no call pays
 * for a sentence that nobody reads.
 */
#ifndef IPCLOCK_MESSAGE_H
#define IPCLOCK_MESSAGE_H

#include <stddef.h>

#include "os.h"

struct failure {
	const char *operation; /* "write lock" */
	const char *reason;    /* a clause that says more than the error, or NULL */
	int error;             /* 0: nothing failed */
	int waited_ms;
};

/* "read lock", "write lock" */
const char *ipclock__mode_operation(enum os_mode mode);

/* What the errors mean here; buffer is for those that are the system's. */
const char *ipclock__message_error(int error, char *buffer, size_t size);

/* "operation path: what"; path may be NULL. */
void ipclock__message_format(const struct failure *failure, const char *path, char *buffer, size_t size);

/* The calling thread's last: noted by each call, told by ipclock_message(NULL). */
void ipclock__message_note(const struct failure *failure, const char *path);
void ipclock__message_clear(void);

/* Notes what came of a call that has no handle to speak of, the reason or NULL, and returns the error. */
int ipclock__message_outcome(const char *operation, const char *path, const char *reason, int error);

const char *ipclock__message_last(void);

/* What was noted last is of a lock that others have; its path then, or NULL. */
void ipclock__message_mark_contended(void);
const char *ipclock__message_contended(void);

/* Goes on with "; more" behind the sentence that was told last. */
void ipclock__message_go_on(const char *more);

/* The sentence for a handle's failure, in the calling thread's buffer. */
const char *ipclock__message_text(const struct failure *failure, const char *path);

#endif
