/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* The pid file: promises A, B, C, D and G for a lock that passes through fork(2), and the pid in the file. */

#include <config.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

/* ---- an instance: a process that obeys letters from a pipe ---- */

struct instance {
	pid_t child; /* of the test; the one that obeys may be a descendant of it */
	int in, out;
};

static void
answer(int out, long number)
{
	if (write(out, &number, sizeof(number)) != sizeof(number))
		_exit(1);
}

/* The parent goes, its child goes on. */
static long
pass_on(void)
{
	pid_t pid = fork();

	if (pid > 0)
		_exit(0);
	return pid;
}

/* A child that has the descriptor and never calls the library, or only to close. */
static long
spawn_worker(struct ipclock_pidfile *p)
{
	int ends[2];
	char closed = 0;
	pid_t pid;

	if (pipe(ends) != 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		if (p != NULL)
			closed = ipclock_pidfile_close(p) == 0;
		if (write(ends[1], &closed, 1) == 1)
			pause();
		_exit(1);
	}
	return read(ends[0], &closed, 1) == 1 && closed == (p != NULL) ? (long)pid : -1;
}

/* A child that executes something else; back when it does. */
static long
spawn_program(void)
{
	int ends[2];
	char c;
	pid_t pid;

	if (pipe(ends) != 0 || fcntl(ends[1], F_SETFD, FD_CLOEXEC) != 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		execlp("sleep", "sleep", "60", (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	return read(ends[0], &c, 1) == 0 ? (long)pid : -1;
}

static _Noreturn void
obey(int in, int out)
{
	struct ipclock_pidfile *p = NULL;
	pid_t other = 0;
	char c;

	while (read(in, &c, 1) == 1) {
		switch (c) {
		case 'o':
			answer(out, ipclock_pidfile_open(&p, test_path, 0644, &other));
			break;
		case 'w':
			answer(out, ipclock_pidfile_write(p));
			break;
		case 'c':
			answer(out, ipclock_pidfile_close(p));
			break;
		case 'r':
			answer(out, ipclock_pidfile_remove(p));
			break;
		case 'f':
			answer(out, pass_on());
			break;
		case 'k':
			answer(out, spawn_worker(NULL));
			break;
		case 'K':
			answer(out, spawn_worker(p));
			break;
		case 'x':
			answer(out, spawn_program());
			break;
		case 'O':
			answer(out, (long)other);
			break;
		case 'p':
			answer(out, (long)getpid());
			break;
		default:
			_exit(1);
		}
	}
	_exit(0);
}

static void
start(struct instance *i)
{
	int to[2], from[2];

	ck_assert_int_eq(pipe(to), 0);
	ck_assert_int_eq(pipe(from), 0);
	i->child = fork();
	if (i->child == 0) {
		close(to[1]);
		close(from[0]);
		obey(to[0], from[1]);
	}
	close(to[0]);
	close(from[1]);
	i->in = to[1];
	i->out = from[0];
	fcntl(i->in, F_SETFD, FD_CLOEXEC);
}

static void
tell(struct instance *i, char c)
{
	ck_assert_int_eq(write(i->in, &c, 1), 1);
}

static long
hear(struct instance *i)
{
	long number = -1;

	ck_assert_int_eq(read(i->out, &number, sizeof(number)), sizeof(number));
	return number;
}

static long
order(struct instance *i, char c)
{
	tell(i, c);
	return hear(i);
}

/* Tells it to go: later instances have its pipe's end too, and it would see no end of input. */
static void
end(struct instance *i)
{
	signal(SIGPIPE, SIG_IGN);
	if (write(i->in, "q", 1) != 1)
		ck_assert_int_eq(errno, EPIPE); /* it was killed */
	close(i->in);
	close(i->out);
	waitpid(i->child, NULL, 0);
}

/* ---- what the tests ask ---- */

/* Another instance's try, from a process of its own: 0, or the error. */
static long
try_open(long *other)
{
	struct instance i;
	long r;

	start(&i);
	r = order(&i, 'o');
	*other = order(&i, 'O');
	if (r == 0)
		ck_assert_int_eq(order(&i, 'c'), 0);
	end(&i);
	return r;
}

static void
must_be_held(long pid)
{
	long other;

	ck_assert_int_eq(try_open(&other), EEXIST);
	ck_assert_int_eq(other, pid);
}

static int
is_free(void *arg)
{
	long other;

	(void)arg;
	return try_open(&other) == 0;
}

/* A process is seen dead a little before its descriptors are closed. */
static void
must_get_free(void)
{
	await(is_free, NULL, "the dead to let go");
}

static void
put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	ck_assert_int_eq(fclose(f), 0);
}

static const char *
contents(const char *path)
{
	static char text[64];
	int fd = open(path, O_RDONLY);
	ssize_t n;

	ck_assert_int_ge(fd, 0);
	n = read(fd, text, sizeof(text) - 1);
	ck_assert_int_ge(n, 0);
	text[n] = '\0';
	close(fd);
	return text;
}

/* In a child: there a close drops none of this process's classic locks. */
static int
has_pid(void *pid)
{
	char wanted[32];

	snprintf(wanted, sizeof(wanted), "%ld\n", *(long *)pid);
	return strcmp(contents(test_path), wanted) == 0;
}

static void
must_say(long pid)
{
	ck_assert_int_eq(in_child(has_pid, &pid), 1);
}

/* The daemon's way: open, two forks with both parents gone, write. */
static long
start_daemon(struct instance *i)
{
	long first;

	start(i);
	ck_assert_int_eq(order(i, 'o'), 0);
	first = order(i, 'p');
	ck_assert_int_eq(order(i, 'f'), 0);
	ck_assert_int_eq(order(i, 'f'), 0);
	ck_assert_int_eq(waitpid(i->child, NULL, 0), i->child);
	ck_assert_int_ne(order(i, 'p'), first);
	ck_assert_int_eq(order(i, 'w'), 0);
	return order(i, 'p');
}

/* ---- tests ---- */

START_TEST(A_D_a_daemon_whose_parents_are_gone)
{
	struct ipclock *l = must_open(test_path, 0);
	struct instance i;
	struct stat st;
	long pid = start_daemon(&i);

	must_say(pid);
	must_be_held(pid);
	ck_assert_int_eq(ipclock_acquire(l, 0), EBUSY); /* slot 0 */
	ck_assert_int_eq(order(&i, 'r'), 0);
	ck_assert_int_eq(stat(test_path, &st), -1);
	must_get_free();
	end(&i);
	ipclock_close(l);
}
END_TEST

START_TEST(A_held_through_the_forks)
{
	struct instance i;

	start(&i);
	ck_assert_int_eq(order(&i, 'o'), 0);
	must_be_held(-1); /* not written yet */
	ck_assert_int_eq(order(&i, 'f'), 0);
	ck_assert_int_eq(waitpid(i.child, NULL, 0), i.child);
	must_be_held(-1);
	ck_assert_int_eq(order(&i, 'f'), 0);
	must_be_held(-1);
	end(&i);
}
END_TEST

/* Classic locks end with the parent: the daemon takes its own, if nobody was quicker. */
START_TEST(A_taken_anew_where_locks_do_not_pass)
{
	struct instance i, quick;

	start(&i);
	start(&quick);
	ck_assert_int_eq(order(&i, 'o'), 0);
	ck_assert_int_eq(order(&i, 'f'), 0);
	ck_assert_int_eq(waitpid(i.child, NULL, 0), i.child);
	ck_assert_int_eq(order(&i, 'r'), EPERM);
	ck_assert_int_eq(order(&quick, 'o'), 0);
	ck_assert_int_eq(order(&i, 'w'), EEXIST);
	ck_assert_int_eq(order(&quick, 'w'), 0);
	must_be_held(order(&quick, 'p'));
	ck_assert_int_eq(order(&quick, 'c'), 0);
	ck_assert_int_eq(order(&i, 'w'), 0);
	must_be_held(order(&i, 'p'));
	end(&quick);
	end(&i);
}
END_TEST

START_TEST(A_a_lock_of_another_program)
{
	struct ipclock *l = must_open(test_path, 0);
	struct ipclock_pidfile *p = NULL;
	pid_t other = 0;

	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	ck_assert_int_eq(ipclock_pidfile_open(&p, test_path, 0644, &other), EEXIST);
	ck_assert_ptr_null(p);
	ck_assert_int_eq(other, -1);
	ck_assert_ptr_nonnull(strstr(ipclock_message(NULL), "has written no pid"));
	ck_assert_int_eq(ipclock_release(l), 0);
	ck_assert_int_eq(ipclock_pidfile_open(&p, test_path, 0644, NULL), 0);
	ck_assert_int_eq(ipclock_pidfile_open(&p, test_path, 0644, NULL), EEXIST);
	ipclock_close(l);
}
END_TEST

START_TEST(A_many_start_at_once)
{
	enum { N = 8, ROUNDS = 20 };
	struct instance i[N];
	int n, round, winners;
	long r;

	for (n = 0; n < N; n++)
		start(&i[n]);
	for (round = 0; round < ROUNDS; round++) {
		int winner = -1;

		for (n = 0; n < N; n++)
			tell(&i[n], 'o');
		for (n = winners = 0; n < N; n++) {
			r = hear(&i[n]);
			if (r == 0) {
				winner = n;
				winners++;
				ck_assert_int_eq(order(&i[n], 'w'), 0);
			} else
				ck_assert_int_eq(r, EEXIST);
		}
		ck_assert_int_eq(winners, 1);
		ck_assert_int_eq(order(&i[winner], round % 2 ? 'r' : 'c'), 0);
	}
	for (n = 0; n < N; n++)
		end(&i[n]);
}
END_TEST

/* The old pid stands in the file, and another process has it by now: it does not matter. */
START_TEST(B_killed)
{
	struct ipclock_pidfile *p;
	struct instance i;
	char alive[32];
	long pid = start_daemon(&i);

	ck_assert_int_eq(kill((pid_t)pid, SIGKILL), 0);
	must_get_free();
	snprintf(alive, sizeof(alive), "%ld\n", (long)getppid());
	put(test_path, alive);
	ck_assert_int_eq(ipclock_pidfile_open(&p, test_path, 0644, NULL), 0);
	must_be_held(-1); /* emptied */
	ck_assert_int_eq(ipclock_pidfile_write(p), 0);
	must_be_held((long)getpid());
	ck_assert_int_eq(ipclock_pidfile_remove(p), 0);
	end(&i);
}
END_TEST

START_TEST(B_an_executed_program_does_not_keep_it)
{
	struct instance i;
	long daemon = start_daemon(&i), program = order(&i, 'x');

	ck_assert_int_gt(program, 0);
	ck_assert_int_eq(kill((pid_t)daemon, SIGKILL), 0);
	must_get_free();
	ck_assert_int_eq(kill((pid_t)program, SIGKILL), 0);
	end(&i);
}
END_TEST

/* A worker that lives on has the lock too, unless it closes; where locks do not pass it never has. */
START_TEST(D_workers)
{
	struct instance i;
	long daemon, worker, closer;

	start(&i);
	ck_assert_int_eq(order(&i, 'o'), 0);
	ck_assert_int_eq(order(&i, 'w'), 0);
	daemon = order(&i, 'p');
	worker = order(&i, 'k');
	closer = order(&i, 'K');
	ck_assert_int_gt(worker, 0);
	ck_assert_int_gt(closer, 0);
	must_be_held(daemon); /* the close in the child frees nothing */
	ck_assert_int_eq(kill((pid_t)daemon, SIGKILL), 0);
	end(&i);
	if (!test_posix())
		must_be_held(daemon);
	ck_assert_int_eq(kill((pid_t)worker, SIGKILL), 0);
	must_get_free();
	ck_assert_int_eq(kill((pid_t)closer, SIGKILL), 0);
}
END_TEST

/* The parent closes, lives on, and opens again in vain: the child has it. */
START_TEST(D_close_in_the_parent)
{
	struct ipclock_pidfile *p, *again;
	int to[2], from[2];
	pid_t other, child;
	char c = 0;

	ck_assert_int_eq(pipe(to), 0);
	ck_assert_int_eq(pipe(from), 0);
	ck_assert_int_eq(ipclock_pidfile_open(&p, test_path, 0644, NULL), 0);
	child = fork();
	if (child == 0) {
		close(to[1]);
		while (read(to[0], &c, 1) == 1) {
			c = (char)(c == 'w' ? ipclock_pidfile_write(p) : ipclock_pidfile_remove(p));
			if (write(from[1], &c, 1) != 1)
				break;
		}
		_exit(0);
	}
	ck_assert_int_eq(ipclock_pidfile_close(p), 0);
	if (!test_posix()) {
		ck_assert_int_eq(ipclock_pidfile_open(&again, test_path, 0644, &other), EEXIST);
		ck_assert_int_eq(other, -1);
	}
	ck_assert_int_eq(write(to[1], "w", 1), 1);
	ck_assert_int_eq(read(from[0], &c, 1), 1);
	ck_assert_int_eq(c, 0);
	ck_assert_int_eq(ipclock_pidfile_open(&again, test_path, 0644, &other), EEXIST);
	ck_assert_int_eq(other, child);
	ck_assert_int_eq(write(to[1], "r", 1), 1);
	ck_assert_int_eq(read(from[0], &c, 1), 1);
	ck_assert_int_eq(c, 0);
	ck_assert_int_eq(ipclock_pidfile_open(&again, test_path, 0644, NULL), 0);
	ipclock_pidfile_close(again);
	close(to[1]);
	child_result(child);
}
END_TEST

static int
remove_and_close(void *arg)
{
	int r = ipclock_pidfile_remove(arg);

	return r ? (ipclock_pidfile_close(arg) ? 100 : r) : 0;
}

START_TEST(D_only_the_owner_removes)
{
	struct ipclock_pidfile *p;
	struct stat st;

	ck_assert_int_eq(ipclock_pidfile_open(&p, test_path, 0644, NULL), 0);
	ck_assert_int_eq(ipclock_pidfile_write(p), 0);
	ck_assert_int_eq(in_child(remove_and_close, p), EPERM);
	must_say((long)getpid());
	must_be_held((long)getpid());
	ck_assert_int_eq(ipclock_pidfile_remove(p), 0);
	ck_assert_int_eq(stat(test_path, &st), -1);
}
END_TEST

/* As after a daemon(3) that failed. */
START_TEST(removed_before_it_was_written)
{
	struct ipclock_pidfile *p;
	struct stat st;

	ck_assert_int_eq(ipclock_pidfile_open(&p, test_path, 0644, NULL), 0);
	ck_assert_int_eq(ipclock_pidfile_remove(p), 0);
	ck_assert_int_eq(stat(test_path, &st), -1);
}
END_TEST

/* Longer and shorter numbers follow each other. */
START_TEST(written_again)
{
	struct ipclock_pidfile *p;

	ck_assert_int_eq(ipclock_pidfile_open(&p, test_path, 0644, NULL), 0);
	ck_assert_int_eq(pwrite(ipclock_pidfile_fd(p), "123456789012345\n", 16, 0), 16);
	ck_assert_int_eq(ipclock_pidfile_write(p), 0);
	must_say((long)getpid());
	ck_assert_int_eq(ipclock_pidfile_write(p), 0);
	must_say((long)getpid());
	ck_assert_int_eq(ipclock_pidfile_close(p), 0);
	must_say((long)getpid());
}
END_TEST

START_TEST(contents_that_are_no_pid)
{
	static const char *const texts[] = { "-5\n", "0\n", "12a\n", "99999999999999999999\n", "4294967297\n", "x", "\n" };
	struct ipclock_pidfile *p;
	unsigned n;

	ck_assert_int_eq(ipclock_pidfile_open(&p, test_path, 0644, NULL), 0);
	for (n = 0; n < sizeof(texts) / sizeof(texts[0]); n++) {
		ck_assert_int_eq(ftruncate(ipclock_pidfile_fd(p), 0), 0);
		ck_assert_int_gt(pwrite(ipclock_pidfile_fd(p), texts[n], strlen(texts[n]), 0), 0);
		must_be_held(-1);
		ck_assert_int_eq(ipclock_pidfile_remove(p), EPERM);
	}
	ck_assert_int_eq(ipclock_pidfile_close(p), 0);
}
END_TEST

START_TEST(replaced)
{
	const char *other = test_file("other");
	struct ipclock_pidfile *p;
	struct instance i;
	int late;

	for (late = 0; late < 2; late++) {
		start(&i);
		ck_assert_int_eq(ipclock_pidfile_open(&p, test_path, 0644, NULL), 0);
		if (late)
			ck_assert_int_eq(ipclock_pidfile_write(p), 0);
		put(other, "another's\n");
		ck_assert_int_eq(rename(other, test_path), 0);
		ck_assert_int_eq(ipclock_pidfile_write(p), ESTALE);
		ck_assert_ptr_nonnull(strstr(ipclock_message(NULL), "removed or replaced"));
		ck_assert_int_eq(ipclock_pidfile_remove(p), ESTALE);
		ck_assert_str_eq(contents(test_path), "another's\n");
		ck_assert_int_eq(order(&i, 'o'), 0); /* the new file is free */
		ck_assert_int_eq(ipclock_pidfile_close(p), 0);
		end(&i);
	}
}
END_TEST

START_TEST(removed_by_another)
{
	struct ipclock_pidfile *p;
	struct stat st;

	ck_assert_int_eq(ipclock_pidfile_open(&p, test_path, 0644, NULL), 0);
	ck_assert_int_eq(unlink(test_path), 0);
	ck_assert_int_eq(ipclock_pidfile_write(p), ESTALE);
	ck_assert_int_eq(ipclock_pidfile_remove(p), ESTALE);
	ck_assert_int_eq(stat(test_path, &st), -1);
	ck_assert_int_eq(ipclock_pidfile_close(p), 0);
}
END_TEST

/* A daemon that closes all it does not know: the file that has the number now is not touched. */
START_TEST(H_descriptor_closed_by_others)
{
	const char *precious = test_file("precious");
	struct ipclock_pidfile *p;
	int fd, now;

	put(precious, "precious");
	ck_assert_int_eq(ipclock_pidfile_open(&p, test_path, 0644, NULL), 0);
	fd = ipclock_pidfile_fd(p);
	ck_assert_int_gt(fd, 2);
	close(fd);
	ck_assert_int_eq(ipclock_pidfile_write(p), EBADF);
	now = open(precious, O_RDWR);
	ck_assert_int_eq(dup2(now, fd), fd);
	ck_assert_int_eq(ipclock_pidfile_write(p), EBADF);
	ck_assert_int_eq(ipclock_pidfile_remove(p), EBADF);
	ck_assert_int_eq(ipclock_pidfile_close(p), 0);
	ck_assert_int_ge(fcntl(fd, F_GETFD), 0);
	ck_assert_str_eq(contents(precious), "precious");
	ck_assert_str_eq(contents(test_path), "");
}
END_TEST

START_TEST(bad_input)
{
	struct ipclock_pidfile *p;
	pid_t other;
	char path[5000];

	ck_assert_int_eq(ipclock_pidfile_open(NULL, test_path, 0644, &other), EINVAL);
	ck_assert_ptr_nonnull(strstr(ipclock_message(NULL), "NULL"));
	ck_assert_int_eq(ipclock_pidfile_open(&p, test_path, 01000, &other), EINVAL);
	ck_assert_ptr_null(p);
	ck_assert_int_eq(access(test_path, F_OK), -1);
	ck_assert_int_eq(ipclock_pidfile_open(&p, NULL, 0644, &other), EINVAL);
	other = 77;
	ck_assert_int_eq(ipclock_pidfile_open(&p, "", 0644, &other), EINVAL);
	ck_assert_int_eq(other, -1);
	memset(path, 'p', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	ck_assert_int_eq(ipclock_pidfile_open(&p, path, 0644, NULL), EINVAL);
	ck_assert_int_eq(ipclock_pidfile_open(&p, test_file("no/pid"), 0644, NULL), ENOENT);
	ck_assert_int_eq(ipclock_pidfile_write(NULL), EINVAL);
	ck_assert_int_eq(ipclock_pidfile_close(NULL), EINVAL);
	ck_assert_int_eq(ipclock_pidfile_remove(NULL), EINVAL);
	ck_assert_int_eq(ipclock_pidfile_fd(NULL), -1);
}
END_TEST

START_TEST(H_not_a_regular_file)
{
	const char *victim = test_file("victim"), *link = test_file("link"), *fifo = test_file("fifo");
	struct ipclock_pidfile *p;

	put(victim, "victim");
	ck_assert_int_eq(symlink(victim, link), 0);
	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	ck_assert_int_eq(ipclock_pidfile_open(&p, link, 0644, NULL), ELOOP);
	ck_assert_int_eq(ipclock_pidfile_open(&p, fifo, 0644, NULL), EINVAL);
	ck_assert_int_eq(ipclock_pidfile_open(&p, test_dir, 0644, NULL), EINVAL);
	ck_assert_str_eq(contents(victim), "victim");
}
END_TEST

static int
as_nobody(void *arg)
{
	struct ipclock_pidfile *p;

	(void)arg;
	if (setuid(65534) != 0)
		return 10;
	if (ipclock_pidfile_open(&p, test_file("new"), 0644, NULL) != EACCES)
		return 11;
	if (ipclock_pidfile_open(&p, test_file("secret"), 0644, NULL) != EACCES)
		return 12;
	if (ipclock_pidfile_open(&p, test_path, 0644, NULL) != EACCES || *ipclock_message(NULL) == '\0')
		return 13;
	return p == NULL ? 0 : 14;
}

/* A daemon that gave up its rights: it may write its file, and not remove it. */
static int
becomes_nobody(void *arg)
{
	struct ipclock_pidfile *p;

	(void)arg;
	if (ipclock_pidfile_open(&p, test_path, 0644, NULL) != 0)
		return 10;
	if (setuid(65534) != 0)
		return 11;
	if (ipclock_pidfile_write(p) != 0)
		return 12;
	return ipclock_pidfile_remove(p) == EACCES && ipclock_pidfile_close(p) == 0 ? 0 : 13;
}

START_TEST(permissions)
{
	put(test_path, "1\n");
	put(test_file("secret"), "1\n");
	ck_assert_int_eq(chmod(test_path, 0644), 0);
	ck_assert_int_eq(chmod(test_file("secret"), 0600), 0);
	ck_assert_int_eq(in_child(as_nobody, NULL), 0);
	ck_assert_str_eq(contents(test_path), "1\n");
	ck_assert_int_eq(in_child(becomes_nobody, NULL), 0);
}
END_TEST

static void
must_have_mode(const char *path, unsigned mode, unsigned asked)
{
	struct ipclock_pidfile *p;
	struct stat st;

	ck_assert_int_eq(ipclock_pidfile_open(&p, path, asked, NULL), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, mode);
	ck_assert_int_eq(ipclock_pidfile_close(p), 0);
}

START_TEST(mode_of_a_new_file)
{
	umask(077);
	must_have_mode(test_path, 0664, 0664);
	must_have_mode(test_path, 0664, 0600);
	umask(0);
	must_have_mode(test_file("other"), 0600, 0600);
}
END_TEST

START_TEST(G_no_residue)
{
	struct ipclock_pidfile *p;
	struct instance i;
	int fds, n;

	start_daemon(&i);
	ipclock_pidfile_open(&p, test_path, 0644, NULL);
	fds = fd_count();
	errno = 77;
	for (n = 0; n < 20; n++) {
		ck_assert_int_eq(ipclock_pidfile_open(&p, test_path, 0644, NULL), EEXIST);
		ck_assert_int_eq(ipclock_pidfile_open(&p, test_dir, 0644, NULL), EINVAL);
		ck_assert_int_eq(ipclock_pidfile_open(&p, test_file("mine"), 0644, NULL), 0);
		ck_assert_int_eq(ipclock_pidfile_write(p), 0);
		ck_assert_int_eq(n % 2 ? ipclock_pidfile_close(p) : ipclock_pidfile_remove(p), 0);
	}
	ck_assert_int_eq(errno, 77);
	ck_assert_int_eq(fd_count(), fds);
	end(&i);
}
END_TEST

START_TEST(G_no_descriptors)
{
	struct ipclock_pidfile *p;
	struct rlimit all, none;
	int fd = dup(0);

	close(fd);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &all), 0);
	none = all;
	none.rlim_cur = (rlim_t)fd;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	ck_assert_int_eq(ipclock_pidfile_open(&p, test_path, 0644, NULL), EMFILE);
	ck_assert_ptr_null(p);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &all), 0);
	ck_assert_int_eq(ipclock_pidfile_open(&p, test_path, 0644, NULL), 0);
	ck_assert_int_eq(ipclock_pidfile_close(p), 0);
}
END_TEST

