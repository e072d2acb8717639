/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * Names in an open directory: of each the whole path is made anew, from what the
 * directory is called at that moment.  The new file's handle is not overlapped,
 * for its user to write through, and lets others read, rename and remove the file.
 */

#include <config.h>

#include <aclapi.h>

#include <errno.h>
#include <string.h>

#include "os_io_win32.h"
#include "os_replace.h"

#define NAME_MAX_BYTES 255 /* of 255 units of UTF-16, which are as many bytes or more */

/* ---- handles ---- */

/* A file that is open, and its attributes. */
struct opened {
	struct os_file file;
	DWORD attributes;
};

static int
open_path(struct opened *opened, const wchar_t *path, DWORD access, DWORD how, DWORD flags)
{
	HANDLE handle = CreateFileW(path, access, SHARE_ALL, NULL, how, flags, NULL);
	int r;

	opened->file = (struct os_file){ .fd = -1 };
	if (handle == INVALID_HANDLE_VALUE)
		return ipclock__os_error(GetLastError());
	r = ipclock__os_examine(handle, &opened->file.id, &opened->attributes);
	if (r)
		CloseHandle(handle);
	else
		opened->file.fd = ipclock__os_descriptor(handle);
	return r;
}

void
ipclock__os_new_close(struct os_file *file)
{
	if (file->fd != -1 && ipclock__os_check(file) == 0)
		CloseHandle(ipclock__os_handle(file->fd));
	file->fd = -1;
}

/* ---- paths ---- */

/* What an open file is called, with room for more units; its volume may have no letter. */
static int
name_of(HANDLE handle, size_t more, wchar_t **path)
{
	DWORD kind = VOLUME_NAME_DOS, size = GetFinalPathNameByHandleW(handle, NULL, 0, kind), length;

	if (size == 0) {
		kind = VOLUME_NAME_GUID;
		size = GetFinalPathNameByHandleW(handle, NULL, 0, kind);
	}
	if (size == 0)
		return ipclock__os_error(GetLastError());
	*path = ipclock__os_alloc((size + 1 + more) * sizeof(**path));
	if (!*path)
		return ENOMEM;
	length = GetFinalPathNameByHandleW(handle, *path, size + 1, kind);
	if (length > 0 && length <= size)
		return 0;
	ipclock__os_free(*path);
	return length ? EBUSY : ipclock__os_error(GetLastError()); /* renamed under our feet */
}

/* The path of a name in a directory; to be freed. */
static int
path_in(int dir, const char *name, wchar_t **path)
{
	int units = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, name, -1, NULL, 0), r;
	size_t length;

	if (units <= 0)
		return EINVAL;
	r = name_of(ipclock__os_handle(dir), (size_t)units + 1, path);
	if (r)
		return r;
	length = wcslen(*path);
	if (length > 0 && (*path)[length - 1] != L'\\')
		(*path)[length++] = L'\\';
	MultiByteToWideChar(CP_UTF8, 0, name, -1, *path + length, units);
	return 0;
}

static int
open_in(struct opened *opened, int dir, const char *name, DWORD access, DWORD how, DWORD flags)
{
	wchar_t *path;
	int r = path_in(dir, name, &path);

	if (r)
		return r;
	r = open_path(opened, path, access, how, flags);
	ipclock__os_free(path);
	return r;
}

static int
open_new(struct os_file *file, int dir, const char *name, DWORD access, DWORD how, DWORD flags)
{
	struct opened opened = { .file.fd = -1 };
	int r = open_in(&opened, dir, name, access, how, flags);

	*file = opened.file;
	return r;
}

/* ---- directories ---- */

const char *
ipclock__os_dir_start(const char *path, const char *absolute)
{
	(void)path;
	return absolute;
}

/* A path is whole, since that which one starts with is; "C:" is the root of a drive, not where we are on it. */
int
ipclock__os_dir_open(struct os_file *dir, int from, const char *path)
{
	char root[] = { *path, ':', '/', '\0' };
	struct opened opened;
	wchar_t *wide;
	int r = ipclock__os_wide(strcmp(path + (*path != '\0'), ":") == 0 ? root : path, &wide);

	(void)from;
	if (r)
		return r;
	r = open_path(&opened, wide, FILE_READ_ATTRIBUTES, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS);
	ipclock__os_free(wide);
	if (r == 0 && !(opened.attributes & FILE_ATTRIBUTE_DIRECTORY)) {
		ipclock__os_new_close(&opened.file);
		r = ENOTDIR;
	}
	*dir = opened.file;
	return r;
}

size_t
ipclock__os_dir_name_max(int dir)
{
	(void)dir;
	return NAME_MAX_BYTES;
}

/* The rename has gone to the disk when it returns. */
int
ipclock__os_dir_sync(int dir)
{
	(void)dir;
	return 0;
}

/* ---- what is there ---- */

