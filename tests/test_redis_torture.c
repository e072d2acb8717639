/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * Readers and writers on one lock while processes are killed and stopped and
 * connections cut; 3 seconds, or with IPCLOCK_TORTURE set 60.  Each grant whose
 * release says 0 was held from its begin to its end: no two that conflict may
 * overlap (promise A).  What a holder that lost its lock sends to the store is
 * refused there by its token.  Grants come in order of arrival (promise F), as a
 * process tells that hears all that the server does: redis_monitor.h.
 */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "redis_monitor.h"
#include "redis_server.h"
#include "support.h"

#define WORKERS    16
#define LEASE_MS   1500
#define MOST_HOLDS 400000

struct hold {
	uint64_t token;
	long begin, end; /* numbers of one counter */
	int writes;
	int kept; /* the release said 0 */
};

static struct store {
	atomic_int stop;
	atomic_int holding[WORKERS];
	atomic_long clock;
	atomic_long holds;
	atomic_long stuck, lost, accepted, refused;
	_Atomic uint64_t newest;        /* the newest token that the store has seen */
	_Atomic uint64_t newest_writer; /* of a write */
	struct monitor monitor;
	struct hold hold[MOST_HOLDS];
} *store;

/* The protected store: a write needs the newest token of all, a read one not older than the last write's. */
static void
use_store(uint64_t token, int writes)
{
	uint64_t seen = atomic_load(&store->newest);

	if (token < atomic_load(writes ? &store->newest : &store->newest_writer)) {
		atomic_fetch_add(&store->refused, 1);
		return;
	}
	while (seen < token && !atomic_compare_exchange_weak(&store->newest, &seen, token))
		;
	if (writes && seen > token) { /* overtaken just now */
		atomic_fetch_add(&store->refused, 1);
		return;
	}
	if (writes)
		atomic_store(&store->newest_writer, token);
	atomic_fetch_add(&store->accepted, 1);
}

/* It asks the store twice: who is stopped in between comes with a token that is old. */
static void
hold(struct ipclock_redis *r, int writes, unsigned *seed)
{
	struct hold h = { .writes = writes, .begin = atomic_fetch_add(&store->clock, 1) };
	long at = atomic_fetch_add(&store->holds, 1);

	if (ipclock_redis_token(r, &h.token) == 0) {
		use_store(h.token, writes);
		nap_ms(rand_r(seed) % 4);
		use_store(h.token, writes);
	}
	h.end = atomic_fetch_add(&store->clock, 1);
	h.kept = ipclock_redis_release(r) == 0;
	if (!h.kept)
		atomic_fetch_add(&store->lost, 1);
	if (at < MOST_HOLDS)
		store->hold[at] = h;
}

static void
work(int me, unsigned seed)
{
	struct ipclock_redis *r = open_lease("lock", LEASE_MS);
	int error, writes;

	if (ipclock_redis_start_renewing(r) != 0)
		_exit(2);
	while (!atomic_load(&store->stop)) {
		atomic_store(&store->holding[me], 0);
		writes = rand_r(&seed) % 3 == 0;
		error = writes ? ipclock_redis_acquire_write(r, LONG_MS) : ipclock_redis_acquire_read(r, LONG_MS);
		atomic_store(&store->holding[me], error == 0);
		if (error == 0)
			hold(r, writes, &seed);
		else if (error == ETIMEDOUT)
			atomic_fetch_add(&store->stuck, 1);
		else if (error != ECONNRESET && error != ESTALE)
			_exit(3);
	}
	ipclock_redis_close(r);
	_exit(0);
}

static pid_t
start_worker(int me)
{
	static unsigned seed = 1;
	pid_t pid;

	seed++;
	pid = fork();
	if (pid == 0)
		work(me, seed);
	return pid;
}

static void
stop_for_longer_than_its_lease(pid_t pid)
{
	kill(pid, SIGSTOP);
	nap_ms(LEASE_MS + 300);
	kill(pid, SIGCONT);
}

/* Any, or one that holds, if it can be found. */
static int
choose_victim(int holder, unsigned *seed)
{
	int victim = rand_r(seed) % WORKERS, tries = holder ? 100000 * WORKERS : 0;

	for (; tries > 0 && !atomic_load(&store->holding[victim]); tries--)
		victim = (victim + 1) % WORKERS;
	return victim;
}

static void
harm(pid_t *pids, unsigned *seed)
{
	int how = rand_r(seed) % 12, victim = choose_victim(how % 2 == 0, seed);

	if (how == 0)
		stop_for_longer_than_its_lease(pids[victim]);
	else if (how < 3)
		server_do("CLIENT KILL TYPE %s USER default", how == 1 ? "normal" : "pubsub");
	else {
		kill(pids[victim], SIGKILL);
		waitpid(pids[victim], NULL, 0);
		pids[victim] = start_worker(victim);
	}
}

