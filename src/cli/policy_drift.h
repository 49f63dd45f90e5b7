/* policy_drift.h - what `vouchfs policy drift` sees of a mount that the daemon does not. Private to src/cli. */
#ifndef CLI_POLICY_DRIFT_PRIVATE_H
#define CLI_POLICY_DRIFT_PRIVATE_H

#include "slots/drift.h"

/* Slots whose owner, group or mode callers see otherwise, and what is mounted over them; dirfd: the mount. */
void policy_drift_add_seen(const char *config_path, int dirfd, struct drift *drift);

#endif
