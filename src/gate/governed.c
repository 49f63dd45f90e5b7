/*
 * governed.c - the policy bundle in force: taken from the store, and believed as far as the accounts of the host's own
 * files prove it. Whatever cannot be had or is not what was accepted leaves it lost (I4).
 */
#include "gate/governed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "govern.h"
#include "trust_make.h"

/* Lines of a bundle's release record. */
#define SEQUENCE	"policy-sequence"
#define ROLLBACK_BELOW	"policy-rollback-below" /* the highest sequence then */
#define ROLLBACK_REASON "policy-rollback-reason"
#define ROLLBACK_BY	"policy-rollback-by-uid" /* where somebody else has brought it again since */

struct config_code_signing governed_rules(const struct config *own)
{
	struct config_code_signing rules = {
		.name = GOVERN_RULES_NAME,
		.publisher_count = own->policy.publisher_count,
		.mismatch = CONFIG_ENFORCE,
		.expiry = CONFIG_ENFORCE,
		.revocation = CONFIG_ENFORCE,
		.deployment = CONFIG_ENFORCE,
		.on_load = CONFIG_ENFORCE,
	};
	memcpy(rules.publishers, own->policy.publishers, sizeof(rules.publishers));
	return rules;
}

struct governed *govern_new(enum governed_state state)
{
	struct governed *governed = calloc(1, sizeof(*governed));
	if (governed)
		governed->state = state;
	return governed;
}

struct governed *govern_copy(const struct governed *governed)
{
	struct governed *copy = govern_new(governed->state);
	if (!copy)
		return NULL;
	*copy = *governed;
	if (copy->bundle)
		copy->bundle = bundle_ref(copy->bundle);
	return copy;
}

void govern_free(struct governed *governed)
{
	if (!governed)
		return;
	bundle_unref(governed->bundle);
	free(governed);
}

void govern_lose(struct governed *governed, const char *why)
{
	struct explain kept;
	uint64_t highest = governed->highest_sequence;
	explain_set(&kept, "%s", why); /* why may be the one in there */
	bundle_unref(governed->bundle);
	*governed = (struct governed){.state = GOVERNED_LOST, .why = kept, .highest_sequence = highest};
}

/* ---- has somebody to act? ---- */

static void judge(const struct governed *governed, const struct trust *own, struct policy_verdict *ret)
{
	const struct config_code_signing rules = governed_rules(own->config);
	const struct policy_facts facts = {
		.tail = POLICY_ZIP_ADMISSIBLE, .zip = POLICY_ZIP_ADMISSIBLE, .signature = &governed->facts};
	policy_judge(&facts, &rules, GOVERN_RULES_NAME, POLICY_ON_DEPLOYMENT, clock_now_s(), ret);
}

void govern_weigh(struct governed *governed, const struct trust *own)
{
	struct policy_verdict verdict;
	if (governed->state != GOVERNED_IN_FORCE)
		return;
	if (!signature_examine_lists(own->accounts, own->account_count, &governed->facts))
		governed->facts.list_state = SIGNATURE_LIST_UNKNOWN;
	judge(governed, own, &verdict);
	governed->alarm = verdict.reason;
	governed->alarm_why = (struct explain){0};
	if (verdict.reason != POLICY_REASON_NONE)
		explain_set(&governed->alarm_why, "%s", verdict.detail);
}

bool govern_is_due(const struct governed *governed, const struct trust *own)
{
	struct policy_verdict verdict;
	if (governed->state != GOVERNED_IN_FORCE)
		return false;
	judge(governed, own, &verdict);
	return verdict.reason != governed->alarm;
}

/* ---- what it is ---- */

static int parse_terms(const struct bundle *bundle, struct config_terms **ret, struct explain *ret_why)
{
	const struct config_member *member = &bundle_members(bundle)->all[0]; /* policy.conf is there, and first */
	struct buf errors = {0};
	int r = config_terms_parse(member->bytes, member->len, ret, &errors);
	if (r == -EINVAL) {
		const char *text = errors.data ? errors.data : CONFIG_TERMS_FILE " is refused";
		explain_set(ret_why, "%.*s", (int)strcspn(text, "\n"), text);
		r = -EBADMSG;
	}
	buf_done(&errors);
	return r;
}

int govern_read_terms(const struct bundle *bundle, const struct config *own, uint64_t *ret_sequence,
		      struct explain *ret_why)
{
	const struct config_policy *policy = &own->policy;
	struct config_terms *terms = NULL;
	int r = parse_terms(bundle, &terms, ret_why);
	if (r < 0)
		return r;
	if (config_terms_are_for(terms, policy->host, policy->labels, policy->label_count)) {
		*ret_sequence = terms->sequence;
	} else {
		config_terms_explain(terms, policy->host, policy->labels, policy->label_count, ret_why);
		r = -ENXIO;
	}
	config_terms_free(terms);
	return r;
}

