/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* The bounded semaphore: processes that obey over pipes, and threads. */

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

/* The byte map, said once more here on purpose. */
#define UNIT_BASE (INT64_C(1) << 61)
#define GATE_LINE (INT64_C(3) << 61)
#define GATE      (GATE_LINE + (INT64_C(1) << 40))

/* ---- a process that obeys: its answer to an acquire is the slot, or minus the error ---- */

struct order {
	char what;
	int arg;
};

struct peer {
	pid_t pid;
	int in, out, log;
};

static void
hear(void *ctx, int level, const char *line)
{
	char c = (char)('0' + level);

	(void)line;
	if (write(*(int *)ctx, &c, 1) != 1)
		_exit(3);
}

static int
obey_one(struct ipclock_sem *sem, struct order order)
{
	unsigned n = 0;
	int r;

	switch (order.what) {
	case 'a':
		r = ipclock_sem_acquire(sem, order.arg, &n);
		return r ? -r : (int)n;
	case 'r':
		return -ipclock_sem_release(sem, (unsigned)order.arg);
	case 'v':
		r = ipclock_sem_value(sem, &n);
		return r ? -r : (int)n;
	default:
		return -EINVAL;
	}
}

/* The text: the slots, flags, descriptors of orders, answers and log, one to be closed, and the path. */
static int
obey(const char *text)
{
	struct ipclock_attr *attr;
	struct ipclock_sem *sem;
	unsigned slots, flags;
	struct order order;
	int in, out, log, orders_end, answer, path = 0;

	if (sscanf(text, "%u %u %d %d %d %d %n", &slots, &flags, &in, &out, &log, &orders_end, &path) != 6)
		return 4;
	close(orders_end);
	if (ipclock_attr_new(&attr) || ipclock_attr_set_flags(attr, flags) || ipclock_attr_set_log(attr, hear, &log) ||
	    ipclock_sem_open(&sem, text + path, slots, attr))
		return 2;
	while (read(in, &order, sizeof(order)) == sizeof(order)) {
		answer = obey_one(sem, order);
		if (write(out, &answer, sizeof(answer)) != sizeof(answer))
			break;
	}
	return 0;
}

static struct peer
peer_with(unsigned slots, unsigned flags)
{
	int in[2], out[2], log[2];
	char text[512];
	struct peer p;

	ck_assert(pipe(in) == 0 && pipe(out) == 0 && pipe(log) == 0);
	snprintf(text, sizeof(text), "%u %u %d %d %d %d %s", slots, flags, in[0], out[1], log[1], in[1], test_path);
	p.pid = test_spawn(obey, text, (int[]){ in[0], out[1], log[1] }, 3);
	ck_assert_int_ge(p.pid, 0);
	close(in[0]);
	close(out[1]);
	close(log[1]);
	p.in = in[1];
	p.out = out[0];
	p.log = log[0];
	return p;
}

static void
send_order(struct peer *p, char what, int arg)
{
	struct order order;

	memset(&order, 0, sizeof(order));
	order.what = what;
	order.arg = arg;
	ck_assert_int_eq(write(p->in, &order, sizeof(order)), sizeof(order));
}

static int
readable(int fd, int ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, ms) == 1;
}

static int
answer(struct peer *p)
{
	int n = -1;

	ck_assert_msg(readable(p->out, LONG_MS), "no answer");
	ck_assert_int_eq(read(p->out, &n, sizeof(n)), sizeof(n));
	return n;
}

static int
order(struct peer *p, char what, int arg)
{
	send_order(p, what, arg);
	return answer(p);
}

/* Its log said that it waits: it is in line, or at the head of it. */
static void
await_waiting(struct peer *p)
{
	char c = 0;

	while (c != '0' + IPCLOCK_LOG_DEBUG) {
		ck_assert_msg(readable(p->log, LONG_MS), "it does not wait");
		ck_assert_int_eq(read(p->log, &c, 1), 1);
	}
}

static void
peer_kill(struct peer *p)
{
	kill(p->pid, SIGKILL);
	ck_assert_int_eq(child_result(p->pid), 1000 + SIGKILL);
	close(p->in);
	close(p->out);
	close(p->log);
}

static struct ipclock_sem *
sem_with(const char *path, unsigned slots, unsigned flags)
{
	struct ipclock_attr *attr = attr_with(flags, NULL);
	struct ipclock_sem *sem;

	ck_assert_msg(ipclock_sem_open(&sem, path, slots, attr) == 0, "%s", ipclock_message(NULL));
	ipclock_attr_free(attr);
	return sem;
}

static unsigned
value(struct ipclock_sem *sem)
{
	unsigned n = 99;

	ck_assert_int_eq(ipclock_sem_value(sem, &n), 0);
	return n;
}

static unsigned
must_acquire(struct ipclock_sem *sem)
{
	unsigned slot = 99;

	ck_assert_msg(ipclock_sem_acquire(sem, 0, &slot) == 0, "%s", ipclock_sem_message(sem));
	return slot;
}

/* ---- the bound ---- */

