/* overview.h - what the commands show of a host: of its mount, or of the store where there is none. Private to src/cli.
 */
#ifndef CLI_OVERVIEW_PRIVATE_H
#define CLI_OVERVIEW_PRIVATE_H

#include "overview/overview.h"

/* Of the mount of a configuration, else of its store. The exit code; when that is not CLI_EXIT_OK, it was said why. */
int cli_overview(const char *given_config, struct overview **ret);

/* status.json as it is; 0 or negative errno, nothing is said. Appended. */
int cli_overview_read_status(int mount_dirfd, struct buf *ret);

/* As the terminal is: its width and colours, users by their names. */
struct overview_screen cli_overview_screen(void);
/* Prints status.json on stdout: of a mount this is what its daemon says. */
int cli_overview_print_json(const struct overview *overview);

#endif
