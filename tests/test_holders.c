/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* Who holds, who waits: asked from outside, while other processes do so. */

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent_client.h"
#include "support.h"

#define MOST 16

struct seen {
	long pid;
	int writes, place, protocol;
	unsigned slot;
	char command[64];
};

struct list {
	int n, stop_after;
	struct seen of[MOST];
};

static int
see(void *ctx, const struct ipclock_holder *holder)
{
	struct list *list = ctx;
	struct seen *seen = &list->of[list->n];
	const char *command = ipclock_holder_command(holder);

	ck_assert_int_lt(list->n, MOST);
	list->n++;
	seen->pid = ipclock_holder_pid(holder);
	seen->writes = ipclock_holder_writes(holder);
	seen->place = ipclock_holder_place(holder);
	seen->protocol = ipclock_holder_protocol(holder);
	seen->slot = ipclock_holder_slot(holder);
	snprintf(seen->command, sizeof(seen->command), "%s", command != NULL ? command : "");
	return list->n == list->stop_after;
}

static void
look(struct list *list, const char *path, const struct ipclock_attr *attr)
{
	*list = (struct list){ .n = 0 };
	errno = 42;
	ck_assert_msg(ipclock_holders(path, attr, see, list) == 0, "%s", ipclock_message(NULL));
	ck_assert_int_eq(errno, 42);
}

/* Is it there with that mode in that place? */
static void
must_list(const struct list *list, long pid, int writes, int place)
{
	int i;

	for (i = 0; i < list->n; i++)
		if (list->of[i].pid == pid) {
			ck_assert_int_eq(list->of[i].writes, writes);
			ck_assert_int_eq(list->of[i].place, place);
			return;
		}
	ck_abort_msg("pid %ld is not listed", pid);
}

static void
spawn_rw(struct agent *a, const char *options)
{
	agent_spawn(a);
	ck_assert_int_eq(agent_do(a, "rw_open rw %s %s", test_path, options), 0);
}

/* With WHO=ipclock: what the program says to it. */
static void
show(void)
{
	const char *program = getenv("WHO");
	char command[256];

	if (program == NULL)
		return;
	snprintf(command, sizeof(command), "%s who %s; %s who --json %s", program, test_path, program, test_path);
	ck_assert_int_eq(system(command), 0);
}

/* Three read; two that write and one timed reader wait, each seen in line before the next comes. */
START_TEST(six_at_once)
{
	static const char *const waits[] = { "write rw -1", "read rw 20000", "write rw -1" };
	struct agent reader[3], waiter[3];
	struct list list;
	int i;

	for (i = 0; i < 3; i++) {
		spawn_rw(&reader[i], "");
		ck_assert_int_eq(agent_do(&reader[i], "read rw 0"), 0);
	}
	for (i = 0; i < 3; i++) {
		spawn_rw(&waiter[i], "");
		agent_send(&waiter[i], "%s", waits[i]);
		await_line(test_path, 0, i + 1);
	}
	look(&list, test_path, NULL);
	show();
	ck_assert_int_eq(list.n, 6);
	for (i = 0; i < 3; i++) {
		must_list(&list, reader[i].pid, 0, 0);
		must_list(&list, waiter[i].pid, i != 1, i + 1);
		ck_assert_int_eq(list.of[3 + i].pid, waiter[i].pid);
	}
	for (i = 0; i < 6; i++) {
		ck_assert_int_eq(list.of[i].protocol, IPCLOCK_RANGE);
		ck_assert_uint_eq(list.of[i].slot, 0);
		ck_assert_str_eq(list.of[i].command, "agent");
	}
	for (i = 0; i < 3; i++) {
		agent_kill(&reader[i], SIGKILL);
		agent_kill(&waiter[2 - i], SIGKILL);
	}
	look(&list, test_path, NULL);
	ck_assert_int_eq(list.n, 0);
}
END_TEST

START_TEST(each_may_stop)
{
	struct agent a[2];
	struct list list = { .stop_after = 1 };
	int i;

	for (i = 0; i < 2; i++) {
		spawn_rw(&a[i], "");
		ck_assert_int_eq(agent_do(&a[i], "read rw 0"), 0);
	}
	ck_assert_int_eq(ipclock_holders(test_path, NULL, see, &list), 0);
	ck_assert_int_eq(list.n, 1);
	for (i = 0; i < 2; i++)
		agent_end(&a[i]);
}
END_TEST

