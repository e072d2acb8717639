/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * The soft lock, with real processes.  flock(2), link(2) and rename(2) are this
 * program's own, so that a test can play a file system without locks, a reply
 * that is lost, and a process that comes in between.
 *
 * Of ipclock(7)'s promises it makes its own versions of A, B, D, E, G and H.
 */

#include <config.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support.h"

/* ---- system calls with a twist ---- */

static int flock_error;                  /* in place of a lock; 0: none */
static int lost_replies;                 /* of link(2): done, and reported as EEXIST */
static int no_links;                     /* the file system has none: this error */
static void (*before_rename)(const char *from);
static int unlink_error;                 /* of the next unlink(2); 0: none */

int
unlink(const char *path)
{
	int error = unlink_error;

	unlink_error = 0;
	if (error == 0)
		return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
	errno = error;
	return -1;
}

int
flock(int fd, int operation)
{
	if (flock_error) {
		errno = flock_error;
		return -1;
	}
	return (int)syscall(SYS_flock, fd, operation);
}

int
link(const char *from, const char *to)
{
	int r;

	if (no_links) {
		errno = no_links;
		return -1;
	}
	r = (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
	if (r == 0 && lost_replies > 0) {
		lost_replies--;
		errno = EEXIST;
		return -1;
	}
	return r;
}

int
rename(const char *from, const char *to)
{
	void (*before)(const char *) = before_rename;

	before_rename = NULL;
	if (before)
		before(from);
	return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

/* ---- what the tests share ---- */

static struct ipclock_soft *
open_with(const struct ipclock_attr *attr)
{
	struct ipclock_soft *soft;
	int error = ipclock_soft_open(&soft, test_path, attr);

	ck_assert_msg(error == 0, "%s", ipclock_message(NULL));
	return soft;
}

static struct ipclock_soft *
open_soft(void)
{
	return open_with(NULL);
}

static void
write_file(const char *path, const char *text, size_t length)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, length), (ssize_t)length);
	close(fd);
}

static const char *
read_file(const char *path)
{
	static char text[4096];
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	close(fd);
	ck_assert_msg(n >= 0, "%s cannot be read", path);
	text[n] = '\0';
	return text;
}

static ino_t
inode(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 ? st.st_ino : 0;
}

/* The text of a marker of this process, with the value of one key replaced ("pid": the first line). */
static void
forge(const char *path, const char *key, const char *value)
{
	struct ipclock_soft *soft;
	char text[2048], found[32];
	const char *was, *at;

	ck_assert_int_eq(ipclock_soft_open(&soft, test_file("forgery"), NULL), 0);
	ck_assert_int_eq(ipclock_soft_acquire(soft, 0), 0);
	was = read_file(test_file("forgery"));
	snprintf(found, sizeof(found), " %s=", key);
	at = strcmp(key, "pid") == 0 ? was : strstr(was, found) + strlen(found);
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - was), was, value, at + strcspn(at, " \n"));
	write_file(path, text, strlen(text));
	ipclock_soft_close(soft);
}

/* A process number that was one, and is none. */
static const char *
dead_pid(void)
{
	static char text[16];
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	snprintf(text, sizeof(text), "%ld", (long)pid);
	return text;
}

/* Another process that holds the lock until it is killed, or told to end: with exit(3), or with a release. */
struct holder {
	pid_t pid;
	int tell;
};

static void
hold_until_told(int tell, int told, int answer)
{
	struct ipclock_soft *soft;
	char c = 'x';

	if (ipclock_soft_open(&soft, test_path, NULL) == 0 && ipclock_soft_acquire(soft, LONG_MS) == 0)
		c = 'h';
	close(tell);
	if (write(answer, &c, 1) == 1 && read(told, &c, 1) == 1 && c == 'r')
		ipclock_soft_release(soft);
	_exit(0);
}

static void
hold(struct holder *h)
{
	int told[2], answer[2];
	char c = 0;

	ck_assert_int_eq(pipe(told) | pipe(answer), 0);
	h->pid = fork();
	if (h->pid == 0)
		hold_until_told(told[1], told[0], answer[1]);
	close(told[0]);
	close(answer[1]);
	h->tell = told[1];
	ck_assert_int_eq(read(answer[0], &c, 1), 1);
	ck_assert_int_eq(c, 'h');
	close(answer[0]);
}

static void
end_holder(struct holder *h, char how)
{
	ck_assert_int_eq(write(h->tell, &how, 1), 1);
	close(h->tell);
	ck_assert_int_eq(child_result(h->pid), 0);
}

static void
kill_holder(struct holder *h)
{
	kill(h->pid, SIGKILL);
	ck_assert_int_eq(child_result(h->pid), 1000 + SIGKILL);
	close(h->tell);
}

/* Names in the test's directory that begin with a dot. */
static int
dotted(void)
{
	DIR *dir = opendir(test_dir);
	struct dirent *entry;
	int n = 0;

	while ((entry = readdir(dir)) != NULL)
		n += entry->d_name[0] == '.' && strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(dir);
	return n;
}

/* ---- exclusion ---- */

START_TEST(A_excludes_another_process)
{
	struct ipclock_soft *soft = open_soft();
	struct holder h;
	char wanted[64];

	hold(&h);
	ck_assert_int_eq(ipclock_soft_acquire(soft, 0), EBUSY);
	snprintf(wanted, sizeof(wanted), "held by pid %ld on ", (long)h.pid);
	ck_assert_ptr_nonnull(strstr(ipclock_soft_message(soft), wanted));
	ck_assert_int_eq(ipclock_soft_acquire(soft, 30), ETIMEDOUT);
	ck_assert_ptr_nonnull(strstr(ipclock_soft_message(soft), "timed out after "));
	ck_assert_int_eq(ipclock_soft_held(soft), 0);
	end_holder(&h, 'r');
	ck_assert_int_eq(access(test_path, F_OK), -1);
	ck_assert_int_eq(ipclock_soft_acquire(soft, 0), 0);
	ck_assert_str_eq(ipclock_soft_message(soft), "");
	ck_assert_int_eq(ipclock_soft_held(soft), 1);
	ck_assert_int_eq(ipclock_soft_release(soft), 0);
	ck_assert_int_eq(access(test_path, F_OK), -1);
	ck_assert_int_eq(ipclock_soft_release(soft), EPERM);
	ipclock_soft_close(soft);
}
END_TEST

static int
try_other_handle(void *arg)
{
	return ipclock_soft_acquire(arg, 0);
}

START_TEST(A_two_handles_exclude_each_other)
{
	struct ipclock_soft *a = open_soft(), *b = open_soft();

	ck_assert_int_eq(ipclock_soft_acquire(a, IPCLOCK_FOREVER), 0);
	ck_assert_int_eq(ipclock_soft_acquire(b, 0), EBUSY);
	ck_assert_int_eq(ipclock_soft_acquire(a, 0), EBUSY);
	ck_assert_int_eq(ipclock_soft_acquire(b, 20), ETIMEDOUT);
	ck_assert_int_eq(ipclock_soft_acquire(b, IPCLOCK_FOREVER), EDEADLK);
	ck_assert_int_eq(ipclock_soft_acquire(a, IPCLOCK_FOREVER), EDEADLK);
	ck_assert_int_eq(in_thread(try_other_handle, a), EBUSY);
	ck_assert_int_eq(ipclock_soft_close(a), 0);
	ck_assert_int_eq(ipclock_soft_acquire(b, 0), 0);
	ipclock_soft_close(b);
	ck_assert_int_eq(access(test_path, F_OK), -1);
}
END_TEST

