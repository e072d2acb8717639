/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* Files, paths and errors, as Windows has them. */

#include <config.h>

#include <errno.h>
#include <string.h>

#include "os_win32.h"

#include <winternl.h>

/* ---- processes and threads ---- */

long
ipclock__os_pid(void)
{
	return (long)GetCurrentProcessId();
}

/* What stands for errno in programs of Windows is kept as well. */
void
ipclock__os_enter(struct os_guard *guard)
{
	guard->error = errno;
	guard->cancel_state = (int)GetLastError();
}

void
ipclock__os_leave(const struct os_guard *guard)
{
	SetLastError((DWORD)guard->cancel_state);
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

/* ---- errors ---- */

/* Not in every winerror.h. */
#ifndef ERROR_INVALID_LOCK_RANGE
#define ERROR_INVALID_LOCK_RANGE 307
#endif
#ifndef ERROR_STOPPED_ON_SYMLINK
#define ERROR_STOPPED_ON_SYMLINK 681
#endif

static const struct {
	DWORD error;
	int meaning;
} meanings[] = {
	{ ERROR_BAD_NETPATH, ENOENT },
	{ ERROR_BAD_NET_NAME, ENOENT },
	{ ERROR_FILE_NOT_FOUND, ENOENT },
	{ ERROR_INVALID_DRIVE, ENOENT },
	{ ERROR_NOT_READY, ENOENT },
	{ ERROR_PATH_NOT_FOUND, ENOENT },
	{ ERROR_ACCESS_DENIED, EACCES },
	{ ERROR_NETWORK_ACCESS_DENIED, EACCES },
	{ ERROR_PRIVILEGE_NOT_HELD, EACCES },
	{ ERROR_DELETE_PENDING, EBUSY },
	{ ERROR_LOCK_VIOLATION, EBUSY },
	{ ERROR_SHARING_VIOLATION, EBUSY },
	{ ERROR_USER_MAPPED_FILE, EBUSY },
	{ ERROR_WRITE_PROTECT, EROFS },
	{ ERROR_ALREADY_EXISTS, EEXIST },
	{ ERROR_FILE_EXISTS, EEXIST },
	{ ERROR_TOO_MANY_OPEN_FILES, EMFILE },
	{ ERROR_COMMITMENT_LIMIT, ENOMEM },
	{ ERROR_NOT_ENOUGH_MEMORY, ENOMEM },
	{ ERROR_NOT_ENOUGH_QUOTA, ENOMEM },
	{ ERROR_NO_SYSTEM_RESOURCES, ENOMEM },
	{ ERROR_OUTOFMEMORY, ENOMEM },
	{ ERROR_INVALID_HANDLE, EBADF },
	{ ERROR_CALL_NOT_IMPLEMENTED, ENOTSUP },
	{ ERROR_INVALID_FUNCTION, ENOTSUP },
	{ ERROR_INVALID_LOCK_RANGE, ENOTSUP },
	{ ERROR_NOT_SUPPORTED, ENOTSUP },
	{ ERROR_BAD_PATHNAME, EINVAL },
	{ ERROR_INVALID_NAME, EINVAL },
	{ ERROR_INVALID_PARAMETER, EINVAL },
	{ ERROR_NO_UNICODE_TRANSLATION, EINVAL },
	{ ERROR_DIRECTORY, ENOTDIR },
	{ ERROR_DISK_FULL, ENOSPC },
	{ ERROR_HANDLE_DISK_FULL, ENOSPC },
	{ ERROR_FILENAME_EXCED_RANGE, ENAMETOOLONG },
	{ ERROR_CANT_RESOLVE_FILENAME, ELOOP },
	{ ERROR_STOPPED_ON_SYMLINK, ELOOP },
	{ ERROR_DIR_NOT_EMPTY, ENOTEMPTY },
	{ ERROR_NOT_SAME_DEVICE, EXDEV },
	{ ERROR_NOT_LOCKED, ENOLCK },
	{ ERROR_OPERATION_ABORTED, ECANCELED },
};

int
ipclock__os_error(DWORD error)
{
	size_t i;

	if (error == ERROR_SUCCESS)
		return 0;
	for (i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (meanings[i].error == error)
			return meanings[i].meaning;
	return EIO;
}

/* As POSIX systems say it: strerror() knows the older ones only. */
static const struct {
	int error;
	const char *text;
} texts[] = {
	{ EACCES, "Permission denied" },
	{ EBADF, "Bad file descriptor" },
	{ EBUSY, "Device or resource busy" },
	{ ECANCELED, "Operation canceled" },
	{ EDEADLK, "Resource deadlock avoided" },
	{ EINPROGRESS, "Operation now in progress" },
	{ ELOOP, "Too many levels of symbolic links" },
	{ ENOLCK, "No locks available" },
	{ ENOMEM, "Cannot allocate memory" },
	{ ENOTSUP, "Operation not supported" },
	{ EOWNERDEAD, "Owner died" },
	{ ESTALE, "Stale file handle" },
	{ ETIMEDOUT, "Connection timed out" },
};

const char *
ipclock__os_strerror(int error, char *buffer, size_t size)
{
	const char *text = NULL;
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].error == error)
			text = texts[i].text;
	if (!text)
		text = strerror(error);
	strncpy(buffer, text ? text : "unknown error", size - 1);
	buffer[size - 1] = '\0';
	return buffer;
}

