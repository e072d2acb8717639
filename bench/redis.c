/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * Locks on a server that runs, by URL, in turn:
 *
 *	redis pair URL ROUNDS TIMES WAY...        time of an acquire and release that nobody disturbs
 *	redis trips URL ROUNDS TIMES WAY...       what the server is asked for them
 *	redis handoff URL ROUNDS WAITERS WAY...   from the release to the return of a waiter, of 1 to 15
 *	redis crowd URL ROUNDS MS WAY...          8 processes, each again and again
 *	redis killed URL ROUNDS 9|19 WAY...       from that signal to the holder until a waiter holds, or 30 s
 *
 * A way is one of redis_way.c or of $PEER, bench/redis_peer.py. Each process of a
 * way obeys a command a line; so does the Python program.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hiredis/hiredis.h>

#include "redis_way.h"
#include "sample.h"

enum { CROWD = 8, HOLD_US = 2000, MOST_WORKERS = 16, MOST_TIMES = 100000, PATIENCE_MS = 30000 };

static const char *url;
static redisContext *control;

static void
die(const char *what)
{
	fprintf(stderr, "redis: %s\n", what);
	exit(1);
}

/* ---- a process that obeys ---- */

static void
do_pairs(const struct redis_way *way, int times)
{
	static double took[MOST_TIMES];
	int64_t began = now_ns(), before = began, after = began;
	double p50;
	int i;

	times = times < MOST_TIMES ? times : MOST_TIMES;
	for (i = 0; i < times; i++, before = after) {
		way->acquire(way);
		way->release();
		after = now_ns();
		took[i] = (double)(after - before);
	}
	p50 = quantile(took, times, 0.5);
	printf("pairs %.0f %.0f %.3f\n", p50, quantile(took, times, 0.99), times * 1e9 / (double)(after - began));
}

static void
do_crowd(const struct redis_way *way, int ms, int hold_us)
{
	int64_t until = now_ns() + ms * INT64_C(1000000), longest = 0, began, waited;
	long turns = 0;

	while ((began = now_ns()) < until) {
		way->acquire(way);
		waited = now_ns() - began;
		longest = waited > longest ? waited : longest;
		pause_ns(hold_us * INT64_C(1000));
		turns += now_ns() < until;
		way->release();
	}
	printf("crowd %ld %lld\n", turns, (long long)longest);
}

static void
obey(const struct redis_way *way, const char *line)
{
	int64_t began = now_ns();
	int a, b;

	if (strcmp(line, "acquire\n") == 0) {
		way->acquire(way);
		printf("held %lld\n", (long long)now_ns());
	} else if (strcmp(line, "release\n") == 0) {
		way->release();
		printf("released %lld\n", (long long)began);
	} else if (sscanf(line, "pairs %d", &a) == 1)
		do_pairs(way, a);
	else if (sscanf(line, "crowd %d %d", &a, &b) == 2)
		do_crowd(way, a, b);
}

static void
work(const char *name)
{
	const struct redis_way *way = redis_way(name);
	const char *python = getenv("PYTHON") ? getenv("PYTHON") : "/usr/bin/python3", *peer = getenv("PEER");
	char line[64];

	if (!way && peer)
		execl(python, python, peer, name, url, "bench", (char *)NULL);
	if (!way || way->open(way, url, "bench"))
		die(name);
	setvbuf(stdout, NULL, _IOLBF, 0);
	puts("ready");
	while (fgets(line, sizeof(line), stdin))
		obey(way, line);
	_exit(0);
}

/* ---- those who command it ---- */

struct worker {
	pid_t pid;
	FILE *to, *from;
};

static void
tell(struct worker *w, const char *command)
{
	fprintf(w->to, "%s\n", command);
	fflush(w->to);
}

/* The number behind the word that is expected; the rest in more, if wanted. */
static long long
answer(struct worker *w, const char *word, double more[2])
{
	char line[128] = "", got[16] = "";
	long long number = 0;
	double rest[2] = { 0, 0 };

	if (!fgets(line, sizeof(line), w->from) || sscanf(line, "%15s %lld %lf %lf", got, &number, &rest[0], &rest[1]) < 1 ||
	    strcmp(got, word) != 0)
		die(*line ? line : "a process ended");
	if (more)
		memcpy(more, rest, sizeof(rest));
	return number;
}

static long long
ask(struct worker *w, const char *command, const char *word)
{
	tell(w, command);
	return answer(w, word, NULL);
}

