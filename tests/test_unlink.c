/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * IPCLOCK_UNLINK: the file goes with whoever leaves it last, and nobody else.
 * IPCLOCK_TORTURE=N: the hammer makes N acquires in place of 16000.
 */

#include <config.h>

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent_client.h"
#include "support.h"

static bool
is_there(void)
{
	return access(test_path, F_OK) == 0;
}

static struct ipclock_rw *
open_slot(unsigned slot, unsigned flags)
{
	struct ipclock_attr *attr = attr_with(flags, NULL);
	struct ipclock_rw *rw;

	ck_assert_int_eq(ipclock_attr_set_slot(attr, slot), 0);
	ck_assert_int_eq(ipclock_rw_open(&rw, test_path, attr), 0);
	ipclock_attr_free(attr);
	return rw;
}

START_TEST(H_last_release_removes)
{
	struct ipclock *l = must_open(test_path, IPCLOCK_UNLINK);
	int i, fds = fd_count();

	ck_assert(is_there());
	for (i = 0; i < 3; i++) {
		ck_assert_int_eq(ipclock_acquire(l, 0), 0);
		ck_assert(is_there());
		ck_assert_int_eq(ipclock_release(l), 0);
		ck_assert(!is_there());
	}
	ck_assert_int_eq(ipclock_fd(l), -1);
	ck_assert_int_eq(fd_count(), fds - 1);
	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	ck_assert_int_eq(ipclock_close(l), 0);
	ck_assert(!is_there());
}
END_TEST

START_TEST(H_last_reader_removes)
{
	struct ipclock_rw *one = open_slot(0, IPCLOCK_UNLINK), *two = open_slot(0, IPCLOCK_UNLINK);

	ck_assert_int_eq(ipclock_rw_acquire_read(one, 0), 0);
	ck_assert_int_eq(ipclock_rw_acquire_read(two, 0), 0);
	ck_assert_int_eq(ipclock_rw_release_read(one), 0);
	ck_assert(is_there());
	ck_assert_int_eq(ipclock_rw_release_read(two), 0);
	ck_assert(!is_there());
	ipclock_rw_close(one);
	ipclock_rw_close(two);
}
END_TEST

START_TEST(H_recursion_removes_at_its_end)
{
	struct ipclock *l = must_open(test_path, IPCLOCK_UNLINK | IPCLOCK_RECURSIVE);

	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	ck_assert_int_eq(ipclock_release(l), 0);
	ck_assert(is_there());
	ck_assert_int_eq(ipclock_release(l), 0);
	ck_assert(!is_there());
	ipclock_close(l);
}
END_TEST

START_TEST(A_other_slots_keep_the_file)
{
	struct ipclock_rw *mine = open_slot(0, IPCLOCK_UNLINK), *other = open_slot(7, 0);

	ck_assert_int_eq(ipclock_rw_acquire_read(other, 0), 0);
	ck_assert_int_eq(ipclock_rw_acquire_write(mine, 0), 0);
	ck_assert_int_eq(ipclock_rw_release_write(mine), 0);
	ck_assert(is_there());
	ck_assert_int_eq(ipclock_rw_release_read(other), 0);
	ck_assert_msg(is_there(), "removed by a handle without the flag");
	ck_assert_int_eq(ipclock_rw_acquire_write(mine, 0), 0);
	ck_assert_int_eq(ipclock_rw_release_write(mine), 0);
	ck_assert(!is_there());
	ipclock_rw_close(mine);
	ipclock_rw_close(other);
}
END_TEST

/* Who waits keeps the file; who gives up takes it along when it was the last. */
START_TEST(A_G_waiters_keep_the_file)
{
	struct ipclock *l = must_open(test_path, IPCLOCK_UNLINK);
	struct agent a;

	agent_spawn(&a);
	ck_assert_int_eq(agent_do(&a, "open l %s flags=%u", test_path, IPCLOCK_UNLINK), 0);
	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	agent_send(&a, "acquire l %d", LONG_MS);
	await_line(test_path, 0, 1);
	ck_assert_int_eq(ipclock_release(l), 0);
	ck_assert_int_eq(agent_answer(&a), 0);
	ck_assert(is_there());
	ck_assert_int_eq(ipclock_acquire(l, 0), EBUSY);
	ck_assert_int_eq(agent_do(&a, "release l"), 0);
	ck_assert(!is_there());
	agent_end(&a);
	ipclock_close(l);
}
END_TEST

