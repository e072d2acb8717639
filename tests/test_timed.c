/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * Waits with a deadline and the bad luck that they may have.  What is about
 * fork, cancellation, signal handlers and threads left behind in general is in
 * test_fork.c, test_threads.c and test_process_lock.c.
 *
 * IPCLOCK_TORTURE=N: the hammer makes N acquires in place of 3000.
 */

#include <config.h>

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "agent_client.h"
#include "support.h"

#define NOBODY 65534

static void *
shared_memory(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	ck_assert(p != MAP_FAILED);
	return p;
}

/* How many locks of ours the kernel knows on the file, held by whomever. */
static int
locks_on(const char *path)
{
	FILE *locks = fopen("/proc/locks", "r");
	unsigned long inode;
	long long start;
	struct stat st;
	char line[256];
	int n = 0;

	if (locks == NULL || stat(path, &st) != 0)
		return -1;
	while (fgets(line, sizeof(line), locks) != NULL)
		if (sscanf(line, "%*s %*s %*s %*s %*s %*x:%*x:%lu %lld", &inode, &start) == 2 &&
		    inode == st.st_ino && start >= SLOT_BASE)
			n++;
	fclose(locks);
	return n;
}

static long
resident_kb(void)
{
	FILE *status = fopen("/proc/self/status", "r");
	char line[256];
	long kb = -1;

	while (status != NULL && fgets(line, sizeof(line), status) != NULL)
		if (sscanf(line, "VmRSS: %ld", &kb) == 1)
			break;
	if (status != NULL)
		fclose(status);
	return kb;
}

/* ---- the hammer ---- */

#define PROCESSES 4
#define THREADS   2
#define WORKERS   (PROCESSES * THREADS)

/* What a process has. */
struct residue {
	int threads, fds, locks;
	long kb;
};

/* What all processes see.  inside: -1 with a writer, else how many readers. */
struct arena {
	atomic_int inside, met;
	atomic_long granted, gave_up, cancelled;
	int turns; /* of each worker */
	struct residue before[PROCESSES], after[PROCESSES];
};

struct worker {
	struct arena *arena;
	struct ipclock_rw *rw;
	int starts; /* begins some waits by start; its handle is its own */
	uint32_t seed;
};

static int
random_below(struct worker *w, uint32_t n)
{
	w->seed ^= w->seed << 13;
	w->seed ^= w->seed >> 17;
	w->seed ^= w->seed << 5;
	return (int)(w->seed % n);
}

static void
pause_us(int us)
{
	struct timespec t = { .tv_nsec = us * 1000L };

	nanosleep(&t, NULL);
}

/* Start, then step as a loop does, or cancel after a while: it may just have been granted. */
static int
by_steps(struct worker *w, int write, int timeout_ms)
{
	struct pollfd readable = { .fd = ipclock_rw_pollfd(w->rw), .events = POLLIN };
	int steps = random_below(w, 4) == 0 ? random_below(w, 3) : INT_MAX;
	int error, wait_ms = 0;

	error = write ? ipclock_rw_start_write(w->rw, timeout_ms) : ipclock_rw_start_read(w->rw, timeout_ms);
	while (error == EINPROGRESS && steps-- > 0) {
		poll(&readable, 1, wait_ms);
		error = ipclock_rw_step(w->rw, &wait_ms);
	}
	if (error == EINPROGRESS) {
		pause_us(random_below(w, 3000));
		ipclock_rw_cancel(w->rw);
		error = ipclock_rw_step(w->rw, NULL);
	}
	return error;
}

static int
take(struct worker *w, int write, int timeout_ms)
{
	if (w->starts && random_below(w, 2) == 0)
		return by_steps(w, write, timeout_ms);
	return write ? ipclock_rw_acquire_write(w->rw, timeout_ms) : ipclock_rw_acquire_read(w->rw, timeout_ms);
}