/* Slots, and families of locks, do not see each other; a lock of the whole file is on every slot. */
START_TEST(another_lock_is_not_told)
{
	struct ipclock_attr *slot = attr_with(0, NULL), *flock_attr = attr_with(0, NULL), *whole = attr_with(0, NULL);
	struct agent ranged, flocked;
	struct list list;

	ck_assert_int_eq(ipclock_attr_set_slot(slot, 5), 0);
	ck_assert_int_eq(ipclock_attr_set_protocol(flock_attr, IPCLOCK_FLOCK), 0);
	ck_assert_int_eq(ipclock_attr_set_range(whole, 0, 0), 0);
	spawn_rw(&ranged, "slot=5");
	spawn_rw(&flocked, "protocol=flock");
	ck_assert_int_eq(agent_do(&ranged, "write rw 0"), 0);
	ck_assert_int_eq(agent_do(&flocked, "read rw 0"), 0);
	look(&list, test_path, NULL);
	ck_assert_int_eq(list.n, 0);
	look(&list, test_path, slot);
	ck_assert_int_eq(list.n, 1);
	must_list(&list, ranged.pid, 1, 0);
	ck_assert_uint_eq(list.of[0].slot, 5);
	look(&list, test_path, flock_attr);
	ck_assert_int_eq(list.n, 1);
	must_list(&list, flocked.pid, 0, 0);
	ck_assert_int_eq(list.of[0].protocol, IPCLOCK_FLOCK);
	look(&list, test_path, whole);
	ck_assert_int_eq(list.n, 1);
	must_list(&list, ranged.pid, 1, 0);
	agent_end(&ranged);
	agent_end(&flocked);
	ipclock_attr_free(slot);
	ipclock_attr_free(flock_attr);
	ipclock_attr_free(whole);
}
END_TEST

static int
sees_two(void *arg)
{
	struct list *list = arg;

	look(list, test_path, NULL);
	return list->n == 2;
}

/* fasteners' kind of lock: whole file, classic; and one that waits for it without a number. */
START_TEST(foreign_whole_file)
{
	struct agent foreign, ours;
	struct list list;

	if (test_posix()) {
		test_skip("foreign_whole_file: who waits without a number polls here, and is not to be seen");
		return;
	}
	agent_spawn(&foreign);
	ck_assert_int_eq(agent_do(&foreign, "raw %s w 0 0", test_path), 0);
	look(&list, test_path, NULL);
	ck_assert_int_eq(list.n, 1);
	must_list(&list, foreign.pid, 1, 0);
	spawn_rw(&ours, "");
	agent_send(&ours, "write rw -1");
	await(sees_two, &list, "the waiter to be told");
	must_list(&list, foreign.pid, 1, 0);
	ck_assert_int_eq(list.of[1].place, 1);
	ck_assert_int_eq(list.of[1].writes, 1);
	agent_kill(&foreign, SIGKILL);
	ck_assert_int_eq(agent_answer(&ours), 0);
	agent_end(&ours);
}
END_TEST

static int
flock_waiter(void *arg)
{
	struct ipclock_attr *attr = attr_with(0, NULL);
	struct list *list = arg;

	ipclock_attr_set_protocol(attr, IPCLOCK_FLOCK);
	look(list, test_path, attr);
	ipclock_attr_free(attr);
	return list->n == 2;
}

START_TEST(flock_waiter_in_the_kernel)
{
	struct agent holder, waiter;
	struct list list;

	if (test_posix()) {
		test_skip("flock_waiter_in_the_kernel: it polls here, and is not to be seen");
		return;
	}
	spawn_rw(&holder, "protocol=flock");
	spawn_rw(&waiter, "protocol=flock");
	ck_assert_int_eq(agent_do(&holder, "write rw 0"), 0);
	agent_send(&waiter, "read rw -1");
	await(flock_waiter, &list, "the waiter to be told");
	must_list(&list, holder.pid, 1, 0);
	must_list(&list, waiter.pid, 0, 1);
	agent_kill(&holder, SIGKILL);
	ck_assert_int_eq(agent_answer(&waiter), 0);
	agent_end(&waiter);
}
END_TEST

/* A descriptor that children have inherited: each of them holds, and each once. */
START_TEST(inherited_holders)
{
	int fd = open(test_path, O_RDWR | O_CREAT, 0666), again;
	struct ipclock *l;
	struct list list;
	pid_t pid;

	if (test_posix()) {
		test_skip("inherited_holders: classic locks do not pass to a child");
		return;
	}
	again = dup(fd);
	ck_assert_int_eq(ipclock_open_fd(&l, fd, NULL), 0);
	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	pid = fork();
	if (pid == 0) {
		for (;;)
			pause();
	}
	look(&list, test_path, NULL);
	kill(pid, SIGKILL);
	ck_assert_int_eq(child_result(pid), 1000 + SIGKILL);
	ck_assert_int_eq(list.n, 2);
	must_list(&list, getpid(), 1, 0);
	must_list(&list, pid, 1, 0);
	close(again);
	ipclock_close(l);
	close(fd);
}
END_TEST

/* Another user may neither read the file nor look into the holder: somebody holds it. */
static int
look_as_another(void *arg)
{
	struct list list = { .n = 0 };

	(void)arg;
	if (setgid(65534) != 0 || setuid(65534) != 0)
		return 10;
	if (open(test_path, O_RDONLY) != -1)
		return 11;
	if (ipclock_holders(test_path, NULL, see, &list) != 0)
		return 12;
	if (list.n != 1 || list.of[0].writes != 1 || list.of[0].place != 0)
		return 13;
	return 0;
}

