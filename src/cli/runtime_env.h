/*
 * runtime_env.h - the environment in which a function's current release runs, as Lambda's runtimes have it: where the
 * code is, and where each language looks for what layers bring. Private to src/cli.
 *
 * All paths are of the release that is current when it is made, not of the link to it: who has it goes on with that
 * release when another one is deployed, and never sees two of them mixed.
 */
#ifndef CLI_RUNTIME_ENV_H
#define CLI_RUNTIME_ENV_H

#include "base/buf.h"

#define RUNTIME_ENV_MAX 16

struct runtime_env {
	char *release; /* MNT/run/.releases/<f>/<n>, absolute, without links */
	uint64_t number;
	struct {
		const char *name;
		struct buf value;
	} items[RUNTIME_ENV_MAX];
	size_t count;
};

/*
 * path: of the caller, or of the system, to which opt/bin is appended; what it has of releases of this mount is left
 * out. 0, or the exit code after having said why. runtime_env_done in any case.
 */
int cli_runtime_env(const char *given_config, const char *function, const char *path, struct runtime_env *ret);
void runtime_env_done(struct runtime_env *env);

#endif
