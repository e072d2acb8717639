/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * Who holds what.  Windows tells of no lock, but its Restart Manager tells who
 * has a file open: of a lock that somebody holds the one who alone has.
 */

#include <config.h>

#include <windows.h>
#include <restartmanager.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "os_win32.h"

#define MOST_USERS 16

/* It is loaded when somebody asks. */
struct manager {
	HMODULE library;
	DWORD (WINAPI *start)(DWORD *session, DWORD flags, WCHAR *key);
	DWORD (WINAPI *file)(DWORD session, UINT files, LPCWSTR *file, UINT programs, RM_UNIQUE_PROCESS *program,
	    UINT services, LPCWSTR *service);
	DWORD (WINAPI *list)(DWORD session, UINT *needed, UINT *n, RM_PROCESS_INFO *list, DWORD *reasons);
	DWORD (WINAPI *end)(DWORD session);
};

static bool
find(HMODULE library, const char *name, void *function)
{
	FARPROC address = GetProcAddress(library, name);

	memcpy(function, &address, sizeof(address));
	return address != NULL;
}

static bool
load(struct manager *m)
{
	m->library = LoadLibraryExW(L"rstrtmgr.dll", NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
	if (!m->library)
		return false;
	if (find(m->library, "RmStartSession", &m->start) && find(m->library, "RmRegisterResources", &m->file) &&
	    find(m->library, "RmGetList", &m->list) && find(m->library, "RmEndSession", &m->end))
		return true;
	FreeLibrary(m->library);
	return false;
}

/* The process that alone has it open; 0: it is not one, or not to be known. */
static long
ask_session(const struct manager *m, DWORD session, const wchar_t *path)
{
	RM_PROCESS_INFO users[MOST_USERS];
	UINT needed = 0, n = MOST_USERS;
	DWORD reasons = 0;

	if (m->file(session, 1, &path, 0, NULL, 0, NULL) || m->list(session, &needed, &n, users, &reasons) || n != 1)
		return 0;
	return (long)users[0].Process.dwProcessId;
}

/* It knows no long paths by their prefix. */
static long
ask_manager(const wchar_t *path)
{
	wchar_t key[CCH_RM_SESSION_KEY + 1] = L"";
	struct manager m;
	DWORD session;
	long pid = 0;

	if (!load(&m))
		return 0;
	if (m.start(&session, 0, key) == 0) {
		pid = ask_session(&m, session, path);
		m.end(session);
	}
	FreeLibrary(m.library);
	return pid;
}

/* The only user of the last file that was asked for, as seen before it was opened to see whether it is locked. */
static _Thread_local long only_user;

static const wchar_t *
without_prefix(const wchar_t *path)
{
	return wcsncmp(path, L"\\\\?\\", 4) == 0 && path[4] && path[5] == L':' ? path + 4 : path;
}

int
ipclock__os_claims(const char *path, int fd, bool whole, enum os_kind *kind,
    int (*take)(void *ctx, const struct os_claim *claim), void *ctx)
{
	wchar_t *wide;

	(void)fd, (void)kind, (void)take, (void)ctx;
	only_user = 0;
	if (!whole && path && ipclock__os_wide(path, &wide) == 0) {
		only_user = ask_manager(without_prefix(wide));
		ipclock__os_free(wide);
	}
	return ENOTSUP;
}

long
ipclock__os_range_owner(const struct os_file *file, struct os_range range)
{
	(void)file, (void)range;
	return only_user;
}

/* The last name of its program's path. */
void
ipclock__os_command(long pid, char *name, size_t size)
{
	HANDLE process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, (DWORD)pid);
	wchar_t path[MAX_PATH];
	DWORD length = MAX_PATH;
	const char *slash;
	char *text;

	*name = '\0';
	if (!process)
		return;
	if (QueryFullProcessImageNameW(process, 0, path, &length) && ipclock__os_narrow(path, &text) == 0) {
		slash = strrchr(text, '/');
		snprintf(name, size, "%s", slash ? slash + 1 : text);
		ipclock__os_free(text);
	}
	CloseHandle(process);
}
