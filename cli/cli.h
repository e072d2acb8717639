/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* What the files of the program ipclock share. */
#ifndef IPCLOCK_CLI_H
#define IPCLOCK_CLI_H

#include <stdbool.h>
#include <stddef.h>

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
#define STATUS_IO           74 /* standard output, or for put its input or file, cannot be read or written */
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
	int jobs;            /* of a semaphore; 0: not given */
	int lease_ms;        /* 0: not given */
	const char *redis;   /* URL of a server; NULL: file is a file, else a name there */
	bool paced;          /* step_ms or max_ms was given */
	bool soft;
	bool pidfile;
	bool unlink;
	bool whole_file;     /* --fcntl */
	bool try_once;
	bool close;          /* we are there when the command has ended */
	bool no_fork;
	bool unfair;
	bool poll;
	bool verbose;
	const char *file;    /* NULL: lock fd */
	int fd;
	char **command;      /* NULL: none */
};

/* options.c: the defaults; and a status to exit with, or GO_ON (parse.h). */
void options_init(struct options *options);
int options_parse(struct options *options, int argc, char **argv);

/* number.c: strict decimal numbers; false, and *value unchanged, if text is none or too large. */
bool number_parse(const char *text, int max, int *value);

/* Permission bits, as chmod(1) reads them. */
bool number_parse_octal(const char *text, int max, int *value);

/* Seconds with a fraction, as milliseconds rounded up: 0.0001 is no 0. */
bool number_parse_seconds(const char *text, int *ms);

/* main.c: "ipclock: ..." and a newline on standard error, in plain characters. */
void complain(const char *format, ...) __attribute__((__format__(__printf__, 1, 2)));

/* The same; returns STATUS_USAGE. */
int wrong(const char *format, ...) __attribute__((__format__(__printf__, 1, 2)));

/* Text on standard output; the next print() tells if it could not be written. */
void say(const char *format, ...) __attribute__((__format__(__printf__, 1, 2)));

/* ... at once: 0, or STATUS_IO. */
int print(const char *format, ...) __attribute__((__format__(__printf__, 1, 2)));

/* text.c: how many bytes of UTF-8 the next character is; 0: it is none. */
int text_character(const unsigned char *s);

/* What a terminal would not show becomes question marks. */
void text_make_plain(char *text);

/* status.c: the status for an error of opening or locking, or otherwise where it has none of its own. */
int status_of(int error, int otherwise);

/* ... and for one of making a file. */
int status_of_making(int error, int otherwise);

/* The verbs, a file each; they return the status to exit with. */
int probe_main(int argc, char **argv);
int put_main(int argc, char **argv);
int run_main(int argc, char **argv);
int who_main(int argc, char **argv);

/* who_redis.c, or who_redis_none.c: the same for a lock on a server. */
int who_redis(const char *url, const char *name, bool json);

#endif
