/*
 * layer_policy.h - who may use a layer version: statements as of lambda:AddLayerVersionPermission, kept with the layer.
 *
 * A layer belongs to the host's own account, whose callers need no statement; of any other account one has to name it.
 * The only action is lambda:GetLayerVersion. A statement for an organization is kept and shown, and permits nobody: a
 * host knows no organizations (I4).
 *
 * In the layer's slot of the store, file "policy.<version>":
 *
 *     vouchfs-layer-policy: 1
 *     statement: for-consuming-account
 *     principal: 444455556666              or "*"
 *     organization: -                      or o-...
 *     ...                                  these three for each
 */
#ifndef GATE_LAYER_POLICY_H
#define GATE_LAYER_POLICY_H

#include "arn/arn.h"
#include "base/limits.h"
#include "store/store.h"

#define LAYER_STATEMENT_ID_SIZE	 101
#define LAYER_ORGANIZATION_SIZE	 35
#define LAYER_PRINCIPAL_EVERYONE "*"

struct layer_statement {
	char id[LAYER_STATEMENT_ID_SIZE];	    /* [A-Za-z0-9_-]{1,100} */
	char principal[ARN_ACCOUNT_SIZE];	    /* an account, or LAYER_PRINCIPAL_EVERYONE */
	char organization[LAYER_ORGANIZATION_SIZE]; /* o-[a-z0-9]{10,32}, only with everyone; "": none */
};

struct layer_policy {
	struct layer_statement statements[LIMIT_LAYER_STATEMENTS];
	size_t count;
};

/* No policy is an empty one. -EBADMSG: what is stored is not one. Whether there is such a version is not looked at. */
int layer_policy_load(struct store *store, const char *layer, uint64_t version, struct layer_policy *ret);
/* The layer's slot is changed by one caller at a time. */
int layer_policy_save(struct store *store, const char *layer, uint64_t version, const struct layer_policy *policy);

/* -EINVAL: a member is not as above; -EEXIST: there is a statement with this id; -E2BIG: there are enough. */
int layer_policy_add(struct layer_policy *policy, const struct layer_statement *statement);
int layer_policy_remove(struct layer_policy *policy, const char *id); /* -ENOENT */

/* Of another account than the host's own. */
bool layer_policy_permits(const struct layer_policy *policy, const char *account);

#endif
