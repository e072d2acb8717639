/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os_fake.h"

#define MOST 64
#define FIRST_OTHER 1000

struct inode {
	char path[128];
	uint64_t number; /* 0: the name is gone */
	unsigned what;
	int perm;
};

struct description {
	bool open;
	uint64_t inode;
};

struct range_lock {
	uint64_t inode;
	int owner;
	int64_t start, end;
	enum os_mode mode; /* OS_UNLOCKED: a free entry */
};

static struct {
	int64_t now;
	uint64_t last_inode;
	struct inode inodes[MOST];
	struct description files[MOST];  /* ours, by descriptor */
	uint64_t others[MOST];           /* inodes by owner - FIRST_OTHER */
	int last_other;
	struct range_lock locks[4 * MOST];
	struct { int64_t when; void (*what)(void); } agenda[MOST];
	struct { const char *call; unsigned times; } counts[MOST];
	struct { const char *call; void (*what)(void); } before;
	struct { const char *call; unsigned left, times; int error; bool happened; } failure;
	int64_t refused_from;
	bool has_queue;
	bool wait_ends;
	void (*at_stop)(void);
	int allocated;
	void (*child)(void);
	bool list_tears;
} machine;

/* ---- the script ---- */

/* The helper is a thread that runs only while it is given the baton. */
static struct {
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t turn;
	bool exists, runs, finished, stopped;
	struct os_helper *helper;
	const struct os_file *file; /* what it waits for */
	struct os_range range;
	enum os_mode mode;
	bool waits;
	int64_t rests_until;
} helper = { .mutex = PTHREAD_MUTEX_INITIALIZER, .turn = PTHREAD_COND_INITIALIZER };

void
fake_reset(void)
{
	void (*child)(void) = machine.child;

	memset(&machine, 0, sizeof(machine));
	machine.child = child;
	machine.refused_from = INT64_MAX;
	machine.has_queue = true;
	helper.exists = false;
}

int64_t
fake_ms(void)
{
	return machine.now / OS_MS;
}

static unsigned *
count_of(const char *call)
{
	int i;

	for (i = 0; machine.counts[i].call; i++)
		if (strcmp(machine.counts[i].call, call) == 0)
			break;
	machine.counts[i].call = call;
	return &machine.counts[i].times;
}

unsigned
fake_calls(const char *call)
{
	return *count_of(call);
}

void
fake_fail(const char *call, unsigned nth, int error)
{
	machine.failure.call = call;
	machine.failure.left = nth;
	machine.failure.times = 1;
	machine.failure.error = error;
	machine.failure.happened = false;
}

void
fake_fail_twice(const char *call, int error)
{
	fake_fail(call, 1, error);
	machine.failure.times = 2;
}

bool
fake_failed(void)
{
	return machine.failure.happened;
}

void
fake_before(const char *call, void (*what)(void))
{
	machine.before.call = call;
	machine.before.what = what;
}

void
fake_at(int64_t ms, void (*what)(void))
{
	int i;

	for (i = 0; machine.agenda[i].what; i++)
		;
	machine.agenda[i].when = ms * OS_MS;
	machine.agenda[i].what = what;
}

/* Every call comes by here: counted, announced, and perhaps made to fail. */
static int
call(const char *name)
{
	void (*what)(void) = machine.before.what;

	++*count_of(name);
	if (what && strcmp(machine.before.call, name) == 0)
		what();
	if (!machine.failure.call || (strcmp(machine.failure.call, name) && strcmp(machine.failure.call, "*")))
		return 0;
	if (machine.failure.left == 0 || --machine.failure.left)
		return 0;
	machine.failure.left = 1;
	if (--machine.failure.times == 0)
		machine.failure.call = NULL;
	machine.failure.happened = true;
	return machine.failure.error;
}

/* ---- time ---- */

static int
next_on_agenda(int64_t until)
{
	int i, next = -1;

	for (i = 0; i < MOST; i++)
		if (machine.agenda[i].what && machine.agenda[i].when <= until &&
		    (next < 0 || machine.agenda[i].when < machine.agenda[next].when))
			next = i;
	return next;
}