/* And what it holds goes with it. */
static void
end(struct worker *w)
{
	kill(w->pid, SIGKILL);
	waitpid(w->pid, NULL, 0);
	fclose(w->to);
	fclose(w->from);
}

static void
start(struct worker *w, const char *way)
{
	int to[2], from[2];

	if (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC))
		die("no pipe");
	w->pid = fork();
	if (w->pid == 0) {
		dup2(to[0], 0);
		dup2(from[1], 1);
		work(way);
		_exit(1);
	}
	close(to[0]);
	close(from[1]);
	w->to = fdopen(to[1], "w");
	w->from = fdopen(from[0], "r");
	answer(w, "ready", NULL);
}

/* Which of them says something first, or -1 after 30 s. */
static int
first(struct worker *w, int n)
{
	struct pollfd p[MOST_WORKERS];
	int i;

	for (i = 0; i < n; i++)
		p[i] = (struct pollfd){ fileno(w[i].from), POLLIN, 0 };
	if (poll(p, (nfds_t)n, PATIENCE_MS) <= 0)
		return -1;
	for (i = 0; !p[i].revents; i++)
		;
	return i;
}

/* ---- the server ---- */

static redisReply *
server_says(const char *command)
{
	redisReply *reply = redisCommand(control, command);

	if (!reply || reply->type == REDIS_REPLY_ERROR)
		die(reply ? reply->str : control->errstr);
	return reply;
}

static void
server_told(const char *command)
{
	freeReplyObject(server_says(command));
}

static double
number_of(const char *info, const char *name)
{
	const char *at = strstr(info, name);

	return at ? atof(at + strlen(name)) : 0;
}

struct traffic {
	double trips, commands, connections;
};

/* Commands of scripts are counted, too; not that by which we ask. */
static double
commands_of(const char *info)
{
	const char *at = info;
	double calls, all = 0;
	char name[64];

	while ((at = strstr(at, "cmdstat_"))) {
		at += strlen("cmdstat_");
		if (sscanf(at, "%63[^:]:calls=%lf", name, &calls) == 2 && strncmp(name, "config", 6) != 0)
			all += calls;
	}
	return all;
}

/*
 * Since the last call: a round trip is a read of the server's that was no end of
 * a connection, and not our own.
 */
static struct traffic
traffic(void)
{
	static double clients;
	redisReply *info;
	struct traffic t;
	double now;

	pause_ns(5000000); /* ends of connections are seen a little later */
	info = server_says("INFO everything");
	now = number_of(info->str, "connected_clients:");
	t.connections = number_of(info->str, "total_connections_received:");
	t.trips = number_of(info->str, "total_reads_processed:") - 1 - (t.connections + clients - now);
	t.commands = commands_of(info->str);
	clients = now;
	freeReplyObject(info);
	server_told("CONFIG RESETSTAT");
	return t;
}

static void
connect_control(void)
{
	control = strncmp(url, "unix://", 7) == 0 ? redisConnectUnix(url + 7) :
	    redisConnect("127.0.0.1", atoi(strrchr(url, ':') + 1));
	if (!control || control->err)
		die("no server");
}

/* ---- what is measured ---- */

static void
pair(const char *way, int times)
{
	double rest[2];
	struct worker w;
	char command[32];

	start(&w, way);
	ask(&w, "pairs 2", "pairs");
	snprintf(command, sizeof(command), "pairs %d", strncmp(way, "python-portalocker", 18) == 0 ? times / 20 + 2 : times);
	tell(&w, command);
	sample_add(way, "p50", "us", (double)answer(&w, "pairs", rest) / 1e3);
	sample_add(way, "p99", "us", rest[0] / 1e3);
	sample_add(way, "pairs", "a second", rest[1]);
	end(&w);
}

static void
trips(const char *way, int times)
{
	struct traffic sum[2] = { { 0 } }, t;
	static const char *const names[2][3] = { { "acquire: round trips", "acquire: commands", "acquire: connections" },
		{ "release: round trips", "release: commands", "release: connections" } };
	struct worker w;
	int i, j;

	start(&w, way);
	ask(&w, "pairs 2", "pairs");
	traffic();
	for (i = 0; i < 2 * times; i++) {
		ask(&w, i % 2 ? "release" : "acquire", i % 2 ? "released" : "held");
		t = traffic();
		sum[i % 2].trips += t.trips;
		sum[i % 2].commands += t.commands;
		sum[i % 2].connections += t.connections;
	}
	for (j = 0; j < 2; j++) {
		sample_add(way, names[j][0], "each", sum[j].trips / times);
		sample_add(way, names[j][1], "each", sum[j].commands / times);
		sample_add(way, names[j][2], "each", sum[j].connections / times);
	}
	end(&w);
}

