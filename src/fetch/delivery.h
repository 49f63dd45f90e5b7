/*
 * delivery.h - MNT/policy from outside: what anybody may do there who may write to the slot, and nothing else. No file
 * of the mount stays open, so that nothing here keeps it from being unmounted.
 */
#ifndef FETCH_DELIVERY_H
#define FETCH_DELIVERY_H

#include "base/buf.h"
#include "base/explain.h"

#define DELIVERY_STAGING "policy/.policy.zip.fetch"
#define DELIVERY_NAME	 "policy/policy.zip"
#define DELIVERY_WHY	 ".vouchfs/why/policy"
#define DELIVERY_REPORT	 ".vouchfs/policy/source"

enum delivery_slot {
	DELIVERY_UNKNOWN = 0, /* it cannot be read */
	DELIVERY_EMPTY,	      /* no bundle is in force */
	DELIVERY_OTHER,
	DELIVERY_SAME, /* these bytes are in force */
};
enum delivery_slot delivery_compare(const char *mountpoint, const struct buf *bundle);

enum delivery_outcome {
	DELIVERY_FAILED = 0, /* it could not be judged: to be tried again */
	DELIVERY_REFUSED,    /* it was judged, and would be again */
	DELIVERY_TAKEN,
};
/* Under a staging name, then renamed, so that the verdict comes with the rename. why: one line, unless TAKEN. */
enum delivery_outcome delivery_put(const char *mountpoint, const struct buf *bundle, struct explain *ret_why);

/* What the mount says about where its bundles come from: "ok", or "error " and the text. */
int delivery_report(const char *mountpoint, const char *error);

/*
 * What .vouchfs/why says, in one line: "VF5001 title: what was found; remedy", where those are there; cut to size.
 * "": it says nothing of that form.
 */
void delivery_squeeze(const char *why, char *ret, size_t size);

#endif
