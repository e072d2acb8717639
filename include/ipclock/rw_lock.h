/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * The reader-writer lock: one writer or any number of readers, over all threads
 * and processes that name the same file and slot; readers and writers are
 * served in one line, in order of arrival, so neither kind starves.
 *
 * Each call does what its namesake in ipclock/process_lock.h does, with the
 * same errors, and what is said there of threads, fork and crash holds here.
 * Reading needs read permission on the file only.
 */
#ifndef IPCLOCK_RW_LOCK_H
#define IPCLOCK_RW_LOCK_H

#ifdef __cplusplus
extern "C" {
#endif

struct ipclock_rw;
struct ipclock_attr;

int ipclock_rw_open(struct ipclock_rw **rw, const char *path, const struct ipclock_attr *attr);
int ipclock_rw_open_fd(struct ipclock_rw **rw, int fd, const struct ipclock_attr *attr);

/*
 * Acquire for reading (shared) or writing (exclusive).  With
 * IPCLOCK_RECURSIVE the owner may read in a read, read in a write and write in
 * a write; write in a read is EDEADLK.  Without it a second read by a thread
 * that reads already waits behind a waiting writer, that is, for itself.
 */
int ipclock_rw_acquire_read(struct ipclock_rw *rw, int timeout_ms);
int ipclock_rw_acquire_write(struct ipclock_rw *rw, int timeout_ms);

/* Each releases its own kind: EPERM if that is not held. */
int ipclock_rw_release_read(struct ipclock_rw *rw);
int ipclock_rw_release_write(struct ipclock_rw *rw);

/*
 * Turns write into read, and nobody writes in between.  EPERM: not held for
 * writing.  EBUSY: held for writing more than once.  ENOTSUP: IPCLOCK_FLOCK.
 */
int ipclock_rw_downgrade(struct ipclock_rw *rw);

/*
 * Turns the only read into write, or says EBUSY at once; reading goes on then.
 * It never waits: two readers that wait for each other would wait for ever.
 * EPERM: not held for reading, or for writing already.  ENOTSUP: IPCLOCK_FLOCK,
 * or Windows.
 */
int ipclock_rw_try_upgrade(struct ipclock_rw *rw);

int ipclock_rw_close(struct ipclock_rw *rw);

int ipclock_rw_start_read(struct ipclock_rw *rw, int timeout_ms);
int ipclock_rw_start_write(struct ipclock_rw *rw, int timeout_ms);
int ipclock_rw_step(struct ipclock_rw *rw, int *wait_ms);
int ipclock_rw_pollfd(struct ipclock_rw *rw);
void ipclock_rw_cancel(struct ipclock_rw *rw);

int ipclock_rw_fd(struct ipclock_rw *rw);
const char *ipclock_rw_path(struct ipclock_rw *rw);
const char *ipclock_rw_message(struct ipclock_rw *rw);
int ipclock_rw_held(struct ipclock_rw *rw);
long ipclock_rw_attempts(struct ipclock_rw *rw);
long ipclock_rw_waited_ms(struct ipclock_rw *rw);

#ifdef __cplusplus
}
#endif

#endif
