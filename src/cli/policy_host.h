/* policy_host.h - what the verbs of `vouchfs policy` share that ask or change a mounted host. Private to src/cli. */
#ifndef CLI_POLICY_HOST_PRIVATE_H
#define CLI_POLICY_HOST_PRIVATE_H

#include "base/buf.h"
#include "cli/cli.h"

/* The mount of a host that has a [policy] publisher. Negative errno after having said what is missing. */
int policy_open_mount(const char *given_config, int *ret_dirfd);

/* `policy show` without a file: the bundle that is in force. Returns the exit code. */
int policy_show_host(const char *given_config, bool json);

/* What .vouchfs/policy/status says: "key: value" lines. Negative errno, said. */
int policy_read_status(int dirfd, struct buf *ret);
/* A value of it, free(); NULL: it says nothing of that. 0 of a number. */
char *policy_status_text(const struct buf *status, const char *key);
uint64_t policy_status_number(const struct buf *status, const char *key);

/* The number of the release that is in force, 0 for none. Negative errno, said. */
int policy_read_release(int dirfd, uint64_t *ret);

/* Where it says that this very attempt was refused, the decision, whole, on stderr, and the verdict's exit code. */
bool policy_tell_refusal(int dirfd, int *ret_exit_code);

/* "policy bundle 7 is in force, generation 4" and the effects. Returns the exit code. before: the release that was. */
int policy_print_in_force(int dirfd, uint64_t release_before, bool json);

#endif
