/*
 * poll.h - one look after the other at the source, and what becomes of what it has.
 *
 *                      +--- the source is as it was, or has the same bytes under another mark: nothing is written
 *                      v
 *     NOTHING ----> TAKEN <----> REFUSED     the source had something else, which was written and judged
 *        ^                          |
 *        +--------------------------+        poll_forget: whoever refused it may see it otherwise now
 *
 * What could not be fetched, or not judged, changes nothing and is tried again.
 */
#ifndef FETCH_POLL_H
#define FETCH_POLL_H

#include "source.h"

enum poll_fate { POLL_NOTHING = 0, POLL_TAKEN, POLL_REFUSED };

struct poll_state {
	struct source source;
	const char *mountpoint;
	enum poll_fate fate;
	struct source_mark mark; /* of what was taken or refused */
	struct buf bundle;	 /* those bytes */
	struct explain refusal;
	struct explain said; /* what was wrong at the look before, "" nothing: said once */
	unsigned failures;   /* in a row */
};

void poll_look(struct poll_state *poll);
/* The next look fetches and writes whatever is there, unless it is in force. */
void poll_forget(struct poll_state *poll);
void poll_done(struct poll_state *poll);

#endif
