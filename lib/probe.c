/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * The trials, as a table of steps: which peer does what, and what must come of
 * it.  This process only tells, listens and writes down; whatever may hang is
 * done by a peer.
 */

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <ipclock/attr.h>
#include <ipclock/probe.h>
#include <ipclock/rw_lock.h>

#include "layout.h"
#include "message.h"
#include "os.h"
#include "os_probe.h"

#define ALL_MS    4000 /* for all trials */
#define ANSWER_MS 1000 /* for one step */
#define SHORT_MS  100  /* a wait that ends in vain */
#define PAUSE_MS  30   /* for a wait to begin */
#define REMOVE_MS 600  /* to leave nothing behind */

#define FILE_SYSTEM (-1)

enum { A, B, C, PEERS };

enum command {
	END, /* of a trial */
	/* Commands to a peer; its answer is an errno value. */
	WRITE,         /* acquire, one try */
	READ,
	WRITE_SHORT,   /* acquire, with a wait */
	WRITE_LONG,
	RELEASE_WRITE,
	RELEASE_READ,
	FORK,          /* a child that tries the handle and exits */
	NUMBER,        /* lock the line's first byte, the next, or its last */
	NEXT_NUMBER,
	LAST_NUMBER,
	SEE_NUMBER,    /* is the line's first byte locked by another? */
	AWAIT_ONE,     /* until so many stand in line */
	AWAIT_TWO,
	CREATE,        /* with O_EXCL */
	CREATE_OTHER,
	LINK,          /* the file to the other name */
	SAME,          /* do both names name one file? */
	MOVE,          /* the file to the other name, and use that from now on */
	REPLACE,       /* the file by a new one */
	MAKE_SCRATCH,  /* the directory of all trials */
	REMOVE_SCRATCH,
	/* What this process does. */
	START_LONG,    /* WRITE_LONG, and hear the answer later */
	HEAR,
	NOT_YET,       /* there is no answer yet */
	PAUSE,
	KILL,
};

struct step {
	unsigned char peer;
	unsigned char command;
	int wanted;
	const char *otherwise; /* what another outcome means */
};

struct trial {
	const char *name;
	int protocol;
	bool vital; /* for promise A or B */
	const char *holds;
	const struct step *steps;
};

struct outcome {
	int result;
	char detail[120];
};

/* ---- the table ---- */

#define FREE     "a free lock was refused"
#define RELEASED "a released lock was refused"

static const struct step exclusion[] = {
	{ A, WRITE, 0, FREE },
	{ B, WRITE, EBUSY, "two writers hold it at once" },
	{ B, READ, EBUSY, "a reader holds it beside a writer" },
	{ A, RELEASE_WRITE, 0, "it cannot be released" },
	{ B, WRITE, 0, RELEASED },
	{ A, WRITE, EBUSY, "two writers hold it at once" },
	{ 0, END, 0, NULL },
};

static const struct step sharing[] = {
	{ A, READ, 0, FREE },
	{ B, READ, 0, "a second reader was refused" },
	{ C, WRITE, EBUSY, "a writer holds it beside readers" },
	{ A, RELEASE_READ, 0, "it cannot be released" },
	{ C, WRITE, EBUSY, "a writer holds it beside a reader" },
	{ B, RELEASE_READ, 0, "it cannot be released" },
	{ C, WRITE, 0, RELEASED },
	{ A, READ, EBUSY, "a reader holds it beside a writer" },
	{ 0, END, 0, NULL },
};

static const struct step line[] = {
	{ A, NUMBER, 0, "a free number was refused" },
	{ B, NUMBER, EBUSY, "two hold one number" },
	{ B, SEE_NUMBER, 0, "a number is not to be seen by others" },
	{ B, NEXT_NUMBER, 0, "the next number was refused" },
	{ C, LAST_NUMBER, 0, "the last number was refused" },
	{ A, KILL, 0, NULL },
	{ C, NUMBER, 0, "a number outlives its process" },
	{ 0, END, 0, NULL },
};

