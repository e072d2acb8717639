/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* How long commands take, from fork to exit. The second one is what the others are compared with. */

#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"
#include "sample.h"

enum { MOST_ARGS = 16 };

struct command {
	const char *name;
	char *argv[MOST_ARGS + 1];
};

static void
split(struct command *c, const char *text)
{
	char *copy = strdup(text), *word;
	int n = 0;

	if (copy == NULL)
		die("memory");
	c->name = strtok(copy, "=");
	while (n < MOST_ARGS && (word = strtok(NULL, " ")) != NULL)
		c->argv[n++] = word;
}

static double
run_us(const struct command *c, int times)
{
	int64_t began = now_ns();
	int i, status;
	pid_t pid;

	for (i = 0; i < times; i++)
		if (posix_spawnp(&pid, c->argv[0], NULL, NULL, c->argv, environ) != 0 || waitpid(pid, &status, 0) != pid ||
		    status != 0)
			die(c->argv[0]);
	return (double)(now_ns() - began) / 1e3 / times;
}

void
measure_start(const struct task *t)
{
	static struct command commands[MOST_WAYS];
	int i, round;

	for (i = 0; i < t->words_count; i++)
		split(&commands[i], t->words[i]);
	for (round = 0; round < t->rounds; round++)
		for (i = 0; i < t->words_count; i++)
			sample_add(commands[i].name, "time", "us", run_us(&commands[i], t->times));
	sample_print("start", "", t->words_count > 1 ? commands[1].name : NULL);
}