/* Of the many kinds of reparse points those that stand for another name. */
static enum os_entry
kind_of(const struct opened *opened)
{
	HANDLE handle = ipclock__os_handle(opened->file.fd);
	FILE_ATTRIBUTE_TAG_INFO info;

	if (opened->attributes & FILE_ATTRIBUTE_DEVICE)
		return OS_SPECIAL;
	if ((opened->attributes & FILE_ATTRIBUTE_REPARSE_POINT) && (!GetFileInformationByHandleEx(handle,
	    FileAttributeTagInfo, &info, sizeof(info)) || IsReparseTagNameSurrogate(info.ReparseTag)))
		return OS_LINK;
	return opened->attributes & FILE_ATTRIBUTE_DIRECTORY ? OS_SUBDIRECTORY : OS_FILE;
}

static int
look(int dir, const char *name, struct opened *opened)
{
	return open_in(opened, dir, name, FILE_READ_ATTRIBUTES, OPEN_EXISTING,
	    FILE_FLAG_OPEN_REPARSE_POINT | FILE_FLAG_BACKUP_SEMANTICS);
}

int
ipclock__os_entry_look(int dir, const char *name, enum os_entry *entry)
{
	struct opened opened;
	int r = look(dir, name, &opened);

	*entry = OS_ABSENT;
	if (r)
		return r == ENOENT ? 0 : r;
	*entry = kind_of(&opened);
	ipclock__os_new_close(&opened.file);
	return 0;
}

bool
ipclock__os_entry_is(int dir, const char *name, const struct os_id *id)
{
	struct opened opened;

	if (look(dir, name, &opened))
		return false;
	ipclock__os_new_close(&opened.file);
	return opened.file.id.device == id->device && opened.file.id.inode == id->inode;
}

/* Where all links on the way lead to.  ENOENT: nowhere. */
int
ipclock__os_entry_read_link(int dir, const char *name, char **text)
{
	struct opened target;
	wchar_t *path;
	int r = open_in(&target, dir, name, FILE_READ_ATTRIBUTES, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS);

	if (r)
		return r;
	r = name_of(ipclock__os_handle(target.file.fd), 0, &path);
	ipclock__os_new_close(&target.file);
	if (r)
		return r;
	r = ipclock__os_narrow(path, text);
	ipclock__os_free(path);
	return r;
}

/* ---- changing it ---- */

int
ipclock__os_entry_remove(int dir, const char *name)
{
	wchar_t *path;
	int r = path_in(dir, name, &path);

	if (r)
		return r;
	r = ipclock__os_io_remove(path);
	ipclock__os_free(path);
	return r;
}

static int
move(int dir, const char *from, const char *to, DWORD how)
{
	wchar_t *old, *new;
	int r = path_in(dir, from, &old);

	if (r)
		return r;
	r = path_in(dir, to, &new);
	if (r == 0) {
		r = ipclock__os_io_move(old, new, MOVEFILE_WRITE_THROUGH | how);
		ipclock__os_free(new);
	}
	ipclock__os_free(old);
	return r;
}

/* Denied because somebody has it open, or because we may not? */
static bool
may_be_removed(int dir, const char *name)
{
	struct os_file file;
	int r = open_new(&file, dir, name, DELETE, OPEN_EXISTING, FILE_FLAG_OPEN_REPARSE_POINT);

	ipclock__os_new_close(&file);
	return r != EACCES;
}

int
ipclock__os_entry_rename(int dir, const char *from, const char *to)
{
	int r = move(dir, from, to, MOVEFILE_REPLACE_EXISTING);

	return r == EACCES && may_be_removed(dir, to) ? EBUSY : r;
}

int
ipclock__os_entry_rename_new(int dir, const char *from, const char *to)
{
	return move(dir, from, to, 0);
}

int
ipclock__os_entry_link(int dir, const char *from, const char *to)
{
	(void)dir, (void)from, (void)to;
	return ENOTSUP;
}

/* ---- the new file ---- */

int
ipclock__os_new_nameless(struct os_file *file, int dir, unsigned perm)
{
	(void)file, (void)dir, (void)perm;
	return ENOTSUP;
}

int
ipclock__os_new_name(const struct os_file *file, int dir, const char *name)
{
	(void)file, (void)dir, (void)name;
	return ENOTSUP;
}

/* With the rights that the directory gives to its files.  A name that is about to go is denied, and is there. */
int
ipclock__os_new_named(struct os_file *file, int dir, const char *name, unsigned perm)
{
	int r = open_new(file, dir, name, GENERIC_READ | GENERIC_WRITE, CREATE_NEW, FILE_ATTRIBUTE_NORMAL);
	enum os_entry entry;

	(void)perm;
	return r == EACCES && ipclock__os_entry_look(dir, name, &entry) == EACCES ? EEXIST : r;
}

