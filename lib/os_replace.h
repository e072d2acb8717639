/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* What replacing a file asks of an operating system beyond os.h: names in an open directory, and metadata. */
#ifndef IPCLOCK_OS_REPLACE_H
#define IPCLOCK_OS_REPLACE_H

#include <stdbool.h>
#include <stddef.h>

#include "os.h"

/* ---- directories ---- */

/* The one of the two to begin with: an absolute path has slashes even where one that is given need not. */
const char *ipclock__os_dir_start(const char *path, const char *absolute);

#define OS_HERE (-1) /* in place of a directory: the current one */

/* Opens the directory path, seen from directory from; file->id is filled in.  EACCES if it cannot be read. */
int ipclock__os_dir_open(struct os_file *dir, int from, const char *path);

/* The longest name in bytes. */
size_t ipclock__os_dir_name_max(int dir);

int ipclock__os_dir_sync(int dir);

enum os_entry { OS_ABSENT, OS_FILE, OS_LINK, OS_SUBDIRECTORY, OS_SPECIAL };

/* What a name is, without following a link. */
int ipclock__os_entry_look(int dir, const char *name, enum os_entry *entry);

/* Does the name lead to that very file? */
bool ipclock__os_entry_is(int dir, const char *name, const struct os_id *id);

/* The text of a symbolic link, to be freed. */
int ipclock__os_entry_read_link(int dir, const char *name, char **text);

int ipclock__os_entry_remove(int dir, const char *name);

/* Over what is there.  And, ENOTSUP if the file system cannot, only if nothing is: EEXIST. */
int ipclock__os_entry_rename(int dir, const char *from, const char *to);
int ipclock__os_entry_rename_new(int dir, const char *from, const char *to);

/* A second name; EEXIST. */
int ipclock__os_entry_link(int dir, const char *from, const char *to);

/* ---- the new file: not inherited by exec, never as descriptor 0 to 2 ---- */

/* Without a name.  ENOTSUP: there is no such thing here, or no way to name it later. */
int ipclock__os_new_nameless(struct os_file *file, int dir, unsigned perm);

/* Names it.  EEXIST. */
int ipclock__os_new_name(const struct os_file *file, int dir, const char *name);

/* With a name.  EEXIST. */
int ipclock__os_new_named(struct os_file *file, int dir, const char *name, unsigned perm);

/* Opens another's regular file, as far as one may, in order to lock it. */
int ipclock__os_new_other(struct os_file *file, int dir, const char *name);

/*
 * The mark of a live writer, gone when its description is: EBUSY if another has
 * it.  Closing is left out where the descriptor is not that file any more.
 */
int ipclock__os_new_lock(const struct os_file *file);
void ipclock__os_new_unlock(const struct os_file *file);
void ipclock__os_new_close(struct os_file *file);

int ipclock__os_new_sync(const struct os_file *file);

/* ---- metadata ---- */

enum os_acl { OS_ACL_NONE, OS_ACL_KEPT, OS_ACL_LOST };

/* What a file was like, and what of it could be given to another. */
struct os_traits {
	unsigned mode;   /* with the set-id bits */
	bool owner_kept;
	bool group_kept;
	enum os_acl acl;
};

/* Gives file the owner, group, ACL and attributes of the named one, but not its mode.  ENOENT: there is none. */
int ipclock__os_carry(const struct os_file *file, int dir, const char *name, struct os_traits *traits);

#endif
