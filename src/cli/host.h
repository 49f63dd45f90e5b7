/* host.h - finding a running mount, for commands that ask it. Private to src/cli. */
#ifndef CLI_HOST_H
#define CLI_HOST_H

#include "base/buf.h"

/* Where the deploy side of a configuration's mount is. Negative errno after having said why. */
int cli_find_mount(const char *given_config, struct buf *ret_mountpoint);
/* The same, opened. */
int cli_open_mount(const char *given_config, int *ret_dirfd);
/* Says that there is no slot kind/name, and which one may be meant; CLI_EXIT_FAILURE. */
int cli_unknown_slot(int dirfd, const char *kind, const char *name);

#endif