/* ---- paths ---- */

#define PREFIX     L"\\\\?\\"
#define UNC_PREFIX L"\\\\?\\UNC\\"
#define LONGEST    32767

static wchar_t *
alloc_wide(size_t n)
{
	return ipclock__os_alloc(n * sizeof(wchar_t));
}

/* With backslashes. */
static int
decode(const char *path, wchar_t **wide)
{
	int n = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, NULL, 0);
	wchar_t *p;

	if (n <= 0)
		return EINVAL;
	*wide = alloc_wide((size_t)n);
	if (!*wide)
		return ENOMEM;
	MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, *wide, n);
	for (p = *wide; *p; p++)
		if (*p == L'/')
			*p = L'\\';
	return 0;
}

static bool
begins(const wchar_t *text, const wchar_t *with)
{
	return wcsncmp(text, with, wcslen(with)) == 0;
}

/* Windows takes the superscript digits of Latin-1 for digits, too. */
static bool
is_port_number(wchar_t c)
{
	return (c >= L'1' && c <= L'9') || c == 0xb9 || c == 0xb2 || c == 0xb3;
}

/* "NUL", "com1.txt": a device in every directory, to older Windows and the programs that run there. */
static bool
names_device(const wchar_t *name)
{
	static const wchar_t *const devices[] = { L"CON", L"PRN", L"AUX", L"NUL", L"CONIN$", L"CONOUT$" };
	size_t length = wcscspn(name, L"."), i;

	while (length > 0 && name[length - 1] == L' ')
		length--;
	for (i = 0; i < sizeof(devices) / sizeof(devices[0]); i++)
		if (length == wcslen(devices[i]) && _wcsnicmp(name, devices[i], length) == 0)
			return true;
	return length == 4 && (_wcsnicmp(name, L"COM", 3) == 0 || _wcsnicmp(name, L"LPT", 3) == 0) &&
	    is_port_number(name[3]);
}

/* Than any file system's; not all of them say so. */
static bool
has_long_name(const wchar_t *full)
{
	size_t length;

	for (; *full != L'\0'; full += length + (full[length] != L'\0')) {
		length = wcscspn(full, L"\\");
		if (length > 255)
			return true;
	}
	return false;
}

/* Not of a file: a device, or a stream of one, "file:name". */
static bool
is_wrong(const wchar_t *full)
{
	const wchar_t *slash = wcsrchr(full, L'\\'), *name = slash ? slash + 1 : full;

	return begins(full, L"\\\\.\\") || names_device(name) || wcschr(name, L':') != NULL || has_long_name(full);
}

/* GetFullPathNameW() may be told of a longer directory meanwhile.  On failure *full may still be there. */
static int
make_full(const wchar_t *path, wchar_t **full, size_t *room)
{
	const size_t before = wcslen(UNC_PREFIX);
	DWORD size, n = MAX_PATH;

	do {
		ipclock__os_free(*full);
		size = n + 1;
		*full = alloc_wide(before + size);
		if (!*full)
			return ENOMEM;
		SetLastError(ERROR_INVALID_NAME); /* a name of blanks; Wine does not say so */
		n = GetFullPathNameW(path, size, *full + before, NULL);
	} while (n >= size);
	*room = before;
	return n == 0 ? ipclock__os_error(GetLastError()) : n > LONGEST - before ? ENAMETOOLONG : 0;
}

