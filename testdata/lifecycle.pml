/*
 * A model of kqueue.go: how calls on a Queue are counted in and out, how
 * Close wakes the calls that wait, and who releases the descriptor.
 *
 * Spin (https://spinroot.com) tries every order in which the calls can take
 * their steps. It looks for one in which an assertion fails. .ci/model has it
 * check everything below. To check one configuration by hand, copy this file to
 * an empty directory and run
 *
 *	spin -a -DKERNEL=ONE -DFALLBACK=EVENT lifecycle.pml
 *	gcc -O1 -DSAFETY -o pan pan.c
 *	./pan -m20000
 *
 * pan should print "errors: 0". If it finds an error, this prints the steps that
 * led there:
 *
 *	spin -t -p -g -DKERNEL=ONE -DFALLBACK=EVENT lifecycle.pml
 *
 * How to read Promela: a condition is a statement that waits until it is true.
 * "->" is the same as ";". "if" and "do" take any branch whose first statement
 * can go on, and "else" if there is none. "inline" declares a macro. What
 * "atomic" or "d_step" encloses is a single step. Other statements are steps of
 * their own. "timeout" is true when nothing else can go on.
 *
 * What is modeled of the package: how a call begins (enter here) and leaves,
 * wakeNext, countOut, Close, wake and wakeByPipe, with a step for each atomic
 * operation and for each change to the kernel's queue; the loop in keventAgain;
 * and how Kevent splits a call that changes the event of Close. Each call is of one of these sorts: it waits, it
 * changes the event of Close, it does both, or it does something else. It may
 * begin before, during or after Close. A signal (EINTR), its timeout or an event
 * of the program may end its sleep.
 *
 * What is modeled of the kernel: the user event whose ident is wakeIdent, which
 * the program may have added before; the event of the pipe; and the sleepers.
 *
 *	KERNEL=ONE     An event wakes one sleeper. Real kernels wake them all, the
 *	               first takes the event, and the others go back to sleep. To
 *	               wake only one is the hardest case for Close.
 *	KERNEL=ALL     DragonFly: all are woken, and the event stays triggered.
 *	KERNEL=DARWIN  macOS: all are woken, and the first takes the event. close(2)
 *	               wakes the sleepers with EBADF and waits until they have left.
 *
 *	FALLBACK=EVENT    The kernel has room for the user event.
 *	FALLBACK=PIPE     It has none, and Close uses the pipe.
 *	FALLBACK=EITHER   It may have room or not, each time a call adds the event.
 *	FALLBACK=NOTHING  As EITHER, and no descriptor is free for the pipe. Calls
 *	                  may then sleep on, which is no error here. With -DSTRICT
 *	                  it is one unless Close has returned an error.
 *
 *	CALLS=3    the number of calls, at least 2
 *	CLOSERS=1  the number of calls of Close
 *	MISHAPS=1  how many signals, timeouts and events of the program there may be
 *	THOROUGH   all combinations of these. That takes minutes and gigabytes. The
 *	           default leaves one call out where the program has the user event
 *	           before, where there are mishaps, and where a call both changes the
 *	           event and waits. In the other cases, at least one call waits.
 *
 * What is checked:
 *
 *   - No call uses the descriptor after it is released, and it is released once.
 *   - The count of calls is always one of those that kqueue.go lists.
 *   - Close returns nil after the release, when no call is inside. Only one call
 *     of Close does.
 *   - No call returns the event of Close to the program.
 *   - When nothing more can happen, either no Close was called, or no call
 *     sleeps, Close has returned, and the descriptor and the pipe are released.
 *
 * What is not modeled: more calls than that; the lengths of timeouts; wakeMu,
 * as each of the two things it protects is one step here; errors of kevent(2)
 * other than ENOENT and a lack of room; and the memory order of processors, as
 * Go's atomic operations are sequentially consistent.
 *
 * Mutants: with -DMUTANT_ and one of these names, something is done wrong, and
 * there must be an error.
 *
 *	NO_PASSING_ON      a call that leaves does not wake the next
 *	NO_READDING        it only triggers the event, and does not add it again
 *	NO_ENABLING        the event is added without FlagEnable
 *	ADD_AND_TRIGGER    it is added and triggered in one change; with KERNEL=ONE
 *	NO_SPLIT           a call that changes the event goes on to wait
 *	RELEASE_TWICE      whoever reaches closing releases, without CompareAndSwap
 *	NOT_COUNTED        wakeNext wakes without being counted in
 *	CLOSE_NOT_COUNTED  so does Close
 *	LATE_ADDS          a call that is too late subtracts 1, and never releases
 *	LOAD_FIRST         a call looks at the count before it adds 1
 *	OFF_BY_ONE         wakeNext does not wake the last call
 *	WAKE_FIRST         Close wakes the calls before it changes the state
 *	CLOSE_FIRST        Close closes the descriptor to wake the calls
 *	NO_FALLBACK        a call that leaves does not use the pipe
 *	PIPE_ONCE          the pipe is not added again
 */