int
ipclock__os_new_other(struct os_file *file, int dir, const char *name)
{
	enum os_entry entry;
	int r = ipclock__os_entry_look(dir, name, &entry);

	file->fd = -1;
	if (r || entry != OS_FILE)
		return r ? r : entry == OS_ABSENT ? ENOENT : EINVAL;
	r = open_new(file, dir, name, GENERIC_READ | GENERIC_WRITE, OPEN_EXISTING, FILE_FLAG_OPEN_REPARSE_POINT);
	return r != EACCES ? r : open_new(file, dir, name, GENERIC_READ, OPEN_EXISTING, FILE_FLAG_OPEN_REPARSE_POINT);
}

int
ipclock__os_new_lock(const struct os_file *file)
{
	return ipclock__os_io_mark(file);
}

void
ipclock__os_new_unlock(const struct os_file *file)
{
	ipclock__os_io_unmark(file);
}

int
ipclock__os_new_sync(const struct os_file *file)
{
	return FlushFileBuffers(ipclock__os_handle(file->fd)) ? 0 : ipclock__os_error(GetLastError());
}

/* ---- metadata ---- */

/* The list of who may do what, NULL for everybody everything, and whether the directory's changes pass it by. */
struct rights {
	PSECURITY_DESCRIPTOR all;
	PACL list;
	bool is_protected;
};

/* A file system without rights gives everybody everything, or says that it has none. */
static int
read_rights(HANDLE handle, struct rights *rights)
{
	SECURITY_DESCRIPTOR_CONTROL control;
	DWORD revision;
	DWORD error = GetSecurityInfo(handle, SE_FILE_OBJECT, DACL_SECURITY_INFORMATION, NULL, NULL, &rights->list,
	    NULL, &rights->all);

	*rights = error ? (struct rights){ NULL, NULL, false } : *rights;
	if (error)
		return error == ERROR_NOT_SUPPORTED || error == ERROR_INVALID_FUNCTION ? 0 : ipclock__os_error(error);
	rights->is_protected = GetSecurityDescriptorControl(rights->all, &control, &revision) &&
	    (control & SE_DACL_PROTECTED);
	return 0;
}

static bool
same_rights(const struct rights *a, const struct rights *b)
{
	if (!a->list || !b->list)
		return a->list == b->list;
	return a->is_protected == b->is_protected && a->list->AclSize == b->list->AclSize &&
	    memcmp(a->list, b->list, a->list->AclSize) == 0;
}

static int
give_rights(HANDLE handle, const struct rights *rights)
{
	SECURITY_INFORMATION what = DACL_SECURITY_INFORMATION |
	    (rights->is_protected ? PROTECTED_DACL_SECURITY_INFORMATION : UNPROTECTED_DACL_SECURITY_INFORMATION);
	HANDLE again = ReOpenFile(handle, WRITE_DAC | READ_CONTROL, SHARE_ALL, 0);
	DWORD error;

	if (again == INVALID_HANDLE_VALUE)
		return ipclock__os_error(GetLastError());
	error = SetSecurityInfo(again, SE_FILE_OBJECT, what, NULL, NULL, rights->list, NULL);
	CloseHandle(again);
	return ipclock__os_error(error);
}

/* Mostly both have what the directory gives to its files, and there is nothing to do. */
static int
carry_rights(HANDLE to, HANDLE from)
{
	struct rights old, now;
	int r = read_rights(from, &old);

	if (r)
		return r;
	r = read_rights(to, &now);
	if (r == 0 && !same_rights(&old, &now))
		r = give_rights(to, &old);
	LocalFree(now.all);
	LocalFree(old.all);
	return r;
}

static int
carry_attributes(HANDLE to, DWORD attributes)
{
	FILE_BASIC_INFO info = { .FileAttributes = attributes & (FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM) };

	if (info.FileAttributes == 0)
		return 0;
	return SetFileInformationByHandle(to, FileBasicInfo, &info, sizeof(info)) ? 0 :
	    ipclock__os_error(GetLastError());
}

static int
carry(HANDLE to, const struct opened *model)
{
	int r;

	if (kind_of(model) != OS_FILE)
		return EINVAL;
	if (model->attributes & FILE_ATTRIBUTE_READONLY)
		return EACCES; /* no other can take its place */
	r = carry_rights(to, ipclock__os_handle(model->file.fd));
	return r ? r : carry_attributes(to, model->attributes);
}

int
ipclock__os_carry(const struct os_file *file, int dir, const char *name, struct os_traits *traits)
{
	struct opened model;
	int r = open_in(&model, dir, name, FILE_READ_ATTRIBUTES | READ_CONTROL, OPEN_EXISTING,
	    FILE_FLAG_OPEN_REPARSE_POINT);

	if (r)
		return r;
	*traits = (struct os_traits){ .mode = 0666, .owner_kept = true, .group_kept = true, .acl = OS_ACL_NONE };
	r = carry(ipclock__os_handle(file->fd), &model);
	ipclock__os_new_close(&model.file);
	return r;
}
