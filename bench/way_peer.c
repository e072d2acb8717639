/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* Python's: the measured process is bench/peer.py, named by $PEER. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "way_raw.h"

#define PYTHON "/usr/bin/python3" /* that of the system, whose packages these are */

int
peer_is_here(const struct way *way)
{
	char program[120];
	int status;
	pid_t pid;

	snprintf(program, sizeof(program), "import importlib.util as u, sys; sys.exit(not u.find_spec('%s'))", way->python);
	pid = fork();
	if (pid == 0) {
		execl(PYTHON, PYTHON, "-c", program, (char *)NULL);
		_exit(127);
	}
	return waitpid(pid, &status, 0) == pid && status == 0;
}

void
peer_exec(const char *what, const struct way *way, const char *path, const long long *numbers, int n)
{
	char text[8][24];
	const char *argv[14] = { PYTHON, getenv("PEER"), what, way->python, path };
	int i;

	for (i = 0; i < n; i++) {
		snprintf(text[i], sizeof(text[i]), "%lld", numbers[i]);
		argv[i + 5] = text[i];
	}
	if (argv[1] != NULL)
		execv(PYTHON, (char **)argv);
	die("bench/peer.py, to be named by PEER");
}

const struct way peer_ways[] = {
	{ .name = "fasteners", RAW_ROW, .shares = 1, .kind = RAW_OFD, .python = "fasteners" },
	{ .name = "filelock", RAW_ROW, .kind = RAW_FLOCK, .python = "filelock" },
	{ .name = "portalocker", RAW_ROW, .kind = RAW_FLOCK, .python = "portalocker" },
	{ .name = "locket", RAW_ROW, .kind = RAW_FLOCK, .python = "locket" },
	{ .name = NULL },
};
