/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include "system.h"

#undef open
#undef close
#undef read
#undef write
#undef stat
#undef fstat
#undef fcntl
#undef unlink
#undef rename
#undef link
#undef mkdir
#undef umask

#include <errno.h>
#include <string.h>
#include <windows.h>

/* ---- files ---- */

#define FILES 64

/* Positions in files, which their handles do not have. */
static struct {
	int fd;
	uint64_t at;
} positions[FILES];

static HANDLE
handle_of(int fd)
{
	return (HANDLE)(intptr_t)fd;
}

static int
fail(void)
{
	switch (GetLastError()) {
	case ERROR_FILE_NOT_FOUND:
	case ERROR_PATH_NOT_FOUND:
		errno = ENOENT;
		break;
	case ERROR_FILE_EXISTS:
	case ERROR_ALREADY_EXISTS:
		errno = EEXIST;
		break;
	case ERROR_INVALID_HANDLE:
		errno = EBADF;
		break;
	default:
		errno = EACCES;
	}
	return -1;
}

static uint64_t *
position(int fd, bool fresh)
{
	int i;

	for (i = 0; i < FILES && positions[i].fd != fd; i++)
		;
	if (i == FILES)
		for (i = 0; i < FILES - 1 && positions[i].fd != 0; i++)
			;
	if (fresh || positions[i].fd != fd)
		positions[i].at = 0;
	positions[i].fd = fd;
	return &positions[i].at;
}

int
win_open(const char *path, int flags, ...)
{
	DWORD access = flags & O_RDWR ? GENERIC_READ | GENERIC_WRITE : flags & O_WRONLY ? GENERIC_WRITE : GENERIC_READ;
	DWORD how = flags & O_CREAT ? flags & O_EXCL ? CREATE_NEW : flags & O_TRUNC ? CREATE_ALWAYS : OPEN_ALWAYS :
	    flags & O_TRUNC ? TRUNCATE_EXISTING : OPEN_EXISTING;
	HANDLE handle = CreateFileA(path, access, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, how,
	    FILE_FLAG_OVERLAPPED | FILE_FLAG_BACKUP_SEMANTICS, NULL);

	if (handle == INVALID_HANDLE_VALUE)
		return fail();
	position((int)(intptr_t)handle, true);
	return (int)(intptr_t)handle;
}

int
win_close(int fd)
{
	return CloseHandle(handle_of(fd)) ? 0 : fail();
}

static int
transfer(int fd, BOOL (WINAPI *how)(HANDLE, void *, DWORD, DWORD *, OVERLAPPED *), void *data, size_t size)
{
	uint64_t *at = position(fd, false);
	OVERLAPPED o = { .Offset = (DWORD)*at, .OffsetHigh = (DWORD)(*at >> 32), .hEvent = CreateEventW(NULL, TRUE, FALSE, NULL) };
	DWORD n = 0;
	BOOL done = how(handle_of(fd), data, (DWORD)size, &n, &o);

	if (!done && GetLastError() == ERROR_IO_PENDING)
		done = GetOverlappedResult(handle_of(fd), &o, &n, TRUE);
	CloseHandle(o.hEvent);
	if (!done && GetLastError() != ERROR_HANDLE_EOF)
		return fail();
	*at += n;
	return (int)n;
}

int
win_read(int fd, void *data, size_t size)
{
	return transfer(fd, ReadFile, data, size);
}

static BOOL WINAPI
write_file(HANDLE handle, void *data, DWORD size, DWORD *n, OVERLAPPED *o)
{
	return WriteFile(handle, data, size, n, o);
}

int
win_write(int fd, const void *data, size_t size)
{
	return transfer(fd, write_file, (void *)(uintptr_t)data, size);
}

