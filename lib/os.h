/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * Everything that the library asks of an operating system: the only seam.
 * The build chooses the files behind it; tests/os_fake.c stands in for all of
 * them.  A function that can fail returns 0 or an errno value; EBUSY is
 * "another holds it", ENOTSUP "not on this system or file system".
 */
#ifndef IPCLOCK_OS_H
#define IPCLOCK_OS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- time: nanoseconds on a clock that nobody can set ---- */

#define OS_MS    INT64_C(1000000)
#define OS_NEVER INT64_MAX

int64_t ipclock__os_now(void);

/* Sleeps until then.  0, or EINTR if a signal handler ran. */
int ipclock__os_sleep_until(int64_t when);

/*
 * For who wants to hear of signals: between hold and let, handlers run in the
 * calling thread only while it sleeps, until a time or for an event, so that none
 * is missed between two sleeps.  hold: false if they were held already.  let:
 * false if they were not.  Where this cannot be done both say false.
 */
bool ipclock__os_signals_hold(void);
bool ipclock__os_signals_let(void);

/* ---- memory, so that a test can run out of it ---- */

void *ipclock__os_alloc(size_t size);
void ipclock__os_free(void *p);

/* ---- processes and threads ---- */

/* The calling process's number. */
long ipclock__os_pid(void);

/* The calling thread's number, from 2, never used twice in a process. */
uint64_t ipclock__os_thread(void);

/* Around every public call: keeps errno, and cancellation of the thread away. */
struct os_guard {
	int error;
	int cancel_state;
};

void ipclock__os_enter(struct os_guard *guard);
void ipclock__os_leave(const struct os_guard *guard);

/*
 * The same around nothing but requests for ranges that do not wait, and
 * ipclock__os_identify(): cheap where these are no cancellation points.
 */
void ipclock__os_enter_briefly(struct os_guard *guard);
void ipclock__os_leave_briefly(const struct os_guard *guard);

/* A mutex inside a handle.  Storage for whatever the system's looks like. */
struct os_mutex {
	union {
		void *align;
		unsigned char bytes[48];
	} storage;
};

int ipclock__os_mutex_make(struct os_mutex *mutex);
void ipclock__os_mutex_free(struct os_mutex *mutex);
void ipclock__os_mutex_lock(struct os_mutex *mutex);
void ipclock__os_mutex_unlock(struct os_mutex *mutex);

/*
 * The one lock of the whole process: opening and closing of lock files, and the
 * list of them.  Taken with all signals blocked, so that a handler may use the
 * library, and by fork(2).
 */
void ipclock__os_process_lock(void);
void ipclock__os_process_unlock(void);

/* Once for each child(), with that lock held: it runs in the child of every fork, alone, with that lock held. */
int ipclock__os_at_fork(void (*child)(void));

/*
 * An event: set by one thread, waited for by another, until it is cleared.  With
 * a descriptor as well once one was asked for, readable while it is set.
 */
struct os_event {
	_Atomic uint32_t set;
	_Atomic int fd;
};

void ipclock__os_event_make(struct os_event *event);
void ipclock__os_event_free(struct os_event *event);
void ipclock__os_event_set(struct os_event *event);
void ipclock__os_event_clear(struct os_event *event);

/* 0 if set, ETIMEDOUT, or EINTR if a signal handler ran (where that can be seen). */
int ipclock__os_event_wait(struct os_event *event, int64_t until);

/* The descriptor, made at the first call; -1 where there can be none. */
int ipclock__os_event_fd(struct os_event *event);

/*
 * A helper: a thread with all signals blocked that runs run(arg), for waits in
 * the kernel that must end at a deadline.  It may be stopped while it is in
 * ipclock__os_range_wait_stoppable() or ipclock__os_helper_rest() and nowhere else.
 */
struct os_helper {
	uintptr_t thread;
	void (*run)(void *arg);
	void *arg;
};

/* Any error: there is none to be had, wait by backoff. */
int ipclock__os_helper_start(struct os_helper *helper, void (*run)(void *), void *arg);

/* It is gone on return: stopped, or, if it has run to its end, only waited for. */
void ipclock__os_helper_stop(struct os_helper *helper, bool at_its_end);

/* In the helper: sleeps until then. */
void ipclock__os_helper_rest(int64_t until);

/* ---- files ---- */

/* What tells two files apart. */
struct os_id {
	uint64_t device;
	uint64_t inode;
};

enum os_kind { OS_REGULAR, OS_DIRECTORY, OS_OTHER };

enum { OS_READ = 1, OS_WRITE = 2, OS_CREATE = 4, OS_ANY_LOCK = 8, OS_REMOVABLE = 16 };

/* An open file.  Its open file description owns the locks made through it. */
struct os_file {
	int fd;
	unsigned char access; /* OS_READ, OS_WRITE; OS_ANY_LOCK: an exclusive lock asks for no permission to write */
	bool whole;           /* locked as a whole by flock(2), a family of its own; set by the opener */
	struct os_id id;
};

