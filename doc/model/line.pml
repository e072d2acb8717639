/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * A model of the line and the lock, for spin(1): what lib/line.c, lib/attempt.c
 * and lib/lock_file.c ask of the kernel, call by call, each call one step, and
 * whatever others do in between.  check says which runs there are; README.md
 * says what is not here.  Names are those of the code.
 *
 *	N, LINE, FILES	processes, bytes of the line, files that there can be
 *	TRIES		acquires with a timeout of 0
 *	TIMEOUTS	timeouts, cancels, and locks that a helper keeps too long
 *	CONVERT		downgrade and try_upgrade
 *	DEATHS, STOPS	how often a process dies or, not holding, is stopped
 *	SLOW		a process may take any time between two calls: no promise F
 *	REPLACED	how often the path gets another file
 *	UNLINK		IPCLOCK_UNLINK
 *	SQLITE		a program with SQLite's protocol on the same file
 *	TURNS		numbers move down as the line does, so that it is hardly ever full
 *	LIVENESS	the property that whoever has a number gets the lock
 *	WITHOUT_name	a step is left out: a fault on purpose; HOLDING_PENDING is another
 */

#ifndef N
#define N 3
#endif
#ifndef LINE
#define LINE 6
#endif
#ifndef FILES
#define FILES 1
#endif
#ifndef DEATHS
#define DEATHS 0
#endif
#ifndef STOPS
#define STOPS 0
#endif
#ifndef REPLACED
#define REPLACED 0
#endif
#ifdef TIMEOUTS
#define timed (waits[me] == 2)
#else
#define timed false
#endif

/* What costs states is there only where it is wanted. */
#if STOPS > 0
#define MAY_STOP provided (!stopped[me])
#else
#define MAY_STOP
#endif
#if DEATHS > 0
#define MAY_DIE unless { atomic { killed[me] -> killed[me] = false; forget() } }
#else
#define MAY_DIE
#endif

/* ---- the kernel: byte locks ---- */

#define PENDING  0 /* bytes 0, 1 and 2 to 511 of the lock */
#define RESERVED 1
#define SHARED   2
#define FIRST    3 /* of the line */
#define END      (FIRST + LINE)
#define NONE     255
#define OWNERS   (N + 1) /* the last is SQLite */

#define READ  0
#define WRITE 1

byte exclusive[FILES * END]; /* the owner + 1 */
byte shared[FILES * END];    /* owners, a bit each */
byte file[OWNERS];           /* that it has open, or NONE */
byte path;                   /* the file that the path names, or NONE */

#define me_bit   (1 << me)
#define X(b)     exclusive[file[me] * END + (b)]
#define S(b)     shared[file[me] * END + (b)]
#define may_share(b)  (X(b) == 0 || X(b) == me + 1)
#define may_own(b)    (may_share(b) && (S(b) | me_bit) == me_bit)
#define others(b)     (!may_own(b)) /* what F_OFD_GETLK for an exclusive lock shows */
#define lock_is_free  (may_own(PENDING) && may_own(RESERVED) && may_own(SHARED))

inline share(b) { X(b) = (X(b) == me + 1 -> 0 : X(b)); S(b) = S(b) | me_bit }
inline own(b) { X(b) = me + 1; S(b) = S(b) & (255 - me_bit) }
inline unlock(b) { X(b) = (X(b) == me + 1 -> 0 : X(b)); S(b) = S(b) & (255 - me_bit) }
inline unlock_lock() { d_step { unlock(PENDING); unlock(RESERVED); unlock(SHARED) } }

inline unlock_line()
{
	d_step {
		for (i : FIRST .. END - 1) { unlock(i) }
		i = 0; num[me] = NONE; stands = stands & (255 - me_bit)
	}
}

/* Close, by hand or by death: all locks go. */
inline close_file(who)
{
	j = 0;
	do
	:: j < FILES * END ->
		exclusive[j] = (exclusive[j] == who + 1 -> 0 : exclusive[j]);
		shared[j] = shared[j] & (255 - (1 << who)); j++
	:: else -> break
	od;
	j = 0; file[who] = NONE
}