static const struct step turn[] = {
	{ A, WRITE, 0, FREE },
	{ B, START_LONG, 0, NULL },
	{ A, AWAIT_ONE, 0, "nobody stands in line" },
	{ C, START_LONG, 0, NULL },
	{ A, AWAIT_TWO, 0, "the second does not stand in line" },
	{ A, RELEASE_WRITE, 0, "it cannot be released" },
	{ B, HEAR, 0, "the first in line was not served" },
	{ C, NOT_YET, 0, "the second in line was served with the first" },
	{ B, RELEASE_WRITE, 0, "it cannot be released" },
	{ C, HEAR, 0, "the second in line was not served" },
	{ 0, END, 0, NULL },
};

static const struct step timed_wait[] = {
	{ A, WRITE, 0, FREE },
	{ B, WRITE_SHORT, ETIMEDOUT, "a wait did not end in vain when it should" },
	{ B, START_LONG, 0, NULL },
	{ B, PAUSE, 0, NULL },
	{ B, NOT_YET, 0, "a wait ended while another holds it" },
	{ A, RELEASE_WRITE, 0, "it cannot be released" },
	{ B, HEAR, 0, "who waits does not get a released lock" },
	{ 0, END, 0, NULL },
};

static const struct step crash[] = {
	{ A, WRITE, 0, FREE },
	{ B, WRITE, EBUSY, "two writers hold it at once" },
	{ B, START_LONG, 0, NULL },
	{ B, PAUSE, 0, NULL },
	{ A, KILL, 0, NULL },
	{ B, HEAR, 0, "it outlives its killed holder" },
	{ B, KILL, 0, NULL },
	{ C, WRITE_LONG, 0, "it outlives its killed holder" },
	{ 0, END, 0, NULL },
};

static const struct step forked[] = {
	{ A, WRITE, 0, FREE },
	{ A, FORK, EBUSY, "a child has its parent's lock" },
	{ B, WRITE, EBUSY, "the exit of a child frees its parent's lock" },
	{ A, RELEASE_WRITE, 0, "it cannot be released" },
	{ B, WRITE, 0, RELEASED },
	{ 0, END, 0, NULL },
};

static const struct step replaced[] = {
	{ A, WRITE, 0, FREE },
	{ B, REPLACE, 0, "the file cannot be replaced while it is locked" },
	{ B, WRITE, 0, "the new file is locked too" },
	{ A, RELEASE_WRITE, 0, "it cannot be released" },
	{ A, WRITE, EBUSY, "who knew the old file does not see the new one" },
	{ 0, END, 0, NULL },
};

static const struct step moved[] = {
	{ A, WRITE, 0, FREE },
	{ B, MOVE, 0, "the file cannot be renamed while it is locked" },
	{ B, WRITE, EBUSY, "the file's lock is lost with its name" },
	{ A, RELEASE_WRITE, 0, "it cannot be released" },
	{ B, WRITE, 0, RELEASED },
	{ 0, END, 0, NULL },
};

static const struct step linked[] = {
	{ A, CREATE, 0, "a new file was refused" },
	{ A, LINK, 0, "a new name was refused" },
	{ B, SAME, 0, "two names of one file look like two files" },
	{ B, LINK, EEXIST, "it replaces a name that is there" },
	{ 0, END, 0, NULL },
};

static const struct step created[] = {
	{ A, CREATE, 0, "a new file was refused" },
	{ B, CREATE, EEXIST, "two processes made one file" },
	{ 0, END, 0, NULL },
};

static const struct step renamed[] = {
	{ A, CREATE, 0, "a new file was refused" },
	{ B, REPLACE, 0, "it does not replace a name that is there" },
	{ A, CREATE, EEXIST, "the new name is not there" },
	{ A, CREATE_OTHER, 0, "the old name is still there" },
	{ 0, END, 0, NULL },
};

