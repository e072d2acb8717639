/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * Eight processes add to a counter in a file, 500 times each: first without a
 * lock, and updates are lost; then under the write lock of a reader-writer
 * lock, with four readers looking on, and none is.
 *
 *	counter [DIRECTORY]
 *
 * Exits with 1 if under the lock an update was lost or a reader saw a counter
 * that was half written or ran backwards.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <ipclock.h>

enum { WRITERS = 8, READERS = 4, TURNS = 500 };

/* The file: one number, written twice, so that a reader sees when a writer is half done. */
struct counter {
	int64_t value;
	int64_t copy;
};

/* What the processes of a round tell each other, in memory that they share. */
struct round {
	int locked;                       /* under the lock, or without */
	pid_t parent;                     /* without whom there is nothing to do */
	atomic_int go;                    /* all are there: begin */
	atomic_int writing;               /* writers that are not done */
	atomic_int turns[WRITERS];
	int turns_at_end[WRITERS];        /* when the first was done */
	int64_t waited_ns[WRITERS * TURNS];
	atomic_long looks;                /* of the readers */
	atomic_long wrong;                /* looks at something that cannot be */
	int64_t total;
};

static char data_path[PATH_MAX], lock_path[PATH_MAX];

static void
check(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "counter: %s: %s\n", what, ipclock_message(NULL));
	exit(2);
}

static int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void
pause_us(long us)
{
	nanosleep(&(struct timespec){ .tv_nsec = us * 1000 }, NULL);
}

/* Read, think for a moment, write: what goes wrong when another does the same meanwhile. */
static void
add_one(int fd)
{
	struct counter c;

	check(pread(fd, &c, sizeof c, 0) == sizeof c, "read the counter");
	c.value++;
	pause_us(20);
	check(pwrite(fd, &c.value, sizeof c.value, 0) == sizeof c.value, "write the counter");
	c.copy = c.value;
	check(pwrite(fd, &c.copy, sizeof c.copy, sizeof c.value) == sizeof c.copy, "write the counter");
}

static void
writer(struct round *r, int me, struct ipclock_rw *rw, int fd)
{
	for (int i = 0; i < TURNS; i++) {
		int64_t begun = now_ns();

		if (r->locked)
			check(ipclock_rw_acquire_write(rw, IPCLOCK_FOREVER) == 0, "acquire");
		r->waited_ns[me * TURNS + i] = now_ns() - begun;
		add_one(fd);
		r->turns[me]++;
		if (r->locked)
			check(ipclock_rw_release_write(rw) == 0, "release");
	}
	if (atomic_fetch_sub(&r->writing, 1) == WRITERS) {
		for (int i = 0; i < WRITERS; i++)
			r->turns_at_end[i] = r->turns[i];
	}
}

static void
reader(struct round *r, struct ipclock_rw *rw, int fd)
{
	struct counter c;
	int64_t last = 0;

	while (r->writing > 0 && getppid() == r->parent) {
		check(ipclock_rw_acquire_read(rw, IPCLOCK_FOREVER) == 0, "acquire");
		check(pread(fd, &c, sizeof c, 0) == sizeof c, "read the counter");
		check(ipclock_rw_release_read(rw) == 0, "release");
		r->looks++;
		r->wrong += c.copy != c.value || c.value < last;
		last = c.value;
		pause_us(1000);
	}
}

/* Each process opens the files itself, as programs that know nothing of each other do. */
static pid_t
spawn(struct round *r, int me)
{
	struct ipclock_rw *rw;
	pid_t pid;
	int fd;

	pid = fork();
	check(pid >= 0, "fork");
	if (pid > 0)
		return pid;
	fd = open(data_path, O_RDWR | O_CLOEXEC);
	check(fd >= 0, data_path);
	check(ipclock_rw_open(&rw, lock_path, NULL) == 0, lock_path);
	while (!r->go && getppid() == r->parent)
		pause_us(1000);
	if (me < WRITERS)
		writer(r, me, rw, fd);
	else
		reader(r, rw, fd);
	ipclock_rw_close(rw);
	_exit(0);
}

static void
run(struct round *r, int locked)
{
	struct counter c = { 0, 0 };
	int i, fd, status, processes = locked ? WRITERS + READERS : WRITERS;

	fd = open(data_path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	check(fd >= 0 && pwrite(fd, &c, sizeof c, 0) == sizeof c, data_path);
	r->locked = locked;
	r->parent = getpid();
	r->writing = WRITERS;
	for (i = 0; i < processes; i++)
		spawn(r, i);
	r->go = 1;
	for (i = 0; i < processes; i++)
		check(wait(&status) > 0 && status == 0, "a process failed");
	check(pread(fd, &c, sizeof c, 0) == sizeof c, "read the counter");
	r->total = c.value;
	close(fd);
}

static int
compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void
print_round(struct round *r)
{
	size_t n = WRITERS * TURNS;
	const int64_t *waited = r->waited_ns;

	printf("\n%s\n", r->locked ? "Under the write lock, with 4 readers looking on:" : "Without a lock:");
	printf("  added up        %6d\n", WRITERS * TURNS);
	printf("  total           %6d\n", (int)r->total);
	printf("  lost updates    %6d\n", WRITERS * TURNS - (int)r->total);
	if (!r->locked)
		return;
	qsort(r->waited_ns, n, sizeof *r->waited_ns, compare);
	printf("  waits           p50 %.2f ms, p99 %.2f ms, max %.2f ms\n", (double)waited[n / 2] / 1e6,
	    (double)waited[n * 99 / 100] / 1e6, (double)waited[n - 1] / 1e6);
	printf("  turns           ");
	for (int i = 0; i < WRITERS; i++)
		printf("%d ", r->turns_at_end[i]);
	printf("  by process, when the first had all its %d\n", TURNS);
	printf("  readers' looks  %6ld, %ld of them wrong\n", (long)r->looks, (long)r->wrong);
}

int
main(int argc, char **argv)
{
	const char *dir = argc > 1 ? argv[1] : ".";
	struct round *rounds;

	snprintf(data_path, sizeof data_path, "%s/counter.data", dir);
	snprintf(lock_path, sizeof lock_path, "%s/counter.lock", dir);
	rounds = mmap(NULL, 2 * sizeof *rounds, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	check(rounds != MAP_FAILED, "mmap");
	printf("%d processes add 1 to a counter in a file, %d times each.\n", WRITERS, TURNS);
	fflush(stdout);
	run(&rounds[0], 0);
	print_round(&rounds[0]);
	fflush(stdout);
	run(&rounds[1], 1);
	print_round(&rounds[1]);
	unlink(data_path);
	unlink(lock_path);
	return rounds[1].total == WRITERS * TURNS && rounds[1].wrong == 0 && rounds[1].looks > 0 ? 0 : 1;
}