START_TEST(A_no_more_than_the_slots_by_one_handle)
{
	struct ipclock_sem *sem = sem_with(test_path, 3, 0);
	unsigned slot = 99, seen = 0, i;
	char wanted[400];

	ck_assert_uint_eq(value(sem), 3);
	for (i = 0; i < 3; i++) {
		slot = must_acquire(sem);
		ck_assert_uint_lt(slot, 3);
		seen |= 1u << slot;
		ck_assert_int_ge(fcntl(ipclock_sem_fd(sem, slot), F_GETFD), 0);
		ck_assert_uint_eq(value(sem), 2 - i);
	}
	ck_assert_uint_eq(seen, 7);
	ck_assert_int_eq(ipclock_sem_held(sem), 3);
	ck_assert_int_eq(ipclock_sem_acquire(sem, 0, &slot), EBUSY);
	snprintf(wanted, sizeof(wanted), "semaphore %s: held, or waited for, by another; all 3 slots are taken", test_path);
	ck_assert_str_eq(ipclock_sem_message(sem), wanted);
	ck_assert_int_eq(ipclock_sem_acquire(sem, 30, &slot), ETIMEDOUT);
	ck_assert_ptr_nonnull(strstr(ipclock_sem_message(sem), " ms; all 3 slots are taken"));
	ck_assert_int_eq(ipclock_sem_release(sem, 1), 0);
	ck_assert_int_eq(ipclock_sem_fd(sem, 1), -1);
	ck_assert_uint_eq(must_acquire(sem), 1);
	ck_assert_int_eq(ipclock_sem_close(sem), 0);
}
END_TEST

START_TEST(A_processes_and_handles_share_the_bound)
{
	struct ipclock_sem *a = sem_with(test_path, 2, 0), *b = sem_with(test_path, 2, 0);
	struct peer p = peer_with(2, 0);
	int theirs;
	unsigned ours, slot;

	theirs = order(&p, 'a', 0);
	ck_assert_int_ge(theirs, 0);
	ours = must_acquire(a);
	ck_assert_uint_ne(ours, (unsigned)theirs);
	ck_assert_int_eq(ipclock_sem_acquire(b, 0, &slot), EBUSY);
	ck_assert_uint_eq(value(b), 0);
	ck_assert_int_eq(ipclock_sem_release(b, ours), EPERM);
	ck_assert_int_eq(ipclock_sem_release(a, (unsigned)theirs), EPERM);
	ck_assert_int_eq(order(&p, 'r', theirs), 0);
	ck_assert_uint_eq(must_acquire(b), (unsigned)theirs);
	ck_assert_int_eq(order(&p, 'a', 0), -EBUSY);
	peer_kill(&p);
	ipclock_sem_close(a);
	ipclock_sem_close(b);
}
END_TEST

START_TEST(A_each_keeps_to_its_own_number_of_slots)
{
	struct ipclock_sem *few = sem_with(test_path, 1, 0), *many = sem_with(test_path, 3, 0);
	unsigned slot;

	must_acquire(few);
	ck_assert_int_eq(ipclock_sem_acquire(few, 0, &slot), EBUSY);
	ck_assert_uint_eq(value(many), 2);
	must_acquire(many);
	must_acquire(many);
	ck_assert_int_eq(ipclock_sem_acquire(many, 0, &slot), EBUSY);
	ipclock_sem_close(few);
	ipclock_sem_close(many);
}
END_TEST

START_TEST(A_other_semaphores_and_locks_of_the_file_are_apart)
{
	struct ipclock_sem *one = sem_with(test_path, 1, 0), *two, *none;
	struct ipclock *lock = must_open(test_path, 0);
	struct ipclock_attr *attr;

	ck_assert_int_eq(ipclock_attr_new(&attr), 0);
	ck_assert_int_eq(ipclock_attr_set_slot(attr, 1048575), 0);
	ck_assert_int_eq(ipclock_sem_open(&two, test_path, 4096, attr), 0);
	must_acquire(one);
	must_acquire(two);
	ck_assert_int_eq(ipclock_acquire(lock, 0), 0);
	ck_assert_uint_eq(value(two), 4095);
	ck_assert_int_eq(ipclock_attr_set_slot(attr, 1048576), 0);
	ck_assert_int_eq(ipclock_sem_open(&none, test_path, 1, attr), EINVAL);
	ipclock_close(lock);
	ipclock_sem_close(two);
	ipclock_attr_free(attr);
	ipclock_sem_close(one);
}
END_TEST

START_TEST(no_letter_the_bytes_are_those_of_the_layout)
{
	struct ipclock_sem *sem = sem_with(test_path, 2, 0);
	struct peer p;
	int fd = open(test_path, O_RDWR);
	unsigned slot;

	if (test_posix()) {
		test_skip("classic locks of one process do not see each other");
		return;
	}
	slot = must_acquire(sem);
	ck_assert_int_eq(raw_lock(fd, F_WRLCK, UNIT_BASE + slot, 1), EAGAIN);
	ck_assert_int_eq(raw_lock(fd, F_WRLCK, UNIT_BASE + (1 - slot), 1), 0);
	ck_assert_int_eq(raw_lock(fd, F_UNLCK, UNIT_BASE + (1 - slot), 1), 0);
	must_acquire(sem);
	p = peer_with(2, 0);
	ck_assert_int_eq(order(&p, 'v', 0), 0);
	send_order(&p, 'a', -1);
	await_waiting(&p);
	ck_assert_int_eq(raw_lock(fd, F_WRLCK, GATE, 1), EAGAIN);
	ck_assert_int_eq(ipclock_sem_release(sem, slot), 0);
	ck_assert_int_eq(answer(&p), (int)slot);
	ck_assert_int_eq(raw_lock(fd, F_WRLCK, GATE, 1), 0);
	peer_kill(&p);
	ipclock_sem_close(sem);
}
END_TEST

/* ---- crashes ---- */