static const struct trial trials[] = {
	{ "link", FILE_SYSTEM, false, "a second name, never in place of another", linked },
	{ "O_EXCL", FILE_SYSTEM, false, "one alone makes a file", created },
	{ "rename", FILE_SYSTEM, false, "puts a file in another's place", renamed },
	{ "exclusion", IPCLOCK_RANGE, true, "one writer, and no reader beside it", exclusion },
	{ "sharing", IPCLOCK_RANGE, true, "readers together, and no writer beside them", sharing },
	{ "crash", IPCLOCK_RANGE, true, "free when its holder is killed", crash },
	{ "line", IPCLOCK_RANGE, false, "numbers beyond 2^62, one holder each", line },
	{ "turn", IPCLOCK_RANGE, false, "first come, first served", turn },
	{ "timed wait", IPCLOCK_RANGE, false, "ends in time, and with the lock when it is released", timed_wait },
	{ "fork", IPCLOCK_RANGE, false, "the parent's, whatever its child does", forked },
	{ "replace", IPCLOCK_RANGE, false, "a replaced lock file is noticed", replaced },
	{ "move", IPCLOCK_RANGE, false, "stays with a file that is renamed", moved },
	{ "exclusion", IPCLOCK_FLOCK, true, "one writer, and no reader beside it", exclusion },
	{ "sharing", IPCLOCK_FLOCK, true, "readers together, and no writer beside them", sharing },
	{ "crash", IPCLOCK_FLOCK, true, "free when its holder is killed", crash },
	{ "timed wait", IPCLOCK_FLOCK, false, "ends in time, and with the lock when it is released", timed_wait },
	{ "fork", IPCLOCK_FLOCK, false, "the parent's, whatever its child does", forked },
	{ "replace", IPCLOCK_FLOCK, false, "a replaced lock file is noticed", replaced },
	{ "move", IPCLOCK_FLOCK, false, "stays with a file that is renamed", moved },
};

#define TRIALS (sizeof(trials) / sizeof(*trials))

struct ipclock_probe {
	char file_system[64];
	struct outcome outcomes[TRIALS];
};

/* ---- in a peer ---- */

/* What a peer knows; its own copy once it has begun. */
struct actor {
	const char *path;
	const char *other;
	int protocol;
	struct ipclock_rw *lock;
	struct os_file file; /* for the line; fd -1: not open */
};

static int
open_lock(struct actor *actor)
{
	struct ipclock_attr *attr;
	int r;

	if (actor->lock != NULL)
		return 0;
	r = ipclock_attr_new(&attr);
	if (r)
		return r;
	r = ipclock_attr_set_protocol(attr, actor->protocol);
	if (r == 0)
		r = ipclock_rw_open(&actor->lock, actor->path, attr);
	ipclock_attr_free(attr);
	return r;
}

static int
acquire(struct actor *actor, enum command command)
{
	int r = open_lock(actor);

	if (r)
		return r;
	if (command == READ)
		return ipclock_rw_acquire_read(actor->lock, 0);
	return ipclock_rw_acquire_write(actor->lock, command == WRITE ? 0 : command == WRITE_SHORT ? SHORT_MS : ALL_MS);
}

static int
acquire_short(struct actor *actor)
{
	int64_t before = ipclock__os_now();
	int r = acquire(actor, WRITE_SHORT);

	return r == ETIMEDOUT && ipclock__os_now() - before < SHORT_MS * OS_MS ? EBADMSG : r;
}

static int
make_file(const char *path)
{
	struct os_file file;
	enum os_kind kind;
	int r = ipclock__os_open(&file, &kind, path, OS_READ | OS_WRITE | OS_CREATE);

	if (r == 0)
		ipclock__os_close(&file);
	return r;
}

static int
open_line(struct actor *actor)
{
	enum os_kind kind;
	int r;

	if (actor->file.fd >= 0)
		return 0;
	r = make_file(actor->path);
	if (r == 0 || r == EEXIST)
		r = ipclock__os_open(&actor->file, &kind, actor->path, OS_READ | OS_WRITE);
	actor->file.whole = false;
	return r;
}

static int
take_number(struct actor *actor, int64_t number)
{
	int r = open_line(actor);
	struct os_range byte = { .start = LAYOUT_LINE_BASE + number, .len = 1 };

	return r ? r : ipclock__os_range_try(&actor->file, byte, OS_EXCLUSIVE);
}

