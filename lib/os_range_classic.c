/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * Byte ranges by classic fcntl(2) locks, which belong to the process: two
 * descriptors never conflict, and closing any descriptor of a file drops all of
 * its locks.  A table of the process says who of us holds what: requests
 * conflict there first, and descriptors are closed once the file has no lock
 * left, as SQLite does it.  What others in the process close behind our back
 * cannot be helped, only noticed: ipclock__os_range_check().
 *
 * The table's mutex is taken with signals blocked, and inside the process lock.
 * What a descriptor may come to need is allocated when it is opened, so that a
 * signal handler that tries a lock never meets malloc(3).
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "os.h"
#include "os_posix.h"

/* A range [start, end) that the owner, a descriptor, holds; or a parked descriptor. */
struct record {
	struct record *next;
	int fd;
	unsigned access;
	enum os_mode mode;
	int64_t start;
	int64_t end;
};

struct inode {
	struct inode *next;
	struct os_id id;
	struct record *records;
	struct record *parked; /* descriptors that wait for the last lock to be closed */
	unsigned users;        /* open files of ours */
};

/* A lock cut in two, a number, the byte of the number before, one on its way, and the descriptor parked. */
#define RECORDS_A_FILE 6

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct inode *table;
static struct record *unused;

static void
lock_table(sigset_t *before)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, before);
	pthread_mutex_lock(&mutex);
}

static void
unlock_table(const sigset_t *before)
{
	pthread_mutex_unlock(&mutex);
	pthread_sigmask(SIG_SETMASK, before, NULL);
}

static int64_t
end_of(struct os_range range)
{
	return range.len == 0 || range.len > INT64_MAX - range.start ? INT64_MAX : range.start + range.len;
}

static int
meaning(int error)
{
	switch (error) {
	case EAGAIN:
	case EACCES:
		return EBUSY;
	case EINVAL:
	case ENOSYS:
	case EOPNOTSUPP:
	case EOVERFLOW:
		return ENOTSUP;
	default:
		return error;
	}
}

static int
ask_kernel(int fd, int command, int64_t start, int64_t end, enum os_mode mode, struct flock *lock)
{
	int r;

	*lock = (struct flock){
		.l_type = mode == OS_EXCLUSIVE ? F_WRLCK : mode == OS_SHARED ? F_RDLCK : F_UNLCK,
		.l_whence = SEEK_SET,
		.l_start = start,
		.l_len = end == INT64_MAX ? 0 : end - start,
	};
	do
		r = fcntl(fd, command, lock) < 0 ? errno : 0;
	while (r == EINTR);
	return meaning(r);
}

/* ---- the table ---- */

static struct inode *
find(struct os_id id)
{
	struct inode *inode;

	for (inode = table; inode; inode = inode->next)
		if (inode->id.device == id.device && inode->id.inode == id.inode)
			break;
	return inode;
}

static void
put_back(struct record *record)
{
	record->next = unused;
	unused = record;
}

static struct record *
take_out(int fd, int64_t start, int64_t end, enum os_mode mode)
{
	struct record *record = unused;

	if (record) {
		unused = record->next;
		*record = (struct record){ .fd = fd, .mode = mode, .start = start, .end = end };
	}
	return record;
}

/* Nobody has it open, and no descriptor is parked. */
static void
forget_inode(struct inode *inode)
{
	struct inode **link = &table;

	if (inode->users || inode->parked)
		return;
	while (*link != inode)
		link = &(*link)->next;
	*link = inode->next;
	free(inode);
}

/* No lock left: the descriptors that waited for that go. */
static void
tidy(struct inode *inode)
{
	struct record *parked;

	while (!inode->records && (parked = inode->parked) != NULL) {
		inode->parked = parked->next;
		close(parked->fd);
		put_back(parked);
	}
	forget_inode(inode);
}

static const struct record *
conflict(const struct inode *inode, int fd, int64_t start, int64_t end, enum os_mode mode)
{
	const struct record *record;

	for (record = inode ? inode->records : NULL; record; record = record->next)
		if (record->fd != fd && record->start < end && start < record->end &&
		    (mode == OS_EXCLUSIVE || record->mode == OS_EXCLUSIVE))
			break;
	return record;
}

static void
add(struct inode *inode, struct record *record)
{
	record->next = inode->records;
	inode->records = record;
}

