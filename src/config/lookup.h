/*
 * lookup.h - what the look-ups of config/config.h need. Internal to config.
 */
#ifndef CONFIG_LOOKUP_H
#define CONFIG_LOOKUP_H

#include "config/config.h"

/* Once the slots are built: puts their patterns in order. 0 or -ENOMEM. */
int lookup_prepare(struct config *config);

#endif