START_TEST(another_users_file)
{
	struct agent a;

	if (geteuid() != 0) {
		test_skip("another_users_file: not root");
		return;
	}
	spawn_rw(&a, "");
	ck_assert_int_eq(chmod(test_path, 0400), 0);
	ck_assert_int_eq(agent_do(&a, "write rw 0"), 0);
	ck_assert_int_eq(in_child(look_as_another, NULL), 0);
	agent_end(&a);
}
END_TEST

START_TEST(free_and_bad)
{
	struct list list = { .n = 0 };
	char longest[5000];
	int before = fd_count();

	ck_assert_int_eq(ipclock_holders(test_path, NULL, see, &list), ENOENT);
	ck_assert_int_eq(access(test_path, F_OK), -1);
	ipclock_close(must_open(test_path, 0));
	look(&list, test_path, NULL);
	ck_assert_int_eq(list.n, 0);
	ck_assert_int_eq(symlink("lock", test_file("link")), 0);
	ck_assert_int_eq(ipclock_holders(test_file("link"), NULL, see, &list), ELOOP);
	ck_assert_int_eq(mkfifo(test_file("fifo"), 0600), 0);
	ck_assert_int_eq(ipclock_holders(test_file("fifo"), NULL, see, &list), EINVAL);
	ck_assert_int_eq(ipclock_holders(test_dir, NULL, see, &list), EINVAL);
	ck_assert_int_eq(ipclock_holders(NULL, NULL, see, &list), EINVAL);
	ck_assert_int_eq(ipclock_holders("", NULL, see, &list), EINVAL);
	ck_assert_int_eq(ipclock_holders(test_path, NULL, NULL, &list), EINVAL);
	ck_assert_str_ne(ipclock_message(NULL), "");
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	ck_assert_int_eq(ipclock_holders(longest, NULL, see, &list), EINVAL);
	ck_assert_int_eq(list.n, 0);
	ck_assert_int_eq(ipclock_holder_pid(NULL), 0);
	ck_assert_ptr_null(ipclock_holder_command(NULL));
	ck_assert_int_eq(fd_count(), before);
}
END_TEST

START_TEST(odd_paths)
{
	const char *odd = test_file("a b: 1\n\\%s");
	struct ipclock *l = must_open(odd, 0);
	struct list list;

	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	look(&list, odd, NULL);
	ck_assert_int_eq(list.n, 1);
	must_list(&list, getpid(), 1, 0);
	ck_assert_int_eq(ipclock_held(l), 1);
	ipclock_close(l);
	ck_assert_int_eq(symlink(".", test_file("here")), 0);
	l = must_open(test_path, 0);
	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	look(&list, test_file("here/lock"), NULL);
	ck_assert_int_eq(list.n, 1);
	ipclock_close(l);
}
END_TEST

START_TEST(message_names_the_holder)
{
	struct ipclock_rw *rw = must_rw_open(test_path, 0);
	struct agent a[3];
	char text[64];
	int i;

	for (i = 0; i < 3; i++)
		spawn_rw(&a[i], "");
	ck_assert_int_eq(agent_do(&a[0], "write rw 0"), 0);
	snprintf(text, sizeof(text), "; held by pid %ld (write)", (long)a[0].pid);
	ck_assert_int_eq(ipclock_rw_acquire_read(rw, 0), EBUSY);
	ck_assert_ptr_nonnull(strstr(ipclock_rw_message(rw), text));
	ck_assert_ptr_nonnull(strstr(ipclock_rw_message(NULL), text));
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 20), ETIMEDOUT);
	ck_assert_ptr_nonnull(strstr(ipclock_rw_message(rw), text));
	ck_assert_int_eq(agent_do(&a[0], "release_write rw"), 0);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 0), 0);
	ck_assert_str_eq(ipclock_rw_message(rw), "");
	ck_assert_int_eq(ipclock_rw_release_write(rw), 0);
	for (i = 0; i < 3; i++)
		ck_assert_int_eq(agent_do(&a[i], "read rw 0"), 0);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 0), EBUSY);
	ck_assert_ptr_nonnull(strstr(ipclock_rw_message(rw), " (read) and 2 more"));
	ck_assert_int_eq(ipclock_rw_release_read(rw), EPERM);
	ck_assert_ptr_null(strstr(ipclock_message(NULL), "held by"));
	for (i = 0; i < 3; i++)
		agent_end(&a[i]);
	ipclock_rw_close(rw);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, six_at_once);
	tcase_add_test(t, each_may_stop);
	tcase_add_test(t, another_lock_is_not_told);
	tcase_add_test(t, foreign_whole_file);
	tcase_add_test(t, flock_waiter_in_the_kernel);
	tcase_add_test(t, inherited_holders);
	tcase_add_test(t, another_users_file);
	tcase_add_test(t, free_and_bad);
	tcase_add_test(t, odd_paths);
	tcase_add_test(t, message_names_the_holder);
}

int
main(void)
{
	if (access("/proc/locks", R_OK) != 0) {
		test_skip("holders: this system does not tell of locks");
		return 0;
	}
	return test_main("holders", add);
}
