/*
 * resolve.h - Unix users and groups by name, else by number. Internal to config.
 * 0, -ENOENT when there is no such name, or what the name service failed with.
 */
#ifndef CONFIG_RESOLVE_H
#define CONFIG_RESOLVE_H

#include <sys/types.h>

int resolve_user(const char *text, uid_t *ret_uid);
int resolve_group(const char *text, gid_t *ret_gid);

#endif