START_TEST(B_a_crash_frees_a_slot)
{
	struct ipclock_sem *sem = sem_with(test_path, 2, 0);
	struct peer p = peer_with(2, 0), w = peer_with(2, 0);

	ck_assert_int_ge(order(&p, 'a', 0), 0);
	ck_assert_int_ge(order(&p, 'a', 0), 0);
	ck_assert_uint_eq(value(sem), 0);
	send_order(&w, 'a', -1);
	await_waiting(&w);
	peer_kill(&p);
	ck_assert_int_ge(answer(&w), 0);
	ck_assert_uint_eq(value(sem), 1);
	peer_kill(&w);
	ck_assert_uint_eq(value(sem), 2);
	ipclock_sem_close(sem);
}
END_TEST

START_TEST(B_the_head_of_the_line_dies)
{
	struct ipclock_sem *sem = sem_with(test_path, 1, 0);
	struct peer head = peer_with(1, 0), next = peer_with(1, 0);
	unsigned slot = must_acquire(sem);

	send_order(&head, 'a', -1);
	await_waiting(&head);
	send_order(&next, 'a', -1);
	await_waiting(&next);
	peer_kill(&head);
	ck_assert_int_eq(ipclock_sem_release(sem, slot), 0);
	ck_assert_int_eq(answer(&next), 0);
	peer_kill(&next);
	ipclock_sem_close(sem);
}
END_TEST

/* ---- order ---- */

START_TEST(F_processes_are_served_in_order)
{
	enum { N = 6 };
	struct ipclock_sem *sem = sem_with(test_path, 2, 0);
	struct peer p[N];
	unsigned slot;
	int i, j;

	must_acquire(sem);
	slot = must_acquire(sem);
	for (i = 0; i < N; i++) {
		p[i] = peer_with(2, 0);
		send_order(&p[i], 'a', i % 2 ? -1 : LONG_MS);
		await_waiting(&p[i]);
	}
	ck_assert_int_eq(ipclock_sem_acquire(sem, 0, &slot), EBUSY);
	slot = 0;
	for (i = 0; i < N; i++) {
		if (i == 0)
			ck_assert_int_eq(ipclock_sem_release(sem, 0), 0);
		else
			ck_assert_int_eq(order(&p[i - 1], 'r', (int)slot), 0);
		slot = (unsigned)answer(&p[i]);
		for (j = i + 1; j < N; j++)
			ck_assert(!readable(p[j].out, 0));
	}
	for (i = 0; i < N; i++)
		peer_kill(&p[i]);
	ipclock_sem_close(sem);
}
END_TEST

START_TEST(F_a_try_does_not_pass_a_waiter)
{
	struct ipclock_sem *sem = sem_with(test_path, 2, 0), *other = sem_with(test_path, 3, 0);
	struct peer p = peer_with(2, 0);
	unsigned slot;

	must_acquire(sem);
	must_acquire(sem);
	send_order(&p, 'a', -1);
	await_waiting(&p);
	/* Slot 2 is free, but the head, who states two, is in line for it all the same. */
	ck_assert_int_eq(ipclock_sem_acquire(other, 0, &slot), EBUSY);
	ck_assert_ptr_nonnull(strstr(ipclock_sem_message(other), "others wait in line"));
	peer_kill(&p);
	ck_assert_int_eq(ipclock_sem_acquire(other, 0, &slot), 0);
	ipclock_sem_close(sem);
	ipclock_sem_close(other);
}
END_TEST

struct taker {
	struct ipclock_sem *sem;
	atomic_int *turn;
	int place;
	unsigned slot;
};

static int
take_and_note(void *arg)
{
	struct taker *t = arg;
	int r = ipclock_sem_acquire(t->sem, LONG_MS, &t->slot);

	t->place = atomic_fetch_add(t->turn, 1);
	return r;
}

static void
count_waits(void *ctx, int level, const char *line)
{
	(void)line;
	if (level == IPCLOCK_LOG_DEBUG)
		atomic_fetch_add((atomic_int *)ctx, 1);
}

START_TEST(F_threads_and_processes_in_one_line)
{
	enum { N = 4 };
	struct ipclock_attr *attr = attr_with(0, NULL);
	struct ipclock_sem *sem;
	struct taker taker[N];
	struct thread thread[N];
	struct peer p;
	atomic_int turn = 0, waits = 0;
	int i;

	ipclock_attr_set_log(attr, count_waits, &waits);
	ck_assert_int_eq(ipclock_sem_open(&sem, test_path, 1, attr), 0);
	must_acquire(sem);
	p = peer_with(1, 0);
	for (i = 0; i < N; i++) {
		taker[i] = (struct taker){ .sem = sem, .turn = &turn };
		thread_start(&thread[i], take_and_note, &taker[i]);
		await_count(&waits, i + 1, "a thread to wait");
		if (i == 0) {
			send_order(&p, 'a', -1);
			await_waiting(&p);
		}
	}
	ck_assert_int_eq(ipclock_sem_release(sem, 0), 0);
	ck_assert_int_eq(thread_join(&thread[0]), 0);
	ck_assert_int_eq(ipclock_sem_release(sem, 0), 0);
	ck_assert_int_eq(answer(&p), 0); /* the process came second */
	ck_assert_int_eq(order(&p, 'r', 0), 0);
	for (i = 1; i < N; i++) {
		ck_assert_int_eq(thread_join(&thread[i]), 0);
		ck_assert_int_eq(taker[i].place, i);
		ck_assert_int_eq(ipclock_sem_release(sem, taker[i].slot), 0);
	}
	peer_kill(&p);
	ipclock_sem_close(sem);
	ipclock_attr_free(attr);
}
END_TEST

