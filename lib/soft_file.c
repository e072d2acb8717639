/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <errno.h>
#include <string.h>

#include "lock_file.h"
#include "os_probe.h"
#include "soft_file.h"

#define MOST_NAMES 10000 /* that a sweep reads */
#define MOST_STALE 3
#define NEW_FILE   (OS_READ | OS_WRITE | OS_CREATE | OS_REMOVABLE)

/* ---- looking ---- */

static int
open_marker(const char *path, struct os_file *file)
{
	enum os_kind kind;
	int r;

	file->whole = true;
	r = ipclock__os_open(file, &kind, path, OS_READ | OS_WRITE | OS_REMOVABLE); /* flock on NFS wants to write */
	if (r == EACCES || r == EROFS || r == EPERM || r == ETXTBSY)
		r = ipclock__os_open(file, &kind, path, OS_READ | OS_REMOVABLE);
	if (r == 0 && kind != OS_REGULAR) {
		ipclock__os_close(file);
		return EINVAL;
	}
	return r == EISDIR ? EINVAL : r;
}

static int
read_marker(struct soft_file *file)
{
	char text[MARKER_SIZE];
	unsigned long names;
	size_t length;
	int r = ipclock__os_soft_status(&file->os, &file->changed, &names);

	if (r == 0)
		r = ipclock__os_soft_read(&file->os, text, sizeof(text), &length);
	if (r == 0)
		file->format = ipclock__marker_parse(&file->marker, text, length);
	return r;
}

int
ipclock__soft_look(const char *path, struct soft_file *file)
{
	struct os_id id;
	int r, round;

	for (round = 0; (r = open_marker(path, &file->os)) == ESTALE; round++) /* NFS: removed before it was looked at */
		if (round == MOST_STALE)
			return EIO;
	if ((r == EACCES || r == EAGAIN) && ipclock__os_identify(path, &id) == 0) /* a lease, as Samba has them */
		return EBUSY;
	if (r)
		return r;
	r = read_marker(file);
	if (r)
		ipclock__os_close(&file->os);
	return r == ESTALE ? ENOENT : r; /* NFS: removed under our feet */
}

void
ipclock__soft_close(struct soft_file *file)
{
	ipclock__os_close(&file->os);
}

enum owner_state
ipclock__soft_state(const struct soft_file *file)
{
	struct os_system us;

	ipclock__os_system(&us);
	return ipclock__owner_judge(file->format, &file->marker, &us, ipclock__os_life);
}

static bool
same_file(const char *path, const struct os_file *file)
{
	struct os_id id;

	return ipclock__os_identify(path, &id) == 0 && id.device == file->id.device && id.inode == file->id.inode;
}

/* An inode's number is used again, perhaps on a server that does not know that we have it open: the token is not. */
static bool
same_marker(const struct soft_file *a, const struct soft_file *b)
{
	return a->os.id.device == b->os.id.device && a->os.id.inode == b->os.id.inode && a->format == MARKER_OURS &&
	    a->marker.token == b->marker.token;
}

int
ipclock__soft_check(const struct soft_place *place, const struct soft_file *file)
{
	struct soft_file now;
	int r = ipclock__soft_look(place->path, &now);

	if (r == EBUSY)
		return same_file(place->path, &file->os) ? 0 : ESTALE;
	if (r == ENOENT || r == EINVAL || r == ELOOP || r == ENOTDIR)
		return ESTALE;
	if (r)
		return r;
	r = same_marker(&now, file) ? 0 : ESTALE;
	ipclock__soft_close(&now);
	return r;
}

/* ---- names aside ---- */

static int
path_aside(const struct soft_place *place, const char *name, char **path)
{
	size_t before = (size_t)(place->base - place->path), length = strlen(name);

	*path = ipclock__os_alloc(before + length + 1);
	if (!*path)
		return ENOMEM;
	memcpy(*path, place->path, before);
	memcpy(*path + before, name, length + 1);
	return 0;
}

static int
new_aside(const struct soft_place *place, const struct os_system *us, char **path)
{
	struct aside aside = { ipclock__os_pid(), ipclock__owner_hash(us), ipclock__os_soft_token() };
	char name[ASIDE_SIZE];

	ipclock__aside_print(&aside, place->base, name);
	return path_aside(place, name, path);
}

/* ---- putting up ---- */

static int
create(const struct soft_place *place, char *path, struct os_file *file)
{
	enum os_kind kind;
	int r;

	file->whole = true;
	r = ipclock__os_open(file, &kind, path, NEW_FILE);
	if (r == ENOENT && place->make_parents) {
		r = ipclock__lock_file_make_parents(path);
		r = r ? r : ipclock__os_open(file, &kind, path, NEW_FILE);
	}
	if (r && r != EEXIST)
		ipclock__os_soft_remove(path); /* made, and then not to be examined */
	return r;
}

/* A reply of the file server that was lost makes a failure of what was done: the names are counted. */
static int
link_marker(const struct soft_place *place, const char *aside, const struct soft_file *file)
{
	unsigned long names;
	int64_t changed;
	int r = ipclock__os_link(aside, place->path);

	if (r && ipclock__os_soft_status(&file->os, &changed, &names) == 0 && names == 2 &&
	    same_file(place->path, &file->os))
		r = 0;
	return r;
}

