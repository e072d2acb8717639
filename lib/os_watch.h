/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * Hearing that somebody closed a file, as a process does that gives back a unit
 * of a semaphore, or dies with one.  Only a hint: an event may be lost or come
 * early, so nobody waits for one without an end.
 */
#ifndef IPCLOCK_OS_WATCH_H
#define IPCLOCK_OS_WATCH_H

#include "os.h"

struct os_watch {
	int fd; /* -1: none */
};

/* From now on an event ends the next wait.  Any error: there is none to be had, sleep. */
int ipclock__os_watch_arm(struct os_watch *watch, const struct os_file *file);

/* 0: an event, ETIMEDOUT, or EINTR if a signal handler ran. */
int ipclock__os_watch_wait(struct os_watch *watch, int64_t until);

void ipclock__os_watch_close(struct os_watch *watch);

/* Makes an event for whoever watches this file. */
void ipclock__os_watch_ring(const struct os_file *file);

#endif
