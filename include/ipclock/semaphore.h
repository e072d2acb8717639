/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * The bounded semaphore: at most so many slots are taken at a time, over all
 * threads and processes that name the same file.
 *
 *	struct ipclock_sem *sem;
 *	unsigned slot;
 *
 *	if (ipclock_sem_open(&sem, "/run/lock/licences", 4, NULL) == 0) {
 *		if (ipclock_sem_acquire(sem, 2000, &slot) == 0) {
 *			...
 *			ipclock_sem_release(sem, slot);
 *		}
 *		ipclock_sem_close(sem);
 *	}
 *
 * Threads: a handle may be shared; each acquire takes one more slot, and any
 * thread may release it.
 * Fork: the child holds nothing and its handles open the file anew.
 * Crash: the kernel frees the slots; nothing needs cleaning.
 */
#ifndef IPCLOCK_SEMAPHORE_H
#define IPCLOCK_SEMAPHORE_H

#ifdef __cplusplus
extern "C" {
#endif

/* The most slots that a semaphore may have. */
#define IPCLOCK_SEM_MOST 4096u

struct ipclock_sem;
struct ipclock_attr;
struct ipclock_holder;

/*
 * Opens, and if need be makes, the file; takes no slot.  slots is the bound
 * that this handle keeps to, 1 to IPCLOCK_SEM_MOST: it takes slots 0 to
 * slots - 1.  Who states another number for the same file keeps to that.
 * ipclock_attr_set_slot() chooses one of 1048576 semaphores in the file; they
 * and the file's locks do not disturb each other.  attr NULL: the defaults.
 *
 * EINVAL	sem or path NULL, path empty or too long, or not a regular file;
 *		slots 0 or too large; attr asks for a range, for IPCLOCK_FLOCK, for
 *		recursion, for IPCLOCK_INHERIT, for IPCLOCK_UNLINK, or for a slot above 1048575
 * and else as ipclock_open().
 */
int ipclock_sem_open(struct ipclock_sem **sem, const char *path, unsigned slots, const struct ipclock_attr *attr);

/*
 * The semaphore of Python's portalocker: each slot is a file, NAME.00.lock,
 * NAME.01.lock and so on, locked by flock(2).  directory NULL: that of
 * Python's tempfile, the first of $TMPDIR, $TEMP, $TMP, /tmp, /var/tmp and
 * /usr/tmp that can be used.  Handles of this library stand in line among each
 * other; portalocker's ask when they ask.
 *
 * EINVAL	as above; name NULL, or with a slash in it; attr asks for a slot
 * On Windows, which has no flock(2), acquire and value are ENOTSUP.
 */
int ipclock_sem_open_files(struct ipclock_sem **sem, const char *directory, const char *name, unsigned slots,
    const struct ipclock_attr *attr);

/*
 * The same with portalocker's filename_pattern: {name}, {number}, {number:02d}
 * and other widths; {{ and }} are braces.
 *
 * EINVAL	as above; pattern NULL, with a slash in it, with anything else in
 *		braces, or of several slots that all get one name
 */
int ipclock_sem_open_pattern(struct ipclock_sem **sem, const char *directory, const char *name, const char *pattern,
    unsigned slots, const struct ipclock_attr *attr);

/*
 * Takes a slot and stores its number in *slot.  Waiters are served in order of
 * arrival.  A waiter that is stopped, or that states fewer slots than those
 * behind it, holds them up for about a second, and is then passed.
 *
 * 0		taken
 * EBUSY	timeout_ms 0: no slot is free, or somebody waits for one
 * ETIMEDOUT	waited timeout_ms in vain; a last try was made at the end
 * ECANCELED	the cancel callback said so
 * EINTR	with IPCLOCK_INTERRUPTIBLE: a signal handler ran
 * EINVAL	sem or slot NULL, or timeout_ms below -1
 * EMFILE, ENFILE, ENOMEM each slot that is held has a descriptor
 * EDEADLK	IPCLOCK_FOREVER, from a callback of another acquire
 * and else as ipclock_acquire(), which says EDEADLK more often: a thread that
 * has all slots and waits for another waits for ever.
 * After an error nothing was taken, and the caller may try again.
 */
int ipclock_sem_acquire(struct ipclock_sem *sem, int timeout_ms, unsigned *slot);

/*
 * Gives a slot back.
 *
 * EPERM	it is not held through this handle by this process
 * EINVAL	no such slot, or sem NULL
 * ENOLCK, EIO, ESTALE as ipclock_release(): it is free all the same
 */
int ipclock_sem_release(struct ipclock_sem *sem, unsigned slot);

/*
 * How many slots are free at this moment.  Where slots are files it asks by
 * locking each for an instant.  EINVAL, and as ipclock_sem_acquire().
 */
int ipclock_sem_value(struct ipclock_sem *sem, unsigned *free_slots);

/* How many slots are held through this handle. */
int ipclock_sem_held(struct ipclock_sem *sem);

/* The descriptor that holds the slot; -1 if it is not held here. */
int ipclock_sem_fd(struct ipclock_sem *sem, unsigned slot);

/*
 * As ipclock_holders(), of the semaphore in the file at path that the slot in
 * attr names: each slot that is taken, and who waits for one in which place.
 * ipclock_holder_slot() is the slot that is taken, and 0 of who waits.  Where
 * slots are files ask ipclock_holders() for each, with IPCLOCK_FLOCK.
 *
 * EINVAL	attr asks for a range, for IPCLOCK_FLOCK, or for a slot above 1048575
 * and else as ipclock_holders().
 */
int ipclock_sem_holders(const char *path, const struct ipclock_attr *attr,
    int (*each)(void *ctx, const struct ipclock_holder *holder), void *ctx);

/* The absolute path of the file, or of slot 0's; until close. */
const char *ipclock_sem_path(struct ipclock_sem *sem);

/* As ipclock_message(). */
const char *ipclock_sem_message(struct ipclock_sem *sem);

/* Gives back what is held and frees the handle, which no other thread may be using.  0, or EINVAL for NULL. */
int ipclock_sem_close(struct ipclock_sem *sem);

#ifdef __cplusplus
}
#endif

#endif