/* ---- what is known of each, for the properties too ---- */

byte num[N];      /* its number in the line, or NONE */
byte next[N];     /* the byte to wait for, or NONE; SHARED is the lock in its mode */
byte ahead[N];    /* the number before, or NONE */
byte last[N];     /* of a walk up the line */
byte from[N];
byte waits[N];    /* 0: one try; 1: for ever; 2: until its deadline */
byte stands;      /* ghost: who has a number for good */
bool holds_write[OWNERS]; /* ghost */
bool holds_read[OWNERS];  /* ghost */
byte where[OWNERS];       /* ghost: the file that it holds */
#ifdef LIVENESS
bool wants[N];    /* ghost: has a number, waits for ever, and is alive */
#define wanting(who, is) wants[who] = is
#else
#define wanting(who, is) skip
#endif
bool killed[N];
bool stopped[N];

/* For each process: N is 2 to 4. */
#define any(is) (is(0) || is(1) || is(2 % N) || is(N - 1))

#define stopped_there(y) (stopped[y] && num[y] != NONE)
#define stopped_in_line  any(stopped_there)
#define stands_here(y)   ((stands & (1 << (y))) != 0 && y != me && file[y] == file[me])
#define is_before(y)     (stands_here(y) && num[y] < num[me])
#define has_open(y)      (file[y] == j)
/* Seen by a waiter behind: the lock is free for longer than one that runs would leave it. */
#ifdef SLOW
#define seems_stopped true
#else
#define seems_stopped stopped_in_line
#endif

/* F: whoever gets the lock has passed nobody with a lower number, but for the exceptions that are named. */
#ifndef SLOW
#define in_turn (num[me] == NONE || !any(is_before) || late || stopped_in_line)
#else
#define in_turn true
#endif

#ifdef UNLINK
#define same_lock(o) true
#else
#define same_lock(o) (where[o] == file[me])
#endif

/* A, when a lock is held, known to be on the file of the path. */
inline hold(m)
{
	d_step {
		for (i : 0 .. OWNERS - 1) {
			assert(i == me || !same_lock(i) || !holds_write[i]);
			assert(i == me || !same_lock(i) || !holds_read[i] || m == READ)
		}
		i = 0; holds_write[me] = (m == WRITE); holds_read[me] = (m == READ); where[me] = file[me]
	}
}

/* G: nothing of it is left. */
inline nothing_left()
{
	d_step {
		for (i : 0 .. FILES * END - 1) {
			assert(exclusive[i] != me + 1);
			assert((shared[i] & me_bit) == 0)
		}
		i = 0
	}
}

/* ---- pieces of the code ---- */

/* The file that the path names, made if there is none. */
inline open_file()
{
	atomic {
		if
		:: path == NONE ->
			j = 0;
			do
			:: any(has_open) -> j++
			:: else -> break
			od;
			assert(j < FILES);
			path = j; j = 0
		:: else
		fi;
		file[me] = path
	}
}

/* One question of a walk: some lock of another in [from, upto), any of them; or there is none: last stays. */
inline ask_above(upto)
{
	d_step {
		nobody = true;
		for (i : FIRST .. END - 1) { nobody = nobody && (i < from[me] || i >= upto || !others(i)) }
		i = 0
	}
	if
	:: nobody -> skip
	:: else ->
		if
		:: FIRST + 0 >= from[me] && FIRST + 0 < upto && others(FIRST + 0) -> last[me] = FIRST + 0
		:: FIRST + 1 >= from[me] && FIRST + 1 < upto && others(FIRST + 1) -> last[me] = FIRST + 1
		:: FIRST + 2 >= from[me] && FIRST + 2 < upto && others(FIRST + 2) -> last[me] = FIRST + 2
		:: FIRST + 3 >= from[me] && FIRST + 3 < upto && others(FIRST + 3) -> last[me] = FIRST + 3
#if LINE > 4
		:: FIRST + 4 >= from[me] && FIRST + 4 < upto && others(FIRST + 4) -> last[me] = FIRST + 4
		:: FIRST + 5 >= from[me] && FIRST + 5 < upto && others(FIRST + 5) -> last[me] = FIRST + 5
#endif
#if LINE > 6
		:: FIRST + 6 >= from[me] && FIRST + 6 < upto && others(FIRST + 6) -> last[me] = FIRST + 6
		:: FIRST + 7 >= from[me] && FIRST + 7 < upto && others(FIRST + 7) -> last[me] = FIRST + 7
#endif
		fi;
		from[me] = last[me] + 1; theirs_shared = (X(last[me]) == 0)
	fi
}

