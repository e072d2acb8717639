/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* The probe's child processes and scratch files, by POSIX calls. */

#include <config.h>

#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os.h"
#include "os_probe.h"

#ifdef O_PATH
#define LOOK_ONLY O_PATH /* asks no file system */
#else
#define LOOK_ONLY O_RDONLY
#endif

#define OUTLIVES_S 10  /* a peer whose parent was killed */
#define BURIAL_MS  300 /* a killed process that is slow to die; a directory that is slow to empty */

/* ---- peers ---- */

static void
close_pipe(int ends[2])
{
	int i;

	for (i = 0; i < 2; i++)
		if (ends[i] >= 0)
			close(ends[i]);
	ends[0] = ends[1] = -1;
}

static int
make_pipe(int ends[2])
{
	int i;

	if (pipe(ends) < 0) {
		ends[0] = ends[1] = -1;
		return errno;
	}
	for (i = 0; i < 2; i++)
		fcntl(ends[i], F_SETFD, FD_CLOEXEC);
	return 0;
}

/* Both pipes, while no other thread forks. */
static int
make_pipes(struct os_peer *peer)
{
	int r;

	peer->answers[0] = peer->answers[1] = -1;
	ipclock__os_process_lock();
	r = make_pipe(peer->commands);
	if (r == 0)
		r = make_pipe(peer->answers);
	ipclock__os_process_unlock();
	if (r) {
		close_pipe(peer->commands);
		close_pipe(peer->answers);
	}
	return r;
}

static ssize_t
read_int(int fd, int *value)
{
	ssize_t n;

	do
		n = read(fd, value, sizeof(*value));
	while (n < 0 && errno == EINTR);
	return n;
}

static ssize_t
write_int(int fd, int value)
{
	ssize_t n;

	do
		n = write(fd, &value, sizeof(value));
	while (n < 0 && errno == EINTR);
	return n;
}

/* A bound to a life without a parent: the one signal that is not blocked. */
static void
limit_life(void)
{
	sigset_t set;

	setpgid(0, 0);
	signal(SIGALRM, SIG_DFL);
	alarm(OUTLIVES_S);
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static _Noreturn void
serve(struct os_peer *peer, int (*perform)(void *ctx, int command), void *ctx)
{
	int command;

	limit_life();
	signal(SIGCHLD, SIG_DFL);
	close(peer->commands[1]);
	close(peer->answers[0]);
	while (read_int(peer->commands[0], &command) == sizeof(command))
		if (write_int(peer->answers[1], perform(ctx, command)) != sizeof(command))
			break;
	_exit(0);
}

int
ipclock__os_peer_start(struct os_peer *peer, int (*perform)(void *ctx, int command), void *ctx)
{
	sigset_t all, before;
	pid_t pid;
	int r = make_pipes(peer);

	if (r)
		return r;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0)
		serve(peer, perform, ctx);
	r = pid < 0 ? errno : 0;
	if (pid > 0)
		setpgid(pid, pid); /* it does so too: who is first does not matter */
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r) {
		close_pipe(peer->commands);
		close_pipe(peer->answers);
		return r;
	}
	peer->pid = pid;
	close(peer->answers[1]);
	peer->answers[1] = -1; /* commands[0] stays open: no SIGPIPE if the peer is dead */
	return 0;
}

int
ipclock__os_peer_tell(struct os_peer *peer, int command)
{
	return write_int(peer->commands[1], command) == sizeof(command) ? 0 : EPIPE;
}

int
ipclock__os_peer_hear(struct os_peer *peer, int64_t until, int *answer)
{
	struct pollfd ready = { .fd = peer->answers[0], .events = POLLIN };
	int64_t left;
	int r;

	do {
		left = until - ipclock__os_now();
		r = poll(&ready, 1, left > 0 ? (int)((left + OS_MS - 1) / OS_MS) : 0);
	} while (r < 0 && errno == EINTR);
	if (r < 0)
		return errno;
	if (r == 0)
		return ETIMEDOUT;
	return read_int(ready.fd, answer) == sizeof(*answer) ? 0 : EPIPE;
}

/* Gone is gone: with SIGCHLD ignored, or reaped by a handler, it is ECHILD. */
static void
bury(pid_t pid)
{
	int64_t end = ipclock__os_now() + BURIAL_MS * OS_MS;
	pid_t r;

	for (;;) {
		r = waitpid(pid, NULL, WNOHANG);
		if (r == pid || (r < 0 && errno != EINTR) || ipclock__os_now() > end)
			return;
		ipclock__os_sleep_until(ipclock__os_now() + OS_MS / 4);
	}
}

