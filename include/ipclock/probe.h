/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * Does locking work here?  Child processes try what the library promises on
 * files in a directory of their own inside the one that is asked about.
 *
 *	struct ipclock_probe *probe;
 *
 *	if (ipclock_probe("/srv/spool", &probe) == 0) {
 *		if (!ipclock_probe_works(probe))
 *			...
 *		ipclock_probe_free(probe);
 *	}
 *
 * It takes under 5 s, most often a fraction of one, and leaves nothing behind.
 */
#ifndef IPCLOCK_PROBE_H
#define IPCLOCK_PROBE_H

#ifdef __cplusplus
extern "C" {
#endif

struct ipclock_probe;

/*
 * Runs the trials in dir.  0: they were run, whatever came of them.
 *
 * EINVAL	dir or probe NULL, dir empty or not a directory
 * ENOENT	no such directory
 * EACCES, EROFS, ENOSPC: nothing can be made in it
 * ENOMEM, EMFILE, ENFILE; EAGAIN: no process can be made
 * ETIMEDOUT	the file system does not answer at all
 * ENOTSUP	on Windows: the trials need fork(2)
 *
 * It makes processes by fork(2) and reaps them by their number.  A program's
 * SIGCHLD handler runs for each; the handlers of pthread_atfork(3) run too.
 */
#if defined __cplusplus && defined __GNUC__
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow" /* g++: it hides the constructor of the struct */
#endif
int ipclock_probe(const char *dir, struct ipclock_probe **probe);
#if defined __cplusplus && defined __GNUC__
#pragma GCC diagnostic pop
#endif

/* Frees the result.  NULL is allowed. */
void ipclock_probe_free(struct ipclock_probe *probe);

/* The file system's name, as "ext4"; "unknown" if it cannot be told. */
const char *ipclock_probe_filesystem(const struct ipclock_probe *probe);

/* 1 if exclusion, sharing and release by death (promises A and B) hold for IPCLOCK_RANGE, the default; else 0. */
int ipclock_probe_works(const struct ipclock_probe *probe);

/* How many trials there are; the calls below count them from 0. */
unsigned ipclock_probe_trials(const struct ipclock_probe *probe);

/* What was tried, as "exclusion"; NULL beyond the last. */
const char *ipclock_probe_trial_name(const struct ipclock_probe *probe, unsigned trial);

/* IPCLOCK_RANGE, IPCLOCK_FLOCK, or -1: a trial of the file system itself. */
int ipclock_probe_trial_protocol(const struct ipclock_probe *probe, unsigned trial);

/*
 * 0		it holds
 * EBADMSG	it does not: two holders were seen, say
 * ENOTSUP	there is no such thing here
 * ETIMEDOUT	no answer, or no time was left to try
 * or the error of a call that should have succeeded; EINVAL beyond the last.
 */
int ipclock_probe_trial_result(const struct ipclock_probe *probe, unsigned trial);

/* What was seen, in a few words; NULL beyond the last. */
const char *ipclock_probe_trial_detail(const struct ipclock_probe *probe, unsigned trial);

#ifdef __cplusplus
}
#endif

#endif