/* Inside, with the lock: 0 if nobody is there who may not be. */
static int
hold(struct worker *w, int write)
{
	int free = 0;
	int wrong;

	if (write)
		wrong = !atomic_compare_exchange_strong(&w->arena->inside, &free, -1);
	else
		wrong = atomic_fetch_add(&w->arena->inside, 1) < 0;
	pause_us(200 + random_below(w, 2500));
	if (write)
		wrong |= atomic_exchange(&w->arena->inside, 0) != -1;
	else
		wrong |= atomic_fetch_sub(&w->arena->inside, 1) < 1;
	atomic_fetch_add(&w->arena->granted, 1);
	return wrong ? 200 : 0;
}

/* Whether the handle's open file description has a lock of any kind. */
static int
has_locks(struct ipclock_rw *rw)
{
	char path[64], line[256];
	FILE *info;
	int n = 0;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", ipclock_rw_fd(rw));
	info = fopen(path, "r");
	while (info != NULL && fgets(line, sizeof(line), info) != NULL)
		n += strncmp(line, "lock:", 5) == 0;
	if (info != NULL)
		fclose(info);
	return n != 0;
}

/* A failure that a wait with this timeout may have, and that left nothing. */
static int
gave_up(struct worker *w, int error, int timeout_ms)
{
	/* Classic locks are those of the process. */
	if (w->starts && !test_posix() && has_locks(w->rw))
		return 203;
	if (error == ECANCELED && w->starts)
		atomic_fetch_add(&w->arena->cancelled, 1);
	else if (error == (timeout_ms == 0 ? EBUSY : ETIMEDOUT))
		atomic_fetch_add(&w->arena->gave_up, 1);
	else
		return error;
	return 0;
}

/* Timeouts like the holds, and like those of a few in a line. */
static int
work(void *arg)
{
	struct worker *w = arg;
	int i, error = 0;

	for (i = 0; i < w->arena->turns && error == 0; i++) {
		int write = random_below(w, 4) != 0;
		int timeout_ms = random_below(w, 12);

		error = take(w, write, timeout_ms);
		if (error != 0) {
			error = gave_up(w, error, timeout_ms);
			continue;
		}
		error = hold(w, write);
		if (error == 0)
			error = write ? ipclock_rw_release_write(w->rw) : ipclock_rw_release_read(w->rw);
	}
	return error;
}

static struct residue
take_stock(void)
{
	return (struct residue){
		.threads = thread_count(), .fds = fd_count(), .locks = locks_on(test_path), .kb = resident_kb()
	};
}

static void *
work_in_thread(void *arg)
{
	return (void *)(intptr_t)work(arg);
}

/* Where all processes wait for each other; for the time-th time. */
static void
meet(struct arena *arena, int time)
{
	atomic_fetch_add(&arena->met, 1);
	while (atomic_load(&arena->met) < time * PROCESSES)
		nap_ms(1);
}

/* Two threads: on one handle in every other process, else on a handle each. */
static int
hammer_with_threads(struct arena *arena, int process)
{
	struct worker workers[THREADS];
	pthread_t threads[THREADS];
	int i, own = process % 2, error = 0;
	void *result;

	for (i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){
			.arena = arena, .starts = own, .seed = (uint32_t)(1 + process * THREADS + i) * 2654435761u
		};
		if (!own && i > 0)
			workers[i].rw = workers[0].rw;
		else if (ipclock_rw_open(&workers[i].rw, test_path, NULL) != 0)
			return 201;
	}
	for (i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, work_in_thread, &workers[i]) != 0)
			return 202;
	for (i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &result);
		error = error != 0 ? error : (int)(intptr_t)result;
	}
	/* The handles stay open until all have looked: what leaked would show. */
	meet(arena, 2);
	arena->after[process].locks = locks_on(test_path);
	meet(arena, 3);
	for (i = 0; i < (own ? THREADS : 1); i++)
		ipclock_rw_close(workers[i].rw);
	return error;
}

