/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * A semaphore of files that obeys: sem_peer DIRECTORY NAME SLOTS reads a command
 * a line, "acquire TIMEOUT_MS", "release SLOT" or "value", and answers with a
 * number: a slot or how many, or minus the error.
 */
#include <stdio.h>
#include <stdlib.h>

#include <ipclock.h>

int
main(int argc, char **argv)
{
	struct ipclock_sem *sem;
	unsigned n = 0;
	char line[64];
	int r, arg;

	if (argc != 4 || ipclock_sem_open_files(&sem, argv[1], argv[2], (unsigned)atoi(argv[3]), NULL) != 0) {
		fprintf(stderr, "sem_peer: %s\n", ipclock_message(NULL));
		return 1;
	}
	while (fgets(line, sizeof line, stdin) != NULL) {
		if (sscanf(line, "acquire %d", &arg) == 1)
			r = ipclock_sem_acquire(sem, arg, &n);
		else if (sscanf(line, "release %d", &arg) == 1)
			r = ipclock_sem_release(sem, n = (unsigned)arg);
		else
			r = ipclock_sem_value(sem, &n);
		printf("%d\n", r != 0 ? -r : (int)n);
		fflush(stdout);
	}
	ipclock_sem_close(sem);
	return 0;
}
