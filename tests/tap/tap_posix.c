/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tap_process.h"

static volatile sig_atomic_t child; /* and its process group */

/* A test has a process group, which an interrupt from the terminal does not reach. */
static void
pass_on(int sig)
{
	if (child > 0)
		kill(-(pid_t)child, SIGKILL);
	signal(sig, SIG_DFL);
	raise(sig);
}

void
tap_process_begin(void)
{
	signal(SIGINT, pass_on);
	signal(SIGTERM, pass_on);
}

int
tap_process_case(void)
{
	const char *n = getenv("TAP_CASE");

	return n != NULL ? atoi(n) - 1 : -1;
}

static double
seconds_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Its status of waitpid(2). */
static int
await_child(double seconds)
{
	struct timespec tick = { .tv_nsec = 1000000 };
	double end = seconds_now() + seconds;
	int status;

	while (waitpid((pid_t)child, &status, WNOHANG) == 0) {
		if (seconds_now() > end) {
			printf("# it took longer than %.0f s\n", seconds);
			kill(-(pid_t)child, SIGKILL);
			end += seconds;
		}
		nanosleep(&tick, NULL);
	}
	return status;
}

int
tap_process_run(int n, double seconds, void (*run)(int n))
{
	const char *forks = getenv("CK_FORK");
	int status;

	if (forks != NULL && strcmp(forks, "no") == 0) {
		run(n);
		return 0;
	}
	fflush(stdout);
	child = fork();
	if (child == 0) {
		setpgid(0, 0);
		signal(SIGINT, SIG_DFL);
		signal(SIGTERM, SIG_DFL);
		run(n);
		exit(0);
	}
	setpgid((pid_t)child, (pid_t)child);
	status = await_child(seconds);
	kill(-(pid_t)child, SIGKILL);
	child = 0;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	printf("# ended by signal %d\n", WTERMSIG(status));
	return 1;
}

void
tap_process_exit(int status)
{
	_exit(status);
}