START_TEST(F_a_stopped_head_is_passed)
{
	struct ipclock_sem *sem = sem_with(test_path, 1, 0);
	struct peer head = peer_with(1, 0), second = peer_with(1, 0), third = peer_with(1, 0);
	int r, status;

	must_acquire(sem);
	send_order(&head, 'a', -1);
	await_waiting(&head);
	send_order(&second, 'a', -1);
	await_waiting(&second);
	send_order(&third, 'a', -1); /* with a deadline its last look would do */
	await_waiting(&third);
	kill(head.pid, SIGSTOP);
	ck_assert_int_eq(waitpid(head.pid, &status, WUNTRACED), head.pid);
	kill(second.pid, SIGSTOP);
	ck_assert_int_eq(waitpid(second.pid, &status, WUNTRACED), second.pid);
	ck_assert_int_eq(ipclock_sem_release(sem, 0), 0);
	r = answer(&third);
	ck_assert_int_eq(r, 0);
	kill(head.pid, SIGCONT);
	kill(second.pid, SIGCONT);
	ck_assert_int_eq(order(&third, 'r', 0), 0);
	ck_assert_int_eq(answer(&head), 0);
	ck_assert_int_eq(order(&head, 'r', 0), 0);
	ck_assert_int_eq(answer(&second), 0);
	peer_kill(&head);
	peer_kill(&second);
	peer_kill(&third);
	ipclock_sem_close(sem);
}
END_TEST

START_TEST(F_who_states_fewer_slots_does_not_block_for_ever)
{
	struct ipclock_sem *sem = sem_with(test_path, 1, 0);
	struct peer head = peer_with(1, 0), behind = peer_with(2, 0);

	must_acquire(sem);
	send_order(&head, 'a', -1);
	await_waiting(&head);
	ck_assert_int_eq(order(&behind, 'a', -1), 1);
	peer_kill(&head);
	peer_kill(&behind);
	ipclock_sem_close(sem);
}
END_TEST

/* ---- time ---- */

START_TEST(E_a_free_slot_at_the_deadline_is_taken)
{
	struct ipclock_sem *sem = sem_with(test_path, 1, 0), *two = sem_with(test_path, 2, 0);
	struct peer head = peer_with(1, 0);
	unsigned slot = 99;

	must_acquire(sem);
	send_order(&head, 'a', -1);
	await_waiting(&head);
	ck_assert_int_eq(ipclock_sem_acquire(two, 50, &slot), 0); /* slot 1, out of turn */
	ck_assert_uint_eq(slot, 1);
	ck_assert_int_eq(ipclock_sem_acquire(two, 50, &slot), ETIMEDOUT);
	peer_kill(&head);
	ipclock_sem_close(sem);
	ipclock_sem_close(two);
}
END_TEST

static int
yes_at_third(void *ctx)
{
	return ++*(int *)ctx == 3;
}

static void
count_sleep(void *ctx, int ms)
{
	ck_assert_int_ge(ms, 0);
	++*(int *)ctx;
}

START_TEST(E_callbacks_sleep_and_cancel)
{
	struct ipclock_attr *attr = attr_with(0, NULL);
	struct ipclock_sem *sem;
	int asked = 0, slept = 0;
	unsigned slot;

	ipclock_attr_set_cancel(attr, yes_at_third, &asked);
	ipclock_attr_set_sleep(attr, count_sleep, &slept);
	ck_assert_int_eq(ipclock_sem_open(&sem, test_path, 1, attr), 0);
	must_acquire(sem);
	ck_assert_int_eq(ipclock_sem_acquire(sem, -1, &slot), ECANCELED);
	ck_assert_int_eq(asked, 3);
	ck_assert_int_eq(slept, 2);
	ck_assert_int_eq(ipclock_sem_release(sem, 0), 0);
	ck_assert_uint_eq(must_acquire(sem), 0); /* nobody is left at the gate */
	ipclock_sem_close(sem);
	ipclock_attr_free(attr);
}
END_TEST

static void
on_alarm(int sig)
{
	(void)sig;
}

START_TEST(E_a_signal_handler_ends_it_if_asked)
{
	struct ipclock_sem *sem = sem_with(test_path, 1, IPCLOCK_INTERRUPTIBLE);
	struct sigaction action;
	unsigned slot;

	memset(&action, 0, sizeof(action));
	action.sa_handler = on_alarm;
	sigaction(SIGALRM, &action, NULL);
	must_acquire(sem);
	alarm(1);
	ck_assert_int_eq(ipclock_sem_acquire(sem, LONG_MS, &slot), EINTR);
	ipclock_sem_close(sem);
}
END_TEST

static void
raise_alarm(void *ctx, int level, const char *line)
{
	(void)ctx, (void)line;
	if (level == IPCLOCK_LOG_DEBUG)
		raise(SIGALRM);
}

START_TEST(E_a_signal_before_the_first_sleep_ends_it)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct ipclock_attr *attr;
	struct ipclock_sem *sem;
	unsigned slot;

	sigaction(SIGALRM, &action, NULL);
	ck_assert_int_eq(ipclock_attr_new(&attr), 0);
	ck_assert_int_eq(ipclock_attr_set_log(attr, raise_alarm, NULL), 0);
	ck_assert_int_eq(ipclock_attr_set_flags(attr, IPCLOCK_INTERRUPTIBLE | (_i ? IPCLOCK_POLL : 0)), 0);
	ck_assert_int_eq(ipclock_sem_open(&sem, test_path, 1, attr), 0);
	must_acquire(sem);
	ck_assert_int_eq(ipclock_sem_acquire(sem, 300, &slot), EINTR);
	ck_assert_int_eq(ipclock_sem_acquire(sem, IPCLOCK_FOREVER, &slot), EINTR);
	ipclock_sem_close(sem);
	ipclock_attr_free(attr);
}
END_TEST

