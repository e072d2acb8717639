#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors
#
# html.sh MANUAL OUT VERSION: the pages of the directory MANUAL as HTML in the directory OUT, with an index that is made
# of the map in ipclock.7.  Equal pages give equal bytes: nothing of the day or of this machine gets in.
set -eu
man=$1
out=$2
version=$3
LC_ALL=C
export LC_ALL
command -v "${MANDOC:=mandoc}" >/dev/null || {
	echo "html.sh: the HTML is made by mandoc, which is not here. Debian: apt-get install mandoc" >&2
	exit 1
}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

is_stub() {
	head -n 1 "$1" | grep -q '^\.so '
}

# The names in the section NAME of a page.
names() {
	awk '/^\.Sh / { inside = $2 == "NAME" } inside && $1 == ".Nm" { print $2 }' "$1"
}

# The part of ipclock.7 that says which page is for what.
map() {
	awk '/^\.S[sh] / { inside = $0 == ".Ss Pages"; next } inside' "$man/ipclock.7"
}

index() {
	grep '^\.Dd ' "$man/ipclock.7"
	printf '.Dt LIBIPCLOCK 7\n.Os\n.Sh NAME\n.Nm libipclock\n'
	grep '^\.Nd ' "$man/ipclock.7"
	echo .Sh PAGES
	echo .Xr ipclock 7
	echo says what the library is, and what it promises.
	map
	echo .Sh FUNCTIONS AND MACROS
	echo '.Bl -tag -width Ds'
	map | sed -n 's/^\.It Xr \(.*\) 3$/\1/p' | while read -r page; do
		printf '.It Xr %s 3\n' "$page"
		names "$man/$page.3" | sed 's/.*/.Xr & 3/; $!s/$/ ,/'
	done
	echo .El
}

convert() {
	"$MANDOC" -T html -O 'style=ipclock.css,man=%N.%S.html,toc' -I os="libipclock $version" "$1"
}

# Where a link leads: a page to itself, a stub to the page that describes it.
for page in "$man"/*.[137]; do
	name=$(basename "$page")
	if is_stub "$page"; then
		echo "$name.html $(sed -n 's/^\.so man3\///p' "$page").html"
	else
		echo "$name.html $name.html"
		convert "$page" >"$tmp/$name.html"
	fi
done >"$tmp/targets"
index >"$tmp/index.mdoc"
convert "$tmp/index.mdoc" >"$tmp/index.html"

mkdir -p "$out"
awk -v out="$out" -v version="$version" -f "$man/html.awk" "$tmp/targets" "$tmp"/*.html "$tmp"/*.html
cp "$man/ipclock.css" "$out/ipclock.css"
chmod 644 "$out/ipclock.css"