/* Into the room before it. */
static void
put_prefix(wchar_t *text, const wchar_t *prefix, size_t from)
{
	size_t length = wcslen(prefix);

	memmove(text + length, text + from, (wcslen(text + from) + 1) * sizeof(wchar_t));
	memcpy(text, prefix, length * sizeof(wchar_t));
}

/* With the prefix such ends are part of a name; GetFullPathNameW() takes them off all the same. */
static bool
loses_end(const wchar_t *raw)
{
	const wchar_t *slash = wcsrchr(raw, L'\\'), *name = slash ? slash + 1 : raw;
	size_t length = wcslen(name);

	return begins(raw, PREFIX) && length > 0 && wcscmp(name, L".") != 0 && wcscmp(name, L"..") != 0 &&
	    (name[length - 1] == L'.' || name[length - 1] == L' ');
}

int
ipclock__os_wide(const char *path, wchar_t **wide)
{
	wchar_t *raw, *full = NULL;
	size_t room = 0;
	int r = decode(path, &raw);

	if (r)
		return r;
	r = !*raw ? ENOENT : loses_end(raw) ? EINVAL : make_full(raw, &full, &room);
	ipclock__os_free(raw);
	if (r == 0 && is_wrong(full + room))
		r = EINVAL;
	if (r) {
		ipclock__os_free(full);
		return r;
	}
	if (begins(full + room, PREFIX))
		put_prefix(full, L"", room);
	else if (begins(full + room, L"\\\\"))
		put_prefix(full, UNC_PREFIX, room + 2);
	else
		put_prefix(full, PREFIX, room);
	*wide = full;
	return 0;
}

static bool
has_drive(const wchar_t *path)
{
	return path[0] && path[1] == L':';
}

int
ipclock__os_narrow(const wchar_t *wide, char **path)
{
	const size_t unc = wcslen(UNC_PREFIX), prefix = wcslen(PREFIX);
	size_t before = 0;
	char *p;
	int n;

	if (begins(wide, UNC_PREFIX)) {
		wide += unc;
		before = 2;
	} else if (begins(wide, PREFIX) && has_drive(wide + prefix))
		wide += prefix;
	n = WideCharToMultiByte(CP_UTF8, WC_ERR_INVALID_CHARS, wide, -1, NULL, 0, NULL, NULL);
	if (n <= 0)
		return EINVAL;
	*path = p = ipclock__os_alloc(before + (size_t)n);
	if (!p)
		return ENOMEM;
	memset(p, '/', before);
	WideCharToMultiByte(CP_UTF8, WC_ERR_INVALID_CHARS, wide, -1, p + before, n, NULL, NULL);
	for (; *p; p++)
		if (*p == '\\')
			*p = '/';
	return 0;
}

int
ipclock__os_absolute(const char *path, char **absolute)
{
	wchar_t *wide;
	int r = ipclock__os_wide(path, &wide);

	if (r)
		return r;
	r = ipclock__os_narrow(wide, absolute);
	ipclock__os_free(wide);
	return r;
}

/* ---- files ---- */

/* 128 bits tell the files of ReFS apart; all others have 64, and zeros. */
static bool
identify(HANDLE handle, struct os_id *id)
{
	BY_HANDLE_FILE_INFORMATION old;
	FILE_ID_INFO info;
	uint64_t part[2];

	if (GetFileInformationByHandleEx(handle, FileIdInfo, &info, sizeof(info))) {
		memcpy(part, &info.FileId, sizeof(part));
		id->device = info.VolumeSerialNumber;
		id->inode = part[0] ^ (part[1] << 1 | part[1] >> 63);
		return true;
	}
	if (!GetFileInformationByHandle(handle, &old))
		return false;
	id->device = old.dwVolumeSerialNumber;
	id->inode = (uint64_t)old.nFileIndexHigh << 32 | old.nFileIndexLow;
	return true;
}

