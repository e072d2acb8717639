#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors
#
# The manual: every function and constant has its place in it, mandoc has nothing to say about the pages, and what they
# show as an example is compiled, run, and exits 0.
#
# An example is a literal display behind a comment .\" example: NAME, where NAME ends in .c or .sh.
set -u
src=${top_srcdir:-.}
build=${top_builddir:-.}
ipclock=${IPCLOCK:-$build/ipclock}
case $src in /*) ;; *) src=$PWD/$src ;; esac
case $build in /*) ;; *) build=$PWD/$build ;; esac
case $ipclock in /*) ;; *) ipclock=$PWD/$ipclock ;; esac
man=$src/man
. "${top_srcdir:-.}/tests/report.sh"
mkdir "$dir/bin" "$dir/examples" || exit 1

is_stub() {
	head -n 1 "$1" | grep -q '^\.so '
}

# Prints the names in the section NAME of a page.
names() {
	awk '/^\.Sh / { inside = $2 == "NAME" } inside && $1 == ".Nm" { print $2 }' "$1"
}

# ---- is everything there? ----

exported() {
	sed -n 's/^[[:space:]]*\(ipclock_[a-z0-9_]*\);.*/\1/p' "$src/lib/libipclock.map" "$src/redis/libipclock-redis.map"
}

every_export_has_a_page() {
	missing=0
	test -n "$(exported)" || return 1
	for name in $(exported); do
		test -f "$man/$name.3" || { echo "no man/$name.3"; missing=1; }
	done
	return $missing
}

stubs_lead_to_their_names() {
	wrong=0
	for page in "$man"/*.3; do
		is_stub "$page" || continue
		name=$(basename "$page" .3)
		target=$man/$(sed -n 's/^\.so man3\///p' "$page")
		test -f "$target" && names "$target" | grep -qx "$name" || { echo "$page"; wrong=1; }
	done
	return $wrong
}

every_name_has_a_page() {
	wrong=0
	for page in "$man"/*.3; do
		for name in $(names "$page"); do
			test -f "$man/$name.3" || { echo "$page: no page $name.3"; wrong=1; }
		done
	done
	return $wrong
}

references_to_our_pages_exist() {
	wrong=0
	for page in $(sed -n -e 's/^\.It Xr /.Xr /' -e 's/^\.Xr \(ipclock[a-z_-]*\) \([1-9]\).*/\1.\2/p' \
	    -e 's/^\.Xr \(IPCLOCK[A-Z_]*\) \([1-9]\).*/\1.\2/p' "$man"/*.[137] | sort -u); do
		test -f "$man/$page" || { echo "$page"; wrong=1; }
	done
	return $wrong
}

# The words of our name spaces in a text.
our_words() {
	tr -c 'A-Za-z0-9_' '\n' | grep '^\(ipclock\|IPCLOCK\)_[A-Za-z0-9]' | sort -u
}

# But for the heads of pages, which may have a name of their own, and variables of the environment.
no_page_speaks_of_what_is_not_there() {
	cat "$src"/include/*.h "$src"/include/ipclock/*.h "$src"/redis/*.h | our_words >"$dir/declared"
	wrong=0
	for page in "$man"/*.[137]; do
		is_stub "$page" && continue
		sed -e '/^\.Dt /d' -e '/^\.Xr ipclock/d' -e '/^\.It Xr /d' -e 's/IPCLOCK_SLOT//g' -e 's/IPCLOCK_TOKEN//g' "$page" |
		    our_words | grep -vxFf "$dir/declared" && { echo "... in $page"; wrong=1; }
	done
	return $wrong
}

macros() {
	sed -n 's/^#define \(IPCLOCK_[A-Z_]*[A-Z]\)(.*/\1/p' "$src"/include/ipclock/*.h | sort -u
}

every_macro_has_a_page() {
	missing=0
	test -n "$(macros)" || return 1
	for name in $(macros); do
		test -f "$man/$name.3" || { echo "no man/$name.3"; missing=1; }
	done
	return $missing
}