static struct arena *
the_arena(void)
{
	return test_shared(test_file("arena"), sizeof(struct arena));
}

static int
hammer_process(const char *number)
{
	struct arena *arena = the_arena();
	int error, locks, process = atoi(number);

	arena->before[process] = take_stock();
	meet(arena, 1);
	error = hammer_with_threads(arena, process);
	locks = arena->after[process].locks;
	arena->after[process] = take_stock();
	arena->after[process].locks = locks;
	return error;
}

static int
turns_of_a_worker(void)
{
	const char *torture = getenv("IPCLOCK_TORTURE");
	int acquires = torture != NULL ? atoi(torture) : 3000;

	/* Classic locks, and Wine's, hand over within a process by backoff. */
	return (test_posix() || test_windows() ? acquires / 10 : acquires) / WORKERS;
}

/* The counts are of directory entries: ".", ".." and the directory's own descriptor are no residue. */
static void
report(const struct arena *arena)
{
	const struct residue *before = &arena->before[0], *after = &arena->after[0];

	printf("# hammer: %ld granted, %ld gave up, %ld cancelled; threads %d -> %d, descriptors %d -> %d, "
	    "locks %d -> %d, VmRSS %ld -> %ld kB\n", atomic_load(&arena->granted), atomic_load(&arena->gave_up),
	    atomic_load(&arena->cancelled), before->threads - 2, after->threads - 2, before->fds - 3, after->fds - 3,
	    before->locks, after->locks, before->kb, after->kb);
	fflush(stdout);
}

/* The grant and the deadline at the same instant, very often. */
START_TEST(A_G_hammer)
{
	struct ipclock *l = must_open(test_path, 0);
	struct arena *arena = the_arena();
	pid_t pid[PROCESSES];
	char number[16];
	int i;

	arena->turns = turns_of_a_worker();
	for (i = 0; i < PROCESSES; i++) {
		snprintf(number, sizeof(number), "%d", i);
		pid[i] = test_spawn(hammer_process, number, NULL, 0);
	}
	for (i = 0; i < PROCESSES; i++)
		ck_assert_int_eq(child_result(pid[i]), 0);
	report(arena);
	for (i = 0; i < PROCESSES; i++) {
		ck_assert_int_eq(arena->after[i].threads, arena->before[i].threads);
		ck_assert_int_eq(arena->after[i].fds, arena->before[i].fds);
		ck_assert_int_le(arena->after[i].locks, 0); /* -1: nobody tells */
	}
	ck_assert_int_gt(atomic_load(&arena->granted), 0);
	ck_assert_int_eq(arena->granted + arena->gave_up + arena->cancelled, (long)arena->turns * WORKERS);
	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	ipclock_close(l);
}
END_TEST

/* ---- a helper in the queue dies with its process ---- */

static void
killed_with_its_helper(const char *how, int answer)
{
	struct ipclock *holder = must_open(test_path, 0);
	struct agent first, next;

	agent_spawn(&first);
	agent_spawn(&next);
	ck_assert_int_eq(agent_do(&first, "open l %s", test_path), 0);
	ck_assert_int_eq(agent_do(&next, "open l %s", test_path), 0);
	ck_assert_int_eq(ipclock_acquire(holder, 0), 0);
	agent_send(&first, "%s l %d", how, LONG_MS);
	if (answer)
		ck_assert_int_eq(agent_answer(&first), answer);
	await_line(test_path, 0, 1);
	agent_send(&next, "acquire l %d", LONG_MS);
	await_line(test_path, 0, 2);
	agent_kill(&first, SIGKILL);
	await_line(test_path, 0, 1);
	ck_assert(!agent_answered(&next));
	ck_assert_int_eq(ipclock_release(holder), 0);
	ck_assert_int_eq(agent_answer(&next), 0);
	ck_assert_int_eq(line_length(test_path, 0), 0);
	agent_end(&next);
	ipclock_close(holder);
}