static void
wait_with(unsigned flags)
{
	struct ipclock_sem *sem = sem_with(test_path, 1, flags);
	struct peer p = peer_with(1, flags);

	must_acquire(sem);
	ck_assert_int_eq(order(&p, 'a', 30), -ETIMEDOUT);
	send_order(&p, 'a', LONG_MS);
	await_waiting(&p);
	await_waiting(&p);
	ck_assert_int_eq(ipclock_sem_release(sem, 0), 0);
	ck_assert_int_eq(answer(&p), 0);
	peer_kill(&p);
	ipclock_sem_close(sem);
}

START_TEST(E_a_wait_ends_with_the_release_whatever_the_flags)
{
	wait_with(0);
	wait_with(IPCLOCK_POLL);
	wait_with(IPCLOCK_UNFAIR);
	wait_with(IPCLOCK_TRUST_PATH);
}
END_TEST

/* ---- fork ---- */

static int
child_of_holder(void *arg)
{
	struct ipclock_sem *sem = arg;
	unsigned slot = 99, n = 99;
	int fds = fd_count();

	if (ipclock_sem_held(sem) != 0 || ipclock_sem_release(sem, 0) != EPERM || ipclock_sem_fd(sem, 0) != -1)
		return 1;
	if (ipclock_sem_value(sem, &n) != 0 || n != 1)
		return 2;
	if (ipclock_sem_acquire(sem, 0, &slot) != 0 || slot != 1)
		return 3;
	if (ipclock_sem_acquire(sem, 0, &n) != EBUSY)
		return 4;
	if (ipclock_sem_close(sem) != 0)
		return 5;
	return fd_count() > fds ? 6 : 0;
}

START_TEST(D_the_child_holds_nothing_and_its_handle_works)
{
	struct ipclock_sem *sem = sem_with(test_path, 2, 0);

	must_acquire(sem);
	must_acquire(sem);
	ck_assert_int_eq(ipclock_sem_release(sem, 1), 0);
	ck_assert_int_eq(in_child(child_of_holder, sem), 0);
	ck_assert_uint_eq(value(sem), 1); /* the parent's is still held, the child's is not */
	ck_assert_int_eq(ipclock_sem_release(sem, 0), 0);
	ipclock_sem_close(sem);
}
END_TEST

static int
fork_now(void *ctx)
{
	pid_t *child = ctx;

	if (*child == 0)
		*child = fork();
	return *child == 0 ? 0 : getpid() == *child; /* the child's copy is 0: it goes on, and is told to stop */
}

START_TEST(D_a_callback_that_forks)
{
	struct ipclock_attr *attr = attr_with(0, NULL);
	struct ipclock_sem *sem;
	pid_t child = 0, self = getpid();
	unsigned slot;
	int r;

	ipclock_attr_set_cancel(attr, fork_now, &child);
	ck_assert_int_eq(ipclock_sem_open(&sem, test_path, 1, attr), 0);
	must_acquire(sem);
	r = ipclock_sem_acquire(sem, 100, &slot);
	if (getpid() != self)
		_exit(r == ECANCELED && ipclock_sem_held(sem) == 0 ? 0 : 1);
	ck_assert_int_eq(r, ETIMEDOUT);
	ck_assert_int_eq(child_result(child), 0);
	ipclock_sem_close(sem);
	ipclock_attr_free(attr);
}
END_TEST

/* ---- the file ---- */

START_TEST(A_the_file_is_replaced_while_slots_are_held)
{
	struct ipclock_sem *sem = sem_with(test_path, 2, 0), *other;
	struct peer w = peer_with(2, 0);
	unsigned theirs, slot;

	must_acquire(sem);
	must_acquire(sem);
	send_order(&w, 'a', -1);
	await_waiting(&w);
	ck_assert_int_eq(unlink(test_path), 0);
	theirs = (unsigned)answer(&w); /* it moves to the new file */
	ck_assert_uint_lt(theirs, 2);
	ck_assert_int_eq(ipclock_sem_acquire(sem, 0, &slot), EBUSY); /* a number is held once by a handle */
	ck_assert_int_eq(ipclock_sem_held(sem), 2);
	ck_assert_int_eq(ipclock_sem_release(sem, 1 - theirs), 0);
	ck_assert_uint_eq(must_acquire(sem), 1 - theirs); /* of the new file */
	other = sem_with(test_path, 2, 0);
	ck_assert_int_eq(ipclock_sem_acquire(other, 0, &slot), EBUSY);
	ck_assert_int_eq(ipclock_sem_release(sem, theirs), 0); /* of the old one: frees nothing here */
	ck_assert_int_eq(ipclock_sem_acquire(other, 30, &slot), ETIMEDOUT);
	ck_assert_int_eq(ipclock_sem_release(sem, 1 - theirs), 0);
	ck_assert_uint_eq(must_acquire(other), 1 - theirs);
	peer_kill(&w);
	ipclock_sem_close(sem);
	ipclock_sem_close(other);
}
END_TEST