int
ipclock__os_examine(HANDLE handle, struct os_id *id, DWORD *attributes)
{
	FILE_BASIC_INFO info; /* which all file systems have; not so FILE_ATTRIBUTE_TAG_INFO */

	*id = (struct os_id){ 0, 0 };
	*attributes = FILE_ATTRIBUTE_DEVICE;
	if (GetFileType(handle) != FILE_TYPE_DISK)
		return 0;
	if (!identify(handle, id) || !GetFileInformationByHandleEx(handle, FileBasicInfo, &info, sizeof(info)))
		return ipclock__os_error(GetLastError());
	*attributes = info.FileAttributes;
	return 0;
}

/* Wine knows no volume of an open file that was renamed. */
int
ipclock__os_check(const struct os_file *file)
{
	DWORD attributes;
	struct os_id id;

	return ipclock__os_examine(ipclock__os_handle(file->fd), &id, &attributes) == 0 &&
	    (id.device == file->id.device || id.device == 0) && id.inode == file->id.inode ? 0 : EBADF;
}

static enum os_kind
kind_of(DWORD attributes)
{
	return attributes & FILE_ATTRIBUTE_DEVICE ? OS_OTHER :
	    attributes & FILE_ATTRIBUTE_DIRECTORY ? OS_DIRECTORY : OS_REGULAR;
}

/* A file that is being deleted, which to most calls is one that may not be opened. */
static bool
is_going(void)
{
	const NTSTATUS delete_pending = (NTSTATUS)0xC0000056;
	NTSTATUS (NTAPI *status)(void);
	FARPROC address = GetProcAddress(GetModuleHandleW(L"ntdll.dll"), "RtlGetLastNtStatus");

	if (!address)
		return false;
	memcpy(&status, &address, sizeof(status));
	return status() == delete_pending;
}

/* To open a directory is denied: that is no matter of permissions. */
static int
open_error(const wchar_t *path)
{
	DWORD error = GetLastError(), attributes;

	if (error != ERROR_ACCESS_DENIED)
		return ipclock__os_error(error);
	if (is_going())
		return EBUSY;
	attributes = GetFileAttributesW(path);
	if (attributes == INVALID_FILE_ATTRIBUTES || !(attributes & FILE_ATTRIBUTE_DIRECTORY))
		return EACCES;
	return EINVAL;
}

/* Nobody may delete or rename a lock file while it is open: the library's locks are of this file. */
static int
open_wide(struct os_file *file, const wchar_t *path, unsigned how)
{
	HANDLE handle = CreateFileW(path, how & OS_WRITE ? GENERIC_READ | GENERIC_WRITE : GENERIC_READ,
	    FILE_SHARE_READ | FILE_SHARE_WRITE | (how & OS_REMOVABLE ? FILE_SHARE_DELETE : 0), NULL,
	    how & OS_CREATE ? CREATE_NEW : OPEN_EXISTING,
	    FILE_ATTRIBUTE_NORMAL | FILE_FLAG_OVERLAPPED | FILE_FLAG_OPEN_REPARSE_POINT, NULL);

	if (handle == INVALID_HANDLE_VALUE)
		return open_error(path);
	file->fd = ipclock__os_descriptor(handle);
	file->access = (unsigned char)((how & (OS_READ | OS_WRITE)) | OS_ANY_LOCK);
	return 0;
}

int
ipclock__os_open(struct os_file *file, enum os_kind *kind, const char *path, unsigned how)
{
	DWORD attributes = 0;
	wchar_t *wide;
	int r;

	file->fd = -1;
	if (file->whole && !(how & OS_REMOVABLE))
		return ENOTSUP; /* what is removable is not locked */
	r = ipclock__os_wide(path, &wide);
	if (r)
		return r;
	r = open_wide(file, wide, how);
	ipclock__os_free(wide);
	if (r)
		return r;
	r = ipclock__os_examine(ipclock__os_handle(file->fd), &file->id, &attributes);
	*kind = kind_of(attributes);
	if (r == 0 && attributes & FILE_ATTRIBUTE_REPARSE_POINT && *kind != OS_DIRECTORY)
		r = ELOOP;
	if (r == 0)
		r = ipclock__os_range_opened(file, true);
	if (r) {
		CloseHandle(ipclock__os_handle(file->fd));
		file->fd = -1;
	}
	return r;
}

void
ipclock__os_close(struct os_file *file)
{
	HANDLE handle = ipclock__os_handle(file->fd);

	ipclock__os_range_closed(file);
	CloseHandle(handle);
}