#ifdef TURNS
#define refers(v) (v != NONE && v >= FIRST && v < FIRST + 2)
#define refers_to(y) (refers(num[y]) || refers(next[y]) || refers(ahead[y]) || refers(last[y]) || refers(from[y]))
#define down(v) v = (v != NONE && v >= FIRST -> v - 2 : v)

/* All numbers move down by two: no process can tell, since only their order counts. */
inline renumber()
{
	if
	:: exclusive[FIRST] == 0 && shared[FIRST] == 0 && exclusive[FIRST + 1] == 0 && shared[FIRST + 1] == 0 &&
	    !any(refers_to) ->
		for (i : FIRST .. END - 3) { exclusive[i] = exclusive[i + 2]; shared[i] = shared[i + 2] }
		exclusive[END - 2] = 0; shared[END - 2] = 0; exclusive[END - 1] = 0; shared[END - 1] = 0;
		for (i : 0 .. N - 1) { down(num[i]); down(next[i]); down(ahead[i]); down(last[i]); down(from[i]) }
		i = 0; number = number - 2
	:: else
	fi
}
#endif

/* ---- a process that uses the library ---- */

/* Nothing that is of no more use tells two states apart. */
inline forget()
{
	late = false; over = false; may_hold = false; pass = false; theirs_shared = false; nobody = false;
	mode = READ; waits[me] = 0; number = 0; next[me] = NONE; ahead[me] = NONE; last[me] = NONE; from[me] = NONE;
	wanting(me, false)
}

inline got_lock() { assert(in_turn); if :: next[me] != PENDING -> next[me] = NONE :: else fi; ahead[me] = NONE }