#define ONE     1
#define ALL     2
#define DARWIN  3

#define EVENT   1
#define PIPE    2
#define EITHER  3
#define NOTHING 4

#ifndef KERNEL
#define KERNEL ONE
#endif
#ifndef FALLBACK
#define FALLBACK EVENT
#endif
#ifndef CALLS
#define CALLS 3
#endif
#ifndef CLOSERS
#define CLOSERS 1
#endif
#ifndef MISHAPS
#define MISHAPS 1
#endif
#ifndef THOROUGH
#define THOROUGH 0
#endif
#ifndef STRICT
#define STRICT 0
#endif
#if KERNEL < ONE || KERNEL > DARWIN || FALLBACK < EVENT || FALLBACK > NOTHING || CALLS < 2
#error "no such configuration"
#endif

/* ---- The kernel ---- */

/*
 * The calls that wait in the kernel are asleep or woken. They are only counted:
 * any of them may be the one that is woken.
 */
byte asleep;
byte woken;

#define NOBODY_SLEEPS (asleep + woken == 0)

bool released;  /* the descriptor of the queue is closed */
bool draining;  /* it is being closed */

/* The flags with which the user event was added, as far as they matter here. */
mtype = { plain, clear, oneshot, dispatch };

/* The user event whose ident is wakeIdent. */
bool present;
mtype flags = plain;
bool disabled;
bool triggered;
bool queued;  /* the next call that looks for events comes upon it */

bool pipeQueued;   /* the event of Close's pipe is queued */
bool otherQueued;  /* an event of the program is queued */

byte mishaps;  /* those that may still happen */

/* Variables that are set and used within one step, and so are no part of a state. */
hidden byte found;
hidden mtype newFlags;
hidden byte newDisabled;

/* A call uses the descriptor. */
inline use() {
	assert(!released && !draining)
}

inline wakeAll() {
	woken = woken + asleep; asleep = 0
}

/* An event is queued. */
inline wakeSleepers() {
#if KERNEL == ONE
	woken = woken + (asleep > 0); asleep = asleep - (asleep > 0)
#else
	wakeAll()
#endif
}

/* The user event is queued if it is due. If it is queued already, it wakes nobody. */
inline queueUser() {
	if
	:: triggered && !disabled && !queued -> queued = true; wakeSleepers()
	:: else
	fi
}

/* The pipe is added, perhaps not for the first time. It is always readable. */
inline queuePipe() {
	if
	:: !pipeQueued -> pipeQueued = true; wakeSleepers()
	:: else
	fi
}

inline forgetUser() {
	present = false; flags = plain; disabled = false; triggered = false; queued = false
}

/* Whether a change with FlagAdd may succeed, and whether it may be refused. */
#define MAY_ADD    (present || FALLBACK != PIPE)
#define MAY_REFUSE (!present && FALLBACK != EVENT)

/*
 * A change with FlagAdd. An event that exists keeps its flags, but all kernels
 * except that of macOS reset it if the change has FlagClear.
 */
inline addUser(addFlags, enables, disables) {
	if
	:: present ->
		disabled = (disabled && !(enables) || (disables));
		triggered = (triggered && (addFlags != clear || KERNEL == DARWIN))
	:: else ->
		present = true; flags = addFlags; disabled = disables
	fi;
	queueUser()
}

