/*
 * views.h - what commands make of an overview: `vouchfs trust`, `vouchfs audit --as enforce`, `vouchfs report`. All
 * append to a buffer or an open object, and know nothing of where the overview came from.
 */
#ifndef OVERVIEW_VIEWS_H
#define OVERVIEW_VIEWS_H

#include "base/buf.h"
#include "base/json.h"
#include "overview/history.h"
#include "overview/overview.h"
#include "overview/signers.h"

/* ---- whom a slot trusts, and why ---- */

struct overview_trust {
	const struct overview *overview;
	const struct overview_signers *signers; /* or NULL */
	const struct overview_slot *slot;	/* NULL: all configs */
};
/* is_utf8: with lines, else with ASCII. */
int overview_print_trust(const struct overview_trust *trust, const struct overview_screen *style, bool is_utf8,
			 struct buf *ret);
void overview_put_trust(struct json *j, const struct overview_trust *trust);

/* ---- if everything were set to Enforce today ---- */

/* Slots that would be refused. */
size_t overview_count_enforce(const struct overview *overview);
int overview_print_enforce(const struct overview *overview, unsigned days, const struct overview_screen *style,
			   struct buf *ret);
/* -ENOMEM */
int overview_put_enforce(struct json *j, const struct overview *overview, unsigned days);

/* ---- the page ---- */

struct overview_report {
	const struct overview *overview;
	const struct overview_signers *signers; /* or NULL */
	const struct overview_histories *histories;
	const char *mountpoint; /* NULL: it is not mounted */
};
int overview_print_html(const struct overview_report *report, struct buf *ret);
int overview_put_report(struct json *j, const struct overview_report *report);

#endif