proctype user(byte me) MAY_STOP
{
	byte i, j, number; /* i and j within a step only */
	bit mode;
	bool nobody, theirs_shared, may_hold; /* as in the code; nobody is the kernel's last answer */
	bool over; /* its time is: this is the last try */
	bool late; /* it may take the lock out of turn */
	bool pass; /* it tries the lock, and takes no number after that; in remove: for the second time */

	do
	:: {
	atomic {
		if
		:: mode = READ
		:: mode = WRITE
		:: goto finished
		fi;
		if
#ifdef TRIES
		:: waits[me] = 0
#endif
		:: waits[me] = 1
#ifdef TIMEOUTS
		:: waits[me] = 2
#endif
		fi;
		if
		:: file[me] == NONE -> goto open
		:: else -> goto look
		fi
	}
open:	open_file();

	/* ---- ipclock__line_look ---- */
look:
	atomic {
		ahead[me] = NONE; pass = false; theirs_shared = false; from[me] = FIRST;
		if
		:: num[me] != NONE -> goto look_ahead
		:: else
		fi;
		ask_above(END); from[me] = NONE; last[me] = NONE; theirs_shared = false;
		if
#ifdef WITHOUT_LOOKING
		:: skip
#endif
		:: nobody
		:: !nobody && waits[me] == 0 -> goto busy
		:: !nobody && waits[me] != 0 -> from[me] = FIRST; goto join
		fi;
		assert(!any(stands_here)); /* F, of a newcomer: nobody stood there when it looked */
		goto take
	}

join:
	do
	:: atomic {
		ask_above(END); theirs_shared = false;
		if
		:: nobody -> break
		:: else
		fi
		}
	od;
	atomic { /* take_number */
		number = (last[me] == NONE -> FIRST : last[me] + 1);
		number = number + ((number - FIRST) % 2 == mode); /* even to write, odd to read */
		from[me] = NONE;
#ifdef TURNS
		if :: number >= END -> renumber() :: else fi;
#endif
		if
		:: number >= END -> ahead[me] = last[me]; next[me] = NONE; last[me] = NONE; number = 0; goto busy /* full */
		:: else -> last[me] = NONE
		fi;
		if
		:: may_own(number) -> own(number); num[me] = number; number = 0
		:: else -> number = 0; from[me] = FIRST; goto join
		fi
	}
	atomic {
#ifndef WITHOUT_LOOK_ABOVE
		from[me] = num[me] + 1; ask_above(END); last[me] = NONE; theirs_shared = false;
		if
		:: nobody
		:: else -> from[me] = NONE; goto too_late
		fi;
#endif
		stands = stands | me_bit; wanting(me, waits[me] == 1); from[me] = FIRST; goto look_ahead
	}
too_late:
	d_step { unlock_line(); from[me] = FIRST }
	goto join;

look_ahead:
	do
	:: atomic {
		ask_above(num[me]);
		if
		:: nobody -> break
		:: else
		fi
		}
	od;
	atomic {
		from[me] = NONE; ahead[me] = last[me]; last[me] = NONE;
		if
		:: ahead[me] == NONE -> theirs_shared = false; goto take
		:: else -> next[me] = ahead[me]; goto busy
		fi
	}

	/* ---- ipclock__line_take ---- */
take:
	atomic {
		if
		:: mode == WRITE -> goto take_lock
		:: mode == READ && !may_share(PENDING) ->
			next[me] = (X(PENDING) == X(SHARED) -> SHARED : PENDING); goto lock_busy
		:: else
		fi
	}
take_lock:
	atomic {
		if
		:: mode == READ && may_share(SHARED) -> share(SHARED); got_lock(); goto got
		:: mode == WRITE && lock_is_free -> own(PENDING); own(RESERVED); own(SHARED); got_lock(); goto got
		:: else -> next[me] = SHARED
		fi;
#ifdef HOLDING_PENDING
		if :: mode == WRITE && may_own(PENDING) -> own(PENDING) :: else fi;
#endif
		goto lock_busy
	}
lock_busy:
	atomic {
		if
		:: pass && !over -> pass = false; late = false; goto look
		:: !pass && waits[me] != 0 && num[me] == NONE -> from[me] = FIRST; goto join
		:: else -> goto busy
		fi
	}

	/* ---- leave_with_lock, follow_path ---- */
got:
#ifndef WITHOUT_LEAVING
	d_step {
		if :: next[me] == PENDING -> unlock(PENDING); next[me] = NONE :: else fi;
		if :: num[me] != NONE -> unlock_line() :: else fi
	}
#endif
	if
	:: timed -> unlock_lock(); goto look /* a helper kept it, and its owner came too late */
#ifndef WITHOUT_FOLLOWING
	:: path != file[me] -> may_hold = true; goto move
	:: atomic { path == file[me] -> hold(mode) }
#else
	:: hold(mode)
#endif
	fi;
	wanting(me, false);
held:
	if
#ifdef CONVERT
	:: atomic { mode == WRITE -> /* downgrade: the first bytes first */
		mode = READ; holds_write[me] = false; holds_read[me] = true; unlock(PENDING); unlock(RESERVED) }
		atomic { assert(may_share(SHARED)); share(SHARED); goto held }
	:: atomic { mode == READ && lock_is_free && path == file[me] -> /* try_upgrade: a failed one does nothing */
		own(PENDING); own(RESERVED); own(SHARED); mode = WRITE; hold(WRITE); goto held }
#endif
#ifndef UNLINK
	/* ---- ipclock__attempt_unlock ---- */
	:: d_step { holds_read[me] = false; holds_write[me] = false; where[me] = NONE; unlock_lock(); forget() } goto done
#else
	:: atomic { holds_read[me] = false; holds_write[me] = false; where[me] = NONE; forget(); may_hold = true; goto remove }
#endif
	fi;

#ifdef UNLINK
remove:
	atomic {
#ifndef WITHOUT_WHOLE
		for (i : 0 .. END - 1) { if :: others(i) -> i = 0; goto not_removed :: else fi }
		i = 0;
		for (i : 0 .. END - 1) { own(i) }
		i = 0
#else
		skip
#endif
	}
	if
	:: path == file[me] -> skip
	:: else -> goto unlinked
	fi;
	path = NONE;
unlinked:
	d_step { unlock_lock(); for (i : FIRST .. END - 1) { unlock(i) } i = 0 }
	d_step { close_file(me); forget() }
	goto done;
not_removed:
	if
	:: may_hold && !pass -> unlock_lock(); atomic { pass = true; goto remove } /* once more */
	:: else -> forget(); goto done
	fi;
#endif

	/* ---- the path names another file: let go of this one ---- */
move:
	unlock_line();
	if
	:: may_hold -> unlock_lock()
	:: else
	fi;
	d_step { close_file(me); next[me] = NONE; ahead[me] = NONE; may_hold = false; pass = false; theirs_shared = false }
	goto open;

	/* ---- EBUSY: follow_path, plan, wait, go_on ---- */
busy:
	atomic {
		if
		:: path != file[me] -> goto move
		:: else
		fi;
		if
		:: over && !late && lock_is_free -> late = true; pass = true; goto take
		:: over && (late || !lock_is_free) -> goto failed
		:: !over && waits[me] == 0 -> goto failed
		:: !over && waits[me] != 0 -> goto wait
		fi
	}
wait:
	if
	/* asleep for the one before */
	:: atomic { next[me] != NONE && next[me] >= FIRST && !theirs_shared && may_share(next[me]) ->
		share(next[me]) } goto follow
	/* asking for it: by backoff, since it is locked shared, or since the line is full */
	:: atomic { next[me] != NONE && next[me] >= FIRST && may_own(next[me]) -> next[me] = NONE; goto look }
	:: atomic { next[me] == NONE && ahead[me] != NONE && may_own(ahead[me]) -> goto look }
	/* asleep for SQLite's writer, or for the lock */
	:: atomic { next[me] == PENDING && may_share(PENDING) -> share(PENDING) } goto follow
	:: atomic { next[me] == SHARED && mode == READ && may_share(SHARED) -> share(SHARED); got_lock(); goto at_last }
	:: atomic { next[me] == SHARED && mode == WRITE && lock_is_free -> own(PENDING); own(RESERVED); own(SHARED);
		got_lock(); goto at_last }
	/* once a second */
	:: atomic { path != file[me] -> goto move }
#ifndef WITHOUT_PASSING
	:: atomic { ahead[me] != NONE && lock_is_free && seems_stopped -> goto out_of_turn }
#endif
	/* the end of its time, or of its patience */
	:: atomic { timed -> goto deadline }
	:: atomic { timed -> next[me] = NONE; goto failed }
	fi;
follow: /* got the byte; if just then it was called off, it is given back with the rest */
	if
	:: atomic { unlock(next[me]); next[me] = NONE; goto look }
	:: atomic { ahead[me] != NONE && lock_is_free && seems_stopped -> goto out_of_turn }
	:: atomic { timed -> goto deadline }
	:: atomic { timed -> goto failed }
	fi;
at_last: /* the same of the lock */
	atomic {
		if
		:: goto got
		:: timed -> may_hold = true; goto deadline
		:: timed -> may_hold = true; goto failed
		fi
	}
out_of_turn:
	atomic { pass = true; late = true; next[me] = NONE; theirs_shared = false; goto take }
deadline: /* last_try */
	atomic {
		over = true; theirs_shared = false;
		if
		:: ahead[me] == NONE -> pass = true; goto take
		:: next[me] != PENDING -> next[me] = NONE; goto look
		fi
	}

	/* ---- let_go: nothing is held ---- */
failed:
	atomic { if :: next[me] == PENDING -> unlock(PENDING) :: else fi }
	if
	:: num[me] != NONE -> unlock_line()
	:: else
	fi;
	atomic {
#ifndef WITHOUT_LETTING_GO
		if :: may_hold -> unlock_lock() :: else fi;
#endif
		nothing_left();
#ifdef UNLINK
		if
		:: waits[me] != 0 -> forget(); goto remove
		:: else
		fi;
#endif
		forget()
	}
done:
	skip
	} MAY_DIE
	od;
finished:
	skip
}

