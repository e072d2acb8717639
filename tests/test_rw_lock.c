/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <string.h>

#include "agent_client.h"
#include "support.h"

static const struct mode {
	const char *name;
	int (*acquire)(struct ipclock_rw *, int);
	int (*release)(struct ipclock_rw *);
	int (*start)(struct ipclock_rw *, int);
} modes[] = {
	{ "read", ipclock_rw_acquire_read, ipclock_rw_release_read, ipclock_rw_start_read },
	{ "write", ipclock_rw_acquire_write, ipclock_rw_release_write, ipclock_rw_start_write },
};

/* What a try of mode b says while a is held. */
#define EXPECTED(a, b) ((a) == 0 && (b) == 0 ? 0 : EBUSY)

START_TEST(A_mode_pairs_between_processes)
{
	struct ipclock_rw *rw = must_rw_open(test_path, 0);
	struct agent agent;
	int a, b;

	agent_spawn(&agent);
	ck_assert_int_eq(agent_do(&agent, "rw_open rw %s", test_path), 0);
	for (a = 0; a < 2; a++)
		for (b = 0; b < 2; b++) {
			ck_assert_int_eq(agent_do(&agent, "%s rw 0", modes[a].name), 0);
			ck_assert_int_eq(modes[b].acquire(rw, 0), EXPECTED(a, b));
			if (EXPECTED(a, b) == 0)
				ck_assert_int_eq(modes[b].release(rw), 0);
			ck_assert_int_eq(agent_do(&agent, "release_%s rw", modes[a].name), 0);
			ck_assert_int_eq(modes[b].acquire(rw, 0), 0);
			ck_assert_int_eq(modes[b].release(rw), 0);
		}
	agent_end(&agent);
	ipclock_rw_close(rw);
}
END_TEST

START_TEST(A_mode_pairs_between_handles)
{
	struct ipclock_rw *one = must_rw_open(test_path, 0);
	struct ipclock_rw *two = must_rw_open(test_path, 0);
	int a, b;

	for (a = 0; a < 2; a++)
		for (b = 0; b < 2; b++) {
			ck_assert_int_eq(modes[a].acquire(one, 0), 0);
			ck_assert_int_eq(modes[b].acquire(two, 0), EXPECTED(a, b));
			if (EXPECTED(a, b) == 0)
				ck_assert_int_eq(modes[b].release(two), 0);
			else
				ck_assert_int_eq(modes[b].acquire(two, 20), ETIMEDOUT);
			ck_assert_int_eq(modes[a].release(one), 0);
			ck_assert_int_eq(modes[b].acquire(two, 0), 0);
			ck_assert_int_eq(modes[b].release(two), 0);
		}
	ipclock_rw_close(one);
	ipclock_rw_close(two);
}
END_TEST

static int
try_read(void *rw)
{
	return ipclock_rw_acquire_read(rw, 0);
}

static int
try_write(void *rw)
{
	return ipclock_rw_acquire_write(rw, 0);
}

static int
write_briefly(void *rw)
{
	return ipclock_rw_acquire_write(rw, 20);
}

START_TEST(A_mode_pairs_between_threads_of_a_handle)
{
	static int (*const tries[])(void *) = { try_read, try_write };
	struct ipclock_rw *rw = must_rw_open(test_path, 0);
	int a, b;

	for (a = 0; a < 2; a++)
		for (b = 0; b < 2; b++) {
			ck_assert_int_eq(modes[a].acquire(rw, 0), 0);
			ck_assert_int_eq(in_thread(tries[b], rw), EXPECTED(a, b));
			if (EXPECTED(a, b) == 0)
				ck_assert_int_eq(modes[b].release(rw), 0);
			ck_assert_int_eq(in_thread(write_briefly, rw), ETIMEDOUT);
			ck_assert_int_eq(modes[a].release(rw), 0);
			ck_assert_int_eq(ipclock_rw_held(rw), 0);
		}
	ipclock_rw_close(rw);
}
END_TEST

