/*
 * layer_policy.h - who may use a layer version: statements as of lambda:AddLayerVersionPermission, kept with the layer.
 *
 * A layer belongs to the host's own account, whose callers need no statement; of any other account one has to name it,
 * the organization that the account belongs to, or everyone. The only action is lambda:GetLayerVersion.
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
#define LAYER_REVISION_SIZE	 37 /* a UUID and NUL */
#define LAYER_PRINCIPAL_EVERYONE "*"
#define LAYER_POLICY_ACTION	 "lambda:GetLayerVersion"

struct layer_statement {
	char id[LAYER_STATEMENT_ID_SIZE];	  /* [A-Za-z0-9_-]{1,100} */
	char principal[ARN_ACCOUNT_SIZE];	  /* an account, or LAYER_PRINCIPAL_EVERYONE */
	char organization[ARN_ORGANIZATION_SIZE]; /* only with everyone, who is everyone in it then; "": none */
};

struct layer_policy {
	struct layer_statement statements[LIMIT_LAYER_STATEMENTS];
	size_t count;
};

/* Who wants to use a version, of another account than the host's own. */
struct layer_user {
	char account[ARN_ACCOUNT_SIZE]; /* "": it cannot be told which; only what is for everyone is for him */
	char organization[ARN_ORGANIZATION_SIZE]; /* of the account; "": none */
};

/* No policy is an empty one. -EBADMSG: what is stored is not one. Whether there is such a version is not looked at. */
int layer_policy_load(struct store *store, const char *layer, uint64_t version, struct layer_policy *ret);
/* The layer's slot is changed by one caller at a time. */
int layer_policy_save(struct store *store, const char *layer, uint64_t version, const struct layer_policy *policy);

/* The text above, appended. */
int layer_policy_print(const struct layer_policy *policy, struct buf *ret);
int layer_policy_parse(const char *text, size_t len, struct layer_policy *ret); /* -EBADMSG */

/* A UUID of this content, for this version: it comes again when the same statements are there in the same order. */
int layer_policy_revision(const struct layer_policy *policy, const char *layer, uint64_t version,
			  char ret[LAYER_REVISION_SIZE]);

bool layer_policy_is_statement_id(const char *id);
/* -EINVAL: a member is not as above; -EEXIST: there is a statement with this id; -E2BIG: there are enough. */
int layer_policy_add(struct layer_policy *policy, const struct layer_statement *statement);
int layer_policy_remove(struct layer_policy *policy, const char *id);				    /* -ENOENT */
const struct layer_statement *layer_policy_find(const struct layer_policy *policy, const char *id); /* or NULL */

bool layer_policy_permits(const struct layer_policy *policy, const struct layer_user *user);

#endif
