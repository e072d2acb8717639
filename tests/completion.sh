#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors

# The completion of the program in each shell that is here: what it offers, and
# that it names the options of the program's help, all of them and no other.
# shellcheck disable=SC2016,SC2154

. "${top_srcdir:-.}/tests/cli_support.sh"
LC_ALL=C HOME=$dir IPCLOCK_COMPLETIONS=$src/completions
ZDOTDIR=$dir XDG_CONFIG_HOME=$dir XDG_DATA_HOME=$dir XDG_CACHE_HOME=$dir
export LC_ALL HOME IPCLOCK_COMPLETIONS ZDOTDIR XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME

# A command with a completion of its own, and files.
mkdir bin here here/directory
echo 'exit 0' >bin/ipclocktester
chmod +x bin/ipclocktester
PATH=$dir/bin:$PATH
: >here/data
cd here || exit 99

# ---- one program for each shell: a line of input is a command line, the answer are lines and then "." ----

cat >../ask.bash <<'BASH'
. /usr/share/bash-completion/bash_completion || exit
compopt() { :; } # of a completion that readline has asked for
. "$IPCLOCK_COMPLETIONS/ipclock"
tester() { COMPREPLY=($(compgen -W "first second" -- "$2")); }
complete -F tester ipclocktester
while IFS= read -r COMP_LINE; do
	read -ra COMP_WORDS <<<"${COMP_LINE//=/ = }"
	[[ $COMP_LINE != *' ' ]] || COMP_WORDS+=('')
	COMP_POINT=${#COMP_LINE} COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_TYPE=9 COMP_KEY=9 COMPREPLY=()
	_ipclock ipclock "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
	printf '%s\n' "${COMPREPLY[@]}" .
done
BASH

cat >../ask.fish <<'FISH'
source $IPCLOCK_COMPLETIONS/ipclock.fish
complete -c ipclocktester -f -a 'first second'
while read -l line
    complete -C $line | string replace -r '\t.*' '' | string replace -r '^--[a-z]*=(.)' '$1'
    echo .
end
FISH

# In a terminal of its own, since only the line editor completes; what it would show is written to a file.
cat >../setup.zsh <<'ZSH'
unsetopt prompt_cr prompt_sp beep
PS1= PS2= LISTMAX=0
fpath=($IPCLOCK_COMPLETIONS $fpath)
autoload -Uz compinit && compinit -u -D
tester() { compadd first second }
compdef tester ipclocktester
compadd() {
	local -a found
	if [[ ${@[1,(i)(-|--)]} != *-[OAD]\ * ]]; then
		builtin compadd -A found "$@"
		print -rl -- $found >>../answer
	fi
	builtin compadd "$@"
}
finish() {
	comppostfuncs=(finish)
	: >../done
}
comppostfuncs=(finish)
zstyle ':completion:*' list-prompt ''
zstyle ':completion:*' insert-tab no
bindkey '^I' list-choices
bindkey '^U' kill-whole-line
: >../done
ZSH
cat >../ask.zsh <<'ZSH'
zmodload zsh/zpty || exit
until_done() {
	local tries=0 shown
	until [[ -e ../done ]]; do
		zpty -r -t shell shown
		(( ++tries < 1000 )) || { print "no answer"; exit 1 }
		sleep 0.02
	done
	rm -f ../done
}
zpty shell zsh -f -i
zpty -w shell 'source ../setup.zsh'
until_done
while IFS= read -r line; do
	: >../answer
	zpty -w -n shell $'\C-u'$line$'\t'
	until_done
	sort -u ../answer
	print .
done
zpty -d shell
ZSH

# ---- what is asked, and what is to be offered ----

# expect LINE NAME...: at the end of the line these are offered, in any order.
expect() {
	printf '%s\n' "$1" >>../questions
	shift
	echo "$*" >>../wanted
}

# What follows FILE is offered there.
options() {
	help_options "$1" | grep -vx -e '-c\(=.*\)*' -e '--command\(=.*\)*'
}

expect 'ipclock ' help probe put run who
expect 'ipclock r' run
expect 'ipclock -' --help --version -V -h
expect 'ipclock who --redis x d'
expect 'ipclock help ' exit probe put run who
expect 'ipclock help p' probe put
expect 'ipclock run d' data directory
expect 'ipclock run -- d' data directory
expect 'ipclock run --protocol ' flock range
expect 'ipclock run --protocol=f' flock
expect 'ipclock run --redis unix:///s d'
expect 'ipclock run data ipclockt' ipclocktester
expect 'ipclock run data ipclocktester ' first second
expect 'ipclock run -nw 1 --slot 3 data ipclocktester f' first
expect 'ipclock run --wait=1 -j4 data ipclocktester f' first
expect 'ipclock run -- data ipclocktester f' first
expect 'ipclock run data -' --command -c
expect 'ipclock run data -c d'
expect 'ipclock put d' data directory
expect 'ipclock put --lock d' data directory
expect 'ipclock who d' data directory
expect 'ipclock probe d' directory

for verb in run put who probe; do
	# shellcheck disable=SC2046
	expect "ipclock $verb -" $(options $verb | sed 's/=.*//' | LC_ALL=C sort)
done
# Whether an option wants a value: what comes behind it is that, or not.
for option in $(options run); do
	case $option in
	-h | --help | -V | --version) ;;
	*=range*) expect "ipclock run ${option%%=*} flock data ipclockt" ipclocktester ;;
	*=*) expect "ipclock run ${option%%=*} 7 data ipclockt" ipclocktester ;;
	*) expect "ipclock run $option data ipclockt" ipclocktester ;;
	esac
done
for option in $(options put) $(options who); do
	case $option in
	-h | --help | -V | --version | --lock=*) ;;
	--slot=* | --protocol=* | --redis=*) expect "ipclock who ${option%%=*} d" ;;
	--fcntl | --json | --soft) expect "ipclock who $option d" data directory ;;
	*=*) expect "ipclock put ${option%%=*} d" ;;
	*) expect "ipclock put $option d" data directory ;;
	esac
done

# ---- asking ----

# answers SHELL COMMAND...: on each question, as one line.
answers() {
	name=$1
	shift
	rm -f ../done
	"$@" <../questions >../said 2>../"$name".err
	sed 's/\/$//' ../said | awk '
	$0 == "." { print line; line = ""; next }
	$0 != "" { line = line (line == "" ? "" : " ") $0 }' | while IFS= read -r line; do
		# shellcheck disable=SC2005,SC2046,SC2086
		echo $(printf '%s\n' $line | sort -u)
	done >../answers
	paste -d '|' ../questions ../wanted ../answers >../both
	while IFS='|' read -r question wanted answer; do
		is "$name: $question" "$wanted" "$answer"
	done <../both
	is "$name: says nothing else" '' "$(cat ../"$name".err)"
}

TERM=vt100
export TERM
if ! has bash; then
	skip bash "there is none"
elif ! test -r /usr/share/bash-completion/bash_completion; then
	skip bash "there is no bash-completion"
else
	answers bash bash --norc ../ask.bash
fi
if ! has fish; then
	skip fish "there is none"
else
	answers fish fish --no-config ../ask.fish
fi
if ! has zsh; then
	skip zsh "there is none"
elif ! zsh -fc 'zmodload zsh/zpty' 2>/dev/null; then
	skip zsh "it has no module zsh/zpty"
else
	answers zsh zsh -f ../ask.zsh
fi
cd "$dir" || exit 99

echo "1..$n"
test $bad = 0