/* The file lock of a handle's readers stays until the last of them is gone. */
START_TEST(A_readers_of_a_handle_share_one_lock)
{
	struct ipclock_rw *rw = must_rw_open(test_path, 0);
	struct agent a;

	agent_spawn(&a);
	ck_assert_int_eq(agent_do(&a, "rw_open rw %s", test_path), 0);
	ck_assert_int_eq(ipclock_rw_acquire_read(rw, 0), 0);
	ck_assert_int_eq(in_thread(try_read, rw), 0);
	ck_assert_int_eq(ipclock_rw_release_read(rw), 0);
	ck_assert_int_eq(ipclock_rw_held(rw), 1);
	ck_assert_int_eq(agent_do(&a, "write rw 0"), EBUSY);
	ck_assert_int_eq(ipclock_rw_release_read(rw), 0);
	ck_assert_int_eq(agent_do(&a, "write rw 0"), 0);
	ck_assert_int_eq(ipclock_rw_release_read(rw), EPERM);
	agent_end(&a);
	ipclock_rw_close(rw);
}
END_TEST

static int
hold_off(unsigned flags)
{
	struct ipclock_rw *reader = must_rw_open(test_path, flags);
	struct ipclock_rw *late = must_rw_open(test_path, flags);
	struct agent writer;

	agent_spawn(&writer);
	ck_assert_int_eq(agent_do(&writer, "rw_open rw %s flags=%u", test_path, flags), 0);
	ck_assert_int_eq(ipclock_rw_acquire_read(reader, 0), 0);
	agent_send(&writer, "write rw -1");
	await_line(test_path, 0, 1);
	ck_assert_int_eq(ipclock_rw_acquire_read(late, 0), EBUSY);
	ck_assert_int_eq(ipclock_rw_acquire_read(late, 30), ETIMEDOUT);
	/* A reader of the handle that reads already is no better. */
	ck_assert_int_eq(in_thread(try_read, reader), EBUSY);
	ck_assert(!agent_answered(&writer));
	ck_assert_int_eq(ipclock_rw_release_read(reader), 0);
	ck_assert_int_eq(agent_answer(&writer), 0);
	ck_assert_int_eq(ipclock_rw_acquire_read(late, 0), EBUSY);
	ck_assert_int_eq(agent_do(&writer, "release_write rw"), 0);
	ck_assert_int_eq(ipclock_rw_acquire_read(late, 0), 0);
	agent_end(&writer);
	ipclock_rw_close(reader);
	ipclock_rw_close(late);
	return 0;
}

START_TEST(F_waiting_writer_holds_off_readers)
{
	hold_off(0);
}
END_TEST

START_TEST(F_waiting_writer_holds_off_readers_by_backoff)
{
	hold_off(IPCLOCK_POLL);
}
END_TEST

START_TEST(no_letter_release_of_the_other_kind)
{
	struct ipclock_rw *rw = must_rw_open(test_path, 0);

	ck_assert_int_eq(ipclock_rw_release_read(rw), EPERM);
	ck_assert_int_eq(ipclock_rw_release_write(rw), EPERM);
	ck_assert_int_eq(ipclock_rw_downgrade(rw), EPERM);
	ck_assert_int_eq(ipclock_rw_try_upgrade(rw), EPERM);
	ck_assert_int_eq(ipclock_rw_acquire_read(rw, 0), 0);
	ck_assert_int_eq(ipclock_rw_release_write(rw), EPERM);
	ck_assert_int_eq(ipclock_rw_downgrade(rw), EPERM);
	ck_assert_int_eq(ipclock_rw_release_read(rw), 0);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 0), 0);
	ck_assert_int_eq(ipclock_rw_release_read(rw), EPERM);
	ck_assert_int_eq(ipclock_rw_try_upgrade(rw), EPERM);
	ck_assert_int_eq(ipclock_rw_held(rw), 1);
	ck_assert_int_eq(ipclock_rw_release_write(rw), 0);
	ck_assert_int_eq(ipclock_rw_release_write(rw), EPERM);
	ipclock_rw_close(rw);
}
END_TEST