START_TEST(A_idle_handles_follow_a_new_file)
{
	struct ipclock_sem *a = sem_with(test_path, 1, 0), *b;
	unsigned slot = must_acquire(a);

	ck_assert_int_eq(ipclock_sem_release(a, slot), 0);
	ck_assert_int_eq(unlink(test_path), 0);
	b = sem_with(test_path, 1, 0);
	must_acquire(b);
	ck_assert_int_eq(ipclock_sem_acquire(a, 0, &slot), EBUSY);
	ck_assert_uint_eq(value(a), 0);
	ipclock_sem_close(b);
	must_acquire(a);
	ipclock_sem_close(a);
}
END_TEST

/* ---- nothing is left ---- */

START_TEST(G_no_descriptor_and_no_thread_is_left)
{
	struct ipclock_sem *sem;
	unsigned slot[40];
	int fds, threads, i;

	threads = thread_count();
	fds = fd_count();
	sem = sem_with(test_path, 40, 0);
	for (i = 0; i < 40; i++)
		slot[i] = must_acquire(sem);
	ck_assert_int_eq(ipclock_sem_acquire(sem, 20, &slot[0]), ETIMEDOUT);
	for (i = 0; i < 40; i++)
		ck_assert_int_eq(ipclock_sem_release(sem, (unsigned)i), 0);
	if (!test_posix()) /* whose descriptors are closed with the last lock */
		ck_assert_int_le(fd_count(), fds + 6); /* the file, the watch, four idle ones */
	ipclock_sem_close(sem);
	ck_assert_int_eq(fd_count(), fds);
	await_threads(threads);
}
END_TEST

START_TEST(no_letter_bad_input)
{
	struct ipclock_attr *attr;
	struct ipclock_sem *sem = (void *)&attr;

	ck_assert_int_eq(ipclock_attr_new(&attr), 0);
	ck_assert_int_eq(ipclock_sem_open(NULL, test_path, 1, NULL), EINVAL);
	ck_assert_int_eq(ipclock_sem_open(&sem, NULL, 1, NULL), EINVAL);
	ck_assert_ptr_null(sem);
	ck_assert_int_eq(ipclock_sem_open(&sem, "", 1, NULL), EINVAL);
	ck_assert_int_eq(ipclock_sem_open(&sem, test_dir, 1, NULL), EINVAL);
	ck_assert_int_eq(ipclock_sem_open(&sem, test_path, 0, NULL), EINVAL);
	ck_assert_ptr_nonnull(strstr(ipclock_message(NULL), "1 to 4096"));
	ck_assert_int_eq(ipclock_sem_open(&sem, test_path, IPCLOCK_SEM_MOST + 1, NULL), EINVAL);
	ck_assert_int_eq(ipclock_attr_set_flags(attr, IPCLOCK_RECURSIVE), 0);
	ck_assert_int_eq(ipclock_sem_open(&sem, test_path, 1, attr), EINVAL);
	ck_assert_int_eq(ipclock_attr_set_flags(attr, IPCLOCK_RECURSIVE_PROCESS), 0);
	ck_assert_int_eq(ipclock_sem_open(&sem, test_path, 1, attr), EINVAL);
	ck_assert_int_eq(ipclock_attr_set_flags(attr, IPCLOCK_INHERIT), 0);
	ck_assert_int_eq(ipclock_sem_open(&sem, test_path, 1, attr), EINVAL);
	ck_assert_int_eq(ipclock_attr_set_flags(attr, IPCLOCK_UNLINK), 0);
	ck_assert_int_eq(ipclock_sem_open(&sem, test_path, 1, attr), EINVAL);
	ck_assert_int_eq(ipclock_attr_set_flags(attr, IPCLOCK_NOCREATE), 0);
	ck_assert_int_eq(ipclock_sem_open(&sem, test_path, 1, attr), ENOENT);
	ck_assert_int_eq(ipclock_attr_set_flags(attr, 0), 0);
	ck_assert_int_eq(ipclock_attr_set_protocol(attr, IPCLOCK_FLOCK), 0);
	ck_assert_int_eq(ipclock_sem_open(&sem, test_path, 1, attr), EINVAL);
	ipclock_attr_free(attr);
	ck_assert_int_eq(ipclock_attr_new(&attr), 0);
	ck_assert_int_eq(ipclock_attr_set_range(attr, 0, 1), 0);
	ck_assert_int_eq(ipclock_sem_open(&sem, test_path, 1, attr), EINVAL);
	ipclock_attr_free(attr);
}
END_TEST

START_TEST(no_letter_bad_arguments)
{
	struct ipclock_attr *attr;
	struct ipclock_sem *sem;
	unsigned slot;

	ck_assert_int_eq(ipclock_attr_new(&attr), 0);
	ck_assert_int_eq(ipclock_attr_set_flags(attr, IPCLOCK_MKDIR), 0);
	ck_assert_int_eq(ipclock_sem_open(&sem, test_file("a/b/sem"), 2, attr), 0);
	ck_assert_int_eq(ipclock_sem_acquire(NULL, 0, &slot), EINVAL);
	ck_assert_int_eq(ipclock_sem_acquire(sem, -2, &slot), EINVAL);
	ck_assert_ptr_nonnull(strstr(ipclock_sem_message(sem), "below -1"));
	ck_assert_int_eq(ipclock_sem_acquire(sem, 0, NULL), EINVAL);
	ck_assert_int_eq(ipclock_sem_release(sem, 2), EINVAL);
	ck_assert_int_eq(ipclock_sem_release(sem, 1), EPERM);
	ck_assert_ptr_nonnull(strstr(ipclock_sem_message(sem), "not held through this handle"));
	ck_assert_int_eq(ipclock_sem_release(NULL, 0), EINVAL);
	ck_assert_int_eq(ipclock_sem_value(sem, NULL), EINVAL);
	ck_assert_int_eq(ipclock_sem_value(NULL, &slot), EINVAL);
	ck_assert_int_eq(ipclock_sem_held(NULL), 0);
	ck_assert_int_eq(ipclock_sem_fd(NULL, 0), -1);
	ck_assert_ptr_null(ipclock_sem_path(NULL));
	ck_assert_str_eq(ipclock_sem_path(sem), test_file("a/b/sem"));
	ck_assert_int_eq(ipclock_sem_close(NULL), EINVAL);
	ck_assert_int_eq(ipclock_sem_close(sem), 0);
	ipclock_attr_free(attr);
}
END_TEST

