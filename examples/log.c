/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * A log that many write to, and that is rotated meanwhile without losing a line.
 *
 *	log write FILE <LINES     appends each line to FILE
 *	log rotate FILE           moves FILE to FILE.1, FILE.1 to FILE.2 and so on, the last
 *	                          goes; prints how many lines FILE.1 has
 *	log read FILE             prints all, the oldest first
 *
 * Those who write hold the lock on FILE.lock for reading, so that they do not
 * wait for each other: lines do not mix, as each is one write(2) to the end of
 * the file.  Whoever moves the files holds it for writing: nobody has one of
 * them open then, and nothing comes to FILE.1 any more, which could as well be
 * compressed or sent away here.  Who reads holds it for reading, too, and so finds each
 * line once.  The lock is on a file of its own, which stays where it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <ipclock.h>

enum { KEPT = 9, TIMEOUT_MS = 10000 };

static int
complain(const char *message)
{
	fprintf(stderr, "log: %s\n", message);
	return 1;
}

/* FILE, or FILE.NUMBER. */
static void
name(char *text, size_t size, const char *path, int number)
{
	if (number == 0)
		snprintf(text, size, "%s", path);
	else
		snprintf(text, size, "%s.%d", path, number);
}

/* ---- what is done under the lock ---- */

/* Opened anew for each line, since it may be another file by now. */
static int
append(const char *path, const char *line)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
	size_t length = strlen(line);
	int failed = fd < 0 || write(fd, line, length) != (ssize_t)length;

	if (failed)
		perror(path);
	if (fd >= 0)
		close(fd);
	return failed;
}

static long
count_lines(const char *path)
{
	FILE *file = fopen(path, "r");
	long lines = 0;
	int c;

	if (file == NULL)
		return 0;
	while ((c = getc(file)) != EOF)
		lines += c == '\n';
	fclose(file);
	return lines;
}

static int
rotate(const char *path, const char *unused)
{
	char from[4096], to[4096];
	int i;

	(void)unused;
	for (i = KEPT - 1; i >= 0; i--) {
		name(from, sizeof(from), path, i);
		name(to, sizeof(to), path, i + 1);
		if (rename(from, to) != 0 && errno != ENOENT)
			return complain(strerror(errno));
	}
	name(to, sizeof(to), path, 1);
	printf("%ld lines\n", count_lines(to));
	return 0;
}

static int
print(const char *path, const char *unused)
{
	char from[4096];
	FILE *file;
	int i, c;

	(void)unused;
	for (i = KEPT; i >= 0; i--) {
		name(from, sizeof(from), path, i);
		file = fopen(from, "r");
		if (file == NULL && errno != ENOENT)
			return complain(strerror(errno));
		if (file == NULL)
			continue;
		while ((c = getc(file)) != EOF)
			putchar(c);
		fclose(file);
	}
	return fflush(stdout) != 0;
}

/* ---- the lock ---- */

static int
under(struct ipclock_rw *lock, int alone, int (*what)(const char *path, const char *line), const char *path,
    const char *line)
{
	int failed;

	if ((alone ? ipclock_rw_acquire_write : ipclock_rw_acquire_read)(lock, TIMEOUT_MS) != 0)
		return complain(ipclock_rw_message(lock));
	failed = what(path, line);
	(alone ? ipclock_rw_release_write : ipclock_rw_release_read)(lock);
	return failed;
}

static int
write_lines(struct ipclock_rw *lock, const char *path)
{
	char line[4096];
	int failed = 0;

	while (!failed && fgets(line, sizeof(line), stdin) != NULL)
		failed = under(lock, 0, append, path, line);
	return failed;
}

int
main(int argc, char **argv)
{
	const char *verb = argc == 3 ? argv[1] : "";
	char lock_path[4096];
	struct ipclock_rw *lock;
	int failed;

	if (strcmp(verb, "write") != 0 && strcmp(verb, "rotate") != 0 && strcmp(verb, "read") != 0) {
		fprintf(stderr, "usage: log write|rotate|read FILE\n");
		return 2;
	}
	snprintf(lock_path, sizeof(lock_path), "%s.lock", argv[2]);
	if (ipclock_rw_open(&lock, lock_path, NULL) != 0)
		return complain(ipclock_message(NULL));
	if (*verb == 'w')
		failed = write_lines(lock, argv[2]);
	else if (strcmp(verb, "rotate") == 0)
		failed = under(lock, 1, rotate, argv[2], NULL);
	else
		failed = under(lock, 0, print, argv[2], NULL);
	ipclock_rw_close(lock);
	return failed;
}
