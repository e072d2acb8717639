#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors

# A job of cron(8) that takes a while, and must not meet its own last run:
#
#	*/5 * * * *  /usr/local/bin/cron.sh /var/spool/orders
#
# It adds what has come in to one file.  Two at once would take the same files.
#
# A job that is one command needs no script:
#
#	*/5 * * * *  ipclock run -n -E 0 /var/lock/mirror.lock mirror
#
# -n does not wait, and -E 0 says that a run which was left out is no failure.
set -eu
cd "${1:?usage: cron.sh DIRECTORY}"

# This script once more, under the lock.  It is free when that has ended, however
# it ends: no trap, no file to remove after a crash.
if [ "${CRON_LOCKED-}" != "$PWD" ]; then
	case $0 in
	/*) ;;
	*) echo "cron.sh: call me by my full name" >&2; exit 1 ;;
	esac
	status=0
	CRON_LOCKED=$PWD ipclock run -n -E 75 cron.lock "$0" "$PWD" || status=$?
	[ "$status" -ne 75 ] || { echo "cron.sh: the last run is not done yet"; status=0; }
	exit "$status"
fi

for file in incoming/*; do
	[ -e "$file" ] || continue
	cat "$file" >>all
	rm "$file"
done