/* To the next thing that happens, or until then.  False if nothing happens any more. */
static bool
let_time_pass(int64_t until)
{
	int next = next_on_agenda(until);
	void (*what)(void);

	if (next < 0) {
		if (until == OS_NEVER) {
			fprintf(stderr, "a wait that nothing can end\n");
			abort();
		}
		if (machine.now < until)
			machine.now = until;
		return false;
	}
	what = machine.agenda[next].what;
	if (machine.agenda[next].when > machine.now)
		machine.now = machine.agenda[next].when;
	machine.agenda[next].what = NULL;
	what();
	return true;
}

int64_t
ipclock__os_now(void)
{
	return machine.now;
}

int
ipclock__os_sleep_until(int64_t when)
{
	int r = call("sleep");

	if (r)
		return r;
	while (machine.now < when && let_time_pass(when))
		;
	return 0;
}

bool
ipclock__os_signals_hold(void)
{
	return false;
}

bool
ipclock__os_signals_let(void)
{
	return false;
}

/* ---- memory and threads ---- */

void *
ipclock__os_alloc(size_t size)
{
	if (call("alloc"))
		return NULL;
	machine.allocated++;
	return calloc(1, size);
}

void
ipclock__os_free(void *p)
{
	machine.allocated -= p != NULL;
	free(p);
}

uint64_t
ipclock__os_thread(void)
{
	return 2;
}

void
ipclock__os_enter(struct os_guard *guard)
{
	guard->error = errno;
}

void
ipclock__os_leave(const struct os_guard *guard)
{
	errno = guard->error;
}

void
ipclock__os_enter_briefly(struct os_guard *guard)
{
	ipclock__os_enter(guard);
}

void
ipclock__os_leave_briefly(const struct os_guard *guard)
{
	ipclock__os_leave(guard);
}

int
ipclock__os_mutex_make(struct os_mutex *mutex)
{
	mutex->storage.bytes[0] = 0;
	return call("mutex_make");
}

void
ipclock__os_mutex_free(struct os_mutex *mutex)
{
	(void)mutex;
}

/* Ours is the only thread: a mutex that is taken is never given back. */
void
ipclock__os_mutex_lock(struct os_mutex *mutex)
{
	if (mutex->storage.bytes[0]++) {
		fprintf(stderr, "a mutex taken twice\n");
		abort();
	}
}

void
ipclock__os_mutex_unlock(struct os_mutex *mutex)
{
	mutex->storage.bytes[0]--;
}

static struct os_mutex process;

void
ipclock__os_process_lock(void)
{
	ipclock__os_mutex_lock(&process);
}

void
ipclock__os_process_unlock(void)
{
	ipclock__os_mutex_unlock(&process);
}

int
ipclock__os_at_fork(void (*child)(void))
{
	int r = call("at_fork");

	if (r == 0)
		machine.child = child;
	return r;
}

/* ---- files ---- */

static struct inode *
find(const char *path)
{
	int i;

	for (i = 0; i < MOST; i++)
		if (machine.inodes[i].number && strcmp(machine.inodes[i].path, path) == 0)
			return &machine.inodes[i];
	return NULL;
}

void
fake_file(const char *path, unsigned what)
{
	int i;

	for (i = 0; machine.inodes[i].number; i++)
		;
	snprintf(machine.inodes[i].path, sizeof(machine.inodes[i].path), "%s", path);
	machine.inodes[i].number = ++machine.last_inode;
	machine.inodes[i].what = what;
	machine.inodes[i].perm = -1;
}

void
fake_remove(const char *path)
{
	struct inode *inode = find(path);

	if (inode)
		inode->number = 0;
}

void
fake_replace(const char *path)
{
	fake_remove(path);
	fake_file(path, 0);
}

bool
fake_exists(const char *path)
{
	return find(path) != NULL;
}

int
fake_permissions(const char *path)
{
	return find(path)->perm;
}

