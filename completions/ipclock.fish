# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The libipclock authors

# Completion of ipclock(1) for fish.

# The words behind the verb and its options, up to the cursor.
function __ipclock_operands
    set -l words (commandline -opc)
    set -e words[1..2]
    while set -q words[1]
        switch $words[1]
            case --
                set -e words[1]
                break
            case '--*=*'
            case --jobs --redis --lease --wait --timeout --conflict-exit-code --slot --protocol --delay \
                --max-delay --mode --lock
                set -e words[1]
            case '--*'
            case '-*j' '-*w' '-*E' '-*m'
                set -e words[1]
            case '-*'
            case '*'
                break
        end
        set -e words[1]
    end
    if set -q words[1]
        printf '%s\n' $words
    end
end

function __ipclock_verb_is
    set -l words (commandline -opc)
    test "$words[2]" = $argv[1]
end

# The verb is there, and no operand.
function __ipclock_at
    __ipclock_verb_is $argv[1]; and test (count (__ipclock_operands)) -eq 0
end

# ... and the next operand is a name of a file.
function __ipclock_at_file
    __ipclock_at $argv[1]; and not contains -- --redis (commandline -opc)
end

# ... and the file; what comes is a command, or -c and a string.
function __ipclock_in_command
    __ipclock_verb_is run; and test (count (__ipclock_operands)) -gt 0
end

function __ipclock_command
    set -l words (__ipclock_operands)[2..-1]
    set -l current (commandline -ct)
    switch "$words[1]"
        case -c --command
            return
        case ''
            if string match -q -- '-*' $current
                printf '%s\n' -c --command
                return
            end
    end
    complete -C (string join ' ' -- (string escape -- $words) "$current")
end

complete -c ipclock -f
complete -c ipclock -n __fish_use_subcommand -s h -l help -d 'List the verbs'
complete -c ipclock -n __fish_use_subcommand -s V -l version -d 'Print the version'
complete -c ipclock -n __fish_use_subcommand -a run -d 'Run a command, or go on, under a lock on a file'
complete -c ipclock -n __fish_use_subcommand -a put -d 'Replace a file by the standard input'
complete -c ipclock -n __fish_use_subcommand -a who -d 'Tell who holds a lock, and who waits for it'
complete -c ipclock -n __fish_use_subcommand -a probe -d 'Try whether locking works in a directory'
complete -c ipclock -n __fish_use_subcommand -a help -d 'List the options of a verb, or exit statuses'
complete -c ipclock -n '__ipclock_at help' -a 'run put who probe exit'

set -l verb
for verb in run put who probe
    complete -c ipclock -n "__ipclock_at $verb" -s h -l help -d 'List the options'
    complete -c ipclock -n "__ipclock_at $verb" -s V -l version -d 'Print the version'
end
for verb in run put
    complete -c ipclock -n "__ipclock_at $verb" -s n -l nb -l nonblock -l nonblocking -d 'Do not wait'
    complete -c ipclock -n "__ipclock_at $verb" -s w -l wait -l timeout -x -d 'Wait no longer than that (seconds)'
    complete -c ipclock -n "__ipclock_at $verb" -s E -l conflict-exit-code -x -d 'Exit status if held or timed out'
end
for verb in run who
    complete -c ipclock -n "__ipclock_at $verb" -l slot -x -d 'Which of the locks in the file (number)'
    complete -c ipclock -n "__ipclock_at $verb" -l fcntl -d 'Plain locks on the whole file'
    complete -c ipclock -n "__ipclock_at $verb" -l protocol -x -a 'range flock' -d 'Family of locks'
    complete -c ipclock -n "__ipclock_at $verb" -l soft -d 'The file is the lock while it exists'
    complete -c ipclock -n "__ipclock_at $verb" -l redis -x -d 'A lock on a server (URL)'
end
for verb in who probe
    complete -c ipclock -n "__ipclock_at $verb" -l json -d 'For programs'
end
for verb in run put who
    complete -c ipclock -n "__ipclock_at_file $verb" -F
end
complete -c ipclock -n '__ipclock_at probe' -a '(__fish_complete_directories)'

complete -c ipclock -n '__ipclock_at run' -s x -s e -l exclusive -d 'Lock for writing'
complete -c ipclock -n '__ipclock_at run' -s s -s r -l shared -l read -d 'Lock for reading'
complete -c ipclock -n '__ipclock_at run' -s u -l unlock -d 'Release what the descriptor holds'
complete -c ipclock -n '__ipclock_at run' -s j -l jobs -x -d 'At most so many at once (number)'
complete -c ipclock -n '__ipclock_at run' -l lease -x -d 'Lost if not renewed for so long (seconds)'
complete -c ipclock -n '__ipclock_at run' -l pidfile -d 'The file tells the pid, and only one runs'
complete -c ipclock -n '__ipclock_at run' -l unlink -d 'Remove the file afterwards'
complete -c ipclock -n '__ipclock_at run' -s o -l close -d 'The command does not get the descriptor'
complete -c ipclock -n '__ipclock_at run' -s F -l no-fork -d 'Become the command'
complete -c ipclock -n '__ipclock_at run' -l unfair -d 'Do not stand in line'
complete -c ipclock -n '__ipclock_at run' -l poll -d 'Wait by trying again'
complete -c ipclock -n '__ipclock_at run' -l delay -x -d 'First pause between two tries (seconds)'
complete -c ipclock -n '__ipclock_at run' -l max-delay -x -d 'Longest pause (seconds)'
complete -c ipclock -n '__ipclock_at run' -l verbose -d 'Say how long it took, and what is run'
complete -c ipclock -n __ipclock_in_command -a '(__ipclock_command)'

complete -c ipclock -n '__ipclock_at put' -l new -d 'Fail if there is a file'
complete -c ipclock -n '__ipclock_at put' -l follow -d 'Replace what a symbolic link leads to'
complete -c ipclock -n '__ipclock_at put' -s m -l mode -x -d 'Permissions of a new file (octal)'
complete -c ipclock -n '__ipclock_at put' -l lock -r -F -d 'Hold the lock on that file while replacing'