/* No room for the pid: the lock is held all the same, and a later write works. */
START_TEST(G_no_room)
{
	struct ipclock_pidfile *p;
	struct rlimit all, none;

	ck_assert_int_eq(ipclock_pidfile_open(&p, test_path, 0644, NULL), 0);
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &all), 0);
	none = all;
	none.rlim_cur = 0;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
	ck_assert_int_eq(ipclock_pidfile_write(p), EFBIG);
	ck_assert_str_ne(ipclock_message(NULL), "");
	none.rlim_cur = 1; /* a write that is cut off */
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
	ck_assert_int_eq(ipclock_pidfile_write(p), ENOSPC);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &all), 0);
	must_be_held(-1);
	ck_assert_int_eq(ipclock_pidfile_write(p), 0);
	must_be_held((long)getpid());
	ck_assert_int_eq(ipclock_pidfile_remove(p), 0);
}
END_TEST

START_TEST(messages)
{
	struct ipclock_pidfile *p;
	struct instance i;
	char wanted[64];

	snprintf(wanted, sizeof(wanted), "another instance holds it, with pid %ld", start_daemon(&i));
	ck_assert_int_eq(ipclock_pidfile_open(&p, test_path, 0644, NULL), EEXIST);
	ck_assert_ptr_nonnull(strstr(ipclock_message(NULL), wanted));
	ck_assert_ptr_nonnull(strstr(ipclock_message(NULL), test_path));
	ck_assert_int_eq(order(&i, 'r'), 0);
	ck_assert_int_eq(ipclock_pidfile_open(&p, test_path, 0644, NULL), 0);
	ck_assert_str_eq(ipclock_message(NULL), "");
	ck_assert_int_eq(ipclock_pidfile_close(p), 0);
	end(&i);
}
END_TEST