static int
find_to_open(struct inode **inode, const char *path, unsigned how)
{
	*inode = find(path);
	if (!*inode && !(how & OS_CREATE))
		return ENOENT;
	if (!*inode) {
		fake_file(path, 0);
		*inode = find(path);
		return 0;
	}
	if (how & OS_CREATE)
		return EEXIST;
	if ((*inode)->what & FAKE_LINK)
		return ELOOP;
	return (how & OS_WRITE) && ((*inode)->what & FAKE_READ_ONLY) ? EACCES : 0;
}

int
ipclock__os_open(struct os_file *file, enum os_kind *kind, const char *path, unsigned how)
{
	struct inode *inode;
	int r = call(how & OS_CREATE ? "create" : "open"), fd;

	file->fd = -1;
	if (r == 0)
		r = find_to_open(&inode, path, how);
	if (r)
		return r;
	for (fd = 3; machine.files[fd].open; fd++)
		;
	machine.files[fd].open = true;
	machine.files[fd].inode = inode->number;
	file->fd = fd;
	file->access = (unsigned char)(how & (OS_READ | OS_WRITE));
	file->id.device = 1;
	file->id.inode = inode->number;
	*kind = inode->what & FAKE_DIRECTORY ? OS_DIRECTORY : inode->what & FAKE_FIFO ? OS_OTHER : OS_REGULAR;
	return 0;
}

int
ipclock__os_adopt(struct os_file *file, enum os_kind *kind, int fd)
{
	if (fd < 3 || fd >= MOST || !machine.files[fd].open)
		return EBADF;
	file->fd = fd;
	file->access = OS_READ | OS_WRITE;
	file->id.device = 1;
	file->id.inode = machine.files[fd].inode;
	*kind = OS_REGULAR;
	return 0;
}

void
ipclock__os_disown(struct os_file *file)
{
	file->fd = -1;
}

static void
drop_locks(int owner)
{
	size_t i;

	for (i = 0; i < sizeof(machine.locks) / sizeof(machine.locks[0]); i++)
		if (machine.locks[i].owner == owner)
			machine.locks[i].mode = OS_UNLOCKED;
}

void
ipclock__os_close(struct os_file *file)
{
	machine.files[file->fd].open = false;
	drop_locks(file->fd);
	file->fd = -1;
}

void
ipclock__os_forget(struct os_file *file)
{
	file->fd = -1;
}

int
ipclock__os_identify(const char *path, struct os_id *id)
{
	struct inode *inode;
	int r = call("identify");

	if (r)
		return r;
	inode = find(path);
	if (!inode)
		return ENOENT;
	id->device = 1;
	id->inode = inode->number;
	return 0;
}

int
ipclock__os_set_mode(const struct os_file *file, unsigned perm)
{
	int r = call("set_mode"), i;

	for (i = 0; i < MOST; i++)
		if (r == 0 && machine.inodes[i].number == file->id.inode)
			machine.inodes[i].perm = (int)perm;
	return r;
}

bool
ipclock__os_unlinks_open(void)
{
	return true;
}

int
ipclock__os_unlink(const char *path)
{
	int r = call("unlink");

	if (r == 0 && !find(path))
		return ENOENT;
	if (r == 0)
		fake_remove(path);
	return r;
}

int
ipclock__os_make_directory(const char *path)
{
	int r = call("make_directory");

	if (r == 0 && find(path))
		return EEXIST;
	if (r == 0)
		fake_file(path, FAKE_DIRECTORY);
	return r;
}

int
ipclock__os_absolute(const char *path, char **absolute)
{
	int r = call("absolute");

	if (r)
		return r;
	*absolute = ipclock__os_alloc(strlen(path) + 1);
	if (!*absolute)
		return ENOMEM;
	strcpy(*absolute, path);
	return 0;
}

const char *
ipclock__os_strerror(int error, char *buffer, size_t size)
{
	snprintf(buffer, size, "error %d", error);
	return buffer;
}

/* ---- locks ---- */

static uint64_t
inode_of(int owner)
{
	return owner >= FIRST_OTHER ? machine.others[owner - FIRST_OTHER] : machine.files[owner].inode;
}

static int64_t
end_of(int64_t start, int64_t len)
{
	return len ? start + len : INT64_MAX;
}