/*
 * Opens without following a last symbolic link (ELOOP), without blocking, not
 * inherited by exec, never as descriptor 0 to 2.  OS_CREATE makes the file and
 * fails with EEXIST where it is.  OS_REMOVABLE: others may rename and remove it
 * meanwhile, as most systems let them anyway.  Fills in file and kind.
 */
int ipclock__os_open(struct os_file *file, enum os_kind *kind, const char *path, unsigned how);

/* The same for a descriptor of the caller's, and the end of our use of it. */
int ipclock__os_adopt(struct os_file *file, enum os_kind *kind, int fd);
void ipclock__os_disown(struct os_file *file);

/*
 * Closes; the locks of this description go, those of others stay.  Not in the
 * child of a fork: see ipclock__os_forget().
 */
void ipclock__os_close(struct os_file *file);

/* In the child of a fork: closes what is still that file, and unlocks nothing. */
void ipclock__os_forget(struct os_file *file);

/* Does the descriptor still stand for that file?  EBADF: somebody has closed it. */
int ipclock__os_check(const struct os_file *file);

int ipclock__os_identify(const char *path, struct os_id *id);
int ipclock__os_unlink(const char *path);

/* Can a file be removed that somebody has open, for good? */
bool ipclock__os_unlinks_open(void);

int ipclock__os_set_mode(const struct os_file *file, unsigned perm);
int ipclock__os_make_directory(const char *path);

/* The path from the root; to be freed. */
int ipclock__os_absolute(const char *path, char **absolute);

const char *ipclock__os_strerror(int error, char *buffer, size_t size);

/* ---- byte ranges; of a file locked as a whole, whatever the range ---- */

enum os_mode { OS_UNLOCKED, OS_SHARED, OS_EXCLUSIVE };

struct os_range {
	int64_t start;
	int64_t len; /* 0: to the end of everything */
};

/* What stands in the way: mode OS_UNLOCKED if nothing does. */
struct os_lock {
	enum os_mode mode;
	struct os_range range;
};

/* One try.  A range of one's own is converted, or kept as it is on failure. */
int ipclock__os_range_try(const struct os_file *file, struct os_range range, enum os_mode mode);

/*
 * Sleeps in the kernel until it is locked, or until then: ETIMEDOUT.  EINTR if a
 * signal handler ran, EDEADLK if the kernel believes in a deadlock.
 */
int ipclock__os_range_wait(const struct os_file *file, struct os_range range, enum os_mode mode, int64_t until);

/* Has that wait a deadline?  Where it has none, until is OS_NEVER, and a helper sleeps in the caller's place. */
bool ipclock__os_range_wait_ends(void);

/* The wait of a helper, without a deadline. */
int ipclock__os_range_wait_stoppable(const struct os_file *file, struct os_range range, enum os_mode mode);

int ipclock__os_range_unlock(const struct os_file *file, struct os_range range);

/*
 * Some lock of another owner that stands in the way of that mode on that range.
 * ENOTSUP for a whole file.  Where the system does not tell, only exclusive
 * locks are found, and a request of another's may find the range busy meanwhile.
 */
int ipclock__os_range_query(const struct os_file *file, struct os_range range, enum os_mode mode,
    struct os_lock *found);

/* Could it be locked exclusively: does no other owner hold any of it, in either mode? */
bool ipclock__os_range_is_free(const struct os_file *file, struct os_range range);

/* May one sleep in the kernel's queue for locks of this file? */
bool ipclock__os_range_has_queue(const struct os_file *file);

/* Do locks pass to the child of a fork that keeps the descriptor? */
bool ipclock__os_range_inherits(void);

/* ESTALE if a range that was locked exclusively is seen to be lost, where the system can lose one. */
int ipclock__os_range_check(const struct os_file *file, struct os_range range, enum os_mode mode);

/* ---- who holds what ---- */

/* A lock on a file, or a wait for one in the kernel's queue. */
struct os_claim {
	long pid;               /* 0: not to be known */
	unsigned long group;    /* claims of one descriptor follow each other with its number; 0: alone */
	enum os_mode mode;
	struct os_range range;
	bool waits;
	bool listed;            /* from the kernel's list of all locks: may have been told before, with its pid */
};

/*
 * Tells take of every claim on the file at path, or at fd where path is NULL,
 * of the family that whole names: first those of the processes that we may look
 * into, then the list of all.  Needs no permission on the file and locks
 * nothing.  The kind is filled in first.  An error of take's ends it.  ENOTSUP:
 * the system does not tell.
 */
int ipclock__os_claims(const char *path, int fd, bool whole, enum os_kind *kind,
    int (*take)(void *ctx, const struct os_claim *claim), void *ctx);

/* The process that stands in the way of an exclusive lock on that range; 0: not to be known. */
long ipclock__os_range_owner(const struct os_file *file, struct os_range range);

/* The name of that process's program, "" if it is not to be known. */
void ipclock__os_command(long pid, char *name, size_t size);

#endif