/* After chdir(2), as daemon(3) does it, the path is the same. */
START_TEST(relative_path)
{
	struct ipclock_pidfile *p;

	ck_assert_int_eq(chdir(test_dir), 0);
	ck_assert_int_eq(ipclock_pidfile_open(&p, "lock", 0644, NULL), 0);
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(ipclock_pidfile_write(p), 0);
	must_be_held((long)getpid());
	ck_assert_int_eq(ipclock_pidfile_remove(p), 0);
	ck_assert_int_eq(access(test_path, F_OK), -1);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, A_D_a_daemon_whose_parents_are_gone);
	tcase_add_test(t, A_a_lock_of_another_program);
	tcase_add_test(t, A_many_start_at_once);
	tcase_add_test(t, B_killed);
	tcase_add_test(t, B_an_executed_program_does_not_keep_it);
	tcase_add_test(t, D_workers);
	tcase_add_test(t, D_close_in_the_parent);
	tcase_add_test(t, D_only_the_owner_removes);
	tcase_add_test(t, G_no_residue);
	tcase_add_test(t, G_no_descriptors);
	tcase_add_test(t, G_no_room);
	tcase_add_test(t, H_descriptor_closed_by_others);
	tcase_add_test(t, H_not_a_regular_file);
	tcase_add_test(t, removed_before_it_was_written);
	tcase_add_test(t, written_again);
	tcase_add_test(t, contents_that_are_no_pid);
	tcase_add_test(t, replaced);
	tcase_add_test(t, removed_by_another);
	tcase_add_test(t, bad_input);
	if (getuid() == 0)
		tcase_add_test(t, permissions);
	else
		test_skip("permissions: needs another user");
	tcase_add_test(t, mode_of_a_new_file);
	tcase_add_test(t, messages);
	tcase_add_test(t, relative_path);
	if (test_posix()) {
		tcase_add_test(t, A_taken_anew_where_locks_do_not_pass);
		test_skip("a lock held through forks: classic locks do not pass to a child");
	} else
		tcase_add_test(t, A_held_through_the_forks);
}

int
main(void)
{
	return test_main("pidfile", add);
}
