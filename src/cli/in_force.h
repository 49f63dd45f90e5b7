/*
 * in_force.h - the configuration that is in force on a host, for any user: by the store where it may be read, else by
 * the mount, which shows everybody the policy bundle that it serves.
 */
#ifndef CLI_IN_FORCE_H
#define CLI_IN_FORCE_H

#include "bundle/bundle.h"

struct cli_in_force {
	struct config *config;
	struct bundle *bundle; /* NULL: none is in force, or the host has no publisher */
};

/*
 * As config_load. -EPERM: the host has a publisher, this user may not read the store, and nothing is mounted;
 * ret_errors says what helps.
 */
int cli_in_force_load(const char *path, struct cli_in_force *ret, struct buf *ret_errors);
void cli_in_force_done(struct cli_in_force *in_force);

#endif