/* ---- what befalls them ---- */

proctype death()
{
	byte n = DEATHS, j, who;

end:	do
	:: n > 0 ->
		atomic {
			if
			:: who = 0
			:: who = 1
			:: who = 2 % N
			:: who = N - 1
			fi;
			n--; close_file(who);
			num[who] = NONE; next[who] = NONE; ahead[who] = NONE; last[who] = NONE; from[who] = NONE;
			stands = stands & (255 - (1 << who));
			holds_read[who] = false; holds_write[who] = false; where[who] = NONE;
			wanting(who, false); stopped[who] = false; killed[who] = true; who = 0
		}
	od
}

#define lock_of(y)  (file[y] * END + SHARED)
#define has_lock(y) (file[y] != NONE && (exclusive[lock_of(y)] == y + 1 || (shared[lock_of(y)] & (1 << y)) != 0))

/* The first process goes on. */
proctype stops()
{
	byte n = STOPS, who;

end:	do
	:: n > 0 ->
		atomic {
			if
			:: who = 1
			:: who = 2 % N
			:: who = N - 1
			fi;
			n--;
			if
			:: who > 0 && num[who] != NONE && !has_lock(who) -> stopped[who] = true; wanting(who, false)
			:: else
			fi;
			who = 0
		}
	:: atomic { stopped[1] -> stopped[1] = false }
	:: break /* whoever is stopped stays so */
	od
}

