#include "overview/expiry.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "policy_words.h"

/* ---- collecting ---- */

static int compare(const void *a, const void *b)
{
	const struct overview_expiry *x = a, *y = b;
	if (x->at_s != y->at_s)
		return x->at_s < y->at_s ? -1 : 1;
	if (x->kind != y->kind)
		return (int)x->kind - (int)y->kind;
	if (x->bundle > 0)
		return 0; /* there is one at most */
	if (!x->slot)
		return strcmp(x->account->id, y->account->id);
	if (x->slot->is_layer != y->slot->is_layer)
		return (int)x->slot->is_layer - (int)y->slot->is_layer;
	return strcmp(x->slot->name, y->slot->name);
}

int overview_list_expiries(const struct overview *overview, struct overview_expiry **ret, size_t *ret_count)
{
	const struct overview_policy *policy = &overview->policy;
	size_t count = 0;
	struct overview_expiry *all = calloc(overview->slot_count + 2 * overview->account_count + 2, sizeof(*all));
	if (!all)
		return -ENOMEM;
	for (size_t i = 0; i < overview->slot_count; i++) {
		const struct overview_slot *slot = &overview->slots[i];
		if (slot->release > 0 && slot->expires_at_s > 0)
			all[count++] = (struct overview_expiry){
				.kind = OVERVIEW_SIGNATURE, .at_s = slot->expires_at_s, .slot = slot};
	}
	for (size_t i = 0; i < overview->account_count; i++) {
		const struct overview_account *account = &overview->accounts[i];
		if (account->certificate_expires_at_s > 0)
			all[count++] = (struct overview_expiry){.kind = OVERVIEW_CERTIFICATE,
								.at_s = account->certificate_expires_at_s,
								.account = account};
		if (account->list_next_update_s > 0)
			all[count++] = (struct overview_expiry){
				.kind = OVERVIEW_LIST, .at_s = account->list_next_update_s, .account = account};
	}
	if (policy_is_in_force(policy) && policy->sequence > 0 && policy->expires_at_s > 0)
		all[count++] = (struct overview_expiry){
			.kind = OVERVIEW_BUNDLE, .at_s = policy->expires_at_s, .bundle = policy->sequence};
	qsort(all, count, sizeof(*all), compare);
	*ret = all;
	*ret_count = count;
	return 0;
}

/* ---- words ---- */

const char *overview_expiry_kind_name(enum overview_expiry_kind kind)
{
	static const char *const names[] = {[OVERVIEW_SIGNATURE] = "signature",
					    [OVERVIEW_CERTIFICATE] = "certificate",
					    [OVERVIEW_LIST] = "revocation list",
					    [OVERVIEW_BUNDLE] = "policy signature"};
	return names[kind];
}

const char *overview_expiry_subject(const struct overview_expiry *expiry, char ret[OVERVIEW_SUBJECT_SIZE])
{
	if (expiry->slot)
		return view_slot_name(expiry->slot, ret);
	if (expiry->bundle > 0)
		(void)snprintf(ret, OVERVIEW_SUBJECT_SIZE, "bundle %" PRIu64, expiry->bundle);
	else
		(void)snprintf(ret, OVERVIEW_SUBJECT_SIZE, "account %s", expiry->account->id);
	return ret;
}

/* On load a check that the config relaxes by itself stays relaxed. */
static const char *effect_on_slot(const struct overview *overview, const struct overview_slot *slot)
{
	const struct overview_config *config = view_find_config(overview, slot->config);
	if (slot->is_layer)
		return "functions that have it follow their own config";
	if (!config)
		return "nothing: nobody checks its signature";
	if (view_is(config->expiry, "Enforce") && view_is(config->on_load, "Enforce"))
		return "it is blocked from then on";
	if (view_is(config->expiry, "Enforce"))
		return "it is served on, but refused when it is deployed again";
	return "it is served on, with a warning";
}

const char *overview_expiry_effect(const struct overview *overview, const struct overview_expiry *expiry)
{
	switch (expiry->kind) {
	case OVERVIEW_CERTIFICATE:
		return "nothing that the account signs later counts";
	case OVERVIEW_LIST:
		return "whether its signatures are revoked cannot be told then (VF3001)";
	case OVERVIEW_BUNDLE:
		return "it stays in force with an alarm, and no host that lacks it takes it any more (VF2003)";
	case OVERVIEW_SIGNATURE:
		break;
	}
	ASSERT(expiry->slot); /* a signature is of one */
	return effect_on_slot(overview, expiry->slot);
}

const char *overview_expiry_remedy(const struct overview_expiry *expiry)
{
	switch (expiry->kind) {
	case OVERVIEW_CERTIFICATE:
		return "trust another account of the publisher's before that";
	case OVERVIEW_LIST:
		return "on the signing host: vouchfs signer refresh-revocations, then export-trust; bring the list "
		       "here";
	case OVERVIEW_BUNDLE:
		return "pack and sign the policy anew, with a higher sequence (vouchfs policy pack)";
	case OVERVIEW_SIGNATURE:
		break;
	}
	ASSERT(expiry->slot); /* a signature is of one */
	return expiry->slot->is_layer ? "sign it anew and publish it" : "sign it anew and deploy it";
}

void overview_put_expiry(struct json *j, const struct overview *overview, const struct overview_expiry *expiry)
{
	json_object(j, NULL);
	json_text(j, "kind", overview_expiry_kind_name(expiry->kind));
	if (expiry->slot)
		view_put_slot(j, "slot", expiry->slot);
	else if (expiry->bundle > 0)
		json_u64(j, "bundle", expiry->bundle);
	else
		json_text(j, "account", expiry->account->id);
	view_put_time(j, "expiresAt", expiry->at_s);
	json_bool(j, "expired", expiry->at_s <= overview->now_s);
	json_i64(j, "daysLeft", (expiry->at_s - overview->now_s) / DAY_S);
	json_text(j, "effect", overview_expiry_effect(overview, expiry));
	json_text(j, "remedy", overview_expiry_remedy(expiry));
	json_close(j);
}
