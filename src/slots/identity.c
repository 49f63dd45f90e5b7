/* Whose a caller is: the account that he acts for, by the [principal] sections, and the organization of that. */
#include <stdio.h>

#include "internal.h"

bool slots_ask_group(void *ctx, gid_t group)
{
	struct slots_asking *asking = ctx;
	const struct slots_caller *caller = asking->caller;
	bool is_in = caller->in_group && caller->in_group(caller->ctx, group);
	asking->is_unknown |= !is_in && caller->knows_groups && !caller->knows_groups(caller->ctx);
	return is_in;
}

bool slots_identify(const struct config *config, const struct slots_caller *caller, struct layer_user *ret)
{
	struct slots_asking asking = {.caller = caller};
	const struct config_principal *principal = config_identify(config, caller->who.uid, slots_ask_group, &asking);
	*ret = (struct layer_user){0};
	if (asking.is_unknown) /* else whoever hides his groups would act for the host's own account */
		return false;
	(void)snprintf(ret->account, sizeof(ret->account), "%s", principal ? principal->account : config->account);
	if (principal)
		(void)snprintf(ret->organization, sizeof(ret->organization), "%s", principal->organization);
	return true;
}