START_TEST(A_recursive_modes)
{
	struct ipclock_rw *rw = must_rw_open(test_path, IPCLOCK_RECURSIVE);
	struct ipclock_rw *other = must_rw_open(test_path, 0);

	/* read in read; write in read never */
	ck_assert_int_eq(ipclock_rw_acquire_read(rw, 0), 0);
	ck_assert_int_eq(ipclock_rw_acquire_read(rw, IPCLOCK_FOREVER), 0);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, IPCLOCK_FOREVER), EDEADLK);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 0), EDEADLK);
	ck_assert_int_eq(ipclock_rw_release_read(rw), 0);
	ck_assert_int_eq(ipclock_rw_acquire_write(other, 0), EBUSY);
	ck_assert_int_eq(ipclock_rw_release_read(rw), 0);
	/* write in write, read in write */
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 0), 0);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, IPCLOCK_FOREVER), 0);
	ck_assert_int_eq(ipclock_rw_acquire_read(rw, 10), 0);
	ck_assert_int_eq(ipclock_rw_release_write(rw), 0);
	ck_assert_int_eq(ipclock_rw_acquire_read(other, 0), EBUSY);
	/* the last write goes, a read is left: reading goes on */
	ck_assert_int_eq(ipclock_rw_release_write(rw), 0);
	ck_assert_int_eq(ipclock_rw_held(rw), 1);
	ck_assert_int_eq(ipclock_rw_acquire_read(other, 0), 0);
	ck_assert_int_eq(ipclock_rw_release_read(other), 0);
	ck_assert_int_eq(ipclock_rw_acquire_write(other, 0), EBUSY);
	ck_assert_int_eq(ipclock_rw_release_read(rw), 0);
	ck_assert_int_eq(ipclock_rw_held(rw), 0);
	ck_assert_int_eq(ipclock_rw_acquire_write(other, 0), 0);
	ipclock_rw_close(rw);
	ipclock_rw_close(other);
}
END_TEST

/* The owner's second read passes the writer that waits for its first. */
START_TEST(A_recursive_read_passes_the_line)
{
	struct ipclock_rw *rw = must_rw_open(test_path, IPCLOCK_RECURSIVE);
	struct agent writer;

	agent_spawn(&writer);
	ck_assert_int_eq(agent_do(&writer, "rw_open rw %s", test_path), 0);
	ck_assert_int_eq(ipclock_rw_acquire_read(rw, 0), 0);
	agent_send(&writer, "write rw -1");
	await_line(test_path, 0, 1);
	ck_assert_int_eq(ipclock_rw_acquire_read(rw, IPCLOCK_FOREVER), 0);
	ck_assert_int_eq(in_thread(try_read, rw), EBUSY);
	ck_assert_int_eq(ipclock_rw_release_read(rw), 0);
	ck_assert(!agent_answered(&writer));
	ck_assert_int_eq(ipclock_rw_release_read(rw), 0);
	ck_assert_int_eq(agent_answer(&writer), 0);
	agent_end(&writer);
	ipclock_rw_close(rw);
}
END_TEST

static int
release_read(void *rw)
{
	return ipclock_rw_release_read(rw);
}

static int
release_write(void *rw)
{
	return ipclock_rw_release_write(rw);
}

START_TEST(A_recursive_owner)
{
	struct ipclock_rw *rw = must_rw_open(test_path, IPCLOCK_RECURSIVE);
	struct ipclock_rw *process = must_rw_open(test_file("process"), IPCLOCK_RECURSIVE_PROCESS);

	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 0), 0);
	ck_assert_int_eq(in_thread(try_write, rw), EBUSY);
	ck_assert_int_eq(in_thread(try_read, rw), EBUSY);
	ck_assert_int_eq(in_thread(release_write, rw), EPERM);
	ck_assert_int_eq(ipclock_rw_release_write(rw), 0);
	ck_assert_int_eq(ipclock_rw_acquire_write(process, 0), 0);
	ck_assert_int_eq(in_thread(try_write, process), 0);
	ck_assert_int_eq(in_thread(try_read, process), 0);
	ck_assert_int_eq(in_thread(release_read, process), 0);
	ck_assert_int_eq(in_thread(release_write, process), 0);
	ck_assert_int_eq(ipclock_rw_release_write(process), 0);
	ck_assert_int_eq(ipclock_rw_held(process), 0);
	ipclock_rw_close(rw);
	ipclock_rw_close(process);
}
END_TEST

