/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * The probe's files, and names of files.  Its peers are copies of a process in
 * the midst of its work, which Windows does not make: there is no probe.
 */

#include <config.h>

#include <errno.h>
#include <stdio.h>

#include "os_io_win32.h"
#include "os_probe.h"

/* ---- peers ---- */

int
ipclock__os_peer_start(struct os_peer *peer, int (*perform)(void *ctx, int command), void *ctx)
{
	(void)peer, (void)perform, (void)ctx;
	return ENOTSUP;
}

int
ipclock__os_peer_tell(struct os_peer *peer, int command)
{
	(void)peer, (void)command;
	return EPIPE;
}

int
ipclock__os_peer_hear(struct os_peer *peer, int64_t until, int *answer)
{
	(void)peer, (void)until, (void)answer;
	return EPIPE;
}

void
ipclock__os_peer_end(struct os_peer *peer)
{
	peer->pid = 0;
}

int
ipclock__os_peer_fork(int (*fn)(void *ctx), void *ctx, int *answer)
{
	(void)fn, (void)ctx, (void)answer;
	return ENOTSUP;
}

int
ipclock__os_scratch_make(const char *path)
{
	(void)path;
	return ENOTSUP;
}

int
ipclock__os_scratch_remove(const char *path)
{
	(void)path;
	return ENOTSUP;
}

/* ---- names ---- */

static int
move(const char *from, const char *to, DWORD how)
{
	wchar_t *old, *new;
	int r = ipclock__os_wide(from, &old);

	if (r)
		return r;
	r = ipclock__os_wide(to, &new);
	if (r == 0) {
		r = ipclock__os_io_move(old, new, how);
		ipclock__os_free(new);
	}
	ipclock__os_free(old);
	return r;
}

/*
 * Moved, never over another: who links removes the old name next.  A file
 * system needs no links for it, and no name is about to go for as long as the
 * file is open.
 */
int
ipclock__os_link(const char *from, const char *to)
{
	return move(from, to, 0);
}

int
ipclock__os_rename(const char *from, const char *to)
{
	return move(from, to, MOVEFILE_REPLACE_EXISTING);
}

void
ipclock__os_file_system(const char *dir, char *name, size_t size)
{
	(void)dir;
	snprintf(name, size, "unknown");
}
