/*
 * reason.h - the reason codes, and the one table that gives each its errno and its exit code (I6).
 */
#ifndef POLICY_REASON_H
#define POLICY_REASON_H

#include "base/base.h"
#include "config/config.h"

enum policy_reason {
	POLICY_REASON_NONE = 0,
	POLICY_VF1001_ZIP = 1001,
	POLICY_VF1002_INTEGRITY = 1002,
	POLICY_VF2001_UNSIGNED = 2001,
	POLICY_VF2002_SOURCE = 2002,
	POLICY_VF2003_EXPIRED = 2003,
	POLICY_VF2004_REVOKED = 2004,
	POLICY_VF2005_LAYER = 2005,
	POLICY_VF2005_PERMISSION = 2006, /* shown as VF2005, too: a layer of which the caller's account may use none */
	POLICY_VF2005_LIST = 2007,	 /* and a list of layers that says nothing (EINVAL) */
	POLICY_VF3001_UNDECIDED = 3001,
	POLICY_VF4001_NO_SLOT = 4001,
	POLICY_VF4002_TOO_LARGE = 4002,
	POLICY_VF4002_TOO_MANY = 4003, /* shown as VF4002, too: layers and unpacked totals (E2BIG) */
	POLICY_VF5001_BUNDLE = 5001,
	POLICY_VF5002_SEQUENCE = 5002,
};

struct policy_reason_info {
	const char *code;  /* "VF2001" */
	const char *title; /* "source mismatch: no signature" */
	enum policy_reason reason;
	int errno_key; /* positive */
	int errno_permission;
	int exit_code; /* of `vouchfs verify` */
};

/* Never NULL: an unknown reason is a bug. */
const struct policy_reason_info *policy_reason_info(enum policy_reason reason);
/* All of them, for tables in texts and tests. */
const struct policy_reason_info *policy_reasons(size_t *ret_count);

/* The errno, positive, that a refusal is answered with; 0 for NONE. */
int policy_reason_errno(enum policy_reason reason, enum config_errno_style style);

#endif
