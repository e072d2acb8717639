/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* What the probe asks of an operating system beyond os.h: processes that do as told, and names of files. */
#ifndef IPCLOCK_OS_PROBE_H
#define IPCLOCK_OS_PROBE_H

#include <stddef.h>
#include <stdint.h>

/* ---- peers: child processes that perform one command after another ---- */

struct os_peer {
	intmax_t pid;   /* 0: none */
	int commands[2];
	int answers[2];
};

/* All signals are blocked in a peer, and it ends with this process, or a little later. */
int ipclock__os_peer_start(struct os_peer *peer, int (*perform)(void *ctx, int command), void *ctx);

/* Tells it to perform; its answer is heard later. */
int ipclock__os_peer_tell(struct os_peer *peer, int command);

/* 0 and what perform() returned; ETIMEDOUT, or EPIPE: it is dead. */
int ipclock__os_peer_hear(struct os_peer *peer, int64_t until, int *answer);

/* Kills and buries it, and a process that it has made. */
void ipclock__os_peer_end(struct os_peer *peer);

/* In a peer: what fn() returns in a child of the peer, 0 to 255. */
int ipclock__os_peer_fork(int (*fn)(void *ctx), void *ctx, int *answer);

/* ---- files ---- */

/* A new directory for us alone; EEXIST.  And its end, with all files in it. */
int ipclock__os_scratch_make(const char *path);
int ipclock__os_scratch_remove(const char *path);

/* ENOTSUP if the file system has no such thing; else what link(2) and rename(2) say. */
int ipclock__os_link(const char *from, const char *to);
int ipclock__os_rename(const char *from, const char *to);

/* The name of the file system of a directory, or "unknown". */
void ipclock__os_file_system(const char *dir, char *name, size_t size);

#endif
