/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <errno.h>
#include <stddef.h>

#include <ipclock/attr.h>

#include "attr.h"
#include "layout.h"
#include "lock_file.h"
#include "message.h"

#define KNOWN_FLAGS                                                                                                    \
	(IPCLOCK_RECURSIVE | IPCLOCK_RECURSIVE_PROCESS | IPCLOCK_UNFAIR | IPCLOCK_TRUST_PATH | IPCLOCK_POLL |           \
	    IPCLOCK_INTERRUPTIBLE | IPCLOCK_NOCREATE | IPCLOCK_INHERIT | IPCLOCK_MKDIR | IPCLOCK_UNLINK)
#define RECURSIVE_FLAGS (IPCLOCK_RECURSIVE | IPCLOCK_RECURSIVE_PROCESS)

_Static_assert((int)LOG_DEBUG == IPCLOCK_LOG_DEBUG && (int)LOG_INFO == IPCLOCK_LOG_INFO &&
    (int)LOG_WARNING == IPCLOCK_LOG_WARNING, "levels");

const struct ipclock_attr ipclock__attr_defaults = {
	.options = { .backoff = { .step_ms = 10, .max_ms = 100 } },
	.perm = NO_PERM,
	.create = true,
};

/* Every setter ends here, with the reason if the value is bad. */
static int
set(const char *setter, const char *reason, int error)
{
	return ipclock__message_outcome(setter, NULL, reason, error);
}

static int
done(void)
{
	return set(NULL, NULL, 0);
}

int
ipclock_attr_new(struct ipclock_attr **attr)
{
	struct os_guard guard;

	if (!attr)
		return set("new options", "no place to put them: NULL", EINVAL);
	ipclock__os_enter(&guard);
	*attr = ipclock__os_alloc(sizeof(**attr));
	if (*attr)
		**attr = ipclock__attr_defaults;
	ipclock__os_leave(&guard);
	return *attr ? done() : set("new options", NULL, ENOMEM);
}

void
ipclock_attr_free(struct ipclock_attr *attr)
{
	struct os_guard guard;

	ipclock__os_enter(&guard);
	ipclock__os_free(attr);
	ipclock__os_leave(&guard);
}

int
ipclock_attr_set_backoff(struct ipclock_attr *attr, int step_ms, int max_ms)
{
	if (!attr || step_ms < 1 || max_ms < 0)
		return set("set backoff", !attr ? "no options: NULL" : "the step must be 1 ms or more, the maximum 0 or more",
		    EINVAL);
	attr->options.backoff.step_ms = step_ms;
	attr->options.backoff.max_ms = max_ms > step_ms ? max_ms : step_ms;
	return done();
}

int
ipclock_attr_set_jitter(struct ipclock_attr *attr, int percent)
{
	if (!attr || percent < 0 || percent > 100)
		return set("set jitter", !attr ? "no options: NULL" : "the percentage must be 0 to 100", EINVAL);
	attr->options.backoff.jitter_percent = percent;
	return done();
}

int
ipclock_attr_set_sleep(struct ipclock_attr *attr, void (*sleep)(void *, int), void *ctx)
{
	if (!attr)
		return set("set sleep", "no options: NULL", EINVAL);
	attr->options.sleep = sleep;
	attr->options.sleep_ctx = ctx;
	return done();
}

int
ipclock_attr_set_cancel(struct ipclock_attr *attr, int (*cancel)(void *), void *ctx)
{
	if (!attr)
		return set("set cancel", "no options: NULL", EINVAL);
	attr->options.cancel = cancel;
	attr->options.cancel_ctx = ctx;
	return done();
}

int
ipclock_attr_set_log(struct ipclock_attr *attr, void (*log)(void *, int, const char *), void *ctx)
{
	if (!attr)
		return set("set log", "no options: NULL", EINVAL);
	attr->options.log = log;
	attr->options.log_ctx = ctx;
	return done();
}

int
ipclock_attr_set_protocol(struct ipclock_attr *attr, int protocol)
{
	if (!attr)
		return set("set protocol", "no options: NULL", EINVAL);
	if (protocol != IPCLOCK_RANGE && protocol != IPCLOCK_FLOCK)
		return set("set protocol", "unknown protocol", EINVAL);
	if (protocol == IPCLOCK_FLOCK && (attr->slot_set || attr->range_set))
		return set("set protocol", "flock locks the whole file: no slot, no range", EINVAL);
	attr->whole = protocol == IPCLOCK_FLOCK;
	return done();
}

int
ipclock_attr_set_slot(struct ipclock_attr *attr, unsigned slot)
{
	if (!attr || slot > LAYOUT_LAST_SLOT || attr->range_set)
		return set("set slot",
		    !attr ? "no options: NULL" : attr->range_set ? "a range is set already" : "slots are 0 to 2097151", EINVAL);
	if (attr->whole)
		return set("set slot", "flock locks the whole file: no slot", EINVAL);
	attr->slot = slot;
	attr->slot_set = true;
	return done();
}

int
ipclock_attr_set_range(struct ipclock_attr *attr, int64_t start, int64_t len)
{
	if (!attr || attr->slot_set || attr->whole)
		return set("set range",
		    !attr ? "no options: NULL" : attr->whole ? "flock locks the whole file: no range" : "a slot is set already",
		    EINVAL);
	if (start < 0 || len < 0 || start > INT64_MAX - len)
		return set("set range", "start and length must be 0 or more, and end below 2^63", EINVAL);
	attr->range.start = start;
	attr->range.len = len;
	attr->range_set = true;
	return done();
}

int
ipclock_attr_set_mode(struct ipclock_attr *attr, unsigned perm)
{
	if (!attr || perm > 0777)
		return set("set mode", !attr ? "no options: NULL" : "permissions are 0 to 0777", EINVAL);
	attr->perm = perm;
	return done();
}

static const char *
wrong_flags(unsigned flags)
{
	const unsigned unchecked = IPCLOCK_UNLINK | IPCLOCK_TRUST_PATH;

	if (flags & ~KNOWN_FLAGS)
		return "unknown flag";
	if ((flags & RECURSIVE_FLAGS) == RECURSIVE_FLAGS)
		return "the owner is a thread or the process";
	if ((flags & unchecked) == unchecked)
		return "who removes a file must look whether it is there: IPCLOCK_UNLINK excludes IPCLOCK_TRUST_PATH";
	return NULL;
}

int
ipclock_attr_set_flags(struct ipclock_attr *attr, unsigned flags)
{
	const char *wrong = !attr ? "no options: NULL" : wrong_flags(flags);
	struct options *options;

	if (wrong)
		return set("set flags", wrong, EINVAL);
	options = &attr->options;
	options->recursive = (flags & RECURSIVE_FLAGS) != 0;
	options->recursive_process = (flags & IPCLOCK_RECURSIVE_PROCESS) != 0;
	options->unfair = (flags & IPCLOCK_UNFAIR) != 0;
	options->trust_path = (flags & IPCLOCK_TRUST_PATH) != 0;
	options->poll = (flags & IPCLOCK_POLL) != 0;
	options->interruptible = (flags & IPCLOCK_INTERRUPTIBLE) != 0;
	options->inherit = (flags & IPCLOCK_INHERIT) != 0;
	options->unlink = (flags & IPCLOCK_UNLINK) != 0;
	attr->create = (flags & IPCLOCK_NOCREATE) == 0;
	attr->make_parents = (flags & IPCLOCK_MKDIR) != 0;
	return done();
}
