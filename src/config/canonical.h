/*
 * canonical.h - a loaded configuration as text that is the same for the same values. Internal to config.
 */
#ifndef CONFIG_CANONICAL_H
#define CONFIG_CANONICAL_H

#include "config/config.h"

/* Fills the canonical fields of all code-signing configs and of config itself. 0 or -ENOMEM. */
int canonical_fill(struct config *config);

#endif
