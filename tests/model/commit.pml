/*
 * A slot, from the write of an artifact to what readers get: two writers, a reader, a revoker, and a daemon that may die,
 * or a machine whose power may go, between any two steps; recovery may be cut short, too. Checked exhaustively by
 * tests/model/run; steps.table says where each step_... is in the sources.
 *
 * What is on the disk is a pair: as the machine sees it (v), and as it was synced (d). A power cut leaves, for each pair
 * by itself, one of the two; the death of the daemon leaves v, and the kernel's cache.
 *
 * Artifact 1 is signed by a key that will be revoked, 2 by another one, or it is a bad one; 0 is what was there before.
 */

#define RELEASES 3
#define NONE	 7
#define TORN	 8
#ifndef CRASHES
#define CRASHES 2
#endif
#ifndef WRITERS
#define WRITERS 2
#endif

typedef state { byte v; byte d };

/* ---- the disk ---- */
state intent[RELEASES];	/* staging/intent.* */
state bytes[RELEASES];	/* of the payload */
state name[RELEASES];	/* objects/ab/<digest>/payload */
state record[RELEASES];	/* releases/<n> */
state current;
bit current_is_synced = 1; /* what the file says, not its name */
state generation, anchor;
state remembered;	/* the newest revocation list that was seen */
state log;		/* records in the audit log */
bit log_is_torn;
byte logged[RELEASES];	/* which record is the release's; 0: none */
bit staged[RELEASES];
byte number[RELEASES];	/* of the release, as its record says */
byte list;		/* the file that the revoker writes: which list it is */

/* ---- the daemon's memory ---- */
bit dying;		/* everything that the daemon was doing ends */
byte alive;		/* who has to notice */
bit serving, slot_lock, log_lock, switch_is_due, block_is_due; /* due: to be pushed to the kernel */
byte serves = NONE, trust;

/* ---- the kernel ---- */
byte cached = NONE;

/* ---- what the checks remember ---- */
byte crashes, commits, newest_acknowledged, newest_trust;
byte order[RELEASES];	/* when it became current; 0: before all */
byte newest_shown;	/* to a reader */
bit accepted[RELEASES], is_good[RELEASES];

#define IS_REVOKED(release, by)	 (by > 0 && release == 1)
#define IS_BLOCKED(release, by)	 (by == 2 || IS_REVOKED(release, by)) /* 2: the list is older than one seen: undecidable */
#define IS_RECORDED(release)	 (release == 0 || (logged[release] > 0 && logged[release] <= log.d))
/* The highest number that a record has. */
#define NUMBER(release)	 (record[release].v -> number[release] : 0)
#define NEWEST		 (NUMBER(1) > NUMBER(2) -> NUMBER(1) : NUMBER(2))
#define IS_WHOLE(release)	 (name[release].v && bytes[release].v)

/* The name of a step, as steps.table has it. */
#define AT(step)

/* A step of the daemon; when it dies, so does what it was doing. */
#define STEP(what)                                                                                                     \
	atomic                                                                                                         \
	{                                                                                                              \
		if                                                                                                     \
		:: !dying -> what                                                                                      \
		:: else -> goto died                                                                                   \
		fi                                                                                                     \
	}
#define TAKE(lock)                                                                                                     \
	atomic                                                                                                         \
	{                                                                                                              \
		if                                                                                                     \
		:: dying -> goto died                                                                                  \
		:: !dying && !lock -> lock = 1                                                                         \
		fi                                                                                                     \
	}
#define WRITE(pair, value) STEP(pair.v = value)
#define SYNC(pair)	   STEP(pair.d = pair.v)

inline judge(release, by, ret)
{
	ret = is_good[release] && !IS_BLOCKED(release, by);
}

inline append(release)
{
	TAKE(log_lock);
	STEP(assert(!log_is_torn && log.v == log.d); /* O7: the next may be in a file of its own */ log.v = log.v + 1; logged[release] = log.v);
	STEP(log.d = log.v; log_lock = 0);
}

