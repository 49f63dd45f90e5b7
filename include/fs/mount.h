/*
 * mount.h - the two FUSE connections and the processes behind them.
 *
 *     supervisor (mounts, waits, unmounts) --- fork ---> daemon (serves; the service user, without privileges)
 *
 * The supervisor mounts the deploy side on MNT and, once the daemon serves it, the run side on MNT/run. For an ordinary
 * user fusermount3 mounts, and the run side lies in $XDG_RUNTIME_DIR/vouchfs-<hash>/run, to which MNT/run is a symlink.
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

/*
 * Makes the mount of a configuration read it again. 0: it is in force; -EINVAL: it was refused and the one before
 * stays, ret_errors says why, a line each; -ENOENT: not mounted, and other failures: ret_why.
 */
int fs_reload(const char *config_path, struct buf *ret_errors, struct explain *ret_why);

/* The mountpoint of a configuration's deploy side, from /proc/self/mountinfo; of root's or the caller's
 * own mounts only. -ENOENT: not mounted. */
int fs_find_mount(const char *config_path, struct buf *ret_mountpoint);

/* An absolute path without symlinks, also of a mountpoint whose process is gone, or of a file that is missing in a
 * directory that is there. free(). */
int fs_resolve(const char *path, char **ret);

#endif
