/*
 * A model of kqueue.go: how calls on a Queue are counted in and out, how
 * Close wakes the calls that wait, and who releases the descriptor.
 *
 * Spin (https://spinroot.com) tries every order in which the calls can take
 * their steps. It looks for one in which an assertion fails. .ci/model has it
 * check everything below. To check one configuration by hand, copy this file to
 * an empty directory and run
 *
 *	spin -a -DKERNEL=ONE lifecycle.pml
 *	gcc -O1 -DSAFETY -o pan pan.c
 *	./pan -m20000
 *
 * pan should print "errors: 0". If it finds an error, this prints the steps that
 * led there:
 *
 *	spin -t -p -g -DKERNEL=ONE lifecycle.pml
 *
 * How to read Promela: a condition is a statement that waits until it is true.
 * "->" is the same as ";". "if" and "do" take any branch whose first statement
 * can go on, and "else" if there is none. "inline" declares a macro. What
 * "atomic" or "d_step" encloses is a single step. Other statements are steps of
 * their own. "timeout" is true when nothing else can go on.
 *
 * What is modeled of the package: how a call begins (enter here) and leaves,
 * wakeNext, countOut, Close and wake, with a step for each atomic operation and
 * for each change to the kernel's queue; the loop in keventAgain; and what a call
 * returns. A call waits, or it passes changes, or Kevent does one after the other.
 * It may begin before, during or after Close. A signal (EINTR), its timeout or an
 * event of the program may end its sleep.
 *
 * What is modeled of the kernel: the user event that New has added for Close, and
 * the sleepers.
 *
 *	KERNEL=ONE     An event wakes one sleeper. Real kernels wake them all, the
 *	               first takes the event, and the others go back to sleep. To
 *	               wake only one is the hardest case for Close.
 *	KERNEL=ALL     DragonFly: all are woken, and the event stays triggered.
 *	KERNEL=DARWIN  macOS: all are woken, and the first takes the event. close(2)
 *	               wakes the sleepers with EBADF and waits until they have left.
 *
 *	DENIED=1   The kernel does not let the program trigger the event, as after
 *	           cap_rights_limit(2). Calls may then sleep on, which is no error
 *	           here if Close has returned one.
 *	CALLS=3    the number of calls, at least 2
 *	CLOSERS=1  the number of calls of Close
 *	MISHAPS=1  how many signals, timeouts and events of the program there may be
 *
 * What is checked:
 *
 *   - No call uses the descriptor after it is released, and it is released once.
 *   - The count of calls is always one of those that kqueue.go lists.
 *   - Close returns nil after the release, when no call is inside. Only one call
 *     of Close does.
 *   - No call returns the event of Close to the program.
 *   - A call that was turned away returns os.ErrClosed and has applied no change.
 *     A call that only passes changes, and was not, returns their result.
 *   - When nothing more can happen, either no Close was called, or no call
 *     sleeps, Close has returned, and the descriptor is released.
 *
 * What is not modeled: more calls than that; the lengths of timeouts; and the
 * memory order of processors, as Go's atomic operations are sequentially
 * consistent.
 *
 * Mutants: with -DMUTANT_ and one of these names, something is done wrong, and
 * there must be an error.
 *
 *	NO_PASSING_ON      a call that leaves does not wake the next; not with
 *	                   KERNEL=ALL, where the event stays triggered
 *	RELEASE_TWICE      whoever reaches closing releases, without CompareAndSwap
 *	NOT_COUNTED        wakeNext wakes without being counted in
 *	CLOSE_NOT_COUNTED  so does Close
 *	LATE_ADDS          a call that is too late subtracts 1, and never releases
 *	LOAD_FIRST         a call looks at the count before it adds 1
 *	OFF_BY_ONE         wakeNext does not wake the last call
 *	WAKE_FIRST         Close wakes the calls before it changes the state
 *	CLOSE_FIRST        Close closes the descriptor to wake the calls
 *	FORGETS_RESULT     a call that passes changes looks at the state at the end
 *	WAITS_ANYWAY       Close waits although it could not wake the calls
 */

#define ONE     1
#define ALL     2
#define DARWIN  3

#ifndef KERNEL
#define KERNEL ONE
#endif
#ifndef DENIED
#define DENIED 0
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
#if KERNEL < ONE || KERNEL > DARWIN || CALLS < 2
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

bool triggered;    /* the event of Close */
bool otherQueued;  /* an event of the program is queued */

byte mishaps;  /* those that may still happen */

/* This is set and used within one step, and so is no part of a state. */
hidden byte found;

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

