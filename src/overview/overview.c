/* The struct's life: what is added, ranked and freed. */
#include "overview/overview.h"

#include <stdlib.h>
#include <string.h>

struct overview *overview_new(void)
{
	return calloc(1, sizeof(struct overview));
}

/* ---- freeing ---- */

static void attempt_done(struct overview_attempt *attempt)
{
	free(attempt->outcome);
	free(attempt->reason);
	free(attempt->detail);
	free(attempt->command);
}

static void slot_done(struct overview_slot *slot)
{
	free(slot->name);
	free(slot->mode);
	free(slot->config);
	free(slot->by_command);
	free(slot->outcome);
	free(slot->reason);
	free(slot->profile_version_arn);
	free(slot->layers);
	free(slot->enforce_outcome);
	free(slot->enforce_reason);
	free(slot->enforce_detail);
	free(slot->break_glass.reason);
	attempt_done(&slot->last);
}

static void config_done(struct overview_config *config)
{
	free(config->name);
	free(config->description);
	free(config->mismatch);
	free(config->expiry);
	free(config->revocation);
	free(config->on_load);
	for (size_t i = 0; i < config->publisher_count; i++)
		free(config->publishers[i]);
	free(config->publishers);
}

static void account_done(struct overview_account *account)
{
	free(account->id);
	free(account->certificate_subject);
	free(account->list_state);
	free(account->list_detail);
}

static void policy_done(struct overview_policy *policy)
{
	free(policy->state);
	free(policy->detail);
	free(policy->description);
	free(policy->tree_sha256);
	free(policy->profile_version_arn);
	free(policy->alarm);
	free(policy->alarm_detail);
	free(policy->rollback_reason);
	for (size_t i = 0; i < policy->drift_shown; i++)
		free(policy->drift[i]);
	free(policy->drift);
	free(policy->source);
	free(policy->fetch_error);
	attempt_done(&policy->last);
}

void overview_free(struct overview *overview)
{
	if (!overview)
		return;
	for (size_t i = 0; i < overview->slot_count; i++)
		slot_done(&overview->slots[i]);
	for (size_t i = 0; i < overview->config_count; i++)
		config_done(&overview->configs[i]);
	for (size_t i = 0; i < overview->account_count; i++)
		account_done(&overview->accounts[i]);
	free(overview->slots);
	free(overview->configs);
	free(overview->accounts);
	policy_done(&overview->policy);
	free(overview->host);
	free(overview->version);
	free(overview->config_path);
	free(overview->store);
	free(overview->account);
	free(overview->region);
	free(overview->config_error);
	free(overview->unconfined);
	free(overview);
}

/* ---- adding ---- */

/* Arrays grow when their count reaches a power of two, so no capacity has to be kept. */
static void *grow(void *array, size_t count, size_t element_size)
{
	bool is_full = (count & (count - 1)) == 0;
	return is_full ? reallocarray(array, count == 0 ? 1 : 2 * count, element_size) : array;
}

struct overview_slot *overview_add_slot(struct overview *overview)
{
	struct overview_slot *slots = grow(overview->slots, overview->slot_count, sizeof(*slots));
	if (!slots)
		return NULL;
	overview->slots = slots;
	slots[overview->slot_count] = (struct overview_slot){0};
	return &slots[overview->slot_count++];
}

struct overview_config *overview_add_config(struct overview *overview)
{
	struct overview_config *configs = grow(overview->configs, overview->config_count, sizeof(*configs));
	if (!configs)
		return NULL;
	overview->configs = configs;
	configs[overview->config_count] = (struct overview_config){0};
	return &configs[overview->config_count++];
}

struct overview_account *overview_add_account(struct overview *overview)
{
	struct overview_account *accounts = grow(overview->accounts, overview->account_count, sizeof(*accounts));
	if (!accounts)
		return NULL;
	overview->accounts = accounts;
	accounts[overview->account_count] = (struct overview_account){0};
	return &accounts[overview->account_count++];
}

/* ---- ranking ---- */

static bool is(const char *text, const char *word)
{
	return text && strcmp(text, word) == 0;
}

static enum overview_rank rank_of(const struct overview_slot *slot)
{
	if (slot->is_damaged || slot->is_blocked)
		return OVERVIEW_NOT_SERVED;
	if (is(slot->last.outcome, "refused") || is(slot->last.outcome, "failed"))
		return OVERVIEW_REFUSED;
	if (slot->break_glass.until_s > 0)
		return OVERVIEW_RELAXED;
	bool is_orphan = is(slot->mode, OVERVIEW_NO_CONFIG) && slot->release > 0;
	if (is(slot->outcome, "warned") || is(slot->enforce_outcome, "refused") || is_orphan)
		return OVERVIEW_WARNED;
	return slot->release > 0 ? OVERVIEW_OK : OVERVIEW_EMPTY;
}

/* Functions before layers of the same rank. */
static int compare_slots(const void *a, const void *b)
{
	const struct overview_slot *x = a, *y = b;
	if (x->rank != y->rank)
		return (int)x->rank - (int)y->rank;
	if (x->is_layer != y->is_layer)
		return (int)x->is_layer - (int)y->is_layer;
	return strcmp(x->name, y->name);
}

void overview_rank(struct overview *overview)
{
	for (size_t i = 0; i < overview->slot_count; i++)
		overview->slots[i].rank = rank_of(&overview->slots[i]);
	if (overview->slot_count > 0)
		qsort(overview->slots, overview->slot_count, sizeof(*overview->slots), compare_slots);
}
