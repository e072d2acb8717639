/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <config.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "system.h"

int
main(int argc, char **argv)
{
	return program(argc, argv);
}

int64_t
now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int
text_write(FILE *stream, const char *format, va_list ap)
{
	return vfprintf(stream, format, ap);
}

int
environment_set(const char *name, const char *value)
{
	return setenv(name, value, 1) == 0 ? 0 : errno;
}

bool
is_full(int error)
{
	return error == ENOSPC || error == EDQUOT;
}

bool
terminal_is_there(void)
{
	return isatty(STDERR_FILENO);
}

/* In the background we would be stopped for writing, or write into another's screen. */
bool
terminal_is_ours(void)
{
	return tcgetpgrp(STDERR_FILENO) == getpgrp();
}

int
terminal_columns(void)
{
	struct winsize size;

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

void
terminal_write(const char *text, size_t size)
{
	file_write(STDERR_FILENO, text, size);
}

int
file_write(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t n = write(fd, data, size);

		if (n < 0)
			return errno;
		data += n;
		size -= (size_t)n;
	}
	return 0;
}

int
file_set_mode(int fd, int mode)
{
	return fchmod(fd, (mode_t)mode) == 0 ? 0 : errno;
}

static bool
is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Of the directory that path is in; returns the name there, or NULL. */
static const char *
stat_directory(const char *path, struct stat *st)
{
	const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
	char *directory = slash != NULL ? strndup(path, (size_t)(name - path)) : strdup(".");
	bool there = directory != NULL && stat(directory, st) == 0;

	free(directory);
	return there ? name : NULL;
}

bool
file_is_same(const char *a, const char *b)
{
	struct stat sa, sb;

	if (stat(a, &sa) == 0 && stat(b, &sb) == 0)
		return is_same(&sa, &sb);
	a = stat_directory(a, &sa);
	b = stat_directory(b, &sb);
	return a != NULL && b != NULL && strcmp(a, b) == 0 && is_same(&sa, &sb);
}

void
file_mode_at_most(int mode)
{
	umask(umask(0) | (~(mode_t)mode & 0777));
}

void
file_size_is_error(void)
{
	signal(SIGXFSZ, SIG_IGN);
}
