/*
 * trap.h - in builds with VOUCHFS_TEST_HOOKS alone: what somebody would try who has taken over the daemon, tried from
 * inside. VOUCHFS_TEST_TRAP is the number of an open file that holds "<act> <argument>"; the next statfs of the deploy
 * side has its thread do that and write what came of it in its place: "0", or the name of an errno. While it tries
 * there is a "?", which stays where the act ends the process. What is tried is a table in trap.c.
 */
#ifndef FS_TRAP_H
#define FS_TRAP_H

#ifdef VOUCHFS_TEST_HOOKS
void trap_spring(void);
#else
static inline void trap_spring(void)
{
}
#endif

#endif
