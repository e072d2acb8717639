/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * A pretended operating system behind lib/os.h: files, byte-range locks, a clock
 * that moves only when somebody waits, and failures to order.  A test plays the
 * other processes itself, at once or at a time to come.
 */
#ifndef OS_FAKE_H
#define OS_FAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "os.h"

/* A new machine: no files, no locks, time 0, no failures; helpers are to be had. */
void fake_reset(void);

int64_t fake_ms(void);

/* Calls of os.h by their names without prefix, as in "range_try". */
unsigned fake_calls(const char *call);

/* The nth call from now (1: the next) fails with that error; "*" is any call that can fail. */
void fake_fail(const char *call, unsigned nth, int error);

/* The next two calls do. */
void fake_fail_twice(const char *call, int error);

/* Has the failure that was ordered last happened? */
bool fake_failed(void);

/* Runs before each call of that name; NULL ends it. */
void fake_before(const char *call, void (*what)(void));

/* The clock goes on to then, and a helper with it, as under an event loop that sleeps. */
void fake_pass_until(int64_t ms);

/* Runs when the clock gets there. */
void fake_at(int64_t ms, void (*what)(void));

/* ---- files ---- */

enum { FAKE_READ_ONLY = 1, FAKE_DIRECTORY = 2, FAKE_FIFO = 4, FAKE_LINK = 8 };

void fake_file(const char *path, unsigned what);
void fake_remove(const char *path);
void fake_replace(const char *path);
bool fake_exists(const char *path);
int fake_permissions(const char *path);

/* ---- others ---- */

/* Another process opens the file: its number as an owner of locks. */
int fake_other(const char *path);
bool fake_lock(int owner, int64_t start, int64_t len, enum os_mode mode);
void fake_unlock(int owner, int64_t start, int64_t len);

/* How that byte of the file is locked, and by whom (0: nobody). */
enum os_mode fake_locked(const char *path, int64_t byte, int *owner);

/* Offsets from there on are refused, as some file systems do. */
void fake_refuse_offsets(int64_t from);

/* Does the file system have a kernel queue? */
void fake_queue(bool has);

/* Can a wait in the kernel have a deadline, as on macOS and Windows? */
void fake_wait_ends(bool ends);

/* Runs when a helper is stopped while it waits; what it waits for is then granted if it can be. */
void fake_at_stop(void (*what)(void));

/* The system's list of locks changes while it is read the next time, and shows each lock twice. */
void fake_tear_list(void);

/* ---- what is left behind ---- */

int fake_open_files(void);     /* of ours */
int fake_locks(void);          /* of ours */
int fake_allocated(void);
int fake_helpers(void);

#endif
