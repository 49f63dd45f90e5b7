/*
 * build.h - from the tree to the structs of config/config.h. Internal to config.
 */
#ifndef CONFIG_BUILD_H
#define CONFIG_BUILD_H

#include "keys.h"

/*
 * Gives each well-formed section its struct (section->kind, section->item) and sets what the tables know. Unknown
 * sections and keys, repeated and missing keys and bad values are reported. 0 or -ENOMEM.
 */
int build_config(struct tree *tree, struct report *report, struct config *config);

/* Sets one section's struct by the table of its kind, in the same way. */
int build_keys(const struct kind *kind, const struct section *section, void *item, struct report *report);

/* What a host is called when its configuration does not say. */
void build_default_host(char ret[CONFIG_HOST_NAME_MAX + 1]);

#endif