static int
read_for_long(void *rw)
{
	return ipclock_rw_acquire_read(rw, LONG_MS);
}

/* Two threads of the owning process that waited at the same time hold once, and twice is enough to give back. */
START_TEST(A_recursive_process_of_two_waiters)
{
	static struct ear ear;
	struct ipclock_attr *attr = attr_with(IPCLOCK_RECURSIVE_PROCESS, &ear);
	struct ipclock_rw *other = must_rw_open(test_path, 0);
	struct ipclock_rw *rw;
	struct thread t[2];
	int i;

	ck_assert_int_eq(ipclock_rw_open(&rw, test_path, attr), 0);
	ck_assert_int_eq(ipclock_rw_acquire_write(other, 0), 0);
	for (i = 0; i < 2; i++) {
		thread_start(&t[i], read_for_long, rw);
		await_count(&ear.lines[IPCLOCK_LOG_DEBUG], i + 1, "a wait to begin");
	}
	ck_assert_int_eq(ipclock_rw_release_write(other), 0);
	for (i = 0; i < 2; i++)
		ck_assert_int_eq(thread_join(&t[i]), 0);
	ck_assert_int_eq(ipclock_rw_release_read(rw), 0);
	ck_assert_int_eq(ipclock_rw_acquire_write(other, 0), EBUSY);
	ck_assert_int_eq(ipclock_rw_release_read(rw), 0);
	ck_assert_int_eq(ipclock_rw_held(rw), 0);
	ck_assert_int_eq(ipclock_rw_acquire_write(other, 0), 0);
	ipclock_rw_close(rw);
	ipclock_rw_close(other);
	ipclock_attr_free(attr);
}
END_TEST

START_TEST(A_downgrade)
{
	struct ipclock_rw *rw = must_rw_open(test_path, IPCLOCK_RECURSIVE);
	struct agent reader, writer;

	agent_spawn(&reader);
	agent_spawn(&writer);
	ck_assert_int_eq(agent_do(&reader, "rw_open rw %s", test_path), 0);
	ck_assert_int_eq(agent_do(&writer, "rw_open rw %s", test_path), 0);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 0), 0);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 0), 0);
	ck_assert_int_eq(ipclock_rw_downgrade(rw), EBUSY);
	ck_assert_int_eq(ipclock_rw_release_write(rw), 0);
	ck_assert_int_eq(agent_do(&reader, "read rw 0"), EBUSY);
	ck_assert_int_eq(ipclock_rw_downgrade(rw), 0);
	ck_assert_int_eq(ipclock_rw_release_write(rw), EPERM);
	ck_assert_int_eq(agent_do(&reader, "read rw 0"), 0);
	ck_assert_int_eq(agent_do(&writer, "write rw 0"), EBUSY);
	ck_assert_int_eq(ipclock_rw_release_read(rw), 0);
	ck_assert_int_eq(agent_do(&writer, "write rw 0"), EBUSY);
	agent_end(&reader);
	ck_assert_int_eq(agent_do(&writer, "write rw 0"), 0);
	agent_end(&writer);
	ipclock_rw_close(rw);
}
END_TEST