void govern_take_facts(struct governed *governed, const struct signature_facts *facts)
{
	const struct statement *statement = &facts->statement;
	governed->facts = *facts;
	governed->profile_version = statement->profile_version;
	governed->job = statement->job;
	governed->signed_at_s = statement->signed_at_s;
	governed->expires_at_s = statement->expires_at_s;
}

static const char *decision_of(const struct store_release *release)
{
	return release->decision ? release->decision : "";
}

static bool read_number(const struct store_release *release, const char *key, uint64_t *ret)
{
	const char *text = decision_of(release);
	return text_record_get_u64(text, strlen(text), key, ret);
}

uint64_t governed_sequence_of(const struct store_release *release)
{
	uint64_t sequence = 0;
	return read_number(release, SEQUENCE, &sequence) ? sequence : 0;
}

char *governed_reason_of(const struct store_release *release)
{
	const char *text = decision_of(release);
	return text_record_get(text, strlen(text), ROLLBACK_REASON);
}

bool govern_is_rollback(const struct store_release *release, uint64_t highest)
{
	uint64_t below = 0;
	return read_number(release, ROLLBACK_BELOW, &below) && below == highest;
}

static void take_rollback(struct governed *governed, const struct store_release *release)
{
	char *reason = governed_reason_of(release);
	uint64_t uid = governed->applied_by_uid;
	(void)read_number(release, ROLLBACK_BY, &uid);
	governed->is_rolled_back = true;
	governed->rollback_by_uid = (uint32_t)uid;
	size_t len;
	if (!reason || !text_unescape_print(reason, strlen(reason), governed->rollback_reason,
					    sizeof(governed->rollback_reason), &len))
		governed->rollback_reason[0] = '\0';
	free(reason);
}

void govern_take_record(struct governed *governed, const struct store_release *release)
{
	uint64_t uid = release->uid;
	(void)read_number(release, "by-uid", &uid);
	governed->release = release->number;
	memcpy(governed->tree_sha256, release->digest, sizeof(governed->tree_sha256));
	(void)snprintf(governed->artifact_name, sizeof(governed->artifact_name), "%s", release->artifact_name);
	governed->applied_at_s = release->created_at_s;
	governed->applied_by_uid = (uint32_t)uid;
	if (governed->sequence < governed->highest_sequence)
		take_rollback(governed, release);
}

void govern_keep_rollback(struct governed *governed, const struct governed *now)
{
	governed->is_rolled_back = true;
	governed->rollback_by_uid = now->rollback_by_uid;
	memcpy(governed->rollback_reason, now->rollback_reason, sizeof(governed->rollback_reason));
}

int governed_about(const struct trust *candidate, const char *rollback_reason, struct buf *ret)
{
	const struct governed *governed = candidate->governed;
	char reason[2 * LIMIT_REASON_BYTES + 1];
	ASSERT(governed && governed->state == GOVERNED_IN_FORCE);
	int r = buf_printf(ret, SEQUENCE ": %llu\n", (unsigned long long)governed->sequence);
	if (r == 0 && !rollback_reason && governed->is_rolled_back) {
		rollback_reason = governed->rollback_reason;
		r = buf_printf(ret, ROLLBACK_BY ": %u\n", governed->rollback_by_uid);
	}
	if (r < 0 || !rollback_reason)
		return r;
	text_escape_print(reason, sizeof(reason), rollback_reason, strlen(rollback_reason));
	return buf_printf(ret, ROLLBACK_BELOW ": %llu\n" ROLLBACK_REASON ": %s\n",
			  (unsigned long long)governed->highest_sequence, reason);
}

void govern_remember(const struct governed *governed, struct store *store)
{
	int r = store_raise_policy_sequence(store, governed->highest_sequence);
	if (r < 0 && r != -EROFS)
		log_warning("sequence %llu of the policy bundle could not be remembered: %s",
			    (unsigned long long)governed->highest_sequence, strerror(-r));
}

void governed_take_up(struct trust *candidate, struct store *store, const struct store_release *release)
{
	struct governed *governed = candidate->governed;
	ASSERT(governed && governed->state == GOVERNED_IN_FORCE);
	govern_take_record(governed, release);
	govern_remember(governed, store);
	trust_remember_lists(candidate, store);
}