static atomic_int inside, overlaps;

static int
take_turns(void *arg)
{
	int i, r = 0;

	for (i = 0; i < 50 && r == 0; i++) {
		r = ipclock_soft_acquire(arg, LONG_MS);
		if (r)
			break;
		if (atomic_fetch_add(&inside, 1) != 0)
			atomic_fetch_add(&overlaps, 1);
		atomic_fetch_sub(&inside, 1);
		r = ipclock_soft_release(arg);
	}
	return r;
}

START_TEST(A_threads_share_a_handle)
{
	struct ipclock_attr *attr = attr_with(0, NULL);
	struct ipclock_soft *soft;
	struct thread t[4];
	int i;

	ipclock_attr_set_backoff(attr, 1, 2);
	soft = open_with(attr);
	ipclock_attr_free(attr);
	for (i = 0; i < 4; i++)
		thread_start(&t[i], take_turns, soft);
	for (i = 0; i < 4; i++)
		ck_assert_int_eq(thread_join(&t[i]), 0);
	ck_assert_int_eq(atomic_load(&overlaps), 0);
	ipclock_soft_close(soft);
}
END_TEST

START_TEST(A_a_lost_reply_of_link_is_no_failure)
{
	struct ipclock_soft *soft = open_soft();

	lost_replies = 1;
	ck_assert_int_eq(ipclock_soft_acquire(soft, 0), 0);
	ck_assert_int_eq(lost_replies, 0);
	ck_assert_int_eq(ipclock_soft_release(soft), 0);
	ck_assert_int_eq(dotted(), 0);
	ipclock_soft_close(soft);
}
END_TEST

START_TEST(I_no_hard_links)
{
	struct ipclock_soft *soft = open_soft();

	no_links = EPERM;
	ck_assert_int_eq(ipclock_soft_acquire(soft, LONG_MS), ENOTSUP);
	ck_assert_ptr_nonnull(strstr(ipclock_soft_message(soft), "hard links"));
	ck_assert_int_eq(access(test_path, F_OK), -1);
	ck_assert_int_eq(dotted(), 0);
	ipclock_soft_close(soft);
}
END_TEST

/* ---- stale markers ---- */

START_TEST(B_of_a_killed_holder_is_broken)
{
	struct ipclock_soft *soft = open_soft();
	struct holder h;
	siginfo_t info;

	hold(&h);
	kill_holder(&h);
	ck_assert_int_eq(access(test_path, F_OK), 0);
	ck_assert_int_eq(ipclock_soft_acquire(soft, 0), 0);
	ck_assert_int_eq(ipclock_soft_release(soft), 0);
	hold(&h);
	kill(h.pid, SIGKILL);
	ck_assert_int_eq(waitid(P_PID, (id_t)h.pid, &info, WEXITED | WNOWAIT), 0); /* a zombie */
	ck_assert_int_eq(ipclock_soft_acquire(soft, 0), 0);
	ck_assert_int_eq(ipclock_soft_release(soft), 0);
	kill_holder(&h);
	hold(&h);
	end_holder(&h, 'e'); /* exits without a release */
	ck_assert_int_eq(ipclock_soft_acquire(soft, 0), 0);
	ipclock_soft_close(soft);
	ck_assert_int_eq(dotted(), 0);
}
END_TEST

static void *
outlive(void *arg)
{
	char c;

	return read(*(int *)arg, &c, 1) == 0 ? NULL : arg;
}

/* Its first thread has ended, and it is shown as a zombie. */
static void
hold_in_second_thread(int told, int answer)
{
	struct ipclock_soft *soft;
	pthread_t thread;
	static int fd;

	fd = told;
	if (ipclock_soft_open(&soft, test_path, NULL) || ipclock_soft_acquire(soft, 0) ||
	    pthread_create(&thread, NULL, outlive, &fd) || write(answer, "h", 1) != 1)
		_exit(1);
	pthread_exit(NULL);
}

static int
first_thread_has_ended(void *arg)
{
	char path[64];
	const char *text;

	snprintf(path, sizeof(path), "/proc/%ld/stat", (long)*(pid_t *)arg);
	text = strrchr(read_file(path), ')');
	return text && text[2] == 'Z';
}

START_TEST(A_of_the_living_is_not_broken)
{
	struct ipclock_soft *soft = open_soft();
	int told[2], answer[2];
	struct holder h;
	char c;

	hold(&h);
	kill(h.pid, SIGSTOP);
	ck_assert_int_eq(waitpid(h.pid, NULL, WUNTRACED), h.pid);
	ck_assert_int_eq(ipclock_soft_acquire(soft, 30), ETIMEDOUT);
	kill(h.pid, SIGCONT);
	end_holder(&h, 'r');
	ck_assert_int_eq(pipe(told) | pipe(answer), 0);
	h.pid = fork();
	if (h.pid == 0) {
		close(told[1]);
		hold_in_second_thread(told[0], answer[1]);
	}
	ck_assert_int_eq(read(answer[0], &c, 1), 1);
	await(first_thread_has_ended, &h.pid, "the first thread to end");
	ck_assert_int_eq(ipclock_soft_acquire(soft, 0), EBUSY);
	kill(h.pid, SIGKILL);
	ck_assert_int_eq(child_result(h.pid), 1000 + SIGKILL);
	ck_assert_int_eq(ipclock_soft_acquire(soft, 0), 0);
	ipclock_soft_close(soft);
}
END_TEST

static const struct {
	const char *key, *value;
	bool dies; /* and the owner's process is dead */
	int result;
} forgeries[] = {
	{ "pid", NULL, true, 0 },
	{ "start", "1", false, 0 },
	{ "boot", "00000000-0000-4000-8000-000000000000", false, 0 },
	{ "host", "elsewhere.example", true, EBUSY },
	{ "boot", "-", true, EBUSY },
	{ "space", "1.2", true, EBUSY },
	{ "space", "-", true, EBUSY },
	{ "lease", "1000000", false, EBUSY },
	{ "token", "0000000000000000", false, EBUSY },
};

START_TEST(B_what_a_marker_says_decides)
{
	struct ipclock_soft *soft = open_soft();
	char text[2048];
	const char *pid = dead_pid(), *value = forgeries[_i].value ? forgeries[_i].value : pid;
	int result = forgeries[_i].result;

	forge(test_path, forgeries[_i].key, value);
	if (forgeries[_i].dies && forgeries[_i].value) {
		snprintf(text, sizeof(text), "%s%s", pid, strchr(read_file(test_path), '\n'));
		write_file(test_path, text, strlen(text));
	}
	if (strcmp(forgeries[_i].key, "boot") == 0 && strstr(read_file(test_path), " machine=- ") != NULL)
		result = EBUSY; /* without /etc/machine-id another boot may be of another machine */
	ck_assert_int_eq(ipclock_soft_acquire(soft, 20), result ? ETIMEDOUT : 0);
	if (result) {
		ck_assert_int_eq(ipclock_soft_break(soft), 0);
		ck_assert_int_eq(ipclock_soft_acquire(soft, 0), 0);
	}
	ck_assert_int_eq(ipclock_soft_release(soft), 0);
	ipclock_soft_close(soft);
}
END_TEST