/* ---- a file for each slot ---- */

START_TEST(A_slots_that_are_files_exclude_flock)
{
	struct ipclock_sem *sem;
	unsigned slot, other;
	int fd;

	ck_assert_int_eq(ipclock_sem_open_files(&sem, test_dir, "lic", 2, NULL), 0);
	ck_assert_str_eq(ipclock_sem_path(sem), test_file("lic.00.lock"));
	slot = must_acquire(sem);
	fd = open(test_file(slot == 0 ? "lic.00.lock" : "lic.01.lock"), O_RDWR);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), -1);
	ck_assert_uint_eq(value(sem), 1);
	close(fd);
	fd = open(test_file(slot == 0 ? "lic.01.lock" : "lic.00.lock"), O_RDWR);
	ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), 0); /* somebody else has the other */
	ck_assert_int_eq(ipclock_sem_acquire(sem, 0, &other), EBUSY);
	ck_assert_int_eq(ipclock_sem_acquire(sem, 30, &other), ETIMEDOUT);
	ck_assert_uint_eq(value(sem), 0);
	close(fd);
	ck_assert_uint_eq(must_acquire(sem), 1 - slot);
	ck_assert_int_eq(ipclock_sem_release(sem, slot), 0);
	ck_assert_int_eq(unlink(test_file(slot == 0 ? "lic.00.lock" : "lic.01.lock")), 0);
	ck_assert_uint_eq(must_acquire(sem), slot); /* of the file that is there now */
	ck_assert_int_eq(access(test_file(slot == 0 ? "lic.00.lock" : "lic.01.lock"), F_OK), 0);
	ipclock_sem_close(sem);
}
END_TEST

START_TEST(no_letter_names_of_files)
{
	struct ipclock_attr *attr = attr_with(0, NULL);
	struct ipclock_sem *sem;

	ck_assert_int_eq(setenv("TMPDIR", test_file("not there"), 1), 0);
	ck_assert_int_eq(setenv("TEMP", test_dir, 1), 0);
	ck_assert_int_eq(ipclock_sem_open_files(&sem, NULL, "x", 1, NULL), 0);
	ck_assert_str_eq(ipclock_sem_path(sem), test_file("x.00.lock"));
	ipclock_sem_close(sem);
	ck_assert_int_eq(ipclock_sem_open_pattern(&sem, test_dir, "x", "{{{number}}}-{name}", 2, NULL), 0);
	ck_assert_str_eq(ipclock_sem_path(sem), test_file("{0}-x"));
	ipclock_sem_close(sem);
	ck_assert_int_eq(ipclock_sem_open_files(&sem, test_dir, NULL, 2, NULL), EINVAL);
	ck_assert_int_eq(ipclock_sem_open_files(&sem, test_dir, "a/b", 2, NULL), EINVAL);
	ck_assert_int_eq(ipclock_sem_open_pattern(&sem, test_dir, "a", NULL, 2, NULL), EINVAL);
	ck_assert_int_eq(ipclock_sem_open_pattern(&sem, test_dir, "a", "{name}", 2, NULL), EINVAL);
	ck_assert_int_eq(ipclock_sem_open_pattern(&sem, test_dir, "a", "{name!r}", 1, NULL), EINVAL);
	ck_assert_int_eq(ipclock_sem_open_pattern(&sem, test_dir, "a", "x/{number}", 2, NULL), EINVAL);
	ck_assert_int_eq(ipclock_sem_open_files(&sem, test_file("not there"), "a", 2, NULL), ENOENT);
	ck_assert_int_eq(ipclock_attr_set_slot(attr, 0), 0);
	ck_assert_int_eq(ipclock_sem_open_files(&sem, test_dir, "a", 2, attr), EINVAL);
	ipclock_attr_free(attr);
	attr = attr_with(0, NULL);
	ck_assert_int_eq(ipclock_attr_set_protocol(attr, IPCLOCK_FLOCK), 0);
	ck_assert_int_eq(ipclock_sem_open_files(&sem, test_dir, "a", 2, attr), 0);
	ipclock_sem_close(sem);
	ipclock_attr_free(attr);
}
END_TEST

/* ---- torture ---- */

enum { WORKERS = 16, SLOTS = 4 };

/* In memory that all share: who is inside which slot, marked by it and unmarked by it or its murderer. */
struct arena {
	_Atomic int inside[SLOTS];
	atomic_int wrong;
	atomic_int turns;
	atomic_int stop;
	atomic_int doomed; /* the last one that was killed: perhaps a zombie still */
};