/* An event that is triggered already wakes nobody. */
inline trigger() {
	if
	:: !triggered -> triggered = true; wakeSleepers()
	:: else
	fi
}

/* A call takes the event of Close. One that stays triggered is queued again. */
inline takeWake() {
#if KERNEL == ALL
	wakeSleepers();
#else
	triggered = false;
#endif
	gotWake = waking
}

/* A call looks for events. It takes one or, if it has room for them, both. */
inline look() {
	found = (triggered || otherQueued);
	if
	:: triggered -> takeWake()
	:: otherQueued -> otherQueued = false
	:: triggered && otherQueued -> otherQueued = false; takeWake()
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
		triggered = false; otherQueued = false
	}
}

/* ---- kqueue.go ---- */

/* What a call does. */
#define CHANGES 1  /* it passes changes: Apply, and Kevent without room for events */
#define WAITS   2  /* it waits: WaitInto */
#define BOTH    3  /* Kevent */

#define OPEN    -32
#define CLOSING 32

short calls = OPEN;
bool unlocked;  /* the mutex q.unreleased is */

/* For the checks: */
byte inside;       /* calls between enter and leave */
byte began;        /* calls of Close that have changed the state */
byte succeeded;    /* calls of Close that have returned nil */
bool waking;       /* Close has begun to wake the others */
bool closeFailed;  /* Close could not */

/* At most, all calls and one Close are counted in. */
#define COUNTS_FROM(base) (base <= calls && calls <= base + CALLS + 1)
#define CHECK_COUNT \
	assert(began == 0 && COUNTS_FROM(OPEN) || \
	       began == 1 && (COUNTS_FROM(CLOSING) || COUNTS_FROM(0)))

/* What some of the mutants change. */
#if defined(MUTANT_NO_PASSING_ON) || defined(MUTANT_CLOSE_FIRST)
#define PASSES_ON false
#else
#define PASSES_ON true
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
		errClosed = true;
		goto done
	fi
}

/* A wait that leaves a closing queue fails. What was applied is reported as such. */
inline leave() {
	if
	:: d_step { calls - 1 < 0 -> calls--; inside--; CHECK_COUNT }; assert(!gotWake)
	:: d_step {
			calls - 1 >= 0 -> calls--; inside--; CHECK_COUNT;
			gotWake = false;
#ifdef MUTANT_FORGETS_RESULT
			errClosed = true
#else
			errClosed = (sort != CHANGES)
#endif
		};
		wakeNext()
	fi
}

inline wakeNext() {
#ifdef MUTANT_NOT_COUNTED
	if
	:: calls > CLOSING -> wake()
	:: else
	fi
#else
	if
	:: d_step { calls + 1 > LAST -> calls++; CHECK_COUNT };
		if
		:: PASSES_ON -> wake()
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
#ifdef MUTANT_CLOSE_FIRST
	if
	:: !released -> closeDescriptor()
	:: else
	fi;
#else
	closeDescriptor();
#endif
	unlocked = true
}

inline wake() {
#if DENIED
	atomic { use(); waking = true }
#else
	atomic { use(); waking = true; trigger() }
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
		wake();
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
	:: seen != OPEN -> wake();
#if DENIED && !defined(MUTANT_WAITS_ANYWAY)
		closeFailed = true
#endif
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
	unlocked;
	assert(released && inside == 0);
	succeeded++;
done:
	seen = 0
}

/* ---- The calls ---- */

proctype Call(byte sort) {
	bool gotWake, taken, errClosed;

	enter();
	if
	:: sort != WAITS -> use(); taken = true
	:: else
	fi;
	if
	:: sort == CHANGES -> goto out
	:: else
	fi;

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
done:
	skip;
	d_step {
		assert(!(sort == CHANGES && taken && errClosed));
		assert(taken || errClosed || sort == WAITS);
		gotWake = false; taken = false; errClosed = false; sort = 0
	}
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
		assert(calls == 0 && released && (succeeded == 1 || closeFailed))
	:: else ->
		assert(closeFailed)
	fi;
	assert(succeeded <= 1)
}

init {
	byte i, sort;

	atomic {
		do
		:: mishaps < MISHAPS -> mishaps++
		:: break
		od;
		run Program();

		/* Calls of all sorts, each combination once. At least one waits. */
		sort = CHANGES;
		for (i : 1 .. CALLS) {
			do
			:: sort < BOTH -> sort++
			:: i < CALLS || sort >= WAITS -> break
			od;
			run Call(sort)
		}
#if CLOSERS > 0
		for (i : 1 .. CLOSERS) {
			run Close()
		}
#endif
		run End();
		i = 0; sort = 0
	}
}
