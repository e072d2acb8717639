/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * Functions whose body runs under a lock, and blocks that do.
 *
 *	static IPCLOCK_LOCKED(long, add, (long n), (n), "/run/lock/total", -1)
 *	{
 *		...
 *		return total + n;
 *	}
 *
 * defines long add(long n).  It waits for the lock, runs the body and releases,
 * by whatever return the body ends; it returns -1, and the body has not run,
 * where the lock cannot be had: ipclock_locked_error() says why.
 *
 * type		what the function returns: a name, so that "type f" is a declaration
 * name		of the function; not overloaded, and in C++ no member of a class
 * params	as in a definition, in parentheses: (void), (int a, char *b)
 * args		their names, in parentheses: (), (a, b)
 * path		of the lock file, an expression that the parameters are unknown to.
 *		Evaluated until an open succeeds; that value counts to the end of the
 *		process.  Threads in their first calls may each evaluate it
 * handle	a struct ipclock *, for READ and WRITE a struct ipclock_rw *: an
 *		expression evaluated once a call, which may use the parameters
 * timeout_ms	as for ipclock_acquire(); with a path the wait is for ever
 * otherwise	the value if the lock cannot be had, evaluated then and not before;
 *		it may use the parameters, and be ipclock_locked_error()
 *
 * Path: all functions of the process whose paths are the same, made absolute,
 * lock through one handle, which is opened at the first call, recursive
 * (IPCLOCK_RECURSIVE) and open to the end of the process.  So a thread inside
 * one may call it again, and the others: read in read, read in write, write in
 * write; write in read is EDEADLK.  After a failed open the next call opens
 * again.  With a handle of the caller's, its flags decide.
 *
 * Release: also where the release is an error; that leaves the function's value
 * alone, and only ipclock_message(NULL) tells of it.  In C++ an exception
 * releases.  So do pthread_exit(3) and the cancellation of the thread in C++ and,
 * in C by GCC and Clang, with -fexceptions.  longjmp(3) out of the body does not.
 *
 * Fork: the child of a fork(2) in the body goes on without the lock.
 */
#ifndef IPCLOCK_LOCKED_H
#define IPCLOCK_LOCKED_H

#ifdef __cplusplus
extern "C" {
#endif

struct ipclock;
struct ipclock_rw;

/* A lock that was acquired for a block, if error is 0.  The rest is the library's. */
struct ipclock_scope {
	int error;
	int writes;
	void *handle;
};

/* The library's memory of one function with a path; zeroes at first. */
struct ipclock_locked {
	void *handle;
};

/*
 * Why the last locked function or scope that this thread came to the end of,
 * or could not enter, did not get its lock: what ipclock_open() and
 * ipclock_acquire() say; 0 if it did.  ipclock_message(NULL) has the sentence.
 */
int ipclock_locked_error(void);

/*
 * What the macros below call.  Whether an open has succeeded; enter, with a path
 * if not, to write or to read; and the same for handles.
 */
int ipclock_locked_ready(struct ipclock_locked *function);
struct ipclock_scope ipclock_locked_enter(struct ipclock_locked *function, int writes, const char *path);
struct ipclock_scope ipclock_scope_lock(struct ipclock *lock, int timeout_ms);
struct ipclock_scope ipclock_scope_read(struct ipclock_rw *rw, int timeout_ms);
struct ipclock_scope ipclock_scope_write(struct ipclock_rw *rw, int timeout_ms);

/*
 * Releases before the end of the block: error is EPERM then, and the end of the
 * block does nothing.  Nothing is done if error is not 0.
 */
void ipclock_locked_leave(struct ipclock_scope *scope);

#ifdef __cplusplus
}
#endif

/*
 * IPCLOCK_SCOPE(guard, lock, timeout_ms); declares guard, a struct ipclock_scope
 * that has acquired, if guard.error is 0, and releases at the end of the block,
 * however that is left.  In C++, and in C by GCC and Clang; else not defined.
 */
#if defined __cplusplus
#define IPCLOCK_ENTER_(guard, entered)                                                                          \
	struct ipclock_scope guard = entered;                                                                   \
	struct ipclock_end_of_##guard {                                                                         \
		struct ipclock_scope *scope;                                                                    \
		~ipclock_end_of_##guard() { ipclock_locked_leave(scope); }                                      \
	} ipclock_leaves_##guard = { &guard }
#elif defined __GNUC__
#define IPCLOCK_ENTER_(guard, entered)                                                                          \
	__attribute__((__cleanup__(ipclock_locked_leave))) struct ipclock_scope guard = entered
#endif

#ifdef IPCLOCK_ENTER_
#define IPCLOCK_SCOPE(guard, lock, timeout_ms)     IPCLOCK_ENTER_(guard, ipclock_scope_lock(lock, timeout_ms))
#define IPCLOCK_READ_SCOPE(guard, rw, timeout_ms)  IPCLOCK_ENTER_(guard, ipclock_scope_read(rw, timeout_ms))
#define IPCLOCK_WRITE_SCOPE(guard, rw, timeout_ms) IPCLOCK_ENTER_(guard, ipclock_scope_write(rw, timeout_ms))

#define IPCLOCK_CALL_(type, entered, call, otherwise)                                                           \
	IPCLOCK_ENTER_(ipclock_scope_, entered);                                                                \
	if (ipclock_scope_.error)                                                                               \
		return otherwise;                                                                               \
	return call;
