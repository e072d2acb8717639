/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * Three licences for eight processes: a semaphore around what only so many may
 * use at a time.  One process dies with a licence in its hand, and the others
 * get that one, too.
 *
 *	licences [FILE]
 *
 * Exits with 1 if more than three were in use at a time, or one was lost.
 */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <ipclock.h>

enum { LICENCES = 3, PROCESSES = 8, TURNS = 20 };

/* In memory that all share. */
static struct { atomic_int in_use; atomic_int most; atomic_int turns[LICENCES]; } *seen;

static void
check(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "licences: %s: %s\n", what, ipclock_message(NULL));
	exit(2);
}

static void
use(unsigned licence)
{
	int now = atomic_fetch_add(&seen->in_use, 1) + 1, most = seen->most;

	while (now > most && !atomic_compare_exchange_weak(&seen->most, &most, now))
		;
	atomic_fetch_add(&seen->turns[licence], 1);
	nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	atomic_fetch_sub(&seen->in_use, 1);
}

static void
work(const char *path, int dies)
{
	struct ipclock_sem *sem;
	unsigned licence;
	int i;

	check(ipclock_sem_open(&sem, path, LICENCES, NULL) == 0, path);
	for (i = 0; i < TURNS; i++) {
		check(ipclock_sem_acquire(sem, 10000, &licence) == 0, "acquire");
		if (dies)
			raise(SIGKILL);
		use(licence);
		check(ipclock_sem_release(sem, licence) == 0, "release");
	}
	ipclock_sem_close(sem);
	_exit(0);
}

int
main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : "licences.lock";
	struct ipclock_sem *sem;
	unsigned left = 0;
	int i, status, killed = 0;
	pid_t pid;

	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	check(seen != MAP_FAILED, "mmap");
	for (i = 0; i < PROCESSES; i++) {
		pid = fork();
		check(pid >= 0, "fork");
		if (pid == 0)
			work(path, i == 0);
	}
	while (wait(&status) > 0) {
		check(WIFSIGNALED(status) || status == 0, "a process failed");
		killed += WIFSIGNALED(status) != 0;
	}
	check(ipclock_sem_open(&sem, path, LICENCES, NULL) == 0 && ipclock_sem_value(sem, &left) == 0, path);
	printf("%d processes, %d licences: at most %d in use at a time, %d process died with one, %u are free now.\n",
	    PROCESSES, LICENCES, (int)seen->most, killed, left);
	for (i = 0; i < LICENCES; i++)
		printf("licence %d was used %d times\n", i, (int)seen->turns[i]);
	ipclock_sem_close(sem);
	unlink(path);
	return seen->most <= LICENCES && left == LICENCES && killed == 1 ? 0 : 1;
}
