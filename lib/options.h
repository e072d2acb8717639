/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* What a handle was opened with: plain data, checked by attr.c, copied at open. */
#ifndef IPCLOCK_OPTIONS_H
#define IPCLOCK_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "backoff.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING };

struct options {
	void (*sleep)(void *ctx, int ms);
	void *sleep_ctx;
	int (*cancel)(void *ctx);
	void *cancel_ctx;
	void (*log)(void *ctx, int level, const char *line);
	void *log_ctx;
	struct backoff backoff;
	bool recursive : 1; /* by thread or by process */
	bool recursive_process : 1;
	bool unfair : 1;
	bool trust_path : 1;
	bool poll : 1;
	bool interruptible : 1;
	bool inherit : 1;
	bool unlink : 1;
};

/* For a wait that a signal is to end.  True: ipclock__os_signals_let() follows. */
bool ipclock__options_hold_signals(const struct options *options, int timeout_ms);

/* Calls the callback, which may run for long, and be what a signal is to end. */
void ipclock__options_sleep(const struct options *options, int ms);

#endif
