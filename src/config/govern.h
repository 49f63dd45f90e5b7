/*
 * govern.h - what a policy bundle leaves of the host's own sections. Internal to config.
 */
#ifndef CONFIG_GOVERN_H
#define CONFIG_GOVERN_H

#include "config/policy.h"
#include "tree.h"

struct governing {
	struct tree *own;		  /* the host's sections */
	struct tree *given;		  /* the bundle's */
	const struct config_terms *terms; /* NULL: no bundle is in force */
	bool reports;			  /* what is governed is noted, and never an error */
};

/* Does the host have a [policy] publisher? */
bool govern_is_asked(const struct tree *own);

/* Is the bundle for this host? Else that is reported. */
bool govern_is_for_host(const struct governing *g, struct report *report);

/*
 * Takes what is governed out of the host's sections, into config->overrides, and puts the bundle's there. What the
 * bundle does not bear is reported. 0 or -ENOMEM.
 */
int govern_apply(const struct governing *g, struct report *report, struct config *config);

#endif