/* Who waits for the writer hears of the downgrade: a reader gets in, in its turn. */
START_TEST(F_downgrade_lets_waiting_readers_in)
{
	struct ipclock_rw *rw = must_rw_open(test_path, 0);
	struct agent reader;

	agent_spawn(&reader);
	ck_assert_int_eq(agent_do(&reader, "rw_open rw %s", test_path), 0);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 0), 0);
	agent_send(&reader, "read rw -1");
	await_line(test_path, 0, 1);
	ck_assert_int_eq(ipclock_rw_downgrade(rw), 0);
	ck_assert_int_eq(agent_answer(&reader), 0);
	ck_assert_int_eq(ipclock_rw_held(rw), 1);
	agent_end(&reader);
	ipclock_rw_close(rw);
}
END_TEST

START_TEST(A_try_upgrade)
{
	struct ipclock_rw *rw = must_rw_open(test_path, 0);
	struct agent a;

	agent_spawn(&a);
	ck_assert_int_eq(agent_do(&a, "rw_open rw %s", test_path), 0);
	ck_assert_int_eq(ipclock_rw_acquire_read(rw, 0), 0);
	if (test_windows()) {
		/* reading goes on */
		ck_assert_int_eq(ipclock_rw_try_upgrade(rw), ENOTSUP);
		ck_assert_int_eq(ipclock_rw_release_write(rw), EPERM);
		ck_assert_int_eq(agent_do(&a, "write rw 0"), EBUSY);
		ck_assert_int_eq(ipclock_rw_release_read(rw), 0);
		ck_assert_int_eq(agent_do(&a, "write rw 0"), 0);
		agent_end(&a);
		ipclock_rw_close(rw);
		return;
	}
	/* two local readers */
	ck_assert_int_eq(in_thread(try_read, rw), 0);
	ck_assert_int_eq(ipclock_rw_try_upgrade(rw), EBUSY);
	ck_assert_int_eq(ipclock_rw_release_read(rw), 0);
	/* a reader elsewhere: reading goes on */
	ck_assert_int_eq(agent_do(&a, "read rw 0"), 0);
	ck_assert_int_eq(ipclock_rw_try_upgrade(rw), EBUSY);
	ck_assert_int_eq(agent_do(&a, "release_read rw"), 0);
	ck_assert_int_eq(agent_do(&a, "write rw 0"), EBUSY);
	/* alone */
	ck_assert_int_eq(ipclock_rw_try_upgrade(rw), 0);
	ck_assert_int_eq(ipclock_rw_release_read(rw), EPERM);
	ck_assert_int_eq(agent_do(&a, "read rw 0"), EBUSY);
	ck_assert_int_eq(ipclock_rw_release_write(rw), 0);
	ck_assert_int_eq(agent_do(&a, "write rw 0"), 0);
	agent_end(&a);
	ipclock_rw_close(rw);
}
END_TEST

static int
step_to_the_end(struct ipclock_rw *rw)
{
	int wait_ms = 0;
	int error;

	while ((error = ipclock_rw_step(rw, &wait_ms)) == EINPROGRESS)
		nap_ms(wait_ms < 20 ? wait_ms : 20);
	return error;
}

START_TEST(A_start_in_both_modes)
{
	struct ipclock_rw *rw = must_rw_open(test_path, 0);
	struct agent a;
	int held, m;

	agent_spawn(&a);
	ck_assert_int_eq(agent_do(&a, "rw_open rw %s", test_path), 0);
	for (held = 0; held < 2; held++)
		for (m = 0; m < 2; m++) {
			ck_assert_int_eq(agent_do(&a, "%s rw 0", modes[held].name), 0);
			if (EXPECTED(held, m) == 0) {
				ck_assert_int_eq(modes[m].start(rw, LONG_MS), 0);
			} else {
				ck_assert_int_eq(modes[m].start(rw, 0), EBUSY);
				ck_assert_int_eq(modes[m].start(rw, LONG_MS), EINPROGRESS);
				ck_assert_int_eq(modes[1 - m].start(rw, LONG_MS), EINPROGRESS);
				ck_assert_int_eq(ipclock_rw_step(rw, NULL), EINPROGRESS);
			}
			ck_assert_int_eq(agent_do(&a, "release_%s rw", modes[held].name), 0);
			if (EXPECTED(held, m) != 0)
				ck_assert_int_eq(step_to_the_end(rw), 0);
			ck_assert_int_eq(ipclock_rw_held(rw), 1);
			ck_assert_int_eq(agent_do(&a, "write rw 0"), EBUSY);
			ck_assert_int_eq(modes[m].release(rw), 0);
		}
	ck_assert_int_eq(ipclock_rw_step(rw, NULL), EINVAL);
	agent_end(&a);
	ipclock_rw_close(rw);
}
END_TEST