/* How many others stand in line before the first gap that ends it. */
static int
count_line(struct actor *actor, int most, int *n)
{
	struct os_range rest = { .start = LAYOUT_LINE_BASE, .len = LAYOUT_LINE_LEN };
	struct os_lock found = { .mode = OS_EXCLUSIVE };
	int r = open_line(actor);

	for (*n = 0; r == 0 && *n < most; ++*n) {
		r = ipclock__os_range_query(&actor->file, rest, OS_EXCLUSIVE, &found);
		if (r || found.mode == OS_UNLOCKED)
			break;
		rest.start = found.range.start + 1;
		rest.len = LAYOUT_LINE_BASE + LAYOUT_LINE_LEN - rest.start;
	}
	return r;
}

static int
await_line(struct actor *actor, int wanted)
{
	int64_t end = ipclock__os_now() + ANSWER_MS / 2 * OS_MS;
	int n, r;

	for (;;) {
		r = count_line(actor, wanted, &n);
		if (r || n == wanted)
			return r;
		if (ipclock__os_now() > end)
			return EBADMSG;
		ipclock__os_sleep_until(ipclock__os_now() + OS_MS);
	}
}

static int
see_number(struct actor *actor)
{
	int n, r = count_line(actor, 1, &n);

	return r ? r : n == 1 ? 0 : EBADMSG;
}

static int
is_same(const struct actor *actor)
{
	struct os_id one, two;
	int r = ipclock__os_identify(actor->path, &one);

	if (r == 0)
		r = ipclock__os_identify(actor->other, &two);
	return r ? r : one.device == two.device && one.inode == two.inode ? 0 : EBADMSG;
}

static int
replace(const struct actor *actor)
{
	int r = make_file(actor->other);

	return r ? r : ipclock__os_rename(actor->other, actor->path);
}

static int
move(struct actor *actor)
{
	int r = ipclock__os_rename(actor->path, actor->other);

	if (r == 0)
		actor->path = actor->other;
	return r;
}

static int
try_in_child(void *ctx)
{
	return acquire(ctx, WRITE);
}

static int
try_by_fork(struct actor *actor)
{
	int answer, r = ipclock__os_peer_fork(try_in_child, actor, &answer);

	return r ? r : answer;
}

static int
perform_on_lock(struct actor *actor, enum command command)
{
	switch (command) {
	case WRITE_SHORT:
		return acquire_short(actor);
	case RELEASE_WRITE:
		return ipclock_rw_release_write(actor->lock);
	case RELEASE_READ:
		return ipclock_rw_release_read(actor->lock);
	case FORK:
		return try_by_fork(actor);
	default:
		return acquire(actor, command);
	}
}

static int
perform_on_line(struct actor *actor, enum command command)
{
	switch (command) {
	case NUMBER:
		return take_number(actor, 0);
	case NEXT_NUMBER:
		return take_number(actor, 1);
	case LAST_NUMBER:
		return take_number(actor, LAYOUT_LINE_LEN - 1);
	case SEE_NUMBER:
		return see_number(actor);
	default:
		return await_line(actor, command == AWAIT_ONE ? 1 : 2);
	}
}

static int
perform(void *ctx, int command)
{
	struct actor *actor = ctx;

	switch (command) {
	case CREATE:
		return make_file(actor->path);
	case CREATE_OTHER:
		return make_file(actor->other);
	case LINK:
		return ipclock__os_link(actor->path, actor->other);
	case SAME:
		return is_same(actor);
	case MOVE:
		return move(actor);
	case REPLACE:
		return replace(actor);
	case MAKE_SCRATCH:
		return ipclock__os_scratch_make(actor->path);
	case REMOVE_SCRATCH:
		return ipclock__os_scratch_remove(actor->path);
	default:
		if (command >= NUMBER && command <= AWAIT_TWO)
			return perform_on_line(actor, (enum command)command);
		return perform_on_lock(actor, (enum command)command);
	}
}

/* ---- in the caller's process ---- */

/* A trial under way. */
struct stage {
	struct actor actor;
	struct os_peer peers[PEERS];
	struct outcome *outcome;
	int64_t end; /* of all trials */
	int error;   /* why no peer could be had */
};

static int
outcome_is(struct outcome *outcome, int result, const char *detail)
{
	outcome->result = result;
	snprintf(outcome->detail, sizeof(outcome->detail), "%s", detail);
	return result;
}

static int64_t
until(const struct stage *stage, int ms)
{
	int64_t then = ipclock__os_now() + ms * OS_MS;

	return then < stage->end ? then : stage->end;
}