#define IPCLOCK_CALL_VOID_(entered, call)                                                                       \
	IPCLOCK_ENTER_(ipclock_scope_, entered);                                                                \
	if (ipclock_scope_.error == 0)                                                                          \
		call;
#else
#define IPCLOCK_CALL_(type, entered, call, otherwise)                                                           \
	struct ipclock_scope ipclock_scope_ = entered;                                                          \
	type ipclock_value_;                                                                                    \
	if (ipclock_scope_.error)                                                                               \
		return otherwise;                                                                               \
	ipclock_value_ = call;                                                                                  \
	ipclock_locked_leave(&ipclock_scope_);                                                                  \
	return ipclock_value_;
#define IPCLOCK_CALL_VOID_(entered, call)                                                                       \
	struct ipclock_scope ipclock_scope_ = entered;                                                          \
	if (ipclock_scope_.error == 0)                                                                          \
		call;                                                                                           \
	ipclock_locked_leave(&ipclock_scope_);
#endif

/* Each begins with a declaration of the function, to take the "static" that may stand before it. */
#define IPCLOCK_FUNCTION_(type, name, params, args, entered, otherwise)                                         \
	type name params;                                                                                       \
	static type ipclock_body_of_##name params;                                                              \
	type name params { IPCLOCK_CALL_(type, entered, ipclock_body_of_##name args, otherwise) }               \
	static type ipclock_body_of_##name params
#define IPCLOCK_FUNCTION_VOID_(name, params, args, entered)                                                     \
	void name params;                                                                                       \
	static void ipclock_body_of_##name params;                                                              \
	void name params { IPCLOCK_CALL_VOID_(entered, ipclock_body_of_##name args) }                           \
	static void ipclock_body_of_##name params

/* A function of its own, that path may not mean a parameter. */
#define IPCLOCK_ENTRY_(name, writes, path)                                                                      \
	static struct ipclock_scope ipclock_entry_of_##name(void)                                               \
	{                                                                                                       \
		static struct ipclock_locked ipclock_function_;                                                 \
		return ipclock_locked_enter(&ipclock_function_, writes,                                         \
		    ipclock_locked_ready(&ipclock_function_) ? (const char *)0 : (path));                       \
	}
#define IPCLOCK_BY_PATH_(type, name, params, args, writes, path, otherwise)                                     \
	type name params;                                                                                       \
	IPCLOCK_ENTRY_(name, writes, path)                                                                      \
	IPCLOCK_FUNCTION_(type, name, params, args, ipclock_entry_of_##name(), otherwise)
#define IPCLOCK_BY_PATH_VOID_(name, params, args, writes, path)                                                 \
	void name params;                                                                                       \
	IPCLOCK_ENTRY_(name, writes, path)                                                                      \
	IPCLOCK_FUNCTION_VOID_(name, params, args, ipclock_entry_of_##name())

#define IPCLOCK_LOCKED(type, name, params, args, path, otherwise)                                               \
	IPCLOCK_BY_PATH_(type, name, params, args, 1, path, otherwise)
#define IPCLOCK_READ_LOCKED(type, name, params, args, path, otherwise)                                          \
	IPCLOCK_BY_PATH_(type, name, params, args, 0, path, otherwise)
#define IPCLOCK_WRITE_LOCKED(type, name, params, args, path, otherwise)                                         \
	IPCLOCK_BY_PATH_(type, name, params, args, 1, path, otherwise)
#define IPCLOCK_LOCKED_VOID(name, params, args, path)                                                           \
	IPCLOCK_BY_PATH_VOID_(name, params, args, 1, path)
#define IPCLOCK_READ_LOCKED_VOID(name, params, args, path)                                                      \
	IPCLOCK_BY_PATH_VOID_(name, params, args, 0, path)
#define IPCLOCK_WRITE_LOCKED_VOID(name, params, args, path)                                                     \
	IPCLOCK_BY_PATH_VOID_(name, params, args, 1, path)

#define IPCLOCK_LOCKED_BY(type, name, params, args, handle, timeout_ms, otherwise)                              \
	IPCLOCK_FUNCTION_(type, name, params, args, ipclock_scope_lock(handle, timeout_ms), otherwise)
#define IPCLOCK_READ_LOCKED_BY(type, name, params, args, handle, timeout_ms, otherwise)                         \
	IPCLOCK_FUNCTION_(type, name, params, args, ipclock_scope_read(handle, timeout_ms), otherwise)
#define IPCLOCK_WRITE_LOCKED_BY(type, name, params, args, handle, timeout_ms, otherwise)                        \
	IPCLOCK_FUNCTION_(type, name, params, args, ipclock_scope_write(handle, timeout_ms), otherwise)
#define IPCLOCK_LOCKED_BY_VOID(name, params, args, handle, timeout_ms)                                          \
	IPCLOCK_FUNCTION_VOID_(name, params, args, ipclock_scope_lock(handle, timeout_ms))
#define IPCLOCK_READ_LOCKED_BY_VOID(name, params, args, handle, timeout_ms)                                     \
	IPCLOCK_FUNCTION_VOID_(name, params, args, ipclock_scope_read(handle, timeout_ms))
#define IPCLOCK_WRITE_LOCKED_BY_VOID(name, params, args, handle, timeout_ms)                                    \
	IPCLOCK_FUNCTION_VOID_(name, params, args, ipclock_scope_write(handle, timeout_ms))

#endif