static const struct {
	const char *text;
	size_t length;
} foreign[] = {
	{ "", 0 }, { "0\n", 2 }, { "99999999\n", 9 }, { "99999999\nvm\n", 12 }, { "99999999\nvm\n1\n", 14 },
	{ "\0\0\0\0", 4 }, { "precious data\n", 14 },
	{ "99999999\nipclock/1 host=vm machine=- boot=- space=- start=1 token=00000000000000", 80 },
	{ "99999999\nipclock/2 host=vm\n", 27 },
};

START_TEST(H_a_foreign_file_is_never_removed)
{
	struct ipclock_soft *soft = open_soft();
	struct timespec old[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };
	struct ipclock_owner *owner;
	ino_t before;

	write_file(test_path, foreign[_i].text, foreign[_i].length);
	ck_assert_int_eq(utimensat(AT_FDCWD, test_path, old, 0), 0);
	before = inode(test_path);
	ck_assert_int_eq(ipclock_soft_acquire(soft, 20), ETIMEDOUT);
	ck_assert_int_eq(ipclock_soft_break(soft), EEXIST);
	ck_assert_ptr_nonnull(strstr(ipclock_soft_message(soft), "not a marker of this library"));
	ck_assert(inode(test_path) == before);
	ck_assert_int_eq(memcmp(read_file(test_path), foreign[_i].text, foreign[_i].length), 0);
	ck_assert_int_eq(ipclock_soft_owner(soft, &owner), 0);
	ck_assert_int_ne(ipclock_owner_state(owner), IPCLOCK_OWNER_ALIVE);
	ipclock_owner_free(owner);
	ipclock_soft_close(soft);
	ck_assert(inode(test_path) == before);
}
END_TEST

/* As Samba's, or a nuisance's: whoever opens it is told to come back. */
static int
keep_lease(void *arg)
{
	int fd = open(test_path, O_RDONLY), *ready = arg;

	signal(SIGIO, SIG_IGN);
	if (fd < 0 || fcntl(fd, F_SETLEASE, F_RDLCK) != 0 || write(ready[1], "", 1) != 1)
		return 1;
	for (;;)
		pause();
}

START_TEST(H_a_file_under_a_lease_is_busy)
{
	struct ipclock_soft *soft = open_soft();
	struct ipclock_owner *owner;
	int ready[2];
	pid_t pid;
	char c;

	write_file(test_path, "1\n", 2);
	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	if (pid == 0)
		_exit(keep_lease(ready));
	close(ready[1]);
	if (read(ready[0], &c, 1) == 1) {
		ck_assert_int_eq(ipclock_soft_acquire(soft, 0), EBUSY);
		ck_assert_int_eq(ipclock_soft_acquire(soft, 20), ETIMEDOUT);
		ck_assert_int_eq(ipclock_soft_owner(soft, &owner), EACCES);
	} else
		test_skip("H_a_file_under_a_lease_is_busy: no leases here");
	kill(pid, SIGKILL);
	child_result(pid);
	close(ready[0]);
	ipclock_soft_close(soft);
}
END_TEST

START_TEST(H_a_huge_file_is_never_removed)
{
	struct ipclock_soft *soft = open_soft();
	int fd = open(test_path, O_RDWR | O_CREAT, 0600);

	ck_assert_int_eq(ftruncate(fd, (off_t)1 << 32), 0);
	close(fd);
	ck_assert_int_eq(ipclock_soft_acquire(soft, 0), EBUSY);
	ck_assert_int_eq(ipclock_soft_break(soft), EEXIST);
	ck_assert(inode(test_path) != 0);
	ipclock_soft_close(soft);
}
END_TEST

/* A marker that its mode hides from us is somebody's. */
static int
meet_secret_markers(void *arg)
{
	struct ipclock_soft *soft;
	struct ipclock_owner *owner;

	(void)arg;
	if (setuid(65534) || ipclock_soft_open(&soft, test_path, NULL))
		return 1;
	if (ipclock_soft_acquire(soft, 0) != EBUSY || ipclock_soft_break(soft) != EACCES)
		return 2;
	if (ipclock_soft_owner(soft, &owner) != EACCES || owner)
		return 3;
	return ipclock_soft_close(soft);
}

static int
meet_what_cannot_be_removed(void *arg)
{
	struct ipclock_soft *soft;

	(void)arg;
	if (setuid(65534) || ipclock_soft_open(&soft, test_path, NULL))
		return 1;
	if (ipclock_soft_acquire(soft, 20) != ETIMEDOUT || !strstr(ipclock_soft_message(soft), "which is dead"))
		return 2;
	return ipclock_soft_break(soft) == EACCES ? 0 : 3;
}

static int
make_where_nothing_can_be_made(void *arg)
{
	struct ipclock_soft *soft;

	(void)arg;
	if (setuid(65534) || ipclock_soft_open(&soft, test_path, NULL))
		return 1;
	return ipclock_soft_acquire(soft, 0) == EACCES ? 0 : 2;
}

START_TEST(no_letter_permissions)
{
	forge(test_path, "pid", dead_pid());
	ck_assert_int_eq(in_child(meet_what_cannot_be_removed, NULL), 0);
	ck_assert_int_eq(chmod(test_path, 0600), 0);
	ck_assert_int_eq(in_child(meet_secret_markers, NULL), 0);
	ck_assert_int_eq(unlink(test_path), 0);
	ck_assert_int_eq(in_child(make_where_nothing_can_be_made, NULL), 0);
}
END_TEST

/* ---- who breaks ---- */

START_TEST(A_one_breaker_at_a_time)
{
	struct ipclock_soft *soft = open_soft();
	int fd;

	forge(test_path, "pid", dead_pid());
	fd = open(test_path, O_RDONLY);
	ck_assert_int_eq(flock(fd, LOCK_EX), 0); /* another breaker */
	ck_assert_int_eq(ipclock_soft_acquire(soft, 0), EBUSY);
	ck_assert_int_eq(ipclock_soft_break(soft), EBUSY);
	close(fd);
	ck_assert_int_eq(ipclock_soft_acquire(soft, 0), 0);
	ipclock_soft_close(soft);
}
END_TEST

/* Without locks: a whole break and acquire by another between the last look and the rename. */
static void
come_between(const char *from)
{
	if (strcmp(from, test_path) == 0)
		syscall(SYS_renameat2, AT_FDCWD, test_file("other"), AT_FDCWD, test_path, 0);
}

START_TEST(A_without_locks_a_wrong_marker_is_put_back)
{
	struct ipclock_soft *soft = open_soft();

	flock_error = ENOLCK;
	forge(test_path, "pid", dead_pid());
	forge(test_file("other"), "token", "00000000000000aa");
	before_rename = come_between;
	ck_assert_int_eq(ipclock_soft_acquire(soft, 0), EBUSY);
	ck_assert(before_rename == NULL);
	ck_assert_ptr_nonnull(strstr(read_file(test_path), "token=00000000000000aa"));
	ck_assert_int_eq(dotted(), 0);
	ck_assert_int_eq(unlink(test_path), 0);
	forge(test_path, "pid", dead_pid());
	ck_assert_int_eq(ipclock_soft_acquire(soft, 0), 0); /* and without interference it breaks */
	ipclock_soft_close(soft);
}
END_TEST