static int
by_begin(const void *a, const void *b)
{
	const struct hold *x = a, *y = b;

	return x->begin < y->begin ? -1 : x->begin > y->begin;
}

/* Conflicting holds that overlap; for kept ones there must be none. */
static long
overlaps(long n, int only_kept)
{
	long i, found = 0, writers_end = -1, all_end = -1;

	for (i = 0; i < n; i++) {
		const struct hold *h = &store->hold[i];

		if (h->token == 0 || (only_kept && !h->kept))
			continue; /* killed while it held, or lost */
		found += h->begin < (h->writes ? all_end : writers_end);
		if (h->writes && h->end > writers_end)
			writers_end = h->end;
		if (h->end > all_end)
			all_end = h->end;
	}
	return found;
}

/* Each kept writer's token is newer than all that were granted before it. */
static long
steps_back(long n)
{
	uint64_t newest = 0;
	long i, found = 0;

	for (i = 0; i < n; i++) {
		const struct hold *h = &store->hold[i];

		if (!h->kept)
			continue;
		found += h->writes && h->token < newest;
		if (h->token > newest)
			newest = h->token;
	}
	return found;
}

static int
keeps_account(void *arg)
{
	(void)arg;
	return strstr(server_do("CLIENT LIST"), " cmd=monitor ") != NULL;
}

static pid_t
start_monitor(void)
{
	pid_t pid;

	server_do("ACL SETUSER monitor on >monitor ~* &* +@all");
	pid = fork();
	if (pid == 0)
		_exit(monitor_lock(&store->monitor));
	await(keeps_account, NULL, "a monitor");
	return pid;
}

static void
check_monitor(pid_t pid, long grants)
{
	const struct monitor *m = &store->monitor;

	server_do("ECHO all");
	ck_assert_int_eq(child_result(pid), 0);
	printf("# the server: %ld grants, %ld to who waited; %ld passed one who came earlier, %ld beside a holder, "
	    "%ld put out alive, %ld taken for dead alive, %ld tokens not newer\n", m->grants, m->waited, m->passed, m->beside,
	    m->put_out, m->taken_alive, m->steps_back);
	fflush(stdout);
	ck_assert_int_ge(m->grants, grants);
	ck_assert_int_gt(m->waited, 0);
	ck_assert_int_eq(m->passed, 0);
	ck_assert_int_eq(m->beside, 0);
	ck_assert_int_eq(m->put_out, 0);
	ck_assert_int_eq(m->taken_alive, 0);
	ck_assert_int_eq(m->steps_back, 0);
}

START_TEST(A_F_torture)
{
	long until = now_ms() + (getenv("IPCLOCK_TORTURE") != NULL ? 60000 : 3000), n;
	unsigned seed = 4711;
	pid_t pids[WORKERS], monitor;
	int i;

	store = mmap(NULL, sizeof(*store), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert(store != MAP_FAILED);
	monitor = start_monitor();
	for (i = 0; i < WORKERS; i++)
		pids[i] = start_worker(i);
	while (now_ms() < until) {
		nap_ms(50);
		harm(pids, &seed);
	}
	atomic_store(&store->stop, 1);
	for (i = 0; i < WORKERS; i++)
		ck_assert_int_eq(child_result(pids[i]), 0);
	n = atomic_load(&store->holds) < MOST_HOLDS ? atomic_load(&store->holds) : MOST_HOLDS;
	qsort(store->hold, (size_t)n, sizeof(store->hold[0]), by_begin);
	printf("# %ld grants, %ld lost, %ld overlaps, store: %ld accepted, %ld refused\n", n, atomic_load(&store->lost),
	    overlaps(n, 0), atomic_load(&store->accepted), atomic_load(&store->refused));
	fflush(stdout);
	ck_assert_int_gt(n, WORKERS);
	ck_assert_int_eq(overlaps(n, 1), 0);
	ck_assert_int_eq(steps_back(n), 0);
	ck_assert_int_eq(atomic_load(&store->stuck), 0);
	await_waiters(0); /* places of the dead last as long as a lease */
	check_monitor(monitor, n);
}
END_TEST

static void
add(TCase *t)
{
	if (!server_fixture(t, "libipclock-redis, torture"))
		return;
	tcase_set_timeout(t, 200);
	tcase_add_test(t, A_F_torture);
}

int
main(void)
{
	return test_main("redis_torture", add);
}
