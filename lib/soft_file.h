/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * The marker of a soft lock as a file: looked at, put in its place, taken down.
 *
 * Who removes the marker at the path, and why it is always the one that was meant:
 * 1. A new marker is linked where there is none, so a marker stays there until it is removed.
 * 2. Its live owner removes it without a lease.  No breaker can mean it: a live owner is not proven dead.
 * 3. A breaker holds the kernel lock (flock) on the inode that it judged, and sees under it that the path is that
 *    inode: nobody else but a live owner may remove it now, and by 2 there is none.
 * 4. With a lease the owner too holds that lock when it touches or removes, and looks at the path under it: breaker
 *    and owner come one after the other.
 * So what a breaker or an owner removes is what it looked at.
 *
 * What is left: ipclock_soft_break() of a live owner without a lease, and file systems without flock, or whose flock
 * reaches no other machine that breaks a lease.  There the marker is moved to a name aside, looked at, and linked back
 * if it is another than was judged.  Two hold at once if a first breaker and its new marker come between a second
 * one's last look at the path and its rename, and a third links its own before the second has linked that marker back:
 * the owner so passed is told ESTALE at its next touch or release.  If the second is killed in between, the same.
 *
 * Nothing is forced to a disk, for a lock need not outlive a power failure; an empty
 * marker that one leaves behind is nobody's, and is not removed.
 *
 * Everything here runs under the process lock: no fork happens in between, and
 * none of these descriptors passes to a child.
 */
#ifndef IPCLOCK_SOFT_FILE_H
#define IPCLOCK_SOFT_FILE_H

#include <stdbool.h>

#include "marker.h"
#include "os.h"
#include "owner.h"

struct soft_place {
	char *path;        /* absolute */
	const char *base;  /* its last name */
	unsigned perm;     /* of the marker, or NO_PERM */
	bool make_parents;
};

/* A file, open. */
struct soft_file {
	struct os_file os;
	enum marker_format format;
	struct marker marker;
	int64_t changed;
};

/* 0: what is at the path, to be closed.  ENOENT: nothing.  EBUSY: something that we may not read. */
int ipclock__soft_look(const char *path, struct soft_file *file);
void ipclock__soft_close(struct soft_file *file);

enum owner_state ipclock__soft_state(const struct soft_file *file);

/* Makes a marker of this process's and puts it in place.  EEXIST: there is one. */
int ipclock__soft_put(const struct soft_place *place, struct soft_file *file, int lease_ms);

/* 0: it is at the path.  ESTALE: it is not. */
int ipclock__soft_check(const struct soft_place *place, const struct soft_file *file);

/* The lock on the inode.  EBUSY: a breaker has it.  No such lock here counts as success. */
int ipclock__soft_guard(const struct soft_file *file);
void ipclock__soft_unguard(const struct soft_file *file);

/* Removes what was judged.  0: it is gone, or is another now.  EBUSY: another breaker is at it. */
int ipclock__soft_break(const struct soft_place *place, const struct soft_file *judged);

/* Removes what dead processes of this system have left beside the lock. */
void ipclock__soft_sweep(const struct soft_place *place);

/* The time by the clock of the file system. */
int ipclock__soft_now(const struct soft_place *place, int64_t *now);

#endif