START_TEST(B_killed_with_its_helper_in_the_queue)
{
	killed_with_its_helper("acquire", 0);
	killed_with_its_helper("start", EINPROGRESS);
}
END_TEST

/* ---- no thread to be had ---- */

static void *
nothing(void *arg)
{
	return arg;
}

struct without_threads {
	const char *path;
	int tell; /* here: the last wait begins */
};

static int
wait_without_threads(void *arg)
{
	const struct without_threads *w = arg;
	struct rlimit none = { 0, 0 };
	struct ipclock *l;
	pthread_t thread;
	long begin;

	if (setrlimit(RLIMIT_NPROC, &none) != 0 || (geteuid() == 0 && setuid(NOBODY) != 0))
		return 210;
	if (pthread_create(&thread, NULL, nothing, NULL) != EAGAIN)
		return 211;
	if (ipclock_open(&l, w->path, NULL) != 0)
		return 212;
	begin = now_ms();
	if (ipclock_acquire(l, 50) != ETIMEDOUT || now_ms() - begin < 50)
		return 213;
	if (ipclock_start(l, LONG_MS) != EINPROGRESS || ipclock_step(l, NULL) != EINPROGRESS)
		return 214;
	ipclock_cancel(l);
	if (write(w->tell, "w", 1) != 1)
		return 215;
	return ipclock_acquire(l, LONG_MS);
}

START_TEST(E_no_thread_to_be_had)
{
	struct ipclock *holder = must_open(test_path, 0);
	struct without_threads w = { .path = test_path };
	int ends[2];
	pid_t pid;
	char c;

	ck_assert_int_eq(chmod(test_path, 0666), 0);
	ck_assert_int_eq(ipclock_acquire(holder, 0), 0);
	ck_assert_int_eq(pipe(ends), 0);
	w.tell = ends[1];
	pid = fork();
	if (pid == 0)
		_exit(wait_without_threads(&w));
	close(ends[1]);
	if (read(ends[0], &c, 1) == 1)
		await_line(test_path, 0, 1);
	ck_assert_int_eq(ipclock_release(holder), 0);
	ck_assert_int_eq(child_result(pid), 0);
	ck_assert_int_eq(ipclock_acquire(holder, 0), 0);
	ipclock_close(holder);
	close(ends[0]);
}
END_TEST

/* ---- signals all the time ---- */

#define TICKS 40

struct ticking {
	atomic_int *ticks;
	int sa_flags, timeout_ms, tell;
	char name;
};

static atomic_int *my_ticks;

static void
count_tick(int sig)
{
	(void)sig;
	atomic_fetch_add(my_ticks, 1);
}

/* Waits, the first with a timer of 5 ms, and tells its name when it holds. */
static int
wait_with_a_timer(struct ticking *t)
{
	suseconds_t us = t->name == 'a' ? 5000 : 0;
	struct itimerval every = { .it_interval.tv_usec = us, .it_value.tv_usec = us };
	struct sigaction act = { .sa_handler = count_tick, .sa_flags = t->sa_flags };
	struct ipclock *l;
	int error = ipclock_open(&l, test_path, NULL);

	my_ticks = t->ticks;
	if (error != 0 || sigaction(SIGALRM, &act, NULL) != 0 || setitimer(ITIMER_REAL, &every, NULL) != 0)
		return 220;
	error = ipclock_acquire(l, t->timeout_ms);
	if (error == 0 && write(t->tell, &t->name, 1) != 1)
		error = 221;
	return error != 0 ? error : ipclock_release(l);
}

