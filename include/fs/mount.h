/*
 * mount.h - the two FUSE connections and the processes behind them.
 *
 * As root:  supervisor (mounts, waits, unmounts) --- fork ---> daemon (serves; the service user)
 *           opens /dev/fuse twice, mounts the deploy side on MNT, and, once the daemon serves it, the run side on
 * MNT/run. As a user: one daemon; fusermount3 mounts the deploy side on MNT and the run side on
 * $XDG_RUNTIME_DIR/vouchfs-<hash>/run, to which MNT/run is a symlink.
 *
 * The source of both mounts (first column of /proc/mounts) is the configuration's absolute path, the type fuse.vouchfs:
 * that is how a command finds the mount of a configuration.
 */
#ifndef FS_MOUNT_H
#define FS_MOUNT_H

#include "base/base.h"
#include "base/buf.h"
#include "base/explain.h"

struct fs_mount_options {
	const char *config_path; /* absolute */
	const char *mountpoint;	 /* absolute */
	bool foreground;	 /* stay; messages to stderr */
	bool allow_other;	 /* always on for root */
};

/*
 * Mounts and serves. In the background: returns the exit code once both sides are served (the daemon goes on); in the
 * foreground: returns it when the mount has ended. Errors are printed. 78 for a bad configuration.
 */
int fs_mount(const struct fs_mount_options *options);

/* Unmounts the run side, then the deploy side, and returns when the daemon is gone. -EBUSY: in use, nothing was
 * unmounted. */
int fs_unmount(const char *mountpoint, bool lazy, struct explain *ret_why);

/* The mountpoint of a configuration's deploy side, from /proc/self/mountinfo. -ENOENT: not mounted. */
int fs_find_mount(const char *config_path, struct buf *ret_mountpoint);

#endif