/* Takes [start, end) out of what fd holds; spare becomes the far part of a record cut in two. */
static void
carve(struct inode *inode, int fd, int64_t start, int64_t end, struct record *spare)
{
	struct record **link = &inode->records, *record;

	while ((record = *link) != NULL) {
		if (record->fd != fd || record->start >= end || start >= record->end) {
			link = &record->next;
			continue;
		}
		if (record->start < start && end < record->end) {
			*spare = (struct record){ .fd = fd, .mode = record->mode, .start = end, .end = record->end };
			add(inode, spare);
			record->end = start;
			return;
		}
		if (start <= record->start && record->end <= end) {
			*link = record->next;
			put_back(record);
			continue;
		}
		if (record->start < start)
			record->end = start;
		else
			record->start = end;
		link = &record->next;
	}
	put_back(spare);
}

/* Unlocks in the kernel what nobody in the process holds any more. */
static int
unlock_gaps(const struct inode *inode, int fd, int64_t start, int64_t end)
{
	const struct record *record;
	struct flock lock;
	int64_t stop;
	int r = 0, error;

	while (start < end) {
		stop = end;
		for (record = inode->records; record; record = record->next) {
			if (record->start <= start && start < record->end)
				break;
			if (record->start > start && record->start < stop)
				stop = record->start;
		}
		if (record) {
			start = record->end;
			continue;
		}
		error = ask_kernel(fd, F_SETLK, start, stop, OS_UNLOCKED, &lock);
		r = r ? r : error;
		start = stop;
	}
	return r;
}

/* ---- os.h ---- */

static int
try_in_table(const struct os_file *file, int64_t start, int64_t end, enum os_mode mode)
{
	struct inode *inode = find(file->id);
	struct record *record, *spare;
	struct flock lock;
	int r;

	if (conflict(inode, file->fd, start, end, mode))
		return EBUSY;
	r = ask_kernel(file->fd, F_SETLK, start, end, mode, &lock);
	if (r)
		return r;
	record = take_out(file->fd, start, end, mode);
	spare = take_out(file->fd, 0, 0, mode);
	if (!inode || !record || !spare)
		abort(); /* every open file has brought its records */
	carve(inode, file->fd, start, end, spare);
	add(inode, record);
	return 0;
}

int
ipclock__os_range_try(const struct os_file *file, struct os_range range, enum os_mode mode)
{
	sigset_t before;
	int r;

	if (file->whole)
		return ipclock__os_flock_try(file, mode);
	lock_table(&before);
	r = try_in_table(file, range.start, end_of(range), mode);
	unlock_table(&before);
	return r;
}

static int
unlock_in_table(const struct os_file *file, int64_t start, int64_t end)
{
	struct inode *inode = find(file->id);
	struct record *spare;
	int r;

	spare = take_out(file->fd, 0, 0, OS_UNLOCKED);
	if (!inode || !spare)
		abort();
	carve(inode, file->fd, start, end, spare);
	r = unlock_gaps(inode, file->fd, start, end);
	tidy(inode);
	return r;
}

int
ipclock__os_range_unlock(const struct os_file *file, struct os_range range)
{
	sigset_t before;
	int r;

	if (file->whole)
		return ipclock__os_flock_try(file, OS_UNLOCKED);
	lock_table(&before);
	r = unlock_in_table(file, range.start, end_of(range));
	unlock_table(&before);
	return r;
}

int
ipclock__os_range_query(const struct os_file *file, struct os_range range, enum os_mode mode, struct os_lock *found)
{
	const struct record *record;
	struct flock lock;
	sigset_t before;
	int r = 0;

	if (file->whole)
		return ENOTSUP;
	lock_table(&before);
	record = conflict(find(file->id), file->fd, range.start, end_of(range), mode);
	if (record) {
		found->mode = record->mode;
		found->range.start = record->start;
		found->range.len = record->end == INT64_MAX ? 0 : record->end - record->start;
	} else
		r = ask_kernel(file->fd, F_GETLK, range.start, end_of(range), mode, &lock);
	unlock_table(&before);
	if (record || r)
		return r;
	found->mode = lock.l_type == F_WRLCK ? OS_EXCLUSIVE : lock.l_type == F_RDLCK ? OS_SHARED : OS_UNLOCKED;
	found->range.start = lock.l_start;
	found->range.len = lock.l_len;
	return 0;
}

/* Somebody else holds what we believe to hold: a close elsewhere in the process dropped it. */
int
ipclock__os_range_check(const struct os_file *file, struct os_range range, enum os_mode mode)
{
	struct flock lock;

	if (!file->whole && ask_kernel(file->fd, F_GETLK, range.start, end_of(range), mode, &lock) == 0 &&
	    lock.l_type != F_UNLCK)
		return ESTALE;
	return 0;
}

