#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors
#
# The tutorial, from top to bottom in one directory: each program is compiled, each session is typed, and prints what
# the page says, but for numbers and the path.  In the page a program stands behind .\" file: NAME, a session, in which
# what is typed follows "$ ", behind .\" session.
set -u
src=${top_srcdir:-.}
build=${top_builddir:-.}
ipclock=${IPCLOCK:-$build/ipclock}
case $src in /*) ;; *) src=$PWD/$src ;; esac
case $build in /*) ;; *) build=$PWD/$build ;; esac
case $ipclock in /*) ;; *) ipclock=$PWD/$ipclock ;; esac
page=$src/man/ipclock-tutorial.7
. "$src/tests/report.sh"
tour=$dir/tour
mkdir "$dir/bin" "$dir/steps" "$tour" || exit 1
library=$build/libipclock.la
test -f "$library" || library=$build/lib/libipclock.la

if ! test -r /proc/locks; then
	skip "the tutorial: its messages name holders, which this system does not tell"
	exit $status
fi

# Step N as the file N.c, with its name in N.name, or as N.session.
extract() {
	awk -v dir="$dir/steps" '
	/^\.\\" file: / { step = sprintf("%s/%02d", dir, ++n); print $3 >(step ".name"); kind = ".c"; next }
	/^\.\\" session/ { step = sprintf("%s/%02d", dir, ++n); kind = ".session"; next }
	/^\.Bd / && step { out = step kind; next }
	/^\.Ed/ { if (out) close(out); step = out = ""; next }
	out { gsub(/\\&/, ""); gsub(/\\-/, "-"); gsub(/\\e/, "\\"); print >out }' "$page"
}

compile() {
	# shellcheck disable=SC2086
	${CC:-cc} -std=c99 -D_XOPEN_SOURCE=700 -Wall -Wextra -Werror -I"$src/include" -c -o "$dir/$2.o" "$1" &&
	    "$build/libtool" --silent --tag=CC --mode=link ${CC:-cc} -no-install -o "$tour/$2" "$dir/$2.o" "$library"
}

# One shell's way to tell of a death by signal is another's "Killed"; the rest is numbers, columns and the directory.
plain() {
	sed -e 's/.*Killed.*/Killed/' -e "s|$tour|/home/you/spool|" -e 's/[0-9][0-9]*/N/g' -e 's/  */ /g'
}

as_shown() {
	sed -n 's/^\$ //p' "$1" >"$dir/typed"
	sed '/^\$ /d' "$1" | plain >"$dir/wanted"
	test -s "$dir/typed" && (cd "$tour" && sh "$dir/typed") </dev/null 2>&1 | plain >"$dir/got"
	diff "$dir/wanted" "$dir/got"
}

every_block_is_tested() {
	shown=$(grep -c '^\.Bd ' "$page")
	tested=$(find "$dir/steps" -name '*.c' -o -name '*.session' | grep -c .)
	echo "$shown displays, $tested tested"
	test "$shown" -gt 8 && test "$shown" -eq "$tested"
}

cat >"$dir/bin/ipclock" <<END
#!/bin/sh
exec "$ipclock" "\$@"
END
chmod +x "$dir/bin/ipclock"
PATH=$dir/bin:$PATH
export PATH

extract
check "every display of the tutorial is tested" every_block_is_tested
for step in "$dir"/steps/*; do
	case $step in
	*.c)
		name=$(cat "${step%.c}.name")
		check "$name compiles" compile "$step" "${name%.c}"
		;;
	*.session) check "$(basename "$step") prints what the page shows" as_shown "$step" ;;
	esac
done

echo "1..$n"
exit $status