inline triggerUser() {
	if
	:: present -> triggered = true; queueUser()
	:: else  /* ENOENT */
	fi
}

/* A call takes the user event. One that stays triggered is queued again. */
inline takeUser() {
	if
	:: flags == plain -> wakeSleepers()
	:: flags == clear -> triggered = false; queued = false
	:: flags == dispatch -> disabled = true; queued = false
	:: flags == oneshot -> forgetUser()
	fi
}

inline takePipe() {
#if KERNEL == ALL
	wakeSleepers()
#else
	pipeQueued = false
#endif
}

/*
 * A call looks for events. It takes one or, if it has room for them, all. An event
 * that was disabled or reset after it was queued leaves the queue now.
 */
inline look() {
	if
	:: queued && (disabled || !triggered) -> queued = false
	:: else
	fi;
	found = (queued || pipeQueued || otherQueued);
	if
	:: queued -> takeUser(); gotWake = waking
	:: pipeQueued -> takePipe(); gotWake = true
	:: otherQueued -> otherQueued = false
	:: queued + pipeQueued + otherQueued > 1 ->
		gotWake = waking;
		otherQueued = false;
		if
		:: pipeQueued -> takePipe()
		:: else
		fi;
		if
		:: queued -> takeUser()
		:: else
		fi
	:: !found
	fi
}

/* close(2) of the queue's descriptor. */
inline closeDescriptor() {
	atomic {
		use();
		draining = true;
#if KERNEL == DARWIN
		wakeAll()
#else
		assert(NOBODY_SLEEPS)
#endif
	};
	atomic {
		NOBODY_SLEEPS -> draining = false; released = true;
		forgetUser(); pipeQueued = false; otherQueued = false
	}
}

/* ---- kqueue.go ---- */

#define OPEN    -32
#define CLOSING 32

short calls = OPEN;
bool wakePipe;  /* there is a pipe: q.wakePipe >= 0 */
bool closed;    /* the channel q.closed is closed */

#if KERNEL == ALL
#define WAKE_FLAGS plain
#else
#define WAKE_FLAGS clear
#endif

/* For the checks: */
byte inside;       /* calls between enter and leave */
byte began;        /* calls of Close that have changed the state */
byte succeeded;    /* calls of Close that have returned nil */
bool waking;       /* Close has begun to wake the others */
bool closeFailed;  /* Close could use neither the event nor the pipe */
bool passFailed;   /* a call that left could not */

/* At most, all calls and one Close are counted in. */
#define COUNTS_FROM(base) (base <= calls && calls <= base + CALLS + 1)
#define CHECK_COUNT \
	assert(began == 0 && COUNTS_FROM(OPEN) || \
	       began == 1 && (COUNTS_FROM(CLOSING) || COUNTS_FROM(0)))

/* What some of the mutants change. */
#if defined(MUTANT_NO_PASSING_ON) || defined(MUTANT_CLOSE_FIRST)
#define WAKES(who) (who == CLOSE)
#else
#define WAKES(who) true
#endif
#ifdef MUTANT_NO_READDING
#define ADDS(who) (who == CLOSE)
#else
#define ADDS(who) true
#endif
#ifdef MUTANT_NO_FALLBACK
#define USES_PIPE(who) (who == CLOSE)
#else
#define USES_PIPE(who) true
#endif
#ifdef MUTANT_PIPE_ONCE
#define ADDS_PIPE false
#else
#define ADDS_PIPE true
#endif
#ifdef MUTANT_NO_ENABLING
#define ENABLES false
#else
#define ENABLES true
#endif
#ifdef MUTANT_ADD_AND_TRIGGER
#define TRIGGERS false
#else
#define TRIGGERS true
#endif
#ifdef MUTANT_OFF_BY_ONE
#define LAST (CLOSING + 2)
#else
#define LAST (CLOSING + 1)
#endif
#ifdef MUTANT_CLOSE_NOT_COUNTED
#define ITSELF 0
#else
#define ITSELF 1
#endif

