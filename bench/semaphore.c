/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * The semaphore's hand-off: how long from a release to the waiter's return, and
 * what an acquire and a release cost that nobody disturbs, or that meet many
 * taken slots.  By IPCLOCK_POLL there is no watch: pauses alone.
 *
 *	semaphore [FILE [ROUNDS]]
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <ipclock.h>

static const char *path = "semaphore.lock";
static struct shared { _Atomic double released; _Atomic int taken; } *shared;

static double
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void
nap_us(long us)
{
	nanosleep(&(struct timespec){ .tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000 }, NULL);
}

static struct ipclock_sem *
open_sem(unsigned slots, unsigned flags)
{
	struct ipclock_attr *attr;
	struct ipclock_sem *sem;

	if (ipclock_attr_new(&attr) || ipclock_attr_set_flags(attr, flags) || ipclock_sem_open(&sem, path, slots, attr)) {
		fprintf(stderr, "semaphore: %s\n", ipclock_message(NULL));
		exit(1);
	}
	ipclock_attr_free(attr);
	return sem;
}

static int
compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void
print(const char *what, double *us, int n)
{
	qsort(us, (size_t)n, sizeof(*us), compare);
	printf("%-34s p50 %9.1f us   p99 %9.1f us   max %9.1f us\n", what, us[n / 2], us[n * 99 / 100], us[n - 1]);
	fflush(stdout);
}

/* A child takes the slot and holds it until it is killed, or releases it after a while. */
static pid_t
holder(unsigned flags, int crashes)
{
	pid_t pid = fork();
	struct ipclock_sem *sem;
	unsigned slot;

	if (pid > 0) {
		while (!shared->taken)
			nap_us(200);
		return pid;
	}
	sem = open_sem(1, flags);
	if (ipclock_sem_acquire(sem, -1, &slot))
		_exit(1);
	shared->taken = 1;
	nap_us(20000 + rand() % 200000);
	shared->released = now_us();
	if (crashes)
		raise(SIGKILL);
	ipclock_sem_release(sem, slot);
	_exit(0);
}

static void
hand_off(const char *what, unsigned flags, int crashes, int rounds)
{
	double *us = calloc((size_t)rounds, sizeof(*us));
	struct ipclock_sem *sem = open_sem(1, flags);
	unsigned slot;
	pid_t pid;
	int i;

	for (i = 0; i < rounds && us; i++) {
		srand((unsigned)i);
		shared->taken = 0;
		pid = holder(flags, crashes);
		if (ipclock_sem_acquire(sem, -1, &slot))
			exit(1);
		us[i] = now_us() - shared->released;
		ipclock_sem_release(sem, slot);
		waitpid(pid, NULL, 0);
	}
	print(what, us, rounds);
	ipclock_sem_close(sem);
	free(us);
}

static void
pairs(const char *what, unsigned slots, unsigned taken, int rounds)
{
	struct ipclock_sem *others = open_sem(slots, 0), *sem = open_sem(slots, 0);
	double *us = calloc((size_t)rounds, sizeof(*us)), begun;
	unsigned slot;
	int i;

	for (slot = 0; taken > 0; taken--)
		if (ipclock_sem_acquire(others, 0, &slot))
			exit(1);
	for (i = 0; i < rounds && us; i++) {
		begun = now_us();
		if (ipclock_sem_acquire(sem, 0, &slot) == 0)
			ipclock_sem_release(sem, slot);
		us[i] = now_us() - begun;
	}
	print(what, us, rounds);
	ipclock_sem_close(others);
	ipclock_sem_close(sem);
	free(us);
}

int
main(int argc, char **argv)
{
	int rounds = argc > 2 ? atoi(argv[2]) : 100;

	path = argc > 1 ? argv[1] : path;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 1;
	hand_off("release, with the watch", 0, 0, rounds);
	hand_off("release, pauses alone", IPCLOCK_POLL, 0, rounds);
	hand_off("crash, with the watch", 0, 1, rounds);
	hand_off("crash, pauses alone", IPCLOCK_POLL, 1, rounds);
	pairs("acquire and release, 4 slots", 4, 0, 100 * rounds);
	pairs("the same, 100 of 101 slots taken", 101, 100, 10 * rounds);
	pairs("a try in vain, 100 slots", 100, 100, 10 * rounds);
	pairs("a try in vain, 1000 slots", 1000, 1000, rounds);
	unlink(path);
	return 0;
}
