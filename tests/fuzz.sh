#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors
#
# The harnesses of tests/fuzz/ on their own corpus, without a fuzzer: they still build, and nothing in it does harm.
. "$top_srcdir/tests/report.sh"

for source in "$top_srcdir"/tests/fuzz/corpus/*; do
	name=${source##*/}
	if [ -x "$top_builddir/tests/fuzz/$name" ]; then
		check "$name: each seed, its beginnings and its neighbours" "$top_builddir/tests/fuzz/$name" "$source"/*
	else
		skip "$name: not for this system, or built without hiredis"
	fi
done
exit $status