static struct rlimit descriptors;

static void
come_between_without_descriptors(const char *from)
{
	struct rlimit none = descriptors;

	come_between(from);
	none.rlim_cur = 0;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
}

START_TEST(A_a_marker_that_cannot_be_looked_at_is_put_back)
{
	struct ipclock_soft *soft = open_soft();

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &descriptors), 0);
	flock_error = ENOLCK;
	forge(test_path, "pid", dead_pid());
	forge(test_file("other"), "token", "00000000000000aa");
	before_rename = come_between_without_descriptors;
	ck_assert_int_eq(ipclock_soft_acquire(soft, 0), EMFILE);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &descriptors), 0);
	ck_assert_ptr_nonnull(strstr(read_file(test_path), "token=00000000000000aa"));
	ck_assert_int_eq(dotted(), 0);
	ipclock_soft_close(soft);
}
END_TEST

struct race {
	atomic_int ready, go, inside, overlaps, granted, errors;
};

static void
run_race(struct race *race)
{
	struct ipclock_attr *attr = attr_with(0, NULL);
	struct ipclock_soft *soft;

	ipclock_attr_set_backoff(attr, 1, 2);
	if (ipclock_soft_open(&soft, test_path, attr))
		_exit(1);
	atomic_fetch_add(&race->ready, 1);
	while (!atomic_load(&race->go))
		;
	if (ipclock_soft_acquire(soft, LONG_MS)) {
		atomic_fetch_add(&race->errors, 1);
		_exit(1);
	}
	if (atomic_fetch_add(&race->inside, 1))
		atomic_fetch_add(&race->overlaps, 1);
	atomic_fetch_add(&race->granted, 1);
	nap_ms(1);
	atomic_fetch_sub(&race->inside, 1);
	_exit(ipclock_soft_close(soft));
}