proctype writer(byte me_is)
{
	byte judged_by;
	bit ok;

	atomic { serving -> alive++ }
	AT(step_stage)
	STEP(staged[me_is] = 1; bytes[me_is].v = 1);
	AT(step_verdict)
	STEP(judged_by = trust; judge(me_is, judged_by, ok); accepted[me_is] = ok);
	if
	:: !ok -> goto refused
	:: else
	fi;
	AT(step_slot_lock)
	TAKE(slot_lock);
#ifndef BUG_VERDICT_ON_ANOTHER_TRUST
	AT(step_judge_again)
	STEP(judged_by = trust; judge(me_is, judged_by, ok); accepted[me_is] = ok; slot_lock = ok);
	if
	:: !ok -> goto refused
	:: else
	fi;
#else
	STEP(judged_by = trust);
#endif
	assert(!IS_BLOCKED(me_is, judged_by)); /* I4: by the trust that was in force when the slot was locked */
#ifndef BUG_RECORD_AFTER_SWITCH
	AT(step_audit_record)
	append(me_is);
#endif
	AT(step_intent)
	WRITE(intent[me_is], 1);
	SYNC(intent[me_is]);
#ifndef BUG_CURRENT_BEFORE_OBJECT
	AT(step_object_bytes)
#ifndef BUG_NO_FILE_FSYNC
	SYNC(bytes[me_is]);
#endif
	AT(step_object_name)
	WRITE(name[me_is], 1);
	SYNC(name[me_is]);
#endif
	AT(step_release_record)
	STEP(number[me_is] = NEWEST + 1; record[me_is].v = 1);
	SYNC(record[me_is]);
#ifdef BUG_ANCHOR_FIRST
	WRITE(anchor, generation.v + 1);
	SYNC(anchor);
#endif
	AT(step_generation)
	WRITE(generation, generation.v + 1);
	SYNC(generation);
	AT(step_anchor)
	WRITE(anchor, generation.v);
	SYNC(anchor);
	AT(step_current)
#ifdef BUG_RENAME_BEFORE_FSYNC
	STEP(current.v = me_is; commits++; order[me_is] = commits; current_is_synced = 0);
	STEP(current_is_synced = 1);
#else
	STEP(current.v = me_is; commits++; order[me_is] = commits);
#endif
#ifndef BUG_NO_DIRECTORY_FSYNC
	SYNC(current);
#endif
#ifdef BUG_CURRENT_BEFORE_OBJECT
	SYNC(bytes[me_is]);
	WRITE(name[me_is], 1);
	SYNC(name[me_is]);
#endif
	AT(step_intent_end)
	WRITE(intent[me_is], 0);
	AT(step_switch)
	STEP(serves = me_is; staged[me_is] = 0; switch_is_due = 1; slot_lock = 0);
#ifdef BUG_RECORD_AFTER_SWITCH
	append(me_is);
#endif
	AT(step_push)
	STEP(cached = NONE; switch_is_due = 0);
	AT(step_acknowledge)
	STEP(newest_acknowledged = (order[me_is] > newest_acknowledged -> order[me_is] : newest_acknowledged); goto died);

refused:
	AT(step_refusal)
	append(me_is);
	STEP(assert(logged[me_is] > 0 && logged[me_is] <= log.d); logged[me_is] = 0; staged[me_is] = 0);
died:
	alive--
}

/* A reader gets what the kernel has, else what the daemon says, which the kernel keeps. */
inline check_read(release)
{
	assert(accepted[release]);		     /* O4, I1 */
	assert(IS_RECORDED(release));		     /* O3, I3 */
	assert(IS_WHOLE(release));		     /* O1, I2 */
	assert(order[release] >= newest_acknowledged && order[release] >= newest_shown); /* O2 */
	newest_shown = order[release];
	assert(!serving || switch_is_due || release == serves);
	assert(!serving || block_is_due || !IS_BLOCKED(release, trust))
}

proctype reader()
{
end:
	do
	:: atomic { cached != NONE -> check_read(cached) }
	:: AT(step_admit) atomic { serving && cached == NONE && !IS_BLOCKED(serves, trust) -> cached = serves; check_read(cached) }
	od
}

/* A newer list comes, later perhaps the older one again, by whoever can write the file. The daemon follows. */
proctype revoker()
{
	list = 1;
	atomic { serving -> alive++ }
#ifdef BUG_TRUST_BEFORE_MEMORY
	STEP(trust = (trust < 1 -> 1 : trust); newest_trust = 1; block_is_due = 1);
#endif
	AT(step_remember_list)
	WRITE(remembered, 1);
	SYNC(remembered);
	AT(step_trust_in_force)
	STEP(trust = (trust < 1 -> 1 : trust); newest_trust = 1; block_is_due = 1);
	AT(step_push_block)
#ifndef BUG_NO_PUSH_OF_BLOCK
	STEP(cached = NONE; block_is_due = 0);
#else
	STEP(block_is_due = 0);
#endif
	AT(step_block_record)
	TAKE(log_lock);
	STEP(assert(!log_is_torn && log.v == log.d); log.v = log.v + 1);
	STEP(log.d = log.v; log_lock = 0);
died:
	atomic
	{
		alive--;
		if
		:: list = 0 /* somebody puts the older one back */
		:: true
		fi
	}
}

/* ---- what ends a daemon ---- */

inline settle(pair)
{
	if
	:: pair.v == pair.d
	:: pair.v != pair.d -> pair.v = pair.d
	:: pair.v != pair.d -> pair.d = pair.v
	fi
}

/* Under the log's lock there is one at most. */
inline lose_record()
{
	for (i : 1 .. RELEASES - 1) {
		logged[i] = (logged[i] > log.d -> 0 : logged[i])
	}
	log.v = log.d
}