/* What the caller asked for when it opened it. */
static unsigned char
access_of(HANDLE handle)
{
	PUBLIC_OBJECT_BASIC_INFORMATION info;
	unsigned access = OS_ANY_LOCK;

	if (NtQueryObject(handle, ObjectBasicInformation, &info, sizeof(info), NULL) != 0)
		return OS_READ | OS_WRITE | OS_ANY_LOCK;
	if (info.GrantedAccess & FILE_READ_DATA)
		access |= OS_READ;
	if (info.GrantedAccess & (FILE_WRITE_DATA | FILE_APPEND_DATA))
		access |= OS_WRITE;
	return (unsigned char)access;
}

int
ipclock__os_adopt(struct os_file *file, enum os_kind *kind, int fd)
{
	HANDLE handle = ipclock__os_handle(fd);
	DWORD flags, attributes;
	int r;

	if (file->whole)
		return ENOTSUP;
	if (fd <= 0 || !GetHandleInformation(handle, &flags))
		return EBADF;
	file->fd = fd;
	file->access = access_of(handle);
	r = ipclock__os_examine(handle, &file->id, &attributes);
	*kind = kind_of(attributes);
	return r ? r : ipclock__os_range_opened(file, false);
}

void
ipclock__os_disown(struct os_file *file)
{
	ipclock__os_range_closed(file);
}

void
ipclock__os_forget(struct os_file *file)
{
	file->fd = -1; /* there is no fork */
}

static int
identify_wide(const wchar_t *path, struct os_id *id)
{
	HANDLE handle = CreateFileW(path, FILE_READ_ATTRIBUTES, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
	    NULL, OPEN_EXISTING, FILE_FLAG_OPEN_REPARSE_POINT | FILE_FLAG_BACKUP_SEMANTICS, NULL);
	DWORD attributes;
	int r;

	if (handle == INVALID_HANDLE_VALUE) {
		r = ipclock__os_error(GetLastError());
		return r == EACCES && is_going() ? ENOENT : r;
	}
	r = ipclock__os_examine(handle, id, &attributes);
	CloseHandle(handle);
	return r;
}

int
ipclock__os_identify(const char *path, struct os_id *id)
{
	wchar_t *wide;
	int r = ipclock__os_wide(path, &wide);

	if (r)
		return r;
	r = identify_wide(wide, id);
	ipclock__os_free(wide);
	return r;
}

int
ipclock__os_unlink(const char *path)
{
	wchar_t *wide;
	int r = ipclock__os_wide(path, &wide);

	if (r)
		return r;
	r = DeleteFileW(wide) ? 0 : ipclock__os_error(GetLastError());
	ipclock__os_free(wide);
	return r;
}

bool
ipclock__os_unlinks_open(void)
{
	return false;
}

/* All that Windows has of it: nobody may write. */
int
ipclock__os_set_mode(const struct os_file *file, unsigned perm)
{
	FILE_BASIC_INFO info = { .FileAttributes = FILE_ATTRIBUTE_READONLY };

	if (perm & 0222)
		return 0;
	return SetFileInformationByHandle(ipclock__os_handle(file->fd), FileBasicInfo, &info, sizeof(info)) ? 0 :
	    ipclock__os_error(GetLastError());
}

/* "C:", a server or its share is no directory that one could make. */
static bool
is_root(const char *path)
{
	const char *p = strchr(path, '/');
	unsigned slashes = 0;

	if (path[0] != '/')
		return !p;
	for (p = path; *p; p++)
		slashes += *p == '/';
	return slashes <= 3;
}

int
ipclock__os_make_directory(const char *path)
{
	DWORD error, attributes;
	wchar_t *wide;
	int r;

	if (is_root(path))
		return EEXIST;
	r = ipclock__os_wide(path, &wide);
	if (r)
		return r;
	error = CreateDirectoryW(wide, NULL) ? 0 : GetLastError();
	attributes = error ? GetFileAttributesW(wide) : 0;
	ipclock__os_free(wide);
	if (error && attributes != INVALID_FILE_ATTRIBUTES && attributes & FILE_ATTRIBUTE_DIRECTORY)
		return EEXIST;
	return ipclock__os_error(error);
}