static int
fill_and_link(const struct soft_place *place, const char *aside, struct soft_file *file)
{
	char text[MARKER_SIZE];
	int r = 0;

	if (place->perm != NO_PERM)
		r = ipclock__os_set_mode(&file->os, place->perm);
	if (r == 0)
		r = ipclock__os_soft_write(&file->os, text, ipclock__marker_print(&file->marker, text));
	return r ? r : link_marker(place, aside, file);
}

static void
describe_us(struct marker *marker, int lease_ms)
{
	ipclock__os_system(&marker->system);
	marker->pid = ipclock__os_pid();
	marker->started = ipclock__os_started(marker->pid);
	marker->token = ipclock__os_soft_token();
	marker->lease_ms = lease_ms;
}

int
ipclock__soft_put(const struct soft_place *place, struct soft_file *file, int lease_ms)
{
	char *aside;
	int r;

	describe_us(&file->marker, lease_ms);
	file->format = MARKER_OURS;
	r = new_aside(place, &file->marker.system, &aside);
	if (r)
		return r;
	r = create(place, aside, &file->os);
	if (r == 0) {
		r = fill_and_link(place, aside, file);
		ipclock__os_soft_remove(aside);
		if (r)
			ipclock__os_close(&file->os);
	}
	ipclock__os_free(aside);
	return r;
}

int
ipclock__soft_now(const struct soft_place *place, int64_t *now)
{
	struct os_system us;
	struct os_file file;
	unsigned long names;
	char *aside;
	int r;

	ipclock__os_system(&us);
	r = new_aside(place, &us, &aside);
	if (r)
		return r;
	r = create(place, aside, &file);
	if (r == 0) {
		r = ipclock__os_soft_status(&file, now, &names);
		ipclock__os_soft_remove(aside);
		ipclock__os_close(&file);
	}
	ipclock__os_free(aside);
	return r;
}

/* ---- taking down ---- */

int
ipclock__soft_guard(const struct soft_file *file)
{
	return ipclock__os_soft_guard(&file->os) == EBUSY ? EBUSY : 0;
}

void
ipclock__soft_unguard(const struct soft_file *file)
{
	ipclock__os_soft_unguard(&file->os);
}

/* Whatever rename(2) said: what stands aside is removed, or put back, if it may be another, but never over one. */
static int
move_aside(const struct soft_place *place, const char *aside, const struct soft_file *judged)
{
	struct soft_file moved;
	int r = ipclock__os_rename(place->path, aside), look = ipclock__soft_look(aside, &moved);

	if (look == ENOENT)
		return r == ENOENT ? 0 : r;
	if (look || !same_marker(&moved, judged))
		ipclock__os_link(aside, place->path);
	ipclock__os_soft_remove(aside);
	if (look == 0)
		ipclock__soft_close(&moved);
	return look;
}

static int
remove_judged(const struct soft_place *place, const struct soft_file *judged)
{
	struct os_system us;
	unsigned long names;
	int64_t changed;
	char *aside;
	int r;

	if (!same_file(place->path, &judged->os) || ipclock__os_soft_status(&judged->os, &changed, &names) ||
	    changed != judged->changed)
		return 0;
	ipclock__os_system(&us);
	r = new_aside(place, &us, &aside);
	if (r)
		return r;
	r = move_aside(place, aside, judged);
	ipclock__os_free(aside);
	return r;
}

int
ipclock__soft_break(const struct soft_place *place, const struct soft_file *judged)
{
	int r = ipclock__soft_guard(judged);

	if (r)
		return r;
	r = remove_judged(place, judged);
	ipclock__soft_unguard(judged);
	return r;
}

/* ---- sweeping ---- */

struct sweep {
	const struct soft_place *place;
	struct os_system us;
	unsigned names;
};

/* A process that was killed before it wrote has left an empty file: the name tells. */
static bool
is_dead(const struct sweep *sweep, const struct aside *aside, const struct soft_file *file)
{
	if (file->format == MARKER_EMPTY)
		return aside->system == ipclock__owner_hash(&sweep->us) && ipclock__os_life(aside->pid, 0) == OS_GONE;
	return file->format == MARKER_OURS && ipclock__soft_state(file) == OWNER_DEAD;
}

static bool
sweep_one(void *ctx, const char *name)
{
	struct sweep *sweep = ctx;
	struct soft_file file;
	struct aside aside;
	char *path;

	if (++sweep->names > MOST_NAMES)
		return false;
	if (!ipclock__aside_parse(&aside, sweep->place->base, name) || path_aside(sweep->place, name, &path))
		return true;
	if (ipclock__soft_look(path, &file) == 0) {
		if (is_dead(sweep, &aside, &file))
			ipclock__os_soft_remove(path);
		ipclock__soft_close(&file);
	}
	ipclock__os_free(path);
	return true;
}

void
ipclock__soft_sweep(const struct soft_place *place)
{
	struct sweep sweep = { .place = place };
	char *directory;

	ipclock__os_system(&sweep.us);
	if (path_aside(place, ".", &directory))
		return;
	ipclock__os_soft_list(directory, sweep_one, &sweep);
	ipclock__os_free(directory);
}
