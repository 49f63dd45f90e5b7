/* governed.c - the policy bundle in force. */
#include "gate/governed.h"

#include <errno.h>

int gate_judge_bundle(const struct trust *trust, const char *config_path, struct store *store,
		      const struct gate_artifact *artifact, struct gate_decision *ret, struct trust **ret_candidate)
{
	(void)trust, (void)config_path, (void)store, (void)artifact, (void)ret, (void)ret_candidate;
	return -ENOSYS;
}

int gate_judge_rollback(const struct trust *trust, const char *config_path, struct store *store,
			const struct gate_artifact *artifact, struct gate_decision *ret, struct trust **ret_candidate)
{
	return gate_judge_bundle(trust, config_path, store, artifact, ret, ret_candidate);
}

int governed_about(const struct trust *candidate, const char *rollback_reason, struct buf *ret)
{
	(void)candidate, (void)rollback_reason, (void)ret;
	return -ENOSYS;
}

void governed_take_up(struct trust *candidate, struct store *store, const struct store_release *release)
{
	(void)candidate, (void)store, (void)release;
}

int governed_config_load(const char *path, struct config **ret, struct buf *ret_errors)
{
	return config_load(path, ret, ret_errors);
}
