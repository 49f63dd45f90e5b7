/*
 * names.h - the names and patterns of slots. Internal to config; what other modules need is in config/config.h.
 */
#ifndef CONFIG_NAMES_H
#define CONFIG_NAMES_H

#include "base/base.h"

bool name_is_pattern(const char *name);

/* A function's name, or the same with stars of which no two stand together. */
bool name_is_slot(const char *name);

/* A star stands for any run of characters, an empty one too. */
bool name_matches(const char *pattern, const char *name);

/* Which of two patterns goes first: the longer one, that with fewer stars, that whose first star comes later, then by
 * bytes. As strcmp. */
int name_compare_patterns(const char *a, const char *b);

#endif
