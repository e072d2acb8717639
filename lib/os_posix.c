/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* Threads and files, as POSIX has them. */

#include <config.h>

#include <sys/stat.h>
#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "os.h"
#include "os_helper.h"
#include "os_posix.h"

long
ipclock__os_pid(void)
{
	return (long)getpid();
}

/* ---- threads ---- */

void
ipclock__os_enter(struct os_guard *guard)
{
	guard->error = errno;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &guard->cancel_state);
}

void
ipclock__os_leave(const struct os_guard *guard)
{
	pthread_setcancelstate(guard->cancel_state, NULL);
	errno = guard->error;
}

static pthread_mutex_t *
pthread_of(struct os_mutex *mutex)
{
	_Static_assert(sizeof(pthread_mutex_t) <= sizeof(mutex->storage), "room for a mutex");
	return (pthread_mutex_t *)(void *)mutex->storage.bytes;
}

int
ipclock__os_mutex_make(struct os_mutex *mutex)
{
	return pthread_mutex_init(pthread_of(mutex), NULL);
}

void
ipclock__os_mutex_free(struct os_mutex *mutex)
{
	pthread_mutex_destroy(pthread_of(mutex));
}

void
ipclock__os_mutex_lock(struct os_mutex *mutex)
{
	pthread_mutex_lock(pthread_of(mutex));
}

void
ipclock__os_mutex_unlock(struct os_mutex *mutex)
{
	pthread_mutex_unlock(pthread_of(mutex));
}

static pthread_mutex_t process = PTHREAD_MUTEX_INITIALIZER;
static sigset_t process_signals; /* of the thread that has the lock */
static void (*in_child[4])(void);
static unsigned hooks;

void
ipclock__os_process_lock(void)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_mutex_lock(&process);
	process_signals = before;
}