/* Who wakes: Close, or a call that leaves. Only some mutants see a difference. */
#define CLOSE 0
#define NEXT  1

/*
 * Each branch below adds to calls and begins with a test of the sum, in one step.
 * A call that finds the queue closed goes to the label done.
 */
inline enter() {
	if
#ifdef MUTANT_LOAD_FIRST
	:: calls < 0 -> d_step { calls++; inside++ }
#else
	:: d_step { calls + 1 < 0 -> calls++; inside++; CHECK_COUNT }
#endif
	:: d_step { calls + 1 >= 0 -> calls++; CHECK_COUNT };
#ifdef MUTANT_LATE_ADDS
		calls--;
#else
		countOut();
#endif
		goto done
	fi
}

inline leave() {
	if
	:: d_step { calls - 1 < 0 -> calls--; inside--; CHECK_COUNT }; assert(!gotWake)
	:: d_step { calls - 1 >= 0 -> calls--; inside--; CHECK_COUNT; gotWake = false };
		wakeNext();
		goto done
	fi
}

inline wakeNext() {
#ifdef MUTANT_NOT_COUNTED
	if
	:: calls > CLOSING -> wake(NEXT)
	:: else
	fi
#else
	if
	:: d_step { calls + 1 > LAST -> calls++; CHECK_COUNT };
		if
		:: WAKES(NEXT) -> wake(NEXT)
		:: else
		fi
	:: d_step { calls + 1 <= LAST -> calls++; CHECK_COUNT }
	fi;
	countOut()
#endif
}

inline countOut() {
	if
	:: d_step { calls - 1 == CLOSING -> calls--; CHECK_COUNT };
#ifdef MUTANT_RELEASE_TWICE
		release()
#else
		if
		:: d_step { calls == CLOSING -> calls = 0 }; release()
		:: calls != CLOSING
		fi
#endif
	:: d_step { calls - 1 != CLOSING -> calls--; CHECK_COUNT }
	fi
}

inline release() {
	wakePipe = false;
#ifdef MUTANT_CLOSE_FIRST
	if
	:: !released -> closeDescriptor()
	:: else
	fi;
#else
	closeDescriptor();
#endif
	closed = true
}

/* The two changes of wake are two steps, although one call of kevent(2) makes them. */
inline wake(who) {
	if
	:: atomic { ADDS(who) && MAY_ADD ->
			use(); waking = true; addUser(WAKE_FLAGS, ENABLES, false)
		};
		if
		:: TRIGGERS -> atomic { use(); triggerUser() }
		:: else
		fi
	:: atomic { ADDS(who) && MAY_REFUSE -> use() };
		if
		:: USES_PIPE(who) -> wakeByPipe(who)
		:: else
		fi
	:: atomic { !ADDS(who) -> use(); triggerUser() }
	fi
}

inline wakeByPipe(who) {
#if FALLBACK == NOTHING
	if
	:: who == CLOSE -> closeFailed = true
	:: else -> passFailed = true
	fi
#else
	if
	:: !wakePipe -> wakePipe = true; atomic { use(); queuePipe() }
	:: wakePipe && ADDS_PIPE -> atomic { use(); queuePipe() }
	:: else
	fi
#endif
}

proctype Close() {
	short seen;

	do
	:: seen = calls;
		if
		:: seen >= 0 -> assert(began == 1); goto done  /* os.ErrClosed */
		:: else
		fi;
#ifdef MUTANT_WAKE_FIRST
		wake(CLOSE);
#endif
		if
		:: d_step { calls == seen -> calls = seen - OPEN + CLOSING + ITSELF; began++ };
			break
		:: calls != seen
		fi
	od;
#ifndef MUTANT_WAKE_FIRST
	if
#ifdef MUTANT_CLOSE_FIRST
	:: seen != OPEN -> closeDescriptor()
#else
	:: seen != OPEN -> wake(CLOSE)
#endif
	:: else
	fi;
#endif
#ifdef MUTANT_CLOSE_NOT_COUNTED
	calls++;
#endif
	seen = 0;
	countOut();
	if
	:: closeFailed -> goto done
	:: else
	fi;
endWaiting:
	closed;
	assert(released && inside == 0);
	succeeded++;
done:
	seen = 0
}

