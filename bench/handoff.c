/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* From hand to hand: this process holds while another one waits, then releases. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"
#include "sample.h"

enum { MOST_TIMES = 1000 };

/* What the waiter answers; bench/peer.py does, too. */
struct answer {
	int64_t got_ns, cpu_us, switches;
};

struct pair {
	const struct way *way;
	struct lock lock; /* the holder's */
	pid_t pid;        /* the waiter */
	int begin, end;
};

static void
wait_when_told(struct pair *p, int begin, int end)
{
	struct answer a = { .got_ns = 0 };
	int64_t cpu, switched;
	char c;

	lock_inherit(&p->lock);
	while (write(end, &a, sizeof(a)) == sizeof(a) && read(begin, &c, 1) == 1) {
		cpu = cpu_us();
		switched = switches();
		lock_acquire(&p->lock, 1);
		a.got_ns = now_ns();
		a.cpu_us = cpu_us() - cpu;
		a.switches = switches() - switched;
		lock_release(&p->lock, 1);
	}
}

static struct answer
hear(const struct pair *p)
{
	struct answer a;

	if (read(p->end, &a, sizeof(a)) != sizeof(a))
		die(p->way->name);
	return a;
}

static void
start(struct pair *p, const struct way *way)
{
	int to[2], from[2];

	p->way = way;
	lock_open(&p->lock, way, 0);
	if (pipe(to) != 0 || pipe(from) != 0)
		die("pipe");
	p->pid = fork();
	if (p->pid == 0) {
		const long long ends[] = { to[0], from[1] };

		close(to[1]);
		close(from[0]);
		if (way->python != NULL)
			peer_exec("handoff", way, p->lock.path, ends, 2);
		wait_when_told(p, to[0], from[1]);
		_exit(0);
	}
	close(to[0]);
	close(from[1]);
	p->begin = to[1];
	p->end = from[0];
	hear(p);
}

/* Waiters that began later have the ends of its pipes, too: it is not told by closing them. */
static void
stop(struct pair *p)
{
	close(p->begin);
	close(p->end);
	kill(p->pid, SIGKILL);
	waitpid(p->pid, NULL, 0);
	lock_close(&p->lock);
}

static void
hold(struct pair *p)
{
	lock_acquire(&p->lock, 1);
	if (write(p->begin, "w", 1) != 1)
		die(p->way->name);
}

/* Microseconds from the release until the waiter has it. */
static double
let_go(struct pair *p, struct answer *a)
{
	int64_t released = now_ns();

	lock_release(&p->lock, 1);
	*a = hear(p);
	return (double)(a->got_ns - released) / 1e3;
}

static void
run(const struct way *way, const struct task *t)
{
	double us[MOST_TIMES], cpu = 0, switched = 0;
	int i, times = t->times < MOST_TIMES ? t->times : MOST_TIMES;
	struct answer a;
	struct pair p;

	start(&p, way);
	for (i = 0; i < times; i++) {
		hold(&p);
		pause_ns(t->hold_ns);
		us[i] = let_go(&p, &a);
		cpu += (double)a.cpu_us;
		switched += (double)a.switches;
	}
	stop(&p);
	sample_add(way->name, "p50", "us", quantile(us, times, 0.5));
	sample_add(way->name, "p99", "us", quantile(us, times, 0.99));
	sample_add(way->name, "max", "us", us[times - 1]);
	sample_add(way->name, "cpu", "us/wait", cpu / times);
	sample_add(way->name, "switches", "switches/wait", switched / times);
}

void
measure_handoff(const struct task *t)
{
	char parameter[40];
	int round, i;

	for (round = 0; round < t->rounds; round++)
		for (i = 0; i < t->ways_count; i++)
			run(t->ways[i], t);
	snprintf(parameter, sizeof(parameter), "hold %g ms", (double)t->hold_ns / 1e6);
	sample_print("handoff", parameter, WAY_RAW);
}

/* All wait at once, each for a file of its own. */
void
measure_wait(const struct task *t)
{
	static struct pair pairs[MOST_WAYS];
	char parameter[40];
	struct answer a;
	int i;

	for (i = 0; i < t->ways_count; i++) {
		start(&pairs[i], t->ways[i]);
		hold(&pairs[i]);
	}
	pause_ns((int64_t)(t->seconds * 1e9));
	for (i = 0; i < t->ways_count; i++) {
		sample_add(t->ways[i]->name, "late", "us", let_go(&pairs[i], &a));
		sample_add(t->ways[i]->name, "cpu", "us/s", (double)a.cpu_us / t->seconds);
		sample_add(t->ways[i]->name, "switches", "switches/s", (double)a.switches / t->seconds);
		stop(&pairs[i]);
	}
	snprintf(parameter, sizeof(parameter), "%g s", t->seconds);
	sample_print("wait", parameter, WAY_RAW);
}
