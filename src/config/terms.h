/*
 * terms.h - policy.conf of a bundle. Internal to config.
 */
#ifndef CONFIG_TERMS_H
#define CONFIG_TERMS_H

#include "config/policy.h"
#include "tree.h"

/* From the tree of that file alone. Errors are reported, and *ret is there all the same. 0 or -ENOMEM. */
int terms_build(const struct tree *tree, struct report *report, struct config_terms **ret);

#endif