START_TEST(G_cancel_and_close_of_a_started_wait)
{
	struct ipclock_rw *holder = must_rw_open(test_path, 0);
	struct ipclock_rw *rw = must_rw_open(test_path, 0);
	int threads = thread_count();

	ck_assert_int_eq(ipclock_rw_acquire_write(holder, 0), 0);
	ck_assert_int_eq(ipclock_rw_start_read(rw, LONG_MS), EINPROGRESS);
	await_line(test_path, 0, 1);
	ipclock_rw_cancel(rw);
	ck_assert_int_eq(ipclock_rw_step(rw, NULL), ECANCELED);
	ck_assert_int_eq(line_length(test_path, 0), 0);
	ck_assert_int_eq(ipclock_rw_start_write(rw, IPCLOCK_FOREVER), EINPROGRESS);
	ck_assert_int_eq(ipclock_rw_close(rw), 0);
	ck_assert_int_eq(line_length(test_path, 0), 0);
	await_threads(threads);
	ck_assert_int_eq(ipclock_rw_close(holder), 0);
}
END_TEST

START_TEST(no_letter_asking)
{
	struct ipclock_rw *one = must_rw_open(test_path, 0);
	struct ipclock_rw *two = must_rw_open(test_path, 0);

	ck_assert_str_eq(ipclock_rw_path(one), test_path);
	ck_assert_int_eq(ipclock_rw_acquire_write(one, 0), 0);
	ck_assert_int_ge(ipclock_rw_fd(one), 3);
	ck_assert_int_eq(ipclock_rw_attempts(one), 1);
	ck_assert_int_eq(ipclock_rw_acquire_write(two, 50), ETIMEDOUT);
	ck_assert_int_ge(ipclock_rw_waited_ms(two), 50);
	ck_assert_ptr_nonnull(strstr(ipclock_rw_message(two), "write"));
	ck_assert_ptr_nonnull(strstr(ipclock_rw_message(two), test_path));
	ck_assert_ptr_nonnull(strstr(ipclock_rw_message(two), "timed out after "));
	ck_assert_int_eq(ipclock_rw_acquire_read(two, 0), EBUSY);
	ck_assert_ptr_nonnull(strstr(ipclock_rw_message(two), "read"));
	ipclock_rw_close(one);
	ipclock_rw_close(two);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, A_mode_pairs_between_processes);
	tcase_add_test(t, A_mode_pairs_between_handles);
	tcase_add_test(t, A_mode_pairs_between_threads_of_a_handle);
	tcase_add_test(t, A_readers_of_a_handle_share_one_lock);
	tcase_add_test(t, A_recursive_modes);
	tcase_add_test(t, A_recursive_read_passes_the_line);
	tcase_add_test(t, A_recursive_owner);
	tcase_add_test(t, A_recursive_process_of_two_waiters);
	tcase_add_test(t, A_downgrade);
	tcase_add_test(t, A_try_upgrade);
	tcase_add_test(t, A_start_in_both_modes);
	tcase_add_test(t, F_waiting_writer_holds_off_readers);
	tcase_add_test(t, F_waiting_writer_holds_off_readers_by_backoff);
	tcase_add_test(t, F_downgrade_lets_waiting_readers_in);
	tcase_add_test(t, G_cancel_and_close_of_a_started_wait);
	tcase_add_test(t, no_letter_release_of_the_other_kind);
	tcase_add_test(t, no_letter_asking);
}

int
main(void)
{
	return test_main("rw_lock", add);
}