/* A program puts another file in the place of ours. */
proctype replaces()
{
	byte n = REPLACED, j;

end:	do
	:: n > 0 ->
		atomic {
			n--; j = 0;
			do
			:: any(has_open) || path == j -> j++
			:: else -> break
			od;
			assert(j < FILES);
			path = j; j = 0
		}
	od
}

/* SQLite with a rollback journal: it tries, and tries again. */
proctype sqlite()
{
	byte me = N, i;

	do
	:: goto finished
	:: atomic { may_share(PENDING) -> share(PENDING) }
		if
		:: atomic { may_share(SHARED) -> share(SHARED); hold(READ) }
		:: atomic { !may_share(SHARED) -> unlock(PENDING); goto again }
		fi;
		unlock(PENDING);
		if
		:: skip
		:: atomic { may_own(RESERVED) -> own(RESERVED) }
			atomic { may_own(PENDING) -> own(PENDING) }
			atomic { may_own(SHARED) -> own(SHARED); hold(WRITE) }
		fi;
		d_step { holds_read[me] = false; holds_write[me] = false; unlock(PENDING); unlock(RESERVED); unlock(SHARED) }
again:		skip
	od;
finished:
	skip
}

init {
	byte i;

	atomic {
		for (i : 0 .. N - 1) {
			num[i] = NONE; next[i] = NONE; ahead[i] = NONE; last[i] = NONE; from[i] = NONE;
#if FILES > 1
			file[i] = NONE;
#endif
			where[i] = NONE
		}
		where[N] = NONE;
		run user(0); run user(1);
#if N > 2
		run user(2);
#endif
#if N > 3
		run user(3);
#endif
#if DEATHS > 0
		run death();
#endif
#if STOPS > 0
		run stops();
#endif
#if REPLACED > 0
		run replaces();
#endif
#ifdef SQLITE
		run sqlite()
#endif
	}
}

#ifdef LIVENESS
ltl served { [] (wants[0] -> <> !wants[0]) }
#endif