/* A mark that is there already is of a process that is dead, or the bound is broken. */
static void
mark(struct arena *arena, unsigned slot)
{
	int before = atomic_exchange(&arena->inside[slot], getpid());
	int doomed = atomic_load(&arena->doomed);

	if (before != 0 && before != doomed && kill(before, 0) == 0)
		atomic_fetch_add(&arena->wrong, 1);
}

static void
work(struct arena *arena, unsigned seed)
{
	struct ipclock_sem *sem;
	unsigned slot;
	int r, self = getpid();

	if (ipclock_sem_open(&sem, test_path, SLOTS, NULL) != 0)
		_exit(2);
	while (!atomic_load(&arena->stop)) {
		r = ipclock_sem_acquire(sem, rand_r(&seed) % 3 ? -1 : (int)(rand_r(&seed) % 4), &slot);
		if (r == EBUSY || r == ETIMEDOUT)
			continue;
		if (r != 0 || slot >= SLOTS)
			_exit(3);
		mark(arena, slot);
		if (rand_r(&seed) % 4 == 0)
			usleep((useconds_t)rand_r(&seed) % 300);
		if (!atomic_compare_exchange_strong(&arena->inside[slot], &self, 0))
			_exit(4); /* somebody else came in */
		atomic_fetch_add(&arena->turns, 1);
		if (ipclock_sem_release(sem, slot) != 0)
			_exit(5);
	}
	_exit(0);
}

static pid_t
spawn_worker(struct arena *arena, unsigned seed)
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		work(arena, seed);
	return pid;
}

START_TEST(A_B_torture)
{
	const char *wanted = getenv("IPCLOCK_TORTURE");
	int kills = wanted != NULL ? atoi(wanted) / 50 : 150, i, n, r;
	struct arena *arena = mmap(NULL, sizeof(*arena), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct ipclock_sem *sem = sem_with(test_path, SLOTS, 0);
	pid_t pid[WORKERS];
	unsigned seed = (unsigned)getpid();

	ck_assert(arena != MAP_FAILED);
	for (i = 0; i < WORKERS; i++)
		pid[i] = spawn_worker(arena, seed + (unsigned)i);
	for (n = 0; n < kills; n++) {
		usleep((useconds_t)rand_r(&seed) % 5000);
		i = (int)(rand_r(&seed) % WORKERS);
		atomic_store(&arena->doomed, (int)pid[i]);
		kill(pid[i], SIGKILL);
		r = child_result(pid[i]);
		ck_assert_msg(r == 1000 + SIGKILL, "a worker ended with %d", r);
		pid[i] = spawn_worker(arena, seed + (unsigned)n);
	}
	atomic_store(&arena->stop, 1);
	for (i = 0; i < WORKERS; i++)
		ck_assert_int_eq(child_result(pid[i]), 0);
	ck_assert_int_eq(arena->wrong, 0);
	ck_assert_uint_eq(value(sem), SLOTS);
	printf("%d processes, %d slots, %d kills, %d turns: never more inside, no slot lost\n", WORKERS, SLOTS, kills,
	    arena->turns);
	ck_assert_int_gt(arena->turns, 0);
	ipclock_sem_close(sem);
}
END_TEST

static void
add_tests(TCase *t)
{
	if (getenv("IPCLOCK_TORTURE") != NULL)
		tcase_set_timeout(t, 900);
	tcase_add_test(t, A_no_more_than_the_slots_by_one_handle);
	tcase_add_test(t, A_processes_and_handles_share_the_bound);
	tcase_add_test(t, A_each_keeps_to_its_own_number_of_slots);
	tcase_add_test(t, A_other_semaphores_and_locks_of_the_file_are_apart);
	tcase_add_test(t, no_letter_the_bytes_are_those_of_the_layout);
	tcase_add_test(t, B_a_crash_frees_a_slot);
	tcase_add_test(t, B_the_head_of_the_line_dies);
	tcase_add_test(t, F_processes_are_served_in_order);
	tcase_add_test(t, F_a_try_does_not_pass_a_waiter);
	tcase_add_test(t, F_threads_and_processes_in_one_line);
	tcase_add_test(t, F_a_stopped_head_is_passed);
	tcase_add_test(t, F_who_states_fewer_slots_does_not_block_for_ever);
	tcase_add_test(t, E_a_free_slot_at_the_deadline_is_taken);
	tcase_add_test(t, E_callbacks_sleep_and_cancel);
	tcase_add_test(t, E_a_signal_handler_ends_it_if_asked);
	tcase_add_loop_test(t, E_a_signal_before_the_first_sleep_ends_it, 0, 2);
	tcase_add_test(t, E_a_wait_ends_with_the_release_whatever_the_flags);
	tcase_add_test(t, D_the_child_holds_nothing_and_its_handle_works);
	tcase_add_test(t, D_a_callback_that_forks);
	tcase_add_test(t, A_the_file_is_replaced_while_slots_are_held);
	tcase_add_test(t, A_idle_handles_follow_a_new_file);
	tcase_add_test(t, G_no_descriptor_and_no_thread_is_left);
	tcase_add_test(t, no_letter_bad_input);
	tcase_add_test(t, no_letter_bad_arguments);
	if (test_windows())
		test_skip("A_slots_that_are_files_exclude_flock: Windows has no locks of the flock(2) family");
	else
		tcase_add_test(t, A_slots_that_are_files_exclude_flock);
	tcase_add_test(t, no_letter_names_of_files);
	tcase_add_test(t, A_B_torture);
}

int
main(void)
{
	return test_main("semaphore", add_tests);
}