/* The kernel's queue knows the process alone, not its threads: waits are by backoff. */
bool
ipclock__os_range_has_queue(const struct os_file *file)
{
	(void)file;
	return false;
}

int
ipclock__os_range_wait(const struct os_file *file, struct os_range range, enum os_mode mode, int64_t until)
{
	(void)file, (void)range, (void)mode, (void)until;
	return ENOTSUP;
}

bool
ipclock__os_range_wait_ends(void)
{
	return false;
}

int
ipclock__os_range_wait_stoppable(const struct os_file *file, struct os_range range, enum os_mode mode)
{
	return ipclock__os_range_wait(file, range, mode, OS_NEVER);
}

bool
ipclock__os_range_inherits(void)
{
	return false;
}

/* ---- opening and closing ---- */

static struct inode *
find_or_make(struct os_id id)
{
	struct inode *inode = find(id);

	if (inode)
		return inode;
	inode = calloc(1, sizeof(*inode));
	if (inode) {
		inode->id = id;
		inode->next = table;
		table = inode;
	}
	return inode;
}

static void
discard(int n)
{
	struct record *record;

	for (; n > 0 && (record = unused) != NULL; n--) {
		unused = record->next;
		free(record);
	}
}

static int
reserve(int n)
{
	struct record *record;
	int i;

	for (i = 0; i < n; i++) {
		record = malloc(sizeof(*record));
		if (!record) {
			discard(i);
			return ENOMEM;
		}
		put_back(record);
	}
	return 0;
}

int
ipclock__os_range_opened(const struct os_file *file)
{
	struct inode *inode;
	sigset_t before;
	int r;

	lock_table(&before);
	inode = find_or_make(file->id);
	r = inode ? reserve(RECORDS_A_FILE) : ENOMEM;
	if (r == 0)
		inode->users++;
	else if (inode)
		forget_inode(inode);
	unlock_table(&before);
	return r;
}

/* A parked descriptor of that file, so that opening and closing it again and again does not use them up. */
int
ipclock__os_range_reopen(const char *path, unsigned access)
{
	struct record **link, *parked = NULL;
	struct inode *inode;
	struct os_id id;
	sigset_t before;
	int fd = -1;

	if (ipclock__os_identify(path, &id))
		return -1;
	lock_table(&before);
	inode = find(id);
	for (link = inode ? &inode->parked : &parked; *link && (*link)->access != access; link = &(*link)->next)
		;
	if ((parked = *link) != NULL) {
		*link = parked->next;
		fd = parked->fd;
		put_back(parked);
		discard(1);
	}
	unlock_table(&before);
	return fd;
}

/* Of a caller's descriptor too, which is not closed. */
void
ipclock__os_range_closed(struct os_file *file, bool ours)
{
	struct inode *inode;
	struct record *parked;
	sigset_t before;

	lock_table(&before);
	inode = find(file->id);
	if (!inode) { /* the child of a fork: the caller's descriptor was never opened here */
		unlock_table(&before);
		return;
	}
	unlock_in_table(file, 0, INT64_MAX);
	inode->users--;
	if (!ours)
		discard(RECORDS_A_FILE);
	else if (!inode->records) {
		close(file->fd);
		discard(RECORDS_A_FILE);
	} else {
		parked = take_out(file->fd, 0, 0, OS_UNLOCKED);
		parked->access = file->access;
		parked->next = inode->parked;
		inode->parked = parked;
		discard(RECORDS_A_FILE - 1);
	}
	forget_inode(inode);
	unlock_table(&before);
	file->fd = -1;
}

static sigset_t before_fork;

static void
prepare(void)
{
	lock_table(&before_fork);
}

static void
parent(void)
{
	sigset_t before = before_fork;

	unlock_table(&before);
}

/* The child has none of these locks, and to close a descriptor there drops none of the parent's. */
static void
child(void)
{
	struct record *record;

	while (table) {
		while ((record = table->records) != NULL) {
			table->records = record->next;
			put_back(record);
		}
		table->users = 1;
		tidy(table);
		table->users = 0;
		forget_inode(table);
	}
	pthread_mutex_init(&mutex, NULL);
	pthread_sigmask(SIG_SETMASK, &before_fork, NULL);
}

int
ipclock__os_range_at_fork(void)
{
	return pthread_atfork(prepare, parent, child);
}
