/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * A daemon of which there is one: daemon PIDFILE.  It works until SIGTERM, and
 * removes the file.  A second one says who is there already, and exits 1.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <ipclock.h>

static void
work(const sigset_t *until)
{
	int sig;

	/* What a daemon is for stands here. */
	sigwait(until, &sig);
}

/* From here on nobody sees what we print. */
static int
run(struct ipclock_pidfile *pidfile, const sigset_t *until)
{
	if (ipclock_pidfile_write(pidfile) != 0) {
		ipclock_pidfile_close(pidfile);
		return 1;
	}
	work(until);
	return ipclock_pidfile_remove(pidfile) != 0;
}

int
main(int argc, char **argv)
{
	struct ipclock_pidfile *pidfile;
	sigset_t until;
	pid_t other;
	int error;

	if (argc != 2) {
		fprintf(stderr, "usage: %s PIDFILE\n", argv[0]);
		return 2;
	}
	error = ipclock_pidfile_open(&pidfile, argv[1], 0644, &other);
	if (error == EEXIST)
		fprintf(stderr, "already running, with pid %ld\n", (long)other);
	else if (error != 0)
		fprintf(stderr, "%s\n", ipclock_message(NULL));
	if (error != 0)
		return 1;

	sigemptyset(&until);
	sigaddset(&until, SIGTERM);
	sigprocmask(SIG_BLOCK, &until, NULL);
	if (daemon(0, 0) != 0) {
		perror("daemon");
		ipclock_pidfile_remove(pidfile);
		return 1;
	}
	return run(pidfile, &until);
}
