/*
 * effects.h - what a reload did to what is served, or would do: found by the daemon, read from .vouchfs/reload and
 * .vouchfs/reload-dry-run by the command. Plain data.
 */
#ifndef SLOTS_EFFECTS_H
#define SLOTS_EFFECTS_H

#include "base/base.h"
#include "base/buf.h"
#include "base/limits.h"

/* On a function with a release, by the mode that its config has on load. */
enum effect {
	EFFECT_UNCHANGED = 0,
	EFFECT_BLOCKED, /* it is served no more */
	EFFECT_ALLOWED, /* it was blocked, and is served again, perhaps with a warning */
	EFFECT_WARNED,	/* it is still served, and would not pass */
	EFFECT_CLEARED, /* it was, and passes now */
	EFFECT_COUNT,
};
const char *effect_name(enum effect effect); /* "blocked" */

#define EFFECT_SLOT_SIZE   (LIMIT_FUNCTION_NAME_BYTES + 16)
#define EFFECT_CODE_SIZE   8
#define EFFECT_DETAIL_SIZE 640

struct effect_row {
	char slot[EFFECT_SLOT_SIZE]; /* "functions/<f>" */
	uint64_t release;
	char code[EFFECT_CODE_SIZE];	 /* "VF2003"; "": it passes */
	char detail[EFFECT_DETAIL_SIZE]; /* one sentence, printable; "" */
};

/* Sections of one kind. */
struct effect_changes {
	uint64_t added;
	uint64_t removed;
	uint64_t changed;
};

struct effects {
	uint64_t generation; /* of the configuration, when it is in force */
	struct effect_changes functions;
	struct effect_changes layers;
	struct effect_changes configs;
	struct effect_changes accounts;
	uint64_t counts[EFFECT_COUNT];
	struct effect_row rows[EFFECT_COUNT][LIMIT_EFFECT_ROWS]; /* the first of each but the unchanged ones */
};

uint64_t effects_row_count(const struct effects *effects, enum effect effect);

#define EFFECTS_SUMMARY_SIZE 160
/* "generation 4: 1 now blocked, 0 allowed again, 2 now warned about, 12 unchanged" */
const char *effects_summarize(const struct effects *effects, char ret[EFFECTS_SUMMARY_SIZE]);

/* In the place of effects, the first line of what a dry run says; the errors follow, a line each. */
#define EFFECTS_REFUSED "refused"

/* As "key: value" lines, and read from them. Appends. -EBADMSG: they are none. */
int effects_render(const struct effects *effects, struct buf *ret);
int effects_parse(const char *text, size_t len, struct effects *ret);

#endif
