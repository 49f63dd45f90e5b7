/* status.h - the parts of the status screen, from top to bottom. Private to src/overview/status*.c. */
#ifndef OVERVIEW_STATUS_H
#define OVERVIEW_STATUS_H

#include "screen.h"

#define STATUS_DAY_S  ((int64_t)86400)
#define STATUS_HOUR_S ((int64_t)3600)

/* Which configuration, since when; what is wrong with the host as a whole; how many slots are how. */
void status_put_head(struct screen *screen, const struct overview *overview);
/* What governs the host, problems first; nothing where no publisher is configured. */
void status_put_policy(struct screen *screen, const struct overview *overview);
/* A table of functions or of layers, a line each, and what there is to say about those with a problem. */
void status_put_table(struct screen *screen, const struct overview *overview, bool layers);
/* The lines below a row; has_last: that says of the last attempt what there is to say of a good one. */
void status_put_notes(struct screen *screen, const struct overview *overview, const struct overview_slot *slot,
		      bool has_last);

/* Behind the version's or profile's name in an ARN: "release/CvHbgWCCfY". */
const char *status_publisher(const struct overview_slot *slot);

static inline bool status_is(const char *text, const char *word)
{
	return text && __builtin_strcmp(text, word) == 0;
}

#endif
