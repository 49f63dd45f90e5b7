/*
 * mountpoint.h - whether a place can be mounted on, found out before anything is done. What vouchfs has mounted there,
 * or for the same source elsewhere, and what has lost its process since, is taken away first.
 */
#ifndef FS_MOUNTPOINT_H
#define FS_MOUNTPOINT_H

#include "plan.h"

int mountpoint_prepare(const struct plan_request *request, struct explain *ret_why);

/* -ENOTEMPTY: what is in it would be hidden. One that may not be listed is taken for empty. */
int mountpoint_check_empty(const char *mountpoint, struct explain *ret_why);

/* Of a user's run side, which is nowhere below the mountpoint: takes away what died there. */
int mountpoint_clear_run(const char *run_mountpoint, struct explain *ret_why);

/* Why the table of mounts could not be read. */
void mountpoint_explain_table(int error, struct explain *why);

#endif