START_TEST(A_many_breakers_at_once)
{
	struct race *race = mmap(NULL, sizeof(*race), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pids[4];
	int round, i;

	for (round = 0; round < 20; round++) {
		memset((void *)race, 0, sizeof(*race));
		forge(test_path, "pid", dead_pid());
		for (i = 0; i < 4; i++)
			if ((pids[i] = fork()) == 0)
				run_race(race);
		await_count(&race->ready, 4, "four breakers");
		atomic_store(&race->go, 1);
		for (i = 0; i < 4; i++)
			ck_assert_int_eq(child_result(pids[i]), 0);
		ck_assert_int_eq(race->overlaps, 0);
		ck_assert_int_eq(race->granted, 4);
		ck_assert_int_eq(access(test_path, F_OK), -1);
		ck_assert_int_eq(dotted(), 0);
	}
}
END_TEST

/* ---- lost locks and leases ---- */

static void
count_loss(void *ctx)
{
	++*(int *)ctx;
}

START_TEST(A_a_lock_that_was_taken_removes_nothing)
{
	struct ipclock_soft *a = open_soft(), *b = open_soft();
	int losses = 0;
	ino_t of_b;

	ck_assert_int_eq(ipclock_soft_set_lease(a, 0, count_loss, &losses), 0);
	ck_assert_int_eq(ipclock_soft_acquire(a, 0), 0);
	ck_assert_int_eq(ipclock_soft_break(b), 0);
	ck_assert_int_eq(ipclock_soft_acquire(b, 0), 0);
	of_b = inode(test_path);
	ck_assert_int_eq(ipclock_soft_held(a), 1);
	ck_assert_int_eq(ipclock_soft_release(a), ESTALE);
	ck_assert_ptr_nonnull(strstr(ipclock_soft_message(a), "lost"));
	ck_assert_int_eq(losses, 1);
	ck_assert_int_eq(ipclock_soft_held(a), 0);
	ck_assert_int_eq(ipclock_soft_release(a), EPERM);
	ck_assert(inode(test_path) == of_b);
	ck_assert_int_eq(ipclock_soft_release(b), 0);
	/* found by touch, and by acquire, which goes on */
	ck_assert_int_eq(ipclock_soft_acquire(a, 0), 0);
	ck_assert_int_eq(ipclock_soft_touch(a), 0);
	ck_assert_int_eq(unlink(test_path), 0);
	ck_assert_int_eq(ipclock_soft_touch(a), ESTALE);
	ck_assert_int_eq(ipclock_soft_touch(a), EPERM);
	ck_assert_int_eq(losses, 2);
	ck_assert_int_eq(ipclock_soft_acquire(a, 0), 0);
	ck_assert_int_eq(unlink(test_path), 0);
	ck_assert_int_eq(mkdir(test_path, 0700), 0);
	ck_assert_int_eq(ipclock_soft_release(a), ESTALE);
	ck_assert_int_eq(rmdir(test_path), 0);
	ck_assert_int_eq(ipclock_soft_acquire(a, 0), 0);
	ck_assert_int_eq(unlink(test_path), 0);
	ck_assert_int_eq(ipclock_soft_acquire(a, 0), 0);
	ck_assert_int_eq(losses, 4);
	ck_assert_int_eq(ipclock_soft_close(a), 0);
	ck_assert_int_eq(losses, 4);
	ipclock_soft_close(b);
}
END_TEST

static void
age_by(const char *path, int seconds)
{
	struct timespec t[2];

	clock_gettime(CLOCK_REALTIME, &t[0]);
	t[0].tv_sec -= seconds;
	t[1] = t[0];
	ck_assert_int_eq(utimensat(AT_FDCWD, path, t, 0), 0);
}

START_TEST(no_letter_a_lease_is_over_by_both_clocks)
{
	struct ipclock_soft *soft = open_soft();
	char text[4096], *lease;

	forge(test_path, "host", "elsewhere.example");
	snprintf(text, sizeof(text), "%s", read_file(test_path));
	lease = strstr(text, "lease=0");
	ck_assert_ptr_nonnull(lease);
	age_by(test_path, 3600);
	ck_assert_int_eq(ipclock_soft_acquire(soft, 60), ETIMEDOUT); /* no lease: age is nothing */
	strcpy(lease, "lease=50\n");
	write_file(test_path, text, strlen(text));
	age_by(test_path, 3600);
	ck_assert_int_eq(ipclock_soft_acquire(soft, 0), EBUSY); /* nobody saw it untouched for so long */
	ck_assert_int_eq(ipclock_soft_acquire(soft, LONG_MS), 0);
	ck_assert_int_eq(ipclock_soft_release(soft), 0);
	write_file(test_path, text, strlen(text));
	age_by(test_path, -3600); /* by the file system's clock it is not old */
	ck_assert_int_eq(ipclock_soft_acquire(soft, 200), ETIMEDOUT);
	strcpy(lease, "lease=1000000\n");
	write_file(test_path, text, strlen(text));
	age_by(test_path, 3600); /* by that clock it is */
	ck_assert_int_eq(ipclock_soft_acquire(soft, 60), ETIMEDOUT);
	ck_assert_int_eq(dotted(), 0);
	ipclock_soft_close(soft);
}
END_TEST

struct heart {
	struct ipclock_soft *soft;
	int beats, errors;
};

static void
beat(void *ctx, int ms)
{
	struct heart *heart = ctx;

	nap_ms(ms < 20 ? 20 : ms);
	heart->beats++;
	if (ipclock_soft_touch(heart->soft) != 0)
		heart->errors++;
}

START_TEST(no_letter_a_touched_lease_is_kept_and_an_untouched_one_lost)
{
	struct ipclock_attr *attr = attr_with(0, NULL);
	struct heart heart = { .soft = open_soft() };
	struct ipclock_soft *other;
	int losses = 0;

	ck_assert_int_eq(ipclock_soft_set_lease(heart.soft, 60, count_loss, &losses), 0);
	ck_assert_int_eq(ipclock_soft_acquire(heart.soft, 0), 0);
	ck_assert_int_eq(ipclock_soft_set_lease(heart.soft, 0, NULL, NULL), EBUSY);
	ipclock_attr_set_sleep(attr, beat, &heart);
	other = open_with(attr);
	ck_assert_int_eq(ipclock_soft_acquire(other, 500), ETIMEDOUT);
	ck_assert_int_ge(heart.beats, 4);
	ck_assert_int_eq(heart.errors, 0);
	ipclock_soft_close(other);
	other = open_soft();
	ck_assert_int_eq(ipclock_soft_acquire(other, LONG_MS), 0);
	ck_assert_int_eq(losses, 0);
	ck_assert_int_eq(ipclock_soft_touch(heart.soft), ESTALE);
	ck_assert_int_eq(losses, 1);
	ck_assert_int_eq(ipclock_soft_held(heart.soft), 0);
	ck_assert_int_eq(ipclock_soft_release(heart.soft), EPERM);
	ck_assert_int_eq(ipclock_soft_release(other), 0);
	ipclock_soft_close(other);
	ipclock_soft_close(heart.soft);
	ipclock_attr_free(attr);
}
END_TEST

/* A breaker that has the guard has seen the lease over: the owner takes it for lost, and removes nothing. */
START_TEST(A_owner_and_breaker_of_a_lease_come_one_after_the_other)
{
	struct ipclock_soft *soft = open_soft();
	int fd;

	ck_assert_int_eq(ipclock_soft_set_lease(soft, 1, NULL, NULL), 0);
	ck_assert_int_eq(ipclock_soft_acquire(soft, 0), 0);
	fd = open(test_path, O_RDONLY);
	ck_assert_int_eq(flock(fd, LOCK_EX), 0);
	nap_ms(2); /* the lease is over */
	ck_assert_int_eq(ipclock_soft_release(soft), ESTALE);
	ck_assert(inode(test_path) != 0);
	close(fd);
	ck_assert_int_eq(unlink(test_path), 0);
	ipclock_soft_close(soft);
}
END_TEST

/* Anybody who may read the marker may lock it: before the lease is over that is no breaker. */
START_TEST(C_a_stranger_with_the_guard_takes_nothing)
{
	struct ipclock_soft *soft = open_soft();
	int fd, losses = 0;

	ck_assert_int_eq(ipclock_soft_set_lease(soft, 1000000, count_loss, &losses), 0);
	ck_assert_int_eq(ipclock_soft_acquire(soft, 0), 0);
	fd = open(test_path, O_RDONLY);
	ck_assert_int_eq(flock(fd, LOCK_SH), 0);
	ck_assert_int_eq(ipclock_soft_touch(soft), EBUSY);
	ck_assert_int_eq(ipclock_soft_release(soft), EBUSY);
	ck_assert_int_eq(ipclock_soft_held(soft), 1);
	ck_assert_int_eq(losses, 0);
	close(fd);
	ck_assert_int_eq(ipclock_soft_touch(soft), 0);
	ck_assert_int_eq(ipclock_soft_release(soft), 0);
	ck_assert(inode(test_path) == 0);
	ipclock_soft_close(soft);
}
END_TEST

/* ---- fork ---- */

static int
child_of_a_holder(void *arg)
{
	struct ipclock_soft *soft = arg;

	if (ipclock_soft_held(soft) || ipclock_soft_release(soft) != EPERM || ipclock_soft_touch(soft) != EPERM)
		return 1;
	if (ipclock_soft_acquire(soft, 0) != EBUSY)
		return 2;
	return ipclock_soft_close(soft);
}

static int
child_acquires(void *arg)
{
	return ipclock_soft_acquire(arg, 0) ? 1 : ipclock_soft_close(arg);
}

START_TEST(D_a_child_neither_holds_nor_frees)
{
	struct ipclock_soft *soft = open_soft();
	ino_t ours;

	ck_assert_int_eq(ipclock_soft_acquire(soft, 0), 0);
	ours = inode(test_path);
	ck_assert_int_eq(in_child(child_of_a_holder, soft), 0);
	ck_assert(inode(test_path) == ours);
	ck_assert_int_eq(ipclock_soft_release(soft), 0);
	ck_assert_int_eq(in_child(child_acquires, soft), 0);
	ck_assert_int_eq(ipclock_soft_acquire(soft, 0), 0);
	ipclock_soft_close(soft);
}
END_TEST

static atomic_int stop;

static int
toil(void *arg)
{
	while (!atomic_load(&stop))
		if (ipclock_soft_acquire(arg, LONG_MS) || ipclock_soft_touch(arg) || ipclock_soft_release(arg))
			return 1;
	return 0;
}

static int
child_in_the_midst(void *arg)
{
	int r = ipclock_soft_release(arg) == EPERM ? 0 : 1;

	if (fcntl(255, F_GETFD) != -1)
		return 2;
	return r ? r : ipclock_soft_close(arg);
}

/* In the middle of another thread's work: the child is not stuck, and that work goes on. */
START_TEST(D_a_fork_at_any_time)
{
	struct ipclock_soft *soft = open_soft();
	struct thread t;
	int i;

	ck_assert_int_eq(ipclock_soft_set_lease(soft, 1000000, NULL, NULL), 0);
	thread_start(&t, toil, soft);
	for (i = 0; i < 50; i++)
		ck_assert_int_eq(in_child(child_in_the_midst, soft), 0);
	atomic_store(&stop, 1);
	ck_assert_int_eq(thread_join(&t), 0);
	ck_assert_int_eq(access(test_path, F_OK), -1);
	ipclock_soft_close(soft);
}
END_TEST

static void
fork_instead_of_sleep(void *ctx, int ms)
{
	(void)ms;
	if (*(pid_t *)ctx < 0)
		*(pid_t *)ctx = fork();
}

START_TEST(D_a_callback_that_forks)
{
	struct ipclock_attr *attr = attr_with(0, NULL);
	struct ipclock_soft *soft;
	struct holder h;
	pid_t pid = -1;
	int r;

	ipclock_attr_set_sleep(attr, fork_instead_of_sleep, &pid);
	soft = open_with(attr);
	hold(&h);
	r = ipclock_soft_acquire(soft, 20);
	if (pid == 0)
		_exit(r == ECANCELED ? 0 : 1);
	ck_assert_int_eq(r, ETIMEDOUT);
	ck_assert_int_eq(child_result(pid), 0);
	end_holder(&h, 'r');
	ipclock_soft_close(soft);
	ipclock_attr_free(attr);
}
END_TEST

/* ---- options ---- */

static int
cancel_third(void *ctx)
{
	return ++*(int *)ctx >= 3;
}

static void
ignore(int sig)
{
	(void)sig;
}

static int
acquire_interruptibly(void *arg)
{
	struct ipclock_attr *attr = attr_with(IPCLOCK_INTERRUPTIBLE, NULL);
	struct itimerspec soon = { .it_value = { .tv_nsec = 30000000 }, .it_interval = { .tv_nsec = 30000000 } };
	struct sigaction action = { .sa_handler = ignore };
	struct ipclock_soft *soft = open_with(attr);
	timer_t timer;

	(void)arg;
	sigaction(SIGALRM, &action, NULL);
	if (timer_create(CLOCK_MONOTONIC, NULL, &timer) || timer_settime(timer, 0, &soon, NULL))
		return 1;
	return ipclock_soft_acquire(soft, LONG_MS) == EINTR ? 0 : 2;
}

static void
raise_alarm(void *ctx, int level, const char *line)
{
	(void)ctx, (void)line;
	if (level == IPCLOCK_LOG_DEBUG)
		raise(SIGALRM);
}

START_TEST(E_a_signal_before_the_first_sleep_ends_it)
{
	struct ipclock_attr *attr = attr_with(IPCLOCK_INTERRUPTIBLE, NULL);
	struct sigaction action = { .sa_handler = ignore };
	struct ipclock_soft *soft;
	struct holder h;

	sigaction(SIGALRM, &action, NULL);
	ipclock_attr_set_log(attr, raise_alarm, NULL);
	soft = open_with(attr);
	hold(&h);
	ck_assert_int_eq(ipclock_soft_acquire(soft, 300), EINTR);
	ck_assert_int_eq(ipclock_soft_acquire(soft, IPCLOCK_FOREVER), EINTR);
	ipclock_soft_close(soft);
	ipclock_attr_free(attr);
	end_holder(&h, 'r');
}
END_TEST

START_TEST(E_callbacks_and_signals)
{
	struct ear ear = { .lines = { 0 } };
	struct ipclock_attr *attr = attr_with(IPCLOCK_POLL | IPCLOCK_UNFAIR, &ear);
	struct ipclock_soft *soft;
	struct holder h;
	int asked = 0;

	ipclock_attr_set_cancel(attr, cancel_third, &asked);
	ipclock_attr_set_jitter(attr, 100);
	soft = open_with(attr);
	hold(&h);
	ck_assert_int_eq(ipclock_soft_acquire(soft, LONG_MS), ECANCELED);
	ck_assert_int_eq(asked, 3);
	ck_assert_int_eq(ear.lines[IPCLOCK_LOG_DEBUG], 1);
	ck_assert_int_eq(ear.lines[IPCLOCK_LOG_WARNING], 1);
	ck_assert_int_eq(in_child(acquire_interruptibly, NULL), 0);
	end_holder(&h, 'r');
	ipclock_soft_close(soft);
	ipclock_attr_free(attr);
}
END_TEST

START_TEST(no_letter_mode_and_parents)
{
	struct ipclock_attr *attr = attr_with(IPCLOCK_MKDIR, NULL);
	struct ipclock_soft *soft;
	struct stat st;

	ck_assert_int_eq(ipclock_attr_set_mode(attr, 0602), 0);
	ck_assert_int_eq(ipclock_soft_open(&soft, test_file("a/b/lock"), NULL), 0);
	ck_assert_int_eq(ipclock_soft_acquire(soft, 0), ENOENT);
	ipclock_soft_close(soft);
	ck_assert_int_eq(ipclock_soft_open(&soft, test_file("a/b/lock"), attr), 0);
	ck_assert_int_eq(ipclock_soft_acquire(soft, 0), 0);
	ck_assert_int_eq(stat(test_file("a/b/lock"), &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0602);
	ipclock_soft_close(soft);
	ipclock_attr_free(attr);
}
END_TEST

START_TEST(no_letter_a_relative_path_stays)
{
	struct ipclock_soft *soft;

	ck_assert_int_eq(chdir(test_dir), 0);
	ck_assert_int_eq(ipclock_soft_open(&soft, "lock", NULL), 0);
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(ipclock_soft_acquire(soft, 0), 0);
	ck_assert_str_eq(ipclock_soft_path(soft), test_path);
	ck_assert_int_eq(access(test_path, F_OK), 0);
	ipclock_soft_close(soft);
}
END_TEST

START_TEST(no_letter_who_owns_it)
{
	struct ipclock_soft *soft = open_soft();
	struct ipclock_owner *owner = (void *)&owner;
	char host[256] = "", text[300];
	struct holder h;

	gethostname(host, sizeof(host) - 1);
	ck_assert_int_eq(ipclock_soft_owner(soft, &owner), ENOENT);
	ck_assert_ptr_null(owner);
	hold(&h);
	ck_assert_int_eq(ipclock_soft_owner(soft, &owner), 0);
	ck_assert_int_eq(ipclock_owner_pid(owner), h.pid);
	ck_assert_str_eq(ipclock_owner_host(owner), host);
	ck_assert_ptr_nonnull(ipclock_owner_boot_id(owner));
	ck_assert_int_eq(ipclock_owner_state(owner), IPCLOCK_OWNER_ALIVE);
	ipclock_owner_free(owner);
	kill_holder(&h);
	ck_assert_int_eq(ipclock_soft_owner(soft, &owner), 0);
	ck_assert_int_eq(ipclock_owner_state(owner), IPCLOCK_OWNER_DEAD);
	ipclock_owner_free(owner);
	snprintf(text, sizeof(text), "%ld\n%s\n123\n", (long)getpid(), host);
	write_file(test_path, text, strlen(text));
	ck_assert_int_eq(ipclock_soft_owner(soft, &owner), 0);
	ck_assert_int_eq(ipclock_owner_pid(owner), getpid());
	ck_assert_int_eq(ipclock_owner_state(owner), IPCLOCK_OWNER_ALIVE);
	ck_assert_ptr_null(ipclock_owner_boot_id(owner));
	ipclock_owner_free(owner);
	ipclock_soft_close(soft);
}
END_TEST

/* ---- bad input ---- */

START_TEST(no_letter_bad_input)
{
	struct ipclock_soft *soft = (void *)&soft;
	struct ipclock_owner *owner;
	char *path = malloc(5001);

	memset(path, 'p', 5000);
	path[5000] = '\0';
	ck_assert_int_eq(ipclock_soft_open(NULL, test_path, NULL), EINVAL);
	ck_assert_int_eq(ipclock_soft_open(&soft, NULL, NULL), EINVAL);
	ck_assert_ptr_null(soft);
	ck_assert_int_eq(ipclock_soft_open(&soft, "", NULL), EINVAL);
	ck_assert_int_eq(ipclock_soft_open(&soft, "/", NULL), EINVAL);
	ck_assert_int_eq(ipclock_soft_open(&soft, "..", NULL), EINVAL);
	ck_assert_int_eq(ipclock_soft_open(&soft, "a/.", NULL), EINVAL);
	ck_assert_ptr_nonnull(strstr(ipclock_message(NULL), "names no file"));
	ck_assert_int_eq(ipclock_soft_open(&soft, path, NULL), EINVAL);
	ck_assert_int_eq(ipclock_soft_acquire(NULL, 0), EINVAL);
	ck_assert_int_eq(ipclock_soft_release(NULL), EINVAL);
	ck_assert_int_eq(ipclock_soft_touch(NULL), EINVAL);
	ck_assert_int_eq(ipclock_soft_break(NULL), EINVAL);
	ck_assert_int_eq(ipclock_soft_close(NULL), EINVAL);
	ck_assert_int_eq(ipclock_soft_set_lease(NULL, 0, NULL, NULL), EINVAL);
	ck_assert_int_eq(ipclock_soft_owner(NULL, &owner), EINVAL);
	ck_assert_int_eq(ipclock_soft_held(NULL), 0);
	ck_assert_ptr_null(ipclock_soft_path(NULL));
	ck_assert_ptr_nonnull(ipclock_soft_message(NULL));
	ck_assert_int_eq(ipclock_owner_pid(NULL), 0);
	ck_assert_ptr_null(ipclock_owner_host(NULL));
	ck_assert_ptr_null(ipclock_owner_boot_id(NULL));
	ck_assert_int_eq(ipclock_owner_state(NULL), IPCLOCK_OWNER_UNKNOWN);
	ipclock_owner_free(NULL);
	soft = open_soft();
	ck_assert_int_eq(ipclock_soft_acquire(soft, -2), EINVAL);
	ck_assert_ptr_nonnull(strstr(ipclock_soft_message(soft), "below -1"));
	ck_assert_int_eq(ipclock_soft_set_lease(soft, -1, NULL, NULL), EINVAL);
	ck_assert_int_eq(ipclock_soft_owner(soft, NULL), EINVAL);
	ck_assert_int_eq(ipclock_soft_break(soft), ENOENT);
	errno = 4711;
	ck_assert_int_eq(ipclock_soft_touch(soft), EPERM);
	ck_assert_int_eq(ipclock_soft_acquire(soft, 0), 0);
	ck_assert_int_eq(ipclock_soft_release(soft), 0);
	ck_assert_int_eq(errno, 4711);
	ipclock_soft_close(soft);
	free(path);
}
END_TEST

static const unsigned meaningless[] = {
	IPCLOCK_RECURSIVE, IPCLOCK_RECURSIVE_PROCESS, IPCLOCK_TRUST_PATH, IPCLOCK_NOCREATE, IPCLOCK_INHERIT,
	IPCLOCK_UNLINK,
};

START_TEST(no_letter_options_that_mean_nothing)
{
	struct ipclock_attr *attr = attr_with(meaningless[_i], NULL);
	struct ipclock_soft *soft;

	ck_assert_int_eq(ipclock_soft_open(&soft, test_path, attr), EINVAL);
	ck_assert_ptr_nonnull(strstr(ipclock_message(NULL), "soft lock"));
	ipclock_attr_free(attr);
	attr = attr_with(0, NULL);
	ipclock_attr_set_slot(attr, 1);
	ck_assert_int_eq(ipclock_soft_open(&soft, test_path, attr), EINVAL);
	ipclock_attr_free(attr);
	attr = attr_with(0, NULL);
	ipclock_attr_set_range(attr, 0, 0);
	ck_assert_int_eq(ipclock_soft_open(&soft, test_path, attr), EINVAL);
	ipclock_attr_free(attr);
	attr = attr_with(0, NULL);
	ipclock_attr_set_protocol(attr, IPCLOCK_FLOCK);
	ck_assert_int_eq(ipclock_soft_open(&soft, test_path, attr), EINVAL);
	ipclock_attr_free(attr);
}
END_TEST

START_TEST(H_no_regular_file)
{
	struct ipclock_soft *soft = open_soft();
	struct ipclock_owner *owner;

	ck_assert_int_eq(mkdir(test_path, 0700), 0);
	ck_assert_int_eq(ipclock_soft_acquire(soft, LONG_MS), EINVAL);
	ck_assert_int_eq(ipclock_soft_break(soft), EINVAL);
	ck_assert_int_eq(ipclock_soft_owner(soft, &owner), EINVAL);
	ck_assert_int_eq(rmdir(test_path), 0);
	ck_assert_int_eq(mkfifo(test_path, 0600), 0);
	ck_assert_int_eq(ipclock_soft_acquire(soft, LONG_MS), EINVAL);
	ck_assert_int_eq(unlink(test_path), 0);
	ck_assert_int_eq(symlink("nowhere", test_path), 0);
	ck_assert_int_eq(ipclock_soft_acquire(soft, LONG_MS), ELOOP);
	ck_assert_int_eq(ipclock_soft_break(soft), ELOOP);
	ck_assert(inode(test_path) != 0);
	ck_assert_int_eq(dotted(), 0);
	ipclock_soft_close(soft);
}
END_TEST

/* EPERM of the file system is not the EPERM that says that nothing is held. */
START_TEST(no_letter_a_marker_that_may_not_be_removed_is_held_still)
{
	struct ipclock_soft *soft = open_soft();

	ck_assert_int_eq(ipclock_soft_release(soft), EPERM);
	ck_assert_int_eq(ipclock_soft_acquire(soft, 0), 0);
	unlink_error = EPERM;
	ck_assert_int_eq(ipclock_soft_release(soft), EACCES);
	ck_assert_int_eq(ipclock_soft_held(soft), 1);
	ck_assert_int_eq(ipclock_soft_release(soft), 0);
	ck_assert_int_eq(ipclock_soft_close(soft), 0);
}
END_TEST

/* ---- residue ---- */

START_TEST(G_nothing_is_left_open)
{
	struct ipclock_soft *soft;
	int before = fd_count();
	struct holder h;

	soft = open_soft();
	ck_assert_int_eq(fd_count(), before);
	ck_assert_int_eq(ipclock_soft_acquire(soft, 0), 0);
	ck_assert_int_eq(ipclock_soft_release(soft), 0);
	ck_assert_int_eq(fd_count(), before);
	hold(&h);
	ck_assert_int_eq(ipclock_soft_acquire(soft, 20), ETIMEDOUT);
	ck_assert_int_eq(fd_count(), before + 1); /* the holder's pipe */
	kill_holder(&h);
	ck_assert_int_eq(ipclock_soft_acquire(soft, 0), 0);
	ck_assert_int_eq(unlink(test_path), 0);
	ck_assert_int_eq(ipclock_soft_release(soft), ESTALE);
	ipclock_soft_close(soft);
	ck_assert_int_eq(fd_count(), before);
	ck_assert_int_eq(dotted(), 0);
}
END_TEST

/* What processes that were killed half way have left goes when the next stale marker does. */
START_TEST(G_leftovers_are_swept)
{
	struct ipclock_soft *soft = open_soft();
	char dead[64], empty[64], live[64];
	const char *pid = dead_pid();

	snprintf(dead, sizeof(dead), ".lock.%s.00000000.0000000000000001.ipclock", pid);
	snprintf(empty, sizeof(empty), ".lock.%s.00000000.0000000000000002.ipclock", pid);
	snprintf(live, sizeof(live), ".lock.%ld.00000000.0000000000000003.ipclock", (long)getpid());
	forge(test_file(dead), "pid", pid);
	write_file(test_file(empty), "", 0); /* of another system, by its hash */
	forge(test_file(live), "token", "0000000000000001");
	ck_assert_int_eq(ipclock_soft_acquire(soft, 0), 0);
	ck_assert_int_eq(ipclock_soft_release(soft), 0);
	ck_assert_int_eq(dotted(), 3);
	forge(test_path, "pid", pid);
	ck_assert_int_eq(ipclock_soft_acquire(soft, 0), 0);
	ck_assert_int_eq(access(test_file(dead), F_OK), -1);
	ck_assert_int_eq(access(test_file(empty), F_OK), 0);
	ck_assert_int_eq(access(test_file(live), F_OK), 0);
	ipclock_soft_close(soft);
}
END_TEST

/* ---- torture ---- */

enum { WORKERS = 8 };

struct torture {
	atomic_int stop;
	atomic_int holder;   /* who is inside, to aim at */
	atomic_int two;      /* two inside, says the kernel's lock */
	atomic_int errors;
	atomic_long grants;
};

static void
work(struct torture *t)
{
	struct ipclock_attr *attr;
	struct ipclock_soft *soft;
	struct timespec hold = { .tv_nsec = getpid() % 7 * 50000 };
	int witness = open(test_file("witness"), O_RDWR | O_CREAT, 0600), r;

	ipclock_attr_new(&attr);
	ipclock_attr_set_backoff(attr, 1, 3);
	ipclock_attr_set_jitter(attr, 100);
	if (ipclock_soft_open(&soft, test_path, attr))
		_exit(1);
	while (!atomic_load(&t->stop)) {
		r = ipclock_soft_acquire(soft, LONG_MS);
		if (r) {
			atomic_fetch_add(&t->errors, 1);
			_exit(1);
		}
		if (flock(witness, LOCK_EX | LOCK_NB) != 0)
			atomic_fetch_add(&t->two, 1);
		atomic_store(&t->holder, getpid());
		nanosleep(&hold, NULL);
		atomic_store(&t->holder, 0);
		atomic_fetch_add(&t->grants, 1);
		flock(witness, LOCK_UN);
		if (ipclock_soft_release(soft))
			atomic_fetch_add(&t->errors, 1);
	}
	_exit(0);
}

static pid_t
start_worker(struct torture *t)
{
	pid_t pid = fork();

	if (pid == 0)
		work(t);
	ck_assert_int_gt(pid, 0);
	return pid;
}

/* Whoever is inside, every other time. */
static int
victim(const struct torture *t, const pid_t *pids, int nth)
{
	pid_t holder = atomic_load(&t->holder);
	int i;

	for (i = 0; i < WORKERS && nth % 2; i++)
		if (pids[i] == holder)
			return i;
	return rand() % WORKERS;
}

START_TEST(A_killed_at_random)
{
	struct torture *t = mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const char *torture = getenv("IPCLOCK_TORTURE");
	int kills = torture ? atoi(torture) / 20 : 150, i, v;
	struct ipclock_soft *soft;
	struct holder h;
	pid_t pids[WORKERS];

	for (i = 0; i < WORKERS; i++)
		pids[i] = start_worker(t);
	for (i = 0; i < kills; i++) {
		nap_ms(1 + rand() % 4);
		v = victim(t, pids, i);
		kill(pids[v], SIGKILL);
		ck_assert_int_eq(child_result(pids[v]), 1000 + SIGKILL);
		pids[v] = start_worker(t);
	}
	atomic_store(&t->stop, 1);
	for (i = 0; i < WORKERS; i++)
		ck_assert_int_eq(child_result(pids[i]), 0);
	printf("soft lock torture: %d killed, %ld grants, %d errors, two inside: %d, left before the last break: %d\n",
	    kills, (long)t->grants, t->errors, t->two, dotted());
	ck_assert_int_eq(t->two, 0);
	ck_assert_int_eq(t->errors, 0);
	ck_assert_int_gt(t->grants, kills / 4);
	hold(&h);
	kill_holder(&h);
	soft = open_soft();
	ck_assert_int_eq(ipclock_soft_acquire(soft, 0), 0);
	ck_assert_int_eq(dotted(), 0);
	ipclock_soft_close(soft);
	ck_assert_int_eq(access(test_path, F_OK), -1);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static void
add(TCase *t)
{
	tcase_set_timeout(t, 240);
	tcase_add_test(t, A_excludes_another_process);
	tcase_add_test(t, A_two_handles_exclude_each_other);
	tcase_add_test(t, A_threads_share_a_handle);
	tcase_add_test(t, A_a_lost_reply_of_link_is_no_failure);
	tcase_add_test(t, I_no_hard_links);
	tcase_add_test(t, B_of_a_killed_holder_is_broken);
	tcase_add_test(t, A_of_the_living_is_not_broken);
	tcase_add_loop_test(t, B_what_a_marker_says_decides, 0, COUNT(forgeries));
	tcase_add_loop_test(t, H_a_foreign_file_is_never_removed, 0, COUNT(foreign));
	tcase_add_test(t, H_a_file_under_a_lease_is_busy);
	tcase_add_test(t, H_a_huge_file_is_never_removed);
	if (getuid() == 0)
		tcase_add_test(t, no_letter_permissions);
	else
		test_skip("markers of other users: needs another user");
	tcase_add_test(t, A_one_breaker_at_a_time);
	tcase_add_test(t, A_without_locks_a_wrong_marker_is_put_back);
	tcase_add_test(t, A_a_marker_that_cannot_be_looked_at_is_put_back);
	tcase_add_test(t, A_many_breakers_at_once);
	tcase_add_test(t, A_a_lock_that_was_taken_removes_nothing);
	tcase_add_test(t, no_letter_a_lease_is_over_by_both_clocks);
	tcase_add_test(t, no_letter_a_touched_lease_is_kept_and_an_untouched_one_lost);
	tcase_add_test(t, A_owner_and_breaker_of_a_lease_come_one_after_the_other);
	tcase_add_test(t, C_a_stranger_with_the_guard_takes_nothing);
	tcase_add_test(t, D_a_child_neither_holds_nor_frees);
	tcase_add_test(t, D_a_fork_at_any_time);
	tcase_add_test(t, D_a_callback_that_forks);
	tcase_add_test(t, E_a_signal_before_the_first_sleep_ends_it);
	tcase_add_test(t, E_callbacks_and_signals);
	tcase_add_test(t, no_letter_mode_and_parents);
	tcase_add_test(t, no_letter_a_relative_path_stays);
	tcase_add_test(t, no_letter_who_owns_it);
	tcase_add_test(t, no_letter_bad_input);
	tcase_add_loop_test(t, no_letter_options_that_mean_nothing, 0, COUNT(meaningless));
	tcase_add_test(t, H_no_regular_file);
	tcase_add_test(t, no_letter_a_marker_that_may_not_be_removed_is_held_still);
	tcase_add_test(t, G_nothing_is_left_open);
	tcase_add_test(t, G_leftovers_are_swept);
	tcase_add_test(t, A_killed_at_random);
}

int
main(void)
{
	return test_main("soft lock", add);
}
