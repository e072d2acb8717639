/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * An open lock: what the process lock and the reader-writer lock are both made
 * of.  It adds to an attempt: the end of a lock, recursion, the started wait,
 * the child of a fork, and the message.
 */
#ifndef IPCLOCK_HANDLE_H
#define IPCLOCK_HANDLE_H

#include <stdbool.h>
#include <stdint.h>

#include "attempt.h"
#include "attr.h"
#include "message.h"

/* What the caller can mend, where the error alone does not tell. */
enum reason { NO_REASON, BAD_TIMEOUT, NOT_STARTED_YET, NOT_A_FILE, NO_CONVERSION, OWN_WAIT };

enum started { NOT_STARTED, STARTED, CANCELLED };

struct handle {
	struct shared shared;
	const char *operation;     /* the last call that failed */
	_Atomic uint64_t starter;  /* the thread of the last start */
	_Atomic int error;         /* of the last call */
	_Atomic unsigned char started; /* enum started */
	_Atomic bool adopts;       /* an inherited lock, whose owner is the first to call */
	unsigned char reason;      /* enum reason: more of the error */
	struct attempt attempt;    /* the started one */
};

int ipclock__handle_open(struct handle **handle, const char *path, const struct ipclock_attr *attr);
int ipclock__handle_open_fd(struct handle **handle, int fd, const struct ipclock_attr *attr);
int ipclock__handle_close(struct handle *handle);

int ipclock__handle_acquire(struct handle *handle, enum os_mode mode, int timeout_ms);
int ipclock__handle_release(struct handle *handle, enum os_mode mode);
int ipclock__handle_downgrade(struct handle *handle);
int ipclock__handle_try_upgrade(struct handle *handle);

int ipclock__handle_start(struct handle *handle, enum os_mode mode, int timeout_ms);
int ipclock__handle_step(struct handle *handle, int *wait_ms);
int ipclock__handle_pollfd(struct handle *handle);
void ipclock__handle_cancel(struct handle *handle);

int ipclock__handle_fd(struct handle *handle);
const char *ipclock__handle_path(struct handle *handle);
const char *ipclock__handle_message(struct handle *handle);
int ipclock__handle_held(struct handle *handle);
long ipclock__handle_attempts(struct handle *handle);
long ipclock__handle_waited_ms(struct handle *handle);

#endif