START_TEST(G_who_gives_up_removes)
{
	struct ipclock *plain = must_open(test_path, 0), *l = must_open(test_path, IPCLOCK_UNLINK);

	ck_assert_int_eq(ipclock_acquire(plain, 0), 0);
	ck_assert_int_eq(ipclock_start(l, LONG_MS), EINPROGRESS);
	await_line(test_path, 0, 1);
	ck_assert_int_eq(ipclock_release(plain), 0);
	ipclock_cancel(l);
	ck_assert_int_eq(ipclock_step(l, NULL), ECANCELED);
	ck_assert(!is_there());
	ipclock_close(plain);
	ipclock_close(l);
}
END_TEST

/* The lock on the dead file is granted to who waited for it without a number: it moves on. */
START_TEST(A_unseen_waiters_move_on)
{
	struct ipclock *l = must_open(test_path, IPCLOCK_UNLINK);
	struct stat path, file;
	struct agent a;

	agent_spawn(&a);
	ck_assert_int_eq(agent_do(&a, "open l %s flags=%u", test_path, IPCLOCK_UNLINK | IPCLOCK_UNFAIR), 0);
	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	agent_send(&a, "acquire l %d", LONG_MS);
	nap_ms(20); /* nothing tells that it sleeps in the kernel; whether it does is no matter for what follows */
	ck_assert_int_eq(ipclock_release(l), 0);
	ck_assert_int_eq(agent_answer(&a), 0);
	ck_assert(is_there());
	ck_assert_int_eq(ipclock_acquire(l, 0), EBUSY);
	ck_assert(stat(test_path, &path) == 0 && fstat(ipclock_fd(l), &file) == 0);
	ck_assert(path.st_ino == file.st_ino);
	agent_end(&a);
	ipclock_close(l);
}
END_TEST

START_TEST(H_another_file_is_left_alone)
{
	struct ipclock *l = must_open(test_path, IPCLOCK_UNLINK);
	int fd;

	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	ck_assert_int_eq(unlink(test_path), 0);
	fd = open(test_path, O_RDWR | O_CREAT, 0666);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ipclock_release(l), 0);
	ck_assert(is_there());
	close(fd);
	ipclock_close(l);
}
END_TEST

static int heard;

static void
hear(void *ctx, int level, const char *line)
{
	(void)ctx;
	heard += level == IPCLOCK_LOG_WARNING && strstr(line, "the file could not be removed: ") != NULL;
}

/* The log hears of it once a release: of either kind, and of a close. */
static int
release_fails_to_remove(void *arg)
{
	struct ipclock *l = arg;

	if (setuid(65534) != 0)
		return 210;
	if (ipclock_acquire(l, 0) != 0 || ipclock_release(l) != 0 || !is_there())
		return 211;
	if (heard != 1)
		return 212;
	if (ipclock_acquire(l, 0) != 0 || ipclock_release(l) != 0 || heard != 2)
		return 213;
	if (ipclock_acquire(l, 0) != 0 || ipclock_close(l) != 0 || heard != 3)
		return 214;
	return is_there() ? 0 : 215;
}

START_TEST(H_file_that_may_not_be_removed)
{
	struct ipclock_attr *attr = attr_with(IPCLOCK_UNLINK, NULL);
	struct ipclock *l;

	ck_assert_int_eq(ipclock_attr_set_log(attr, hear, NULL), 0);
	ck_assert_int_eq(ipclock_open(&l, test_path, attr), 0);
	ck_assert_int_eq(chmod(test_path, 0666), 0);
	ck_assert_int_eq(chmod(test_dir, 0755), 0);
	ck_assert_int_eq(in_child(release_fails_to_remove, l), 0);
	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	ck_assert_int_eq(ipclock_release(l), 0);
	ck_assert(!is_there());
	ck_assert_int_eq(heard, 0);
	ipclock_close(l);
	ipclock_attr_free(attr);
}
END_TEST

START_TEST(H_killed_holder_leaves_it_to_the_next)
{
	struct ipclock *l = must_open(test_path, IPCLOCK_UNLINK);
	struct agent a;

	agent_spawn(&a);
	ck_assert_int_eq(agent_do(&a, "open l %s flags=%u", test_path, IPCLOCK_UNLINK), 0);
	ck_assert_int_eq(agent_do(&a, "acquire l 0"), 0);
	agent_kill(&a, SIGKILL);
	ck_assert(is_there());
	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	ck_assert_int_eq(ipclock_release(l), 0);
	ck_assert(!is_there());
	ipclock_close(l);
}
END_TEST