static struct range_lock *
conflict(int owner, int64_t start, int64_t end, enum os_mode mode)
{
	size_t i;

	for (i = 0; i < sizeof(machine.locks) / sizeof(machine.locks[0]); i++) {
		struct range_lock *l = &machine.locks[i];

		if (l->mode != OS_UNLOCKED && l->inode == inode_of(owner) && l->owner != owner && l->start < end &&
		    start < l->end && (mode == OS_EXCLUSIVE || l->mode == OS_EXCLUSIVE))
			return l;
	}
	return NULL;
}

static void
add(uint64_t inode, int owner, int64_t start, int64_t end, enum os_mode mode)
{
	size_t i = 0;

	while (machine.locks[i].mode != OS_UNLOCKED)
		i++;
	machine.locks[i] = (struct range_lock){ inode, owner, start, end, mode };
}

static void
carve(int owner, int64_t start, int64_t end)
{
	size_t i;

	for (i = 0; i < sizeof(machine.locks) / sizeof(machine.locks[0]); i++) {
		struct range_lock was = machine.locks[i];

		if (was.mode == OS_UNLOCKED || was.owner != owner || was.start >= end || start >= was.end)
			continue;
		machine.locks[i].mode = OS_UNLOCKED;
		if (was.start < start)
			add(was.inode, owner, was.start, start, was.mode);
		if (end < was.end)
			add(was.inode, owner, end, was.end, was.mode);
	}
}

bool
fake_lock(int owner, int64_t start, int64_t len, enum os_mode mode)
{
	int64_t end = end_of(start, len);

	if (conflict(owner, start, end, mode))
		return false;
	carve(owner, start, end);
	add(inode_of(owner), owner, start, end, mode);
	return true;
}

void
fake_unlock(int owner, int64_t start, int64_t len)
{
	carve(owner, start, end_of(start, len));
}

int
fake_other(const char *path)
{
	if (!find(path))
		fake_file(path, 0);
	machine.others[machine.last_other] = find(path)->number;
	return FIRST_OTHER + machine.last_other++;
}

enum os_mode
fake_locked(const char *path, int64_t byte, int *owner)
{
	struct inode *inode = find(path);
	size_t i;

	for (i = 0; inode && i < sizeof(machine.locks) / sizeof(machine.locks[0]); i++)
		if (machine.locks[i].mode != OS_UNLOCKED && machine.locks[i].inode == inode->number &&
		    machine.locks[i].start <= byte && byte < machine.locks[i].end) {
			if (owner)
				*owner = machine.locks[i].owner;
			return machine.locks[i].mode;
		}
	if (owner)
		*owner = 0;
	return OS_UNLOCKED;
}

void
fake_refuse_offsets(int64_t from)
{
	machine.refused_from = from;
}

void
fake_queue(bool has)
{
	machine.has_queue = has;
}

void
fake_wait_ends(bool ends)
{
	machine.wait_ends = ends;
}

void
fake_at_stop(void (*what)(void))
{
	machine.at_stop = what;
}

static int
try_range(const struct os_file *file, struct os_range range, enum os_mode mode)
{
	if (range.start >= machine.refused_from)
		return ENOTSUP;
	if (!(file->access & (mode == OS_SHARED ? OS_READ : (OS_WRITE | OS_ANY_LOCK))))
		return EBADF;
	return fake_lock(file->fd, range.start, range.len, mode) ? 0 : EBUSY;
}

int
ipclock__os_range_try(const struct os_file *file, struct os_range range, enum os_mode mode)
{
	int r = call("range_try");

	return r ? r : try_range(file, range, mode);
}

int
ipclock__os_range_wait(const struct os_file *file, struct os_range range, enum os_mode mode, int64_t until)
{
	int r = call("range_wait");

	if (r)
		return r;
	while ((r = try_range(file, range, mode)) == EBUSY && machine.now < until)
		let_time_pass(until);
	return r == EBUSY ? ETIMEDOUT : r;
}

bool
ipclock__os_range_wait_ends(void)
{
	return machine.wait_ends;
}