inline cut_power()
{
	for (i : 1 .. RELEASES - 1) {
		settle(intent[i]);
		settle(bytes[i]);
		settle(name[i]);
		settle(record[i]);
		staged[i] = 0
	}
	settle(current);
	if
	:: !current_is_synced && current.v > 0 -> current.v = TORN; current.d = TORN
	:: true
	fi;
	settle(generation);
	settle(anchor);
	settle(remembered);
	if
	:: log.v > log.d -> lose_record()
	:: log.v > log.d -> lose_record(); log_is_torn = 1
	:: log.d = log.v
	fi;
	cached = NONE
}

proctype fate()
{
	byte i;
	do
	:: atomic {
		crashes < CRASHES ->
		crashes++;
		dying = 1;
		serving = 0;
		slot_lock = 0;
		log_lock = 0;
		switch_is_due = 0;
		block_is_due = 0;
		serves = NONE;
		trust = 0;
		if
		:: cut_power()
		:: skip /* kill -9 */
		fi;
		i = 0
	   };
	   atomic { alive == 0 -> dying = 0 }
	:: crashes == CRASHES -> break
	:: true -> break /* nothing more happens */
	od
}

/* ---- a daemon comes up ---- */

/* What was in flight and is above current is taken back; then its object goes, then the intent. */
inline recover(release)
{
	if
	:: intent[release].v && current.v != release && NUMBER(release) > NUMBER(current.v) ->
	AT(step_undo_record)
		WRITE(record[release], 0);
#ifndef BUG_UNDO_WITHOUT_FSYNC
		SYNC(record[release]);
#endif
	:: else
	fi;
#ifndef BUG_RECOVERY_WITHOUT_FSYNC
	AT(step_sync_current)
	SYNC(current);
#endif
	if
	:: intent[release].v && !record[release].v ->
	AT(step_sweep_object)
		WRITE(name[release], 0)
	:: else
	fi;
	AT(step_forget_intent)
	WRITE(intent[release], 0)
}

/* O1, O2, O3, O6 */
inline check_store()
{
	assert(record[current.v].v && IS_WHOLE(current.v) && IS_RECORDED(current.v));
	assert(order[current.v] >= newest_acknowledged && order[current.v] >= newest_shown);
	assert(!intent[1].v && !intent[2].v && !staged[1] && !staged[2]);
	/* an object too many is allowed, one too few is not (store.h) */
	assert((!record[1].v || IS_WHOLE(1)) && (!record[2].v || IS_WHOLE(2)))
}

proctype daemon()
{
	byte seen;

	goto end;
died:
	alive--;
end:
	atomic { !serving && !dying -> alive++ }
	STEP(assert(generation.v >= anchor.v));
#ifndef BUG_RECOVERY_WITHOUT_FSYNC
	AT(step_sync_generation)
	SYNC(generation);
#endif
	AT(step_anchor_at_start)
	WRITE(anchor, generation.v);
	SYNC(anchor);
	STEP(assert(current.v != TORN));
	recover(1);
	recover(2);
	AT(step_sweep_staging)
	STEP(staged[1] = 0; staged[2] = 0);
	AT(step_sync_parents)
#ifndef BUG_RECOVERY_WITHOUT_FSYNC
	SYNC(remembered);
#endif
	AT(step_cut_torn_line)
	STEP(log_is_torn = 0);
#ifndef BUG_LOG_END_WITHOUT_FSYNC
	AT(step_sync_log)
	SYNC(log);
#endif
	STEP(check_store());
	AT(step_read_lists)
	STEP(seen = list);
	if
	:: seen > remembered.v ->
		WRITE(remembered, 1);
		SYNC(remembered)
	:: else
	fi;
	STEP(trust = (seen >= remembered.v -> seen : 2));
	STEP(assert(trust >= newest_trust); /* I4: a revocation that was in force is */ newest_trust = (trust > 0 -> 1 : newest_trust));
	AT(step_take_over)
#ifndef BUG_NO_PUSH_AT_TAKEOVER
	STEP(serves = current.v; switch_is_due = 1; block_is_due = 1; serving = 1);
	STEP(cached = NONE; switch_is_due = 0; block_is_due = 0);
#else
	STEP(serves = current.v; serving = 1);
#endif
	goto died
}

init
{
	atomic {
		is_good[0] = 1;
		is_good[1] = 1;
		if
		:: is_good[2] = 1
		:: is_good[2] = 0
		fi;
		accepted[0] = 1;
		bytes[0].v = 1; bytes[0].d = 1;
		name[0].v = 1; name[0].d = 1;
		record[0].v = 1; record[0].d = 1;
		serves = 0;
		serving = 1;
		run writer(1);
#if WRITERS > 1
		run writer(2);
#endif
		run reader();
		run revoker();
		run fate();
		run daemon()
	}
}
