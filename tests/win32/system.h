/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * What the tests use of POSIX and Windows has not: done by Windows' means where
 * that is a few lines, else declared alone, and a call ends the test as skipped,
 * with the reason.  A descriptor is a handle's value here, as in the library.
 */
#ifndef TESTS_SYSTEM_H
#define TESTS_SYSTEM_H

#include <check.h>
#include <direct.h>
#include <fcntl.h>
#include <io.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

/* ---- files ---- */

struct win_stat {
	uint64_t st_dev, st_ino;
	int64_t st_size;
	struct timespec st_mtim;
	unsigned st_mode, st_nlink, st_uid, st_gid;
};

int win_open(const char *path, int flags, ...);
int win_close(int fd);
int win_read(int fd, void *data, size_t size);
int win_write(int fd, const void *data, size_t size);
int win_stat(const char *path, struct win_stat *st);
int win_fstat(int fd, struct win_stat *st);
int win_pread(int fd, void *data, size_t size, int64_t at);
int pwrite(int fd, const void *data, size_t size, int64_t at);
int chown(const char *path, unsigned uid, unsigned gid);
int win_fcntl(int fd, int what, ...);
int win_unlink(const char *path);
int win_rename(const char *from, const char *to);
int win_link(const char *from, const char *to);
int win_symlink(const char *to, const char *path);
int win_mkfifo(const char *path, unsigned mode);
int win_fchmod(int fd, unsigned mode);
int win_mkdir(const char *path, unsigned mode);
unsigned win_umask(unsigned mask);

#define open   win_open
#define close  win_close
#define read   win_read
#define write  win_write
#define pread  win_pread
#undef stat /* by mingw-w64, where files are large */
#define stat   win_stat
#undef fstat
#define fstat  win_fstat
#define lstat  win_stat
#define fcntl  win_fcntl
#define unlink win_unlink
#define rename win_rename
#define link   win_link
#define symlink win_symlink
#define mkfifo win_mkfifo
#define fchmod win_fchmod
#undef mkdir
#define mkdir  win_mkdir
#define umask  win_umask

enum { F_GETFD, F_SETFD, F_SETLK, F_RDLCK, F_WRLCK, F_UNLCK };
#define FD_CLOEXEC 1
#define O_CLOEXEC  0
#define O_NOFOLLOW 0

enum { LOCK_SH = 1, LOCK_EX = 2, LOCK_NB = 4, LOCK_UN = 8 };
int flock(int fd, int what);

/* ---- processes and users ---- */

#define SIGKILL 9
#define SIGUSR1 10
#define SIGUSR2 12
#define SIGPIPE 13
#define SIGALRM 14
#define SIGCHLD 17
#define SIGCONT 18
#define SIGSTOP 19

#define SA_RESTART 1

#ifndef SIG_BLOCK
#define SIG_BLOCK 0
#define SIG_UNBLOCK 1
#define SIG_SETMASK 2
#endif

struct sigaction {
	void (*sa_handler)(int sig);
	int sa_flags;
};

#define WIFEXITED(status)   1
#define WEXITSTATUS(status) (status)
#define WIFSTOPPED(status)  0
#define WTERMSIG(status)    0
#define WNOHANG   1
#define WUNTRACED 2

struct rlimit {
	unsigned long rlim_cur, rlim_max;
};
enum { RLIMIT_NOFILE, RLIMIT_NPROC, RLIMIT_FSIZE };

struct itimerval {
	struct timeval it_interval, it_value;
};
#define ITIMER_REAL 0
typedef long suseconds_t;
typedef unsigned uid_t;

typedef unsigned long sigset_t;

int fork(void); /* as gcc knows it */
pid_t waitpid(pid_t pid, int *status, int options);
int kill(pid_t pid, int sig);
int pipe(int ends[2]);

/* Of a process by its handle. */
int win_stop(intptr_t process, bool stop);
int sigaction(int sig, const struct sigaction *act, struct sigaction *old);
int sigismember(const void *set, int sig);
int win_sigmask(int how, const void *set, void *old);
int win_pthread_kill(pthread_t thread, int sig);
int win_pthread_cancel(pthread_t thread);
unsigned alarm(unsigned seconds);
int setitimer(int which, const struct itimerval *value, struct itimerval *old);
int setrlimit(int what, const struct rlimit *limit);
int getrlimit(int what, struct rlimit *limit);
uid_t geteuid(void); /* not root */
int setuid(uid_t uid);

#undef pthread_sigmask
#define pthread_sigmask win_sigmask
#undef pthread_kill
#define pthread_kill win_pthread_kill
#undef pthread_cancel
#define pthread_cancel win_pthread_cancel

int setenv(const char *name, const char *value, int over);
int rand_r(unsigned *seed);

/* ---- memory, shared with nobody, since nobody is forked ---- */

#define PROT_READ     1
#define PROT_WRITE    2
#define MAP_SHARED    1
#define MAP_ANONYMOUS 2
#define MAP_FAILED    ((void *)-1)
void *mmap(void *at, size_t size, int prot, int flags, int fd, int64_t offset);

/* ---- waits: for pipes ---- */

struct pollfd {
	int fd;
	short events, revents;
};
#define POLLIN 1
typedef unsigned nfds_t;
int poll(struct pollfd *fds, nfds_t n, int ms);

#endif
