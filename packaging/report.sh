# shellcheck shell=sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors

# What the scripts that test packages share: read by them, not run.

# counted COMMAND...: shows what it says, then "N passed, N failed, N skipped"; 1 if something failed or nothing passed.
counted() {
	results=$(mktemp) || exit 1
	{
		"$@" </dev/null
		echo $? >"$results.status"
	} | tee "$results"
	awk -v "status=$(cat "$results.status")" '
	/^ok / { passed++ }
	/^not ok / { failed++ }
	/^skip / { skipped++ }
	END {
		failed += status != 0 && !failed
		printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
		exit failed > 0 || passed == 0
	}' "$results"
	status=$?
	rm -f "$results" "$results.status"
	return $status
}

# must TEXT COMMAND...: as check, and the end if it fails.
must() {
	# shellcheck disable=SC2154 # of tests/report.sh
	before=$status
	status=0
	check "$@"
	[ "$status" -eq 0 ] || exit 1
	status=$before
}