# Where a reader begins: all pages with a name of their own are in its map.
map_is_complete() {
	missing=0
	for page in "$man"/*.[137]; do
		is_stub "$page" && continue
		name=$(basename "$page")
		case $name in ipclock.7) continue ;; esac
		sed -n '/^\.Ss Pages/,/^\.Ss Conventions/p' "$man/ipclock.7" |
		    grep -Eq "^\.(It )?Xr ${name%.*} ${name##*.}" || { echo "$name"; missing=1; }
	done
	return $missing
}

install_pages() {
	(
		unset MAKEFLAGS MFLAGS MAKELEVEL DESTDIR
		cd "$build" && ${MAKE:-make} -s install-man mandir="$dir/installed" DESTDIR=
	)
}

# man(1) finds a page, and the page, or the one that a stub leads to, names it.
man_finds_every_name() {
	missing=0
	for name in $(exported) $(macros); do
		case $redis:$name in no:ipclock_redis_*) continue ;; esac
		page=$(man -M "$dir/installed" -w 3 "$name" 2>/dev/null)
		if [ -n "$page" ] && is_stub "$page"; then
			page=$dir/installed/$(sed -n 's/^\.so //p' "$page")
		fi
		test -f "$page" && names "$page" | grep -qx "$name" || { echo "$name: $page"; missing=1; }
	done
	return $missing
}

constants_are_described() {
	wrong=0
	for name in $(sed -n 's/^#define \(IPCLOCK_[A-Z_]*[A-Z]\)[[:space:]].*/\1/p' "$src"/include/ipclock/*.h); do
		grep -qx "\.It Dv $name" "$man"/*.3 || { echo "$name"; wrong=1; }
	done
	return $wrong
}

sections_are_there() {
	wrong=0
	for section in NAME SYNOPSIS DESCRIPTION 'RETURN VALUES' EXAMPLES ERRORS 'SEE ALSO' CAVEATS; do
		grep -qx "\.Sh $section" "$1" || { echo "$section"; wrong=1; }
	done
	return $wrong
}

check "every exported function has a page" every_export_has_a_page
check "every macro has a page" every_macro_has_a_page
check "every stub leads to a page that names it" stubs_lead_to_their_names
check "every name that a page describes can be asked for" every_name_has_a_page
check "references among the pages lead somewhere" references_to_our_pages_exist
check "every constant of the headers is described" constants_are_described
check "no page speaks of a function or constant that is not there" no_page_speaks_of_what_is_not_there
check "the map in ipclock.7 names every page" map_is_complete
for page in "$man"/*.3; do
	is_stub "$page" || check "$(basename "$page") has its sections" sections_are_there "$page"
done

# ---- is it found, once it is installed? ----

redis=${HAVE_REDIS:-no}
if ! test -f "$build/Makefile"; then
	skip "man 3 NAME after make install: this is not the directory of a build"
elif ! man -w 2>/dev/null | grep -q '^/'; then
	skip "man 3 NAME after make install: there is no man here, or one that shows nothing"
else
	check "the pages are installed" install_pages
	check "man 3 NAME finds every function and macro" man_finds_every_name
fi

# ---- mandoc ----

lint() {
	said=$(mandoc -Tlint -W warning "$1" 2>&1)
	echo "$said"
	test -z "$said"
}

for page in "$man"/*.[137]; do
	is_stub "$page" && continue
	if command -v mandoc >/dev/null; then
		check "mandoc has nothing to say about $(basename "$page")" lint "$page"
	else
		skip "mandoc on $(basename "$page"): it is not here"
	fi
done

# ---- examples ----

# Writes the examples of a page as files, still with mdoc's escapes, and then without them.
extract() {
	awk -v dir="$dir/examples" '
	/^\.\\" example: / { name = $3; next }
	/^\.Bd / && name { out = dir "/" name ".mdoc"; next }
	/^\.Ed/ { if (out) close(out); name = out = ""; next }
	out { print >out }' "$1"
	for raw in "$dir"/examples/*.mdoc; do
		test -f "$raw" || continue
		sed -e 's/\\&//g' -e 's/\\-/-/g' -e 's/\\e/\\/g' "$raw" >"${raw%.mdoc}" && rm "$raw"
	done
}

# But for the tutorial, which tests/tutorial.sh follows.
programs_are_marked() {
	shown=$(find "$man" -name '*.[137]' ! -name ipclock-tutorial.7 -exec cat {} + | grep -c '^main(')
	marked=$(find "$dir/examples" -name '*.c' | grep -c .)
	echo "$shown programs are shown, $marked can be run"
	test "$shown" -gt 0 && test "$shown" -eq "$marked"
}

# One program in two places: the page shows what examples/ has.
is_the_example() {
	sed 1,3d "$src/examples/$2" | diff "$dir/examples/$1" -
}

library=$build/libipclock.la
test -f "$library" || library=$build/lib/libipclock.la
command -v "${REDIS_SERVER:-redis-server}" >/dev/null || redis=no

# What the examples with a server find.
start_server() {
	"${REDIS_SERVER:-redis-server}" --port 0 --unixsocket "$dir/s" --save '' --dir "$dir" >"$dir/server.log" 2>&1 &
	server=$!
	trap 'kill "$server"; rm -rf "$dir"' EXIT
	REDIS_URL=unix://$dir/s
	export REDIS_URL
	tries=0
	until test -S "$dir/s" || test "$tries" -gt 400; do
		tries=$((tries + 1))
		sleep 0.05
	done
}

compile() {
	# shellcheck disable=SC2086
	${CC:-cc} -std=c99 -D_XOPEN_SOURCE=700 -Wall -Wextra -Werror -I"$src/include" -I"$src/redis" -c -o "$2.o" "$1" &&
	    "$build/libtool" --silent --tag=CC --mode=link ${CC:-cc} -no-install -o "$2" "$2.o" $libraries
}

# run NAME COMMAND...: in a directory of its own.
run() {
	mkdir "$dir/$1" && cd "$dir/$1" && shift && "$@" </dev/null
}

run_alone() {
	(run "$@")
}

for page in "$man"/*.[137]; do
	is_stub "$page" || extract "$page"
done
cat >"$dir/bin/ipclock" <<END
#!/bin/sh
exec "$ipclock" "\$@"
END
chmod +x "$dir/bin/ipclock"
PATH=$dir/bin:$PATH
export PATH

check "every program that a page shows is tested" programs_are_marked
check "redis_fencing.c is examples/fencing.c" is_the_example redis_fencing.c fencing.c
test "$redis" = no || start_server
for example in "$dir"/examples/*; do
	name=$(basename "$example")
	libraries=$library
	case $name in
	redis_*)
		if [ "$redis" = no ]; then
			skip "$name: no libipclock-redis, or no redis-server here"
			continue
		fi
		libraries=$build/libipclock-redis.la
		;;
	esac
	case $name in
	*.c)
		check "$name compiles" compile "$example" "$dir/bin/${name%.c}"
		check "$name runs" run_alone "$name" "$dir/bin/${name%.c}"
		;;
	*.sh)
		if [ "$name" = section.sh ] && [ "${IPCLOCK_RANGE_LOCKS:-}" = posix ]; then
			echo "skip - $name: here a lock ends with its process, and cannot be left with the shell's descriptor"
			continue
		fi
		check "$name runs" run_alone "$name" sh -e "$example"
		;;
	*)
		check "$name is a program or a script" false
		;;
	esac
done

echo "1..$n"
exit $status