void
ipclock__os_process_unlock(void)
{
	sigset_t before = process_signals;

	pthread_mutex_unlock(&process);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void
child(void)
{
	int error = errno;
	unsigned i;

	for (i = 0; i < hooks; i++)
		in_child[i]();
	errno = error;
	ipclock__os_process_unlock();
}

/* The last to be registered is the first to prepare: the process lock comes before what is taken inside it. */
static int
register_handlers(void)
{
	static bool inner, outer;
	int r = 0;

	if (!inner)
		r = ipclock__os_event_at_fork();
	if (r == 0 && !inner)
		r = ipclock__os_range_at_fork();
	inner = r == 0;
	if (r == 0 && !outer)
		r = pthread_atfork(ipclock__os_process_lock, ipclock__os_process_unlock, child);
	outer = outer || r == 0;
	return r;
}

/*
 * Before there is a second thread: a fork(2) that has begun does not run what
 * another thread registers, and its child would find the process lock taken by
 * nobody.  What fails here is tried again at the first open.
 */
__attribute__((constructor)) static void
at_load(void)
{
	register_handlers();
}

int
ipclock__os_at_fork(void (*run)(void))
{
	int r = register_handlers();

	if (r == 0 && hooks == 0)
		ipclock__os_helper_prepare();
	if (r == 0 && hooks == sizeof(in_child) / sizeof(in_child[0]))
		r = ENOMEM;
	if (r == 0)
		in_child[hooks++] = run;
	return r;
}

/* ---- files ---- */

static int
close_on_exec(int fd)
{
	int flags = fcntl(fd, F_GETFD);

	return flags < 0 || fcntl(fd, F_SETFD, flags | FD_CLOEXEC) < 0 ? errno : 0;
}

static int
examine(struct os_file *file, enum os_kind *kind)
{
	struct stat st;

	if (fstat(file->fd, &st) < 0)
		return errno;
	file->id.device = (uint64_t)st.st_dev;
	file->id.inode = (uint64_t)st.st_ino;
	*kind = S_ISREG(st.st_mode) ? OS_REGULAR : S_ISDIR(st.st_mode) ? OS_DIRECTORY : OS_OTHER;
	return 0;
}

/* The system's many words for "that is no regular file" and "that is a link". */
static int
open_error(int error)
{
	switch (error) {
	case ENXIO:
	case ENODEV:
	case EOPNOTSUPP:
		return EINVAL;
	case EMLINK:
		return ELOOP;
	default:
		return error;
	}
}

/* A program that has closed its standard descriptors must not print into a lock file. */
static int
leave_standard_descriptors(struct os_file *file)
{
	struct os_file high = *file;
	int r;

	if (file->fd > STDERR_FILENO)
		return 0;
	high.fd = fcntl(file->fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (high.fd < 0)
		return errno;
	r = ipclock__os_range_opened(&high);
	if (r)
		return r; /* not closed: see ipclock__os_open() */
	ipclock__os_close(file);
	*file = high;
	return 0;
}

/* O_NONBLOCK: a FIFO planted in the file's place must not hang us. */
static int
open_retrying(const char *path, unsigned how)
{
	int flags = O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, fd = -1;

	flags |= how & OS_WRITE ? O_RDWR : O_RDONLY;
	if (how & OS_CREATE)
		flags |= O_CREAT | O_EXCL;
	else
		fd = ipclock__os_range_reopen(path, how & (OS_READ | OS_WRITE));
	while (fd < 0) {
		fd = open(path, flags, 0666);
		if (fd < 0 && errno != EINTR)
			break;
	}
	return fd;
}

int
ipclock__os_open(struct os_file *file, enum os_kind *kind, const char *path, unsigned how)
{
	int r;

	file->fd = open_retrying(path, how);
	if (file->fd < 0)
		return open_error(errno);
	file->access = (unsigned char)(how & (OS_READ | OS_WRITE));
	r = examine(file, kind);
	if (r)
		close(file->fd);
	else
		r = ipclock__os_range_opened(file); /* not closed then: that might drop the process's other locks on it */
	if (r) {
		file->fd = -1;
		return r;
	}
	r = leave_standard_descriptors(file);
	if (r == 0)
		r = close_on_exec(file->fd);
	if (r)
		ipclock__os_close(file);
	return r;
}

void
ipclock__os_close(struct os_file *file)
{
	ipclock__os_range_closed(file, true);
}

int
ipclock__os_adopt(struct os_file *file, enum os_kind *kind, int fd)
{
	int flags = fcntl(fd, F_GETFL), r;

	if (flags < 0)
		return errno;
	file->fd = fd;
	file->access = (flags & O_ACCMODE) == O_RDWR ? OS_READ | OS_WRITE :
	    (flags & O_ACCMODE) == O_WRONLY ? OS_WRITE : OS_READ;
	r = examine(file, kind);
	return r ? r : ipclock__os_range_opened(file);
}

void
ipclock__os_disown(struct os_file *file)
{
	ipclock__os_range_closed(file, false);
}

int
ipclock__os_check(const struct os_file *file)
{
	struct os_file now = *file;
	enum os_kind kind;
	int r = examine(&now, &kind);

	return r ? r : now.id.device == file->id.device && now.id.inode == file->id.inode ? 0 : EBADF;
}

void
ipclock__os_forget(struct os_file *file)
{
	if (ipclock__os_check(file) == 0)
		close(file->fd);
	file->fd = -1;
}

/* Not stat(2): a link that leads back to the file is not the file. */
int
ipclock__os_identify(const char *path, struct os_id *id)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno;
	id->device = (uint64_t)st.st_dev;
	id->inode = (uint64_t)st.st_ino;
	return 0;
}

int
ipclock__os_unlink(const char *path)
{
	return unlink(path) < 0 ? errno : 0;
}

bool
ipclock__os_unlinks_open(void)
{
	return true;
}

int
ipclock__os_set_mode(const struct os_file *file, unsigned perm)
{
	return fchmod(file->fd, (mode_t)perm) < 0 ? errno : 0;
}

int
ipclock__os_make_directory(const char *path)
{
	return mkdir(path, 0777) < 0 ? errno : 0;
}

/* A longer path could not be opened. */
int
ipclock__os_absolute(const char *path, char **absolute)
{
	char directory[PATH_MAX] = "";
	const char *slash = "";
	size_t length;

	if (strlen(path) >= PATH_MAX)
		return ENAMETOOLONG;
	if (*path != '/') {
		if (!getcwd(directory, sizeof(directory)))
			return errno == ERANGE ? ENAMETOOLONG : errno;
		slash = strcmp(directory, "/") == 0 ? "" : "/";
	}
	length = strlen(directory) + strlen(slash) + strlen(path);
	*absolute = ipclock__os_alloc(length + 1);
	if (!*absolute)
		return ENOMEM;
	strcat(strcat(strcat(*absolute, directory), slash), path);
	return 0;
}

bool
ipclock__os_range_is_free(const struct os_file *file, struct os_range range)
{
	struct os_lock found;

	return ipclock__os_range_query(file, range, OS_EXCLUSIVE, &found) == 0 && found.mode == OS_UNLOCKED;
}

const char *
ipclock__os_strerror(int error, char *buffer, size_t size)
{
	locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);

	if (c == (locale_t)0)
		return "unknown error";
	strncpy(buffer, strerror_l(error, c), size - 1);
	buffer[size - 1] = '\0';
	freelocale(c);
	return buffer;
}
