/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* What the files of the program ipclock share. */
#ifndef IPCLOCK_CLI_H
#define IPCLOCK_CLI_H

#include <stdbool.h>
#include <stdint.h>

#include <ipclock.h>

/*
 * Exit statuses of `ipclock run`, frozen: those of flock(1), from sysexits.h.
 * With a command that ran, the status is the command's.
 */
#define STATUS_CONFLICT     1  /* held by another, or timed out; -E changes it */
#define STATUS_USAGE        64
#define STATUS_LOCK         65 /* any other error of locking */
#define STATUS_OPEN         66 /* the lock file cannot be opened */
#define STATUS_EXEC         69 /* the command cannot be executed */
#define STATUS_SYSTEM       71 /* no memory, descriptors, locks or processes left */
#define STATUS_CREATE       73 /* read-only file system, or full */
#define STATUS_OUTPUT       74 /* standard output cannot be written */
#define STATUS_SIGNAL(sig)  (128 + (sig))

enum mode {
	MODE_READ,
	MODE_WRITE,
	MODE_UNLOCK,
};

/* The command line of `ipclock run`. */
struct options {
	enum mode mode;
	int timeout_ms;      /* as in ipclock_acquire() */
	int conflict_status;
	int step_ms;         /* of the backoff */
	int max_ms;
	int protocol;        /* IPCLOCK_RANGE or IPCLOCK_FLOCK */
	int slot;            /* -1: not given */
	bool whole_file;     /* --fcntl */
	bool try_once;
	bool close;
	bool no_fork;
	bool unfair;
	bool poll;
	bool verbose;
	const char *file;    /* NULL: lock fd */
	int fd;
	char **command;      /* NULL: none */
	char *shell[4];      /* of -c */
};

/* options.c: a status to exit with, or GO_ON. */
#define GO_ON (-1)
int options_parse(struct options *options, int argc, char **argv);

/* number.c: strict decimal numbers; false, and *value unchanged, if text is none or too large. */
bool number_parse(const char *text, int max, int *value);

/* Seconds with a fraction, as milliseconds rounded up: 0.0001 is no 0. */
bool number_parse_seconds(const char *text, int *ms);

/* main.c: "ipclock: ..." and a newline on standard error. */
void complain(const char *format, ...) __attribute__((__format__(__printf__, 1, 2)));

/* Text on standard output: 0, or STATUS_OUTPUT. */
int print(const char *format, ...) __attribute__((__format__(__printf__, 1, 2)));

/* Microseconds on a clock that nobody can set. */
int64_t now_us(void);

/* who.c: `ipclock who`; returns the status to exit with. */
int who_main(int argc, char **argv);

/* run.c: `ipclock run`; returns the status to exit with. */
int run_main(int argc, char **argv);

/* probe.c: `ipclock probe`; returns the status to exit with. */
int probe_main(int argc, char **argv);

/* Starts to acquire in the mode of the options, as ipclock_rw_start_read(). */
int run_start(struct ipclock_rw *rw, const struct options *options, int timeout_ms);

/* waiting.c: waits for a lock that was tried in vain since then: 0 (held) or an error. */
int waiting(struct ipclock_rw *rw, const struct options *options, int64_t since_us);

/* child.c: runs the command and waits for it; returns the status to exit with. */
int child_run(char **command);

/* Becomes the command; a status if that fails. */
int child_exec(char **command);

#endif