/* One holds, the others wait; it releases after a while, and waits when another holds. */
static void
handoff(const char *way, int waiters)
{
	enum { HANDS = 40 };
	struct worker w[MOST_WORKERS], holder, was;
	double us[HANDS];
	long long released;
	int i, next;

	if (waiters < 1 || waiters >= MOST_WORKERS)
		die("1 to 15 waiters");
	for (i = 0; i <= waiters; i++)
		start(&w[i], way);
	holder = w[waiters];
	ask(&holder, "acquire", "held");
	for (i = 0; i < waiters; i++)
		tell(&w[i], "acquire");
	for (i = 0; i < HANDS; i++) {
		pause_ns((20 + rand() % 80) * INT64_C(1000000));
		released = ask(&holder, "release", "released");
		next = first(w, waiters);
		if (next < 0)
			die("nobody holds");
		us[i] = (double)(answer(&w[next], "held", NULL) - released) / 1e3;
		tell(&holder, "acquire");
		was = holder;
		holder = w[next];
		w[next] = was;
	}
	for (i = 0; i < waiters; i++)
		end(&w[i]);
	end(&holder);
	sample_add(way, "p50", "us", quantile(us, HANDS, 0.5));
	sample_add(way, "p99", "us", quantile(us, HANDS, 0.99));
}

static void
crowd(const char *way, int ms)
{
	struct worker w[CROWD];
	double turns[CROWD], all = 0, rest[2], longest = 0;
	struct traffic t;
	char command[48];
	int i;

	for (i = 0; i < CROWD; i++)
		start(&w[i], way);
	snprintf(command, sizeof(command), "crowd %d %d", ms, HOLD_US);
	traffic();
	for (i = 0; i < CROWD; i++)
		tell(&w[i], command);
	for (i = 0; i < CROWD; i++) {
		turns[i] = (double)answer(&w[i], "crowd", rest);
		all += turns[i];
		longest = rest[0] > longest ? rest[0] : longest;
	}
	t = traffic();
	for (i = 0; i < CROWD; i++)
		end(&w[i]);
	sample_add(way, "turns", "a second", all * 1e3 / ms);
	sample_add(way, "fewest", "turns", quantile(turns, CROWD, 0));
	sample_add(way, "most", "turns", turns[CROWD - 1]);
	sample_add(way, "worst", "ms", longest / 1e6);
	if (all > 0)
		sample_add(way, "round trips", "each turn", t.trips / all);
}

static void
killed(const char *way, int sig)
{
	struct worker holder, waiter;
	int64_t began;
	double ms = PATIENCE_MS;

	start(&holder, way);
	start(&waiter, way);
	ask(&holder, "acquire", "held");
	tell(&waiter, "acquire");
	pause_ns((200 + rand() % 800) * INT64_C(1000000));
	began = now_ns();
	kill(holder.pid, sig);
	if (first(&waiter, 1) == 0)
		ms = (double)(answer(&waiter, "held", NULL) - began) / 1e6;
	sample_add(way, "free", "ms", ms);
	end(&holder);
	end(&waiter);
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(const char *way, int number);
	} tests[] = { { "pair", pair }, { "trips", trips }, { "handoff", handoff }, { "crowd", crowd }, { "killed", killed } };
	const char *parameter = getenv("PARAMETER") ? getenv("PARAMETER") : "";
	char title[32];
	size_t i;
	int j, round;

	for (i = 0; argc > 5 && i < sizeof(tests) / sizeof(tests[0]) && strcmp(argv[1], tests[i].name) != 0; i++)
		;
	if (argc < 6 || i == sizeof(tests) / sizeof(tests[0])) {
		fputs("usage: redis pair|trips|handoff|crowd|killed URL ROUNDS NUMBER WAY...\n", stderr);
		return 2;
	}
	url = argv[2];
	signal(SIGPIPE, SIG_IGN);
	connect_control();
	for (round = 0; round < atoi(argv[3]); round++)
		for (j = 5; j < argc; j++) {
			server_told("FLUSHALL");
			tests[i].run(argv[j], atoi(argv[4]));
		}
	snprintf(title, sizeof(title), "redis-%s", argv[1]);
	sample_print(title, parameter, NULL);
	return 0;
}
