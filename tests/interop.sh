#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors

# Promise A with real peers, and where it does not hold: runs interop.py.
python=${PYTHON3:-/usr/bin/python3}
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 7))' 2>/dev/null; then
	echo "skip 1 - the matrix of peers: $python is not here or older than 3.7"
	exit 0
fi
exec "$python" "${top_srcdir:-.}/tests/interop.py"
