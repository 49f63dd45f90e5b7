/* mount_helper.h - the program under the names by which mount(8) and umount(8) call it. Private to src/cli. */
#ifndef CLI_MOUNT_HELPER_H
#define CLI_MOUNT_HELPER_H

#include "cli/cli.h"

/*
 * Called as mount.vouchfs or mount.fuse.vouchfs: runs the command mount with what mount(8) hands over; as
 * umount.vouchfs or umount.fuse.vouchfs: unmounts. False: it has another name; else *ret_code is the exit code.
 */
bool mount_helper_run(const struct cli_command *mount, int argc, char **argv, int *ret_code);

#endif
