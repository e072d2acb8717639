# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors

# What run and machines are made of: read by them, not run.

cd "$(dirname "$0")/.." || exit 1
dir=$(mktemp -d) && chmod 755 "$dir" || exit 1
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
src=$dir/src
jobs=$(nproc)
passed=0 failed=0 skipped=0

# step NAME COMMAND...: announces it, adds up the cases that it ran, shows what failed and what was skipped.
step() {
	local log=$dir/log status=0 p=0 f=0 s=0
	printf '=== %02d:%02d  %s\n' $((SECONDS / 60)) $((SECONDS % 60)) "$1"
	shift
	("$@") >"$log" 2>&1 </dev/null || status=$?
	read -r p _ f _ s _ < <(grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$log" | tail -n 1)
	if [ "$status" -ne 0 ]; then
		[ "${f:-0}" -gt 0 ] || f=1
		grep -E -B 3 -A 6 '^not ok|:[FES]:|Sanitizer|runtime error|warning:|error:' "$log" | head -n 200
		echo "    ..."
		tail -n 30 "$log"
	fi
	grep -E '^skip[ :]|^ok .*# SKIP' "$log" | sort -u
	[ -z "$p" ] || echo "    $p passed, $f failed, $s skipped"
	passed=$((passed + ${p:-0})) failed=$((failed + ${f:-0})) skipped=$((skipped + ${s:-0}))
	return "$status"
}

finish() {
	printf '=== %02d:%02d  end\n' $((SECONDS / 60)) $((SECONDS % 60))
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
	exit
}

# install_packages PACKAGE...
install_packages() {
	local try
	export DEBIAN_FRONTEND=noninteractive
	for try in 1 2 3; do
		apt-get -q update &&
			apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=120 install "$@" && return
		sleep $((try * 5))
	done
	return 1
}

# tests COMMAND...: runs it; then what its tests had to say, whatever came of it.
tests() {
	local status=0
	"$@" || status=$?
	[ "$status" -eq 0 ] || find . -name test-suite.log -exec cat {} +
	find . -path '*/tests/*.log' -exec grep -hE '^skip[ :]|^ok .*# SKIP' {} +
	return "$status"
}

# compile DIRECTORY CONFIGURE-ARGUMENT...: -Werror comes after configure, whose probes it would upset.
compile() {
	mkdir "$dir/$1" && cd "$dir/$1" || return
	shift
	"$src/configure" -q "$@" &&
		make -s -j"$jobs" CFLAGS="${FLAGS:--g -O2} -Werror" &&
		make -s -j"$jobs" CFLAGS="${FLAGS:--g -O2} -Werror" check-am TESTS=
}

# build DIRECTORY CONFIGURE-ARGUMENT...: the same, and its tests. CHECK: what is said to "make check" besides.
build() {
	compile "$@" && tests timeout "${LIMIT:-900}" make -s CFLAGS="${FLAGS:--g -O2} -Werror" "${CHECK[@]}" check
}
CHECK=()
