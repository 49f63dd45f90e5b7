/*
 * refusal.h - why a mount was refused, and what puts that right. The kernel and fusermount3 say little, so the machine
 * is looked at once more: what of all that mounting needs is not there?
 */
#ifndef FS_REFUSAL_H
#define FS_REFUSAL_H

#include "kernel.h"

#define REFUSAL_FUSE_DEVICE "/dev/fuse"

/* To root, by a negative errno: of opening the device, of mount(2). */
void refusal_explain_device(int error, struct explain *why);
void refusal_explain_mount(int error, const char *mountpoint, struct explain *why);

/* To a user, after fusermount3 has failed, which has said something by itself. */
void refusal_explain_user(const struct kernel_mount *what, struct explain *why);

#endif
