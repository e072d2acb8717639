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

/* A range [start, end) that the owner, a descriptor, holds. */
struct record {
	struct record *next;
	int fd;
	enum os_mode mode;
	int64_t start;
	int64_t end;
};

/* A descriptor that waits for the file's last lock to be closed. */
struct parked {
	struct parked *next;
	int fd;
};

struct inode {
	struct inode *next;
	struct os_id id;
	struct record *records;
	struct parked *parked;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct inode *table;

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
close_parked(struct inode *inode)
{
	struct parked *parked;

	while ((parked = inode->parked) != NULL) {
		inode->parked = parked->next;
		close(parked->fd);
		free(parked);
	}
}

/* No lock left: the descriptors that waited for that go, and so does the entry. */
static void
tidy(struct inode *inode)
{
	struct inode **link = &table;

	if (inode->records)
		return;
	close_parked(inode);
	while (*link != inode)
		link = &(*link)->next;
	*link = inode->next;
	free(inode);
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

static struct record *
new_record(int fd, int64_t start, int64_t end, enum os_mode mode)
{
	struct record *record = malloc(sizeof(*record));

	if (record)
		*record = (struct record){ .fd = fd, .mode = mode, .start = start, .end = end };
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
carve(struct inode *inode, int fd, int64_t start, int64_t end, struct record **spare)
{
	struct record **link = &inode->records, *record;

	while ((record = *link) != NULL) {
		if (record->fd != fd || record->start >= end || start >= record->end) {
			link = &record->next;
			continue;
		}
		if (record->start < start && end < record->end) {
			**spare = (struct record){ .fd = fd, .mode = record->mode, .start = end, .end = record->end };
			add(inode, *spare);
			*spare = NULL;
			record->end = start;
			return;
		}
		if (start <= record->start && record->end <= end) {
			*link = record->next;
			free(record);
			continue;
		}
		if (record->start < start)
			record->end = start;
		else
			record->start = end;
		link = &record->next;
	}
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
	struct inode *inode = find_or_make(file->id);
	struct record *record, *spare;
	struct flock lock;
	int r;

	if (!inode)
		return ENOLCK;
	if (conflict(inode, file->fd, start, end, mode))
		return EBUSY;
	record = new_record(file->fd, start, end, mode);
	spare = new_record(file->fd, 0, 0, mode);
	r = record && spare ? ask_kernel(file->fd, F_SETLK, start, end, mode, &lock) : ENOLCK;
	if (r == 0) {
		carve(inode, file->fd, start, end, &spare);
		add(inode, record);
		record = NULL;
	}
	free(record);
	free(spare);
	tidy(inode);
	return r;
}

int
ipclock__os_range_try(const struct os_file *file, struct os_range range, enum os_mode mode)
{
	sigset_t before;
	int r;

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

	if (!inode)
		return 0;
	spare = new_record(file->fd, 0, 0, OS_UNLOCKED);
	if (!spare)
		return ENOLCK;
	carve(inode, file->fd, start, end, &spare);
	r = unlock_gaps(inode, file->fd, start, end);
	free(spare);
	tidy(inode);
	return r;
}

int
ipclock__os_range_unlock(const struct os_file *file, struct os_range range)
{
	sigset_t before;
	int r;

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

	if (ask_kernel(file->fd, F_GETLK, range.start, end_of(range), mode, &lock) == 0 && lock.l_type != F_UNLCK)
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

/* With no memory to park it in, the descriptor stays open: better than a lock that is lost. */
void
ipclock__os_close(struct os_file *file)
{
	struct parked *parked;
	struct inode *inode;
	sigset_t before;

	lock_table(&before);
	unlock_in_table(file, 0, INT64_MAX);
	inode = find(file->id);
	if (!inode)
		close(file->fd);
	else if ((parked = malloc(sizeof(*parked))) != NULL) {
		parked->fd = file->fd;
		parked->next = inode->parked;
		inode->parked = parked;
	}
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

	for (; table; tidy(table))
		while ((record = table->records) != NULL) {
			table->records = record->next;
			free(record);
		}
	pthread_mutex_init(&mutex, NULL);
	pthread_sigmask(SIG_SETMASK, &before_fork, NULL);
}

int
ipclock__os_range_at_fork(void)
{
	return pthread_atfork(prepare, parent, child);
}
