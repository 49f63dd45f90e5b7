/*
 * confine.h - what this process gives up for good before it talks to anybody. It has no privileges to begin with; what
 * a server could make of it should not even have what any process has.
 */
#ifndef FETCH_CONFINE_H
#define FETCH_CONFINE_H

#include "base/base.h"

/* No core, no debugger, no memory without end. 0 or a negative errno. */
int fetch_confine_process(void);

/*
 * From here on no file can be written, made or removed but below the mountpoint, and none executed (Landlock). False:
 * the kernel has none.
 */
bool fetch_confine_files(const char *mountpoint);

/* No program is started, no process made, no other one touched, nothing mounted (seccomp). False: the kernel, or this
 * machine's architecture, has none of it. */
bool fetch_confine_calls(void);

#endif