static void
order_with_timers(int sa_flags, int timeout_ms)
{
	struct ipclock *holder = must_open(test_path, 0);
	atomic_int *ticks = shared_memory(sizeof(*ticks));
	int ends[2], i;
	pid_t pid[2];
	char order[3] = "";

	ck_assert_int_eq(ipclock_acquire(holder, 0), 0);
	ck_assert_int_eq(pipe(ends), 0);
	for (i = 0; i < 2; i++) {
		struct ticking t = {
			.ticks = ticks, .sa_flags = sa_flags, .timeout_ms = timeout_ms, .tell = ends[1],
			.name = (char)('a' + i)
		};

		pid[i] = fork();
		if (pid[i] == 0)
			_exit(wait_with_a_timer(&t));
		await_line(test_path, 0, i + 1);
	}
	/* Had the first left the line, it would be behind the second now. */
	await_count(ticks, atomic_load(ticks) + TICKS, "signals");
	ck_assert_int_eq(ipclock_release(holder), 0);
	for (i = 0; i < 2; i++)
		ck_assert_int_eq(child_result(pid[i]), 0);
	ck_assert_int_eq(read(ends[0], order, 2), 2);
	ck_assert_str_eq(order, "ab");
	close(ends[0]);
	close(ends[1]);
	ipclock_close(holder);
}

START_TEST(F_no_place_is_lost_to_a_timer)
{
	order_with_timers(0, LONG_MS);
	order_with_timers(0, IPCLOCK_FOREVER);
}
END_TEST

START_TEST(F_no_place_is_lost_to_a_timer_that_restarts)
{
	order_with_timers(SA_RESTART, LONG_MS);
	order_with_timers(SA_RESTART, IPCLOCK_FOREVER);
}
END_TEST

/* ---- many at once ---- */

#define MANY 200

/* Waits until one of them is granted, and says which; the others go on. */
static int
next_granted(struct ipclock **l, struct pollfd *fds, const int *had, int n)
{
	long end = now_ms() + LONG_MS;
	int i, error, wait_ms;

	while (now_ms() < end) {
		poll(fds, (nfds_t)n, test_posix() ? 1 : 100);
		for (i = 0; i < n; i++) {
			if (had[i])
				continue;
			error = ipclock_step(l[i], &wait_ms);
			if (error == 0)
				return i;
			ck_assert_int_eq(error, EINPROGRESS);
		}
	}
	return -1;
}

/* A loop that waits for as many things: each has a helper in the queue. */
START_TEST(F_many_at_once)
{
	struct ipclock *holder = must_open(test_path, 0);
	struct ipclock *l[MANY];
	struct pollfd fds[MANY];
	int had[MANY] = { 0 };
	int i, n = test_posix() ? MANY / 10 : MANY;
	int threads = thread_count();

	ck_assert_int_eq(ipclock_acquire(holder, 0), 0);
	for (i = 0; i < n; i++) {
		l[i] = must_open(test_path, 0);
		fds[i] = (struct pollfd){ .fd = ipclock_pollfd(l[i]), .events = POLLIN };
		ck_assert_int_eq(ipclock_start(l[i], 3 * LONG_MS), EINPROGRESS);
	}
	ck_assert_int_eq(ipclock_release(holder), 0);
	for (i = 0; i < n; i++) {
		ck_assert_int_eq(next_granted(l, fds, had, n), i);
		had[i] = 1;
		fds[i].fd = -1;
		ck_assert_int_eq(ipclock_release(l[i]), 0);
	}
	ck_assert_int_eq(thread_count(), threads);
	ck_assert_int_eq(ipclock_acquire(holder, 0), 0);
	for (i = 0; i < n; i++)
		ipclock_close(l[i]);
	ipclock_close(holder);
}
END_TEST

static void
add(TCase *t)
{
	if (getenv("IPCLOCK_TORTURE") != NULL)
		tcase_set_timeout(t, 3600);
	tcase_add_test(t, A_G_hammer);
	tcase_add_test(t, B_killed_with_its_helper_in_the_queue);
	tcase_add_test(t, E_no_thread_to_be_had);
	tcase_add_test(t, F_many_at_once);
	tcase_add_test(t, F_no_place_is_lost_to_a_timer);
	tcase_add_test(t, F_no_place_is_lost_to_a_timer_that_restarts);
}

int
main(void)
{
	return test_main("timed", add);
}