int
win_fstat(int fd, struct win_stat *st)
{
	BY_HANDLE_FILE_INFORMATION info;

	if (!GetFileInformationByHandle(handle_of(fd), &info))
		return fail();
	memset(st, 0, sizeof(*st));
	st->st_dev = info.dwVolumeSerialNumber;
	st->st_ino = (uint64_t)info.nFileIndexHigh << 32 | info.nFileIndexLow;
	st->st_size = (int64_t)((uint64_t)info.nFileSizeHigh << 32 | info.nFileSizeLow);
	st->st_mtim.tv_sec = (time_t)info.ftLastWriteTime.dwHighDateTime;
	st->st_mtim.tv_nsec = (long)info.ftLastWriteTime.dwLowDateTime; /* to be compared alone */
	st->st_nlink = (unsigned)info.nNumberOfLinks;
	st->st_mode = info.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY ? S_IFDIR | 0777 :
	    info.dwFileAttributes & FILE_ATTRIBUTE_READONLY ? S_IFREG | 0444 : S_IFREG | 0666;
	return 0;
}

int
win_stat(const char *path, struct win_stat *st)
{
	HANDLE handle = CreateFileA(path, FILE_READ_ATTRIBUTES, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
	    OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
	int r;

	if (handle == INVALID_HANDLE_VALUE)
		return fail();
	r = win_fstat((int)(intptr_t)handle, st);
	CloseHandle(handle);
	return r;
}

int
win_pread(int fd, void *data, size_t size, int64_t at)
{
	*position(fd, true) = (uint64_t)at;
	return win_read(fd, data, size);
}

/* Is the descriptor one, and does it stay here? */
int
win_fcntl(int fd, int what, ...)
{
	DWORD flags;

	if (what != F_GETFD)
		tap_skip("it needs fcntl(2)");
	if (!GetHandleInformation(handle_of(fd), &flags))
		return fail();
	return flags & HANDLE_FLAG_INHERIT ? 0 : FD_CLOEXEC;
}

static int
done_or_held(BOOL done)
{
	if (!done && (GetLastError() == ERROR_SHARING_VIOLATION || GetLastError() == ERROR_ACCESS_DENIED))
		tap_skip("the name of an open file can be neither removed nor given to another one");
	return done ? 0 : fail();
}

int
win_unlink(const char *path)
{
	return done_or_held(DeleteFileA(path));
}

int
win_rename(const char *from, const char *to)
{
	return done_or_held(MoveFileExA(from, to, MOVEFILE_REPLACE_EXISTING));
}

int
win_link(const char *from, const char *to)
{
	return CreateHardLinkA(to, from, NULL) ? 0 : fail();
}

int
win_mkdir(const char *path, unsigned mode)
{
	(void)mode;
	return CreateDirectoryA(path, NULL) ? 0 : fail();
}

/* ---- processes ---- */

int
pipe(int ends[2])
{
	HANDLE from, to;

	if (!CreatePipe(&from, &to, NULL, 0))
		return fail();
	ends[0] = (int)(intptr_t)from;
	ends[1] = (int)(intptr_t)to;
	return 0;
}

/* Of the system's own library, which has no other name for them. */
int
win_stop(intptr_t process, bool stop)
{
	union {
		FARPROC found;
		LONG (NTAPI *call)(HANDLE process);
	} f = { .found = GetProcAddress(GetModuleHandleA("ntdll.dll"), stop ? "NtSuspendProcess" : "NtResumeProcess") };

	return f.found != NULL && f.call((HANDLE)process) == 0 ? 0 : -1;
}

/* Its exit status says so, as child_result() does. */
int
kill(pid_t pid, int sig)
{
	HANDLE process = OpenProcess(PROCESS_ALL_ACCESS, FALSE, (DWORD)pid);
	int r;

	if (sig == SIGKILL)
		r = TerminateProcess(process, 1000 + SIGKILL) ? 0 : -1;
	else if (sig == SIGSTOP || sig == SIGCONT)
		r = win_stop((intptr_t)process, sig == SIGSTOP);
	else
		tap_skip("it needs signals");
	CloseHandle(process);
	return r;
}

/* ---- what cannot be done ---- */

int
win_symlink(const char *to, const char *path)
{
	(void)to;
	(void)path;
	tap_skip("it needs symlink(2)");
}

int
win_mkfifo(const char *path, unsigned mode)
{
	(void)path;
	(void)mode;
	tap_skip("it needs mkfifo(2)");
}

int
pwrite(int fd, const void *data, size_t size, int64_t at)
{
	*position(fd, true) = (uint64_t)at;
	return win_write(fd, data, size);
}

int
chown(const char *path, unsigned uid, unsigned gid)
{
	(void)path;
	(void)uid;
	(void)gid;
	tap_skip("it needs the permissions of POSIX");
}

/* All may do all. */
int
win_fchmod(int fd, unsigned mode)
{
	(void)fd;
	(void)mode;
	return 0;
}

unsigned
win_umask(unsigned mask)
{
	(void)mask;
	tap_skip("it needs the permissions of POSIX");
}

int
flock(int fd, int what)
{
	(void)fd;
	(void)what;
	tap_skip("it needs flock(2)");
}

int
fork(void)
{
	tap_skip("it needs fork(2)");
}

pid_t
waitpid(pid_t pid, int *status, int options)
{
	(void)pid;
	(void)status;
	(void)options;
	tap_skip("it needs waitpid(2)");
}

int
sigaction(int sig, const struct sigaction *act, struct sigaction *old)
{
	(void)sig;
	(void)act;
	(void)old;
	tap_skip("it needs signals");
}

int
sigismember(const void *set, int sig)
{
	(void)set;
	(void)sig;
	tap_skip("it needs signals");
}

int
win_sigmask(int how, const void *set, void *old)
{
	(void)how;
	(void)set;
	(void)old;
	tap_skip("it needs signals");
}

int
win_pthread_kill(pthread_t thread, int sig)
{
	(void)thread;
	(void)sig;
	tap_skip("it needs signals");
}

int
win_pthread_cancel(pthread_t thread)
{
	(void)thread;
	tap_skip("it needs threads that can be cancelled");
}

unsigned
alarm(unsigned seconds)
{
	(void)seconds;
	tap_skip("it needs signals");
}

int
setitimer(int which, const struct itimerval *value, struct itimerval *old)
{
	(void)which;
	(void)value;
	(void)old;
	tap_skip("it needs signals");
}

int
setrlimit(int what, const struct rlimit *limit)
{
	(void)what;
	(void)limit;
	tap_skip("it needs setrlimit(2)");
}

int
getrlimit(int what, struct rlimit *limit)
{
	(void)what;
	(void)limit;
	tap_skip("it needs setrlimit(2)");
}

uid_t
geteuid(void)
{
	return 1;
}

int
setuid(uid_t uid)
{
	(void)uid;
	tap_skip("it needs setuid(2)");
}

int
setenv(const char *name, const char *value, int over)
{
	(void)over;
	return _putenv_s(name, value);
}

int
rand_r(unsigned *seed)
{
	*seed = *seed * 1103515245u + 12345u;
	return (int)(*seed >> 16 & 0x7fff);
}

/* ---- memory and waits ---- */

void *
mmap(void *at, size_t size, int prot, int flags, int fd, int64_t offset)
{
	void *p = calloc(1, size);

	(void)at;
	(void)prot;
	(void)flags;
	(void)fd;
	(void)offset;
	return p != NULL ? p : MAP_FAILED;
}

static nfds_t
readable(struct pollfd *fds, nfds_t n)
{
	nfds_t i, found = 0;
	DWORD bytes;

	for (i = 0; i < n; i++) {
		bool is = fds[i].fd >= 0 && (!PeekNamedPipe(handle_of(fds[i].fd), NULL, 0, NULL, &bytes, NULL) || bytes > 0);

		fds[i].revents = is ? POLLIN : 0;
		found += is;
	}
	return found;
}

int
poll(struct pollfd *fds, nfds_t n, int ms)
{
	ULONGLONG end = GetTickCount64() + (ULONGLONG)(ms < 0 ? 0 : ms);
	nfds_t found;

	while ((found = readable(fds, n)) == 0 && (ms < 0 || GetTickCount64() < end))
		Sleep(1);
	return (int)found;
}
