/* host.h - what the commands share that ask a running mount. Private to src/cli. */
#ifndef CLI_HOST_PRIVATE_H
#define CLI_HOST_PRIVATE_H

#include "base/buf.h"
#include "cli/cli.h"
#include "config/config.h"

#define HOST_CONFIG_USAGE                                                                                              \
	"  -c, --config CONF  the configuration of the mount (default: $VOUCHFS_CONF, else\n"                          \
	"                     " CONFIG_DEFAULT_PATH ")\n"

/* Where the deploy side of a configuration's mount is. Negative errno after having said why. */
int cli_find_mount(const char *given_config, struct buf *ret_mountpoint);
/* The same. -ENODEV: it is not mounted, which is for the caller to say; all else is said. */
int cli_find_mount_if_any(const char *given_config, struct buf *ret_mountpoint);
/* The same, opened. -ENODEV: it is not mounted, which is for the caller to say; all else is said. */
int cli_open_mount_if_any(const char *given_config, int *ret_dirfd);
/* The same, for those who need it mounted. */
int cli_open_mount(const char *given_config, int *ret_dirfd);

/* Prints a file below the mount. Those in .vouchfs are made when they are opened, and have no size. */
int cli_print_file(int dirfd, const char *path);

/* On stdout, in lines of 80 columns broken at blanks, each indented; printable ASCII. */
void cli_print_folded(unsigned indent, const char *text);

/* Says that there is no such slot, and which is near; CLI_EXIT_FAILURE. kind: "functions" or "layers" */
int cli_unknown_slot(int dirfd, const char *kind, const char *name);

/* "functions/F", "layers/L" or a function's bare name: the name and where it belongs. NULL: none of these. */
const char *cli_split_slot(const char *slot, const char **ret_kind);
/* A function's name, or "functions/" with it; NULL, after having said so, when it is neither. */
const char *cli_function_operand(const struct cli_command *command, const char *operand);

#endif
