/*
 * canonical.h - a loaded configuration as text that is the same for the same values. Internal to config.
 */
#ifndef CONFIG_CANONICAL_H
#define CONFIG_CANONICAL_H

#include "config/config.h"
#include "tree.h"

/* Fills the canonical fields of all code-signing configs and of config itself. 0 or -ENOMEM. */
int canonical_fill(struct config *config);

/* The same of a bundle without a host, whose users and groups are names still: its sections as they are written,
 * without the content of the files they name. */
int canonical_fill_bundle(struct config *config, const struct tree *sections);

#endif
