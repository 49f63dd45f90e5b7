/* policy.h - what the verbs of `vouchfs policy` share. Private to src/cli. */
#ifndef CLI_POLICY_PRIVATE_H
#define CLI_POLICY_PRIVATE_H

#include "base/base.h"

/* `policy show` without a file: the bundle that is in force on the host. Returns the exit code. */
int policy_show_host(const char *given_config, bool json);

#endif
