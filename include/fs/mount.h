/*
 * mount.h - what can be mounted, and the processes behind it.
 *
 *     supervisor (mounts, waits, unmounts) --- fork ---> daemon (serves; the service user, without privileges)
 *
 * A deployment has two FUSE connections. The supervisor mounts the deploy side on MNT and, once the daemon serves it,
 * the run side on MNT/run. For an ordinary user fusermount3 mounts, and the run side lies in
 * $XDG_RUNTIME_DIR/vouchfs-<hash>/run, to which MNT/run is a symlink. A signing service has one, and its daemon becomes
 * the owner of the signer's home. Everything else is the same for both.
 *
 * The source of a mount (first column of /proc/mounts) is the absolute path of the configuration or of the signer's
 * home, its type fuse.vouchfs or fuse.vouchfs-signer: that is how a command finds the mount of a configuration.
 */
#ifndef FS_MOUNT_H
#define FS_MOUNT_H

#include "base/base.h"
#include "base/buf.h"
#include "base/explain.h"
#include "base/log.h"

struct fs_mount_options {
	const char *config_path; /* absolute */
	const char *mountpoint;	 /* absolute */
	bool foreground;	 /* stay; messages to stderr */
	bool allow_other;	 /* always on for root */
	enum log_target log;	 /* LOG_TO_AUTO: as the configuration says */
	bool nonempty;		 /* the mountpoint may hold something, which is hidden then */
	bool keep;		 /* mount alone, and leave it with systemd for fs_mount_kept */
};

/* Serves what systemd has kept for this process, as whoever it is; returns when that has ended. Errors are printed. */
int fs_mount_kept(void);

/*
 * Mounts and serves. What vouchfs has mounted there before and has lost its process is taken away first, and that is
 * said. In the background: returns the exit code once all is served (the daemon goes on); in the
 * foreground: returns it when the mount has ended. Errors are printed. 78 for a bad configuration.
 */
int fs_mount(const struct fs_mount_options *options);

struct fs_signer_mount_options {
	const char *home;	/* absolute; 0700, and the caller's own unless he is root */
	const char *mountpoint; /* absolute */
	bool foreground;
	bool allow_other;
	enum log_target log;
	bool nonempty;
};

/* The same for the signing slots of a signer's home. */
int fs_signer_mount(const struct fs_signer_mount_options *options);

/* Of either kind. Unmounts the run side where there is one, then the tree, and returns when the daemon is gone. -EBUSY:
 * in use, nothing was unmounted. */
int fs_unmount(const char *mountpoint, bool lazy, struct explain *ret_why);

/* As umount(8) asks: of a tree the same; of a run side that alone, since `umount -R` names it first. */
int fs_unmount_side(const char *mountpoint, bool lazy, struct explain *ret_why);

/* Takes away, lazily, what has lost its process; whatever else is there, or is not, stays as it is. */
int fs_unmount_stale(const char *mountpoint, struct explain *ret_why);

/*
 * Makes the mount of a configuration or a signer's home read it again. 0: it is in force; -EINVAL: it was refused and
 * the one before stays, ret_errors says why, a line each; -ENOENT: not mounted, and other failures: ret_why.
 */
int fs_reload(const char *source, struct buf *ret_errors, struct explain *ret_why);

/*
 * Has the program that is installed now serve what is mounted there, of either kind: the mount, its process and who
 * uses it stay. 0: it serves; -EINVAL: it does not, what served before does, ret_why says why; other failures.
 */
int fs_restart(const char *mountpoint, struct explain *ret_why);

/* Whether this program was executed in place of one that serves a mount, or is asked whether it could be; fs_resume
 * does that, whatever its arguments say, and returns the exit code. */
bool fs_is_resumed(void);
int fs_resume(void);

/*
 * Has the mount of a configuration look at its [policy] source now; nobody waits for what comes of it, which is in
 * .vouchfs/policy/source. -ENOENT: not mounted, and other failures: ret_why.
 */
int fs_ask_to_fetch(const char *source, struct explain *ret_why);

/* The mountpoint of a configuration's deploy side, from /proc/self/mountinfo; of root's or the caller's
 * own mounts only. -ENOENT: not mounted. */
int fs_find_mount(const char *config_path, struct buf *ret_mountpoint);

/* What is mounted over the tree of a mountpoint, or in it: its own run side is not. One that hides another is told,
 * too. */
typedef void fs_tell_mount(void *ctx, const char *at, const char *type, const char *source);
int fs_each_mount_over(const char *config_path, fs_tell_mount *tell, void *ctx);

const char *fs_library_version(void); /* of libfuse */

/* An absolute path without symlinks, also of a mountpoint whose process is gone, or of a file that is missing in a
 * directory that is there. free(). */
int fs_resolve(const char *path, char **ret);

#endif
