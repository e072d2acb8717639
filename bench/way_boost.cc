/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* Boost.Interprocess: file_lock (fcntl), and named_sharable_mutex in shared memory. */
#include <cstdio>
#include <string>
#include <unistd.h>

#include <boost/interprocess/sync/file_lock.hpp>
#include <boost/interprocess/sync/named_sharable_mutex.hpp>

#include "way.h"

namespace {

using boost::interprocess::file_lock;
using boost::interprocess::named_sharable_mutex;

void *
open_file(const struct way *, const char *path, unsigned)
{
	close(must_open_file(path));
	return new file_lock(path);
}

/* Named by the first process; those that it forks inherit the object. */
void *
open_mutex(const struct way *, const char *, unsigned)
{
	std::string name = "ipclock-bench-" + std::to_string(getpid());
	void *lock = new named_sharable_mutex(boost::interprocess::open_or_create, name.c_str());

	named_sharable_mutex::remove(name.c_str());
	return lock;
}

template <class mutex> void
acquire(void *lock, int write)
{
	if (write)
		static_cast<mutex *>(lock)->lock();
	else
		static_cast<mutex *>(lock)->lock_sharable();
}

template <class mutex> void
release(void *lock, int write)
{
	if (write)
		static_cast<mutex *>(lock)->unlock();
	else
		static_cast<mutex *>(lock)->unlock_sharable();
}

template <class mutex> void
destroy(void *lock)
{
	delete static_cast<mutex *>(lock);
}

} // namespace

extern "C" const struct way boost_ways[] = {
	{ "boost-file", open_file, acquire<file_lock>, release<file_lock>, destroy<file_lock>, nullptr, 1, 0, 0, 0, nullptr },
	{ "boost-sharable", open_mutex, acquire<named_sharable_mutex>, release<named_sharable_mutex>,
	    destroy<named_sharable_mutex>, way_inherit, 1, 0, 0, 0, nullptr },
	{ nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, 0, 0, 0, 0, nullptr },
};
