/* mount_options.h - what the commands that mount share. Private to src/cli. */
#ifndef CLI_MOUNT_OPTIONS_H
#define CLI_MOUNT_OPTIONS_H

#include "base/log.h"
#include "cli/cli.h"

struct mount_option {
	const char *name;
	const char *why; /* it is refused */
};

/* What the options change. */
struct mount_effects {
	bool allow_other;
	bool nonempty;
};

/*
 * The list after -o. What mount(8) or systemd mean for themselves is passed over; refused, ended by a NULL name, are
 * those of this command that would have to change something. Returns 0, or the exit code after having said why.
 */
int mount_options_take(const struct cli_command *command, const struct mount_option *refused, const char *list,
		       struct mount_effects *effects);

/* --log; NULL: it was not given. Returns 0, or the exit code after having said why. */
int mount_log_take(const struct cli_command *command, const char *name, enum log_target *ret);

/* fs_resolve that says why it fails. */
int mount_resolve(const char *path, char **ret);

#endif
