/*
 * check.h - what one key alone cannot tell: keys that depend on one another, sections that name others. Internal to
 * config.
 */
#ifndef CONFIG_CHECK_H
#define CONFIG_CHECK_H

#include "keys.h"

/* Reports what does not fit together and connects functions with their code-signing configs. 0 or -ENOMEM. */
int check_config(const struct tree *tree, struct report *report, struct config *config);
/* What a host's configuration has to have. */
void check_host(const struct tree *tree, struct report *report);
/* The same for a file that holds [principal] sections only. */
int check_principals(const struct tree *tree, struct report *report);

/* Nobody acts for two accounts. 0 or -ENOMEM. */
int check_members(const struct tree *tree, struct report *report);

#endif
