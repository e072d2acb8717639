/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * What the program asks of an operating system, with child.h and signals.h:
 * a file NAME_posix.c and a file NAME_win32.c each, of which the build chooses one.
 */
#ifndef IPCLOCK_CLI_SYSTEM_H
#define IPCLOCK_CLI_SYSTEM_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* main.c: the program.  On Windows the arguments are UTF-8. */
int program(int argc, char **argv);

/* Microseconds on a clock that nobody can set. */
int64_t now_us(void);

/* As vfprintf(3), for stdout and stderr: a console may want more than UTF-8. */
int text_write(FILE *stream, const char *format, va_list ap) __attribute__((__format__(__printf__, 2, 0)));

/* For the command that will be run: 0, or an errno value. */
int environment_set(const char *name, const char *value);

/* Is there no room left, for anybody or for this user? */
bool is_full(int error);

/* The terminal on standard error: is it one, may it be written now, how wide is it? */
bool terminal_is_there(void);
bool terminal_is_ours(void);
int terminal_columns(void);
void terminal_write(const char *text, size_t size);

/* A descriptor of the library's: 0, or an errno value. */
int file_write(int fd, const char *data, size_t size);
int file_set_mode(int fd, int mode);

/* Do both names mean one file, or would they if it were there? */
bool file_is_same(const char *a, const char *b);

/* From now on new files get no more rights than those of mode. */
void file_mode_at_most(int mode);

/* From now on a file that becomes too large is an error, not a signal. */
void file_size_is_error(void);

#endif
