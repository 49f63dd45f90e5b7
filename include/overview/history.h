/* history.h - the releases of functions that are kept, as plain data: read back from what the host renders. */
#ifndef OVERVIEW_HISTORY_H
#define OVERVIEW_HISTORY_H

#include "base/base.h"

struct overview_release {
	uint64_t number;
	int64_t since_s;
	bool is_current;
	bool is_blocked;
	bool is_damaged;
	char *outcome; /* "accepted", "warned" */
	char *reason;  /* "VF2001", or NULL */
	char *artifact;
	char *profile_version_arn; /* NULL: unsigned */
	char *layers;		   /* "tools:3 base:1", lowest first; "" for none */
	char *command;		   /* of the process that deployed it, or NULL */
	uint64_t uid;
	uint64_t rollback_to; /* the release that was taken up again; 0: none */
};

struct overview_history {
	char *function;
	struct overview_release *releases; /* the newest first */
	size_t count;
	size_t left_out; /* older ones, that are kept and not here */
};

struct overview_histories {
	struct overview_history *all;
	size_t count;
	size_t release_count; /* in all of them */
	size_t left_out;      /* functions whose history is not here */
};

struct overview_histories *overview_histories_new(void); /* NULL: out of memory */
void overview_histories_free(struct overview_histories *histories);

/*
 * Adds what gate_render_history_json made (gate/history.h), at most max releases of it. -EBADMSG: it is not such a
 * text.
 */
int overview_add_history(struct overview_histories *histories, const char *text, size_t len, size_t max);

#endif