void
ipclock__os_peer_end(struct os_peer *peer)
{
	pid_t pid = (pid_t)peer->pid;

	if (pid == 0)
		return;
	if (kill(-pid, SIGKILL) < 0) /* with its child */
		kill(pid, SIGKILL);
	bury(pid);
	close_pipe(peer->commands);
	close_pipe(peer->answers);
	peer->pid = 0;
}

int
ipclock__os_peer_fork(int (*fn)(void *ctx), void *ctx, int *answer)
{
	pid_t pid = fork(), r;
	int status;

	if (pid == 0)
		_exit(fn(ctx) & 0xff);
	if (pid < 0)
		return errno;
	do
		r = waitpid(pid, &status, 0);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return errno;
	*answer = WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
	return 0;
}

/* ---- files ---- */

static DIR *scratch; /* in the peer that has made it */

static bool
is_empty(DIR *dir)
{
	struct dirent *entry;

	while ((entry = readdir(dir)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			return false;
	return true;
}

/*
 * Whoever may rename what is in there may put another directory, or a link to
 * one, in its place: what will be emptied is what is open, and was empty now.
 */
static int
open_scratch(const char *path)
{
	int r, fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	scratch = fd < 0 ? NULL : fdopendir(fd);
	if (scratch != NULL && is_empty(scratch))
		return 0;
	r = scratch != NULL || errno == ENOTDIR || errno == ELOOP || errno == ENOENT ? EEXIST : errno;
	if (scratch != NULL)
		closedir(scratch);
	else if (fd >= 0)
		close(fd);
	rmdir(path);
	return r;
}

/* Of /proc and the like ENOENT and EPERM are said although the directory is there, for all to see. */
int
ipclock__os_scratch_make(const char *path)
{
	char *parent;
	int r = mkdir(path, 0700) < 0 ? errno : 0;

	if (r == 0)
		return open_scratch(path);
	if (r != ENOENT)
		return r == EPERM ? EACCES : r;
	parent = strdup(path);
	if (parent != NULL) {
		*strrchr(parent, '/') = '\0';
		if (access(*parent != '\0' ? parent : "/", F_OK) == 0)
			r = EACCES;
	}
	free(parent);
	return r;
}

static void
empty(DIR *dir)
{
	struct dirent *entry;

	rewinddir(dir);
	while ((entry = readdir(dir)) != NULL)
		unlinkat(dirfd(dir), entry->d_name, 0); /* "." and ".." are refused */
}

/* Some file systems keep a removed file under another name until its last close, which may come late. */
int
ipclock__os_scratch_remove(const char *path)
{
	int64_t end = ipclock__os_now() + BURIAL_MS * OS_MS;

	for (empty(scratch); rmdir(path) < 0; empty(scratch)) {
		if (ipclock__os_now() > end)
			return errno;
		ipclock__os_sleep_until(ipclock__os_now() + 5 * OS_MS);
	}
	return 0;
}

int
ipclock__os_link(const char *from, const char *to)
{
	int r = link(from, to) < 0 ? errno : 0;

	return r == EPERM || r == ENOSYS || r == EOPNOTSUPP ? ENOTSUP : r;
}

int
ipclock__os_rename(const char *from, const char *to)
{
	return rename(from, to) < 0 ? errno : 0;
}

/* The number of the mount that a descriptor is on, from Linux's /proc; -1 elsewhere. */
static long
mount_of(int fd)
{
	char name[64], text[128];
	long id = -1;
	FILE *info;

	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
	info = fopen(name, "re");
	if (info == NULL)
		return -1;
	while (id < 0 && fgets(text, sizeof(text), info) != NULL)
		if (strncmp(text, "mnt_id:", 7) == 0)
			id = strtol(text + 7, NULL, 10);
	fclose(info);
	return id;
}

/* A line is: number, ..., " - ", the file system's name, ... */
static void
name_of_mount(long id, char *name, size_t size)
{
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	char *text = NULL, *type;
	size_t room = 0;

	if (mounts == NULL)
		return;
	while (getline(&text, &room, mounts) > 0) {
		type = strstr(text, " - ");
		if (type == NULL || strtol(text, NULL, 10) != id)
			continue;
		type += 3;
		snprintf(name, size, "%.*s", (int)strcspn(type, " \\\"\n"), type);
		break;
	}
	free(text);
	fclose(mounts);
}

void
ipclock__os_file_system(const char *dir, char *name, size_t size)
{
	int fd = open(dir, LOOK_ONLY | O_DIRECTORY | O_CLOEXEC);

	snprintf(name, size, "unknown");
	if (fd < 0)
		return;
	name_of_mount(mount_of(fd), name, size);
	close(fd);
}