int
ipclock__os_range_unlock(const struct os_file *file, struct os_range range)
{
	int r = call("range_unlock");

	if (r == 0)
		fake_unlock(file->fd, range.start, range.len);
	return r;
}

bool
ipclock__os_range_is_free(const struct os_file *file, struct os_range range)
{
	struct os_lock found;

	return ipclock__os_range_query(file, range, OS_EXCLUSIVE, &found) == 0 && found.mode == OS_UNLOCKED;
}

int
ipclock__os_range_query(const struct os_file *file, struct os_range range, enum os_mode mode, struct os_lock *found)
{
	const struct range_lock *lock;
	int r = call("range_query");

	if (r == 0 && range.start >= machine.refused_from)
		r = ENOTSUP;
	if (r)
		return r;
	lock = conflict(file->fd, range.start, end_of(range.start, range.len), mode);
	found->mode = lock ? lock->mode : OS_UNLOCKED;
	if (lock) {
		found->range.start = lock->start;
		found->range.len = lock->end == INT64_MAX ? 0 : lock->end - lock->start;
	}
	return 0;
}

bool
ipclock__os_range_has_queue(const struct os_file *file)
{
	(void)file;
	return machine.has_queue;
}

bool
ipclock__os_range_inherits(void)
{
	return true;
}

int
ipclock__os_range_check(const struct os_file *file, struct os_range range, enum os_mode mode)
{
	(void)file, (void)range, (void)mode;
	return call("range_check");
}

/* ---- the helper, and the events that it sets ---- */

static void
give_baton_to_helper(void)
{
	helper.runs = true;
	pthread_cond_broadcast(&helper.turn);
	while (helper.runs)
		pthread_cond_wait(&helper.turn, &helper.mutex);
}

/* Runs it for as long as it can go on. */
static void
run_helper(void)
{
	while (helper.exists && !helper.finished && machine.now >= helper.rests_until &&
	    (!helper.waits || try_range(helper.file, helper.range, helper.mode) != EBUSY)) {
		helper.waits = false;
		give_baton_to_helper();
	}
}

/* In the helper: back to the test, until it may go on; or never. */
static void
yield_baton(void)
{
	helper.runs = false;
	pthread_cond_broadcast(&helper.turn);
	while (!helper.runs && !helper.stopped)
		pthread_cond_wait(&helper.turn, &helper.mutex);
	if (helper.stopped) {
		pthread_mutex_unlock(&helper.mutex);
		pthread_exit(NULL);
	}
}

int
ipclock__os_range_wait_stoppable(const struct os_file *file, struct os_range range, enum os_mode mode)
{
	int r = call("range_wait_stoppable");

	if (r)
		return r;
	r = try_range(file, range, mode);
	if (r != EBUSY)
		return r;
	helper.file = file;
	helper.range = range;
	helper.mode = mode;
	helper.waits = true;
	yield_baton();
	return 0;
}

static void
nothing(void)
{
}

void
ipclock__os_helper_rest(int64_t until)
{
	helper.rests_until = until;
	fake_at(until / OS_MS, nothing);
	yield_baton();
}

static void *
helper_main(void *arg)
{
	pthread_mutex_lock(&helper.mutex);
	while (!helper.runs && !helper.stopped)
		pthread_cond_wait(&helper.turn, &helper.mutex);
	if (!helper.stopped)
		helper.helper->run(helper.helper->arg);
	helper.finished = true;
	helper.runs = false;
	pthread_cond_broadcast(&helper.turn);
	pthread_mutex_unlock(&helper.mutex);
	return arg;
}

int
ipclock__os_helper_start(struct os_helper *h, void (*run)(void *), void *arg)
{
	int r = call("helper_start");

	if (r)
		return r;
	if (helper.exists)
		abort();
	h->run = run;
	h->arg = arg;
	helper.helper = h;
	helper.finished = helper.stopped = helper.runs = helper.waits = false;
	helper.rests_until = 0;
	helper.exists = true;
	pthread_mutex_lock(&helper.mutex);
	return pthread_create(&helper.thread, NULL, helper_main, NULL);
}