/* An answer that was not wanted: the lock is not kept to, or a call has failed. */
static int
judge(struct stage *stage, const struct step *step, int answer)
{
	char text[64];

	if (answer == step->wanted)
		return 0;
	switch (answer) {
	case 0:
	case EBADMSG:
	case EBUSY:
	case EEXIST:
	case ETIMEDOUT:
		return outcome_is(stage->outcome, EBADMSG, step->otherwise);
	case ENOTSUP:
		return outcome_is(stage->outcome, ENOTSUP, "there is no such thing here");
	default:
		stage->outcome->result = answer;
		snprintf(stage->outcome->detail, sizeof(stage->outcome->detail), "%s: %s", step->otherwise,
		    ipclock__os_strerror(answer, text, sizeof(text)));
		return answer;
	}
}

static int
hear(struct stage *stage, const struct step *step)
{
	int answer = 0;
	int r = ipclock__os_peer_hear(&stage->peers[step->peer], until(stage, ANSWER_MS), &answer);

	if (r == 0)
		return judge(stage, step, answer);
	return outcome_is(stage->outcome, r, r == ETIMEDOUT ? "a call did not come back" : "a process died of it");
}

static int
not_yet(struct stage *stage, const struct step *step)
{
	int answer = 0;
	int r = ipclock__os_peer_hear(&stage->peers[step->peer], until(stage, PAUSE_MS), &answer);

	if (r == ETIMEDOUT)
		return 0;
	return r || answer == 0 ? outcome_is(stage->outcome, EBADMSG, step->otherwise) : judge(stage, step, answer);
}

static int
tell(struct stage *stage, const struct step *step, enum command command)
{
	struct os_peer *peer = &stage->peers[step->peer];
	int r = 0;

	if (peer->pid == 0)
		stage->error = r = ipclock__os_peer_start(peer, perform, &stage->actor);
	return r ? r : ipclock__os_peer_tell(peer, (int)command);
}

static int
take_step(struct stage *stage, const struct step *step)
{
	int r;

	switch (step->command) {
	case PAUSE:
		ipclock__os_sleep_until(until(stage, PAUSE_MS));
		return 0;
	case KILL:
		ipclock__os_peer_end(&stage->peers[step->peer]);
		return 0;
	case START_LONG:
		return tell(stage, step, WRITE_LONG);
	case HEAR:
		return hear(stage, step);
	case NOT_YET:
		return not_yet(stage, step);
	default:
		r = tell(stage, step, (enum command)step->command);
		return r ? r : hear(stage, step);
	}
}

static int
run_trial(const struct trial *trial, const char *scratch, unsigned number, int64_t end, struct outcome *outcome)
{
	struct stage stage = { .outcome = outcome, .end = end };
	size_t size = strlen(scratch) + 16;
	char *names = ipclock__os_alloc(2 * size);
	const struct step *step;
	unsigned i;

	if (names == NULL)
		return ENOMEM;
	snprintf(names, size, "%s/%u", scratch, number);
	snprintf(names + size, size, "%s/%u.other", scratch, number);
	stage.actor = (struct actor){ .path = names, .other = names + size, .protocol = trial->protocol, .file.fd = -1 };
	outcome_is(outcome, 0, trial->holds);
	for (step = trial->steps; step->command != END && take_step(&stage, step) == 0; step++)
		continue;
	for (i = 0; i < PEERS; i++)
		ipclock__os_peer_end(&stage.peers[i]);
	ipclock__os_free(names);
	return stage.error;
}

static int
run_trials(struct ipclock_probe *probe, const char *scratch, int64_t end)
{
	unsigned i;
	int r = 0;

	for (i = 0; i < TRIALS && r == 0; i++) {
		if (ipclock__os_now() < end)
			r = run_trial(&trials[i], scratch, i, end, &probe->outcomes[i]);
		else
			outcome_is(&probe->outcomes[i], ETIMEDOUT, "not tried: no time was left");
	}
	return r;
}

static int
ask(struct os_peer *peer, enum command command, int ms)
{
	int answer, r = ipclock__os_peer_tell(peer, (int)command);

	if (r == 0)
		r = ipclock__os_peer_hear(peer, ipclock__os_now() + ms * OS_MS, &answer);
	return r ? r : answer;
}