/* ---- The calls ---- */

/* What a call does. */
#define OTHER   1  /* neither of the following */
#define CHANGES 2  /* it changes the event that Close uses: Apply */
#define WAITS   3  /* it waits: WaitInto */
#define BOTH    4  /* it does both: Kevent, where needsCare says yes */

inline change() {
	if
	:: MAY_ADD ->
		if
		:: newFlags = plain
		:: newFlags = clear
		:: newFlags = oneshot
		:: newFlags = dispatch
		fi;
		if
		:: newDisabled = false
		:: newDisabled = true
		fi;
		addUser(newFlags, false, newDisabled)
	:: present -> disabled = true
	:: present -> disabled = false; queueUser()
	:: present -> triggered = true; queueUser()
	:: present -> forgetUser()     /* FlagDelete */
	:: !present -> sort = CHANGES  /* a refused change ends the call */
	fi
}

proctype Call(byte sort) {
	bool gotWake;

again:
	enter();
	if
	:: sort == OTHER -> use(); goto out
	:: sort == WAITS -> goto wait
	:: else
	fi;
	atomic { use(); change() };
#ifdef MUTANT_NO_SPLIT
	if
	:: sort == BOTH -> sort = WAITS; goto wait
	:: else
	fi;
#endif
	goto out;

wait:
	/* kevent(2). A call that is woken looks again, and may go back to sleep. */
	atomic {
		use();
		look();
		if
		:: found -> goto out
		:: else -> asleep++
		fi
	};
endAsleep:
	atomic {
		if
		:: woken > 0 && draining -> woken--; goto out  /* EBADF */
		:: woken > 0 && !draining -> woken--; look();
			if
			:: found -> goto out
			:: else -> asleep++; goto endAsleep
			fi
		:: asleep > 0 && mishaps > 0 -> asleep--; mishaps--;
			if
			:: goto wait  /* EINTR */
			:: goto out   /* the timeout */
			fi
		fi
	};

out:
	leave();
	if
	:: sort == BOTH -> sort = WAITS; goto again
	:: else
	fi;
done:
	skip;
	d_step { gotWake = false; sort = 0 }
}

/* What happens in the rest of the program. */
proctype Program() {
endIdle:
	atomic {
		mishaps > 0 -> mishaps--; otherQueued = true; wakeSleepers()
	}
}

/* What is left when nothing more can happen. */
proctype End() {
	timeout;
	if
	:: began == 0 ->
		assert(calls == OPEN + asleep && !released)
	:: began == 1 && NOBODY_SLEEPS ->
		assert(calls == 0 && released && !wakePipe && (succeeded == 1 || closeFailed))
	:: else ->
		assert(closeFailed || passFailed && STRICT == 0)
	fi;
	assert(succeeded <= 1)
}

init {
	byte i, sort;
	bool few;

	atomic {
		/* See THOROUGH above. */
		if
		:: THOROUGH == 0 -> few = true
		:: few = false
		fi;
		if
		:: few || THOROUGH != 0 ->
			/* The program has an event with Close's ident from the start. */
			present = true;
			if
			:: flags = plain
			:: flags = clear
			:: flags = oneshot
			:: flags = dispatch
			fi;
			if
			:: disabled = true
			:: skip
			fi
		:: skip
		fi;
		do
		:: (few || THOROUGH != 0) && mishaps < MISHAPS -> mishaps++
		:: break
		od;
		run Program();

		/* Calls of all sorts, each combination once. */
		sort = OTHER;
		for (i : 1 .. CALLS - few) {
			do
			:: sort < (few || THOROUGH != 0 -> BOTH : WAITS) -> sort++
			:: few || THOROUGH != 0 || i < CALLS || sort == WAITS -> break
			od;
			run Call(sort)
		}
#if CLOSERS > 0
		for (i : 1 .. CLOSERS) {
			run Close()
		}
#endif
		run End();
		i = 0; sort = 0; few = false
	}
}