void
ipclock__os_helper_stop(struct os_helper *h, bool at_its_end)
{
	void (*what)(void) = machine.at_stop;

	(void)h;
	if (!helper.exists || at_its_end != helper.finished)
		abort();
	if (helper.waits && what) {
		machine.at_stop = NULL;
		what();
		try_range(helper.file, helper.range, helper.mode);
	}
	helper.stopped = true;
	helper.exists = false;
	pthread_cond_broadcast(&helper.turn);
	pthread_mutex_unlock(&helper.mutex);
	pthread_join(helper.thread, NULL);
}

void
fake_pass_until(int64_t ms)
{
	run_helper();
	while (let_time_pass(ms * OS_MS))
		run_helper();
	run_helper();
}

void
ipclock__os_event_make(struct os_event *event)
{
	event->set = 0;
	event->fd = -1;
}

void
ipclock__os_event_free(struct os_event *event)
{
	event->fd = -1;
}

void
ipclock__os_event_set(struct os_event *event)
{
	event->set = 1;
}

void
ipclock__os_event_clear(struct os_event *event)
{
	event->set = 0;
}

int
ipclock__os_event_wait(struct os_event *event, int64_t until)
{
	int r = call("event_wait");

	if (r)
		return r;
	run_helper();
	while (!event->set && machine.now < until) {
		let_time_pass(until);
		run_helper();
	}
	return event->set ? 0 : ETIMEDOUT;
}

int
ipclock__os_event_fd(struct os_event *event)
{
	if (call("event_fd"))
		return -1;
	event->fd = 99;
	return 99;
}

/* ---- who holds what: each owner is a process ---- */

static int
tell_claims(uint64_t inode, bool listed, int (*take)(void *ctx, const struct os_claim *claim), void *ctx)
{
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < sizeof(machine.locks) / sizeof(machine.locks[0]); i++) {
		const struct range_lock *l = &machine.locks[i];
		struct os_claim claim = { .pid = listed ? 0 : l->owner, .mode = l->mode, .listed = listed };

		claim.range.start = l->start;
		claim.range.len = l->end == INT64_MAX ? 0 : l->end - l->start;
		if (l->mode != OS_UNLOCKED && l->inode == inode)
			r = take(ctx, &claim);
	}
	return r;
}

int
ipclock__os_claims(const char *path, int fd, bool whole, enum os_kind *kind,
    int (*take)(void *ctx, const struct os_claim *claim), void *ctx)
{
	const struct inode *inode = path ? find(path) : NULL;
	int r = call("claims"), times = machine.list_tears ? 2 : 1;
	uint64_t number;

	if (r)
		return r;
	if (path && !inode)
		return ENOENT;
	*kind = OS_REGULAR;
	machine.list_tears = false;
	number = inode ? inode->number : machine.files[fd].inode;
	r = whole ? 0 : tell_claims(number, false, take, ctx);
	while (r == 0 && !whole && times-- > 0)
		r = tell_claims(number, true, take, ctx);
	return r;
}

void
fake_tear_list(void)
{
	machine.list_tears = true;
}

long
ipclock__os_range_owner(const struct os_file *file, struct os_range range)
{
	const struct range_lock *lock = conflict(file->fd, range.start, end_of(range.start, range.len), OS_EXCLUSIVE);

	return lock ? lock->owner : 0;
}

void
ipclock__os_command(long pid, char *name, size_t size)
{
	snprintf(name, size, "process-%ld", pid);
}

/* ---- what is left behind ---- */

int
fake_open_files(void)
{
	int fd, n = 0;

	for (fd = 0; fd < MOST; fd++)
		n += machine.files[fd].open;
	return n;
}

int
fake_locks(void)
{
	size_t i;
	int n = 0;

	for (i = 0; i < sizeof(machine.locks) / sizeof(machine.locks[0]); i++)
		n += machine.locks[i].mode != OS_UNLOCKED && machine.locks[i].owner < FIRST_OTHER;
	return n;
}

int
fake_allocated(void)
{
	return machine.allocated;
}

int
fake_helpers(void)
{
	return helper.exists;
}