/* The peer that has made the directory is kept, to remove it. */
static int
make_scratch(struct os_peer *keeper, char *path, size_t size, const char *dir)
{
	struct actor actor = { .path = path, .file.fd = -1 };
	int tries, r = EEXIST;

	for (tries = 0; r == EEXIST && tries < 20; tries++) {
		snprintf(path, size, "%s/.ipclock-probe.%06x", dir, (unsigned)(ipclock__os_now() / 64 & 0xffffff));
		r = ipclock__os_peer_start(keeper, perform, &actor);
		if (r)
			return r;
		r = ask(keeper, MAKE_SCRATCH, ANSWER_MS);
		if (r)
			ipclock__os_peer_end(keeper);
	}
	return r;
}

static int
probe_directory(struct ipclock_probe *probe, const char *dir)
{
	int64_t end = ipclock__os_now() + ALL_MS * OS_MS;
	struct os_peer keeper = { .pid = 0 };
	size_t size = strlen(dir) + 32;
	char *scratch = ipclock__os_alloc(size);
	int r = scratch == NULL ? ENOMEM : make_scratch(&keeper, scratch, size, dir);

	if (r == 0) {
		ipclock__os_file_system(dir, probe->file_system, sizeof(probe->file_system));
		r = run_trials(probe, scratch, end);
		ask(&keeper, REMOVE_SCRATCH, REMOVE_MS);
		ipclock__os_peer_end(&keeper);
	}
	ipclock__os_free(scratch);
	return r == ENOTDIR ? EINVAL : r;
}

int
ipclock_probe(const char *dir, struct ipclock_probe **probe)
{
	struct os_guard guard;
	struct ipclock_probe *p;
	int r;

	if (probe != NULL)
		*probe = NULL;
	if (dir == NULL || *dir == '\0' || probe == NULL)
		return ipclock__message_outcome("probe", dir, dir == NULL ? "no directory: NULL" :
		    *dir == '\0' ? "the path is empty" : "no place to put the result: NULL", EINVAL);
	ipclock__os_enter(&guard);
	p = ipclock__os_alloc(sizeof(*p));
	r = p == NULL ? ENOMEM : probe_directory(p, dir);
	if (r)
		ipclock__os_free(p);
	else
		*probe = p;
	ipclock__message_outcome("probe", dir, r == EINVAL ? "not a directory" :
	    r == ENOTSUP ? "this system cannot be probed" : NULL, r);
	ipclock__os_leave(&guard);
	return r;
}

void
ipclock_probe_free(struct ipclock_probe *probe)
{
	ipclock__os_free(probe);
}

const char *
ipclock_probe_filesystem(const struct ipclock_probe *probe)
{
	return probe != NULL ? probe->file_system : NULL;
}

int
ipclock_probe_works(const struct ipclock_probe *probe)
{
	size_t i;

	if (probe == NULL)
		return 0;
	for (i = 0; i < TRIALS; i++)
		if (trials[i].vital && trials[i].protocol == IPCLOCK_RANGE && probe->outcomes[i].result != 0)
			return 0;
	return 1;
}

unsigned
ipclock_probe_trials(const struct ipclock_probe *probe)
{
	return probe != NULL ? TRIALS : 0;
}

const char *
ipclock_probe_trial_name(const struct ipclock_probe *probe, unsigned trial)
{
	return trial < ipclock_probe_trials(probe) ? trials[trial].name : NULL;
}

int
ipclock_probe_trial_protocol(const struct ipclock_probe *probe, unsigned trial)
{
	return trial < ipclock_probe_trials(probe) ? trials[trial].protocol : FILE_SYSTEM;
}

int
ipclock_probe_trial_result(const struct ipclock_probe *probe, unsigned trial)
{
	return trial < ipclock_probe_trials(probe) ? probe->outcomes[trial].result : EINVAL;
}

const char *
ipclock_probe_trial_detail(const struct ipclock_probe *probe, unsigned trial)
{
	return trial < ipclock_probe_trials(probe) ? probe->outcomes[trial].detail : NULL;
}