START_TEST(bad_input)
{
	struct ipclock_attr *attr = attr_with(IPCLOCK_UNLINK, NULL);
	struct ipclock *l;
	int fd;

	ck_assert_int_eq(ipclock_attr_set_flags(attr, IPCLOCK_UNLINK | IPCLOCK_TRUST_PATH), EINVAL);
	fd = open(test_path, O_RDWR | O_CREAT, 0666);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ipclock_open_fd(&l, fd, attr), EINVAL);
	ck_assert_ptr_nonnull(strstr(ipclock_message(NULL), "IPCLOCK_UNLINK wants a path"));
	close(fd);
	ck_assert_int_eq(ipclock_attr_set_protocol(attr, IPCLOCK_FLOCK), 0);
	ck_assert_int_eq(ipclock_open(&l, test_path, attr), EINVAL);
	ck_assert_int_eq(ipclock_attr_set_protocol(attr, IPCLOCK_RANGE), 0);
	ck_assert_int_eq(ipclock_attr_set_range(attr, 0, 0), 0);
	ck_assert_int_eq(ipclock_open(&l, test_path, attr), EINVAL);
	ipclock_attr_free(attr);
}
END_TEST

/* ---- torture: the file comes and goes all the time ---- */

#define PROCESSES 8

struct arena {
	atomic_int inside[2];
	atomic_long granted, removed;
};

/* Tries, short waits and long ones; the deadline often comes with the grant. */
static int
one_turn(struct ipclock_rw *rw, atomic_int *inside, struct arena *arena, unsigned *seed)
{
	static const int timeouts[] = { IPCLOCK_FOREVER, LONG_MS, 0, 1 };
	int r = ipclock_rw_acquire_write(rw, timeouts[rand_r(seed) % 4]);

	if (r == EBUSY || r == ETIMEDOUT)
		return 0;
	if (r)
		return r;
	if (atomic_fetch_add(inside, 1) != 0)
		return 220;
	atomic_fetch_add(&arena->granted, 1);
	atomic_fetch_sub(inside, 1);
	r = ipclock_rw_release_write(rw);
	arena->removed += ipclock_rw_fd(rw) < 0;
	if (rand_r(seed) % 8 == 0)
		usleep((unsigned)rand_r(seed) % 8000); /* so that at times nobody is left */
	return r;
}

static int
hammer(struct arena *arena, int process, int turns)
{
	struct ipclock_rw *rw[2] = { open_slot(0, IPCLOCK_UNLINK), open_slot(1, IPCLOCK_UNLINK) };
	unsigned seed = (unsigned)process + 1;
	int r = 0, i;

	while (turns-- > 0 && r == 0) {
		i = rand_r(&seed) % 2;
		r = one_turn(rw[i], &arena->inside[i], arena, &seed);
	}
	/* The last thing that each does in either slot is a release. */
	for (i = 0; i < 2 && r == 0; i++)
		if ((r = ipclock_rw_acquire_write(rw[i], IPCLOCK_FOREVER)) == 0)
			r = ipclock_rw_release_write(rw[i]);
	return r;
}

START_TEST(A_G_hammer)
{
	const char *torture = getenv("IPCLOCK_TORTURE");
	int turns = (torture ? atoi(torture) : test_posix() ? 1600 : 16000) / PROCESSES;
	struct arena *arena = mmap(NULL, sizeof(*arena), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid[PROCESSES];
	int i;

	for (i = 0; i < PROCESSES; i++) {
		pid[i] = fork();
		if (pid[i] == 0)
			_exit(hammer(arena, i, turns));
	}
	for (i = 0; i < PROCESSES; i++)
		ck_assert_int_eq(child_result(pid[i]), 0);
	printf("# hammer: %ld granted, the file removed %ld times\n", arena->granted, arena->removed);
	fflush(stdout);
	ck_assert(!is_there());
	ck_assert_int_gt(arena->removed, PROCESSES);
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_test(tc, H_last_release_removes);
	tcase_add_test(tc, H_last_reader_removes);
	tcase_add_test(tc, H_recursion_removes_at_its_end);
	tcase_add_test(tc, A_other_slots_keep_the_file);
	tcase_add_test(tc, A_G_waiters_keep_the_file);
	tcase_add_test(tc, G_who_gives_up_removes);
	tcase_add_test(tc, A_unseen_waiters_move_on);
	tcase_add_test(tc, H_another_file_is_left_alone);
	tcase_add_test(tc, H_killed_holder_leaves_it_to_the_next);
	tcase_add_test(tc, bad_input);
	tcase_add_test(tc, A_G_hammer);
	if (geteuid() == 0)
		tcase_add_test(tc, H_file_that_may_not_be_removed);
	else
		test_skip("H_file_that_may_not_be_removed: only root can take a right away from itself");
	if (getenv("IPCLOCK_TORTURE") != NULL)
		tcase_set_timeout(tc, 3600);
}

int
main(void)
{
	return test_main("unlink", add);
}
