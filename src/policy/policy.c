/*
 * policy.c - weighs the findings of the checks by the modes of a code-signing config.
 *
 * A verdict starts as a refusal. It becomes an acceptance only when every check is ok or does not apply (I4).
 */
#include "policy/policy.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

const struct config_code_signing policy_any_account = {
	.name = (char[]){"any trusted account"},
	.description = (char[]){""},
	.mismatch = CONFIG_ENFORCE,
	.expiry = CONFIG_ENFORCE,
	.revocation = CONFIG_ENFORCE,
	.deployment = CONFIG_ENFORCE,
	.on_load = CONFIG_ENFORCE,
};

void policy_say(char *dst, size_t dst_size, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int len = vsnprintf(dst, dst_size, format, args);
	va_end(args);
	ASSERT(len >= 0);
	if ((size_t)len >= dst_size)
		memcpy(dst + dst_size - 4, "...", 4);
}

void policy_find_failed(struct policy_finding *finding, enum policy_reason reason)
{
	finding->result.state = POLICY_FAILED;
	finding->result.reason = reason;
}

void policy_find_undecided(struct policy_finding *finding)
{
	finding->result.state = POLICY_UNDECIDED;
	finding->result.reason = POLICY_VF3001_UNDECIDED;
}

static enum config_mode own_mode(const struct config_code_signing *rules, enum policy_check check)
{
	switch (check) {
	case POLICY_SOURCE:
		return rules->mismatch;
	case POLICY_EXPIRY:
		return rules->expiry;
	case POLICY_REVOCATION:
		return rules->revocation;
	case POLICY_INTEGRITY:
	case POLICY_ZIP_RULES:
	case POLICY_CHECK_COUNT:
		break;
	}
	return CONFIG_ENFORCE;
}

/*
 * What a failure of this check means. Integrity and the ZIP rules know no mode. On load the config's policy for that
 * moment counts, but a check that the config relaxes by itself (expiry = Warn beside Enforce) stays relaxed: it would
 * otherwise be let in and blocked a second later.
 */
static enum config_mode mode_of(const struct config_code_signing *rules, enum policy_check check,
				enum policy_moment moment)
{
	if (check == POLICY_INTEGRITY || check == POLICY_ZIP_RULES)
		return CONFIG_ENFORCE;
	if (!rules)
		return CONFIG_IGNORE;
	enum config_mode own = own_mode(rules, check);
	if (moment == POLICY_ON_DEPLOYMENT)
		return own;
	bool relaxed = own == CONFIG_WARN && rules->deployment == CONFIG_ENFORCE;
	return relaxed && rules->on_load == CONFIG_ENFORCE ? CONFIG_WARN : rules->on_load;
}

static bool has_passed(const struct policy_check_result *result)
{
	return result->state == POLICY_OK || result->state == POLICY_NOT_APPLICABLE;
}

static bool has_failed(const struct policy_check_result *result)
{
	return result->state == POLICY_FAILED || result->state == POLICY_UNDECIDED;
}

/* The first check that has not passed and has this mode, or POLICY_CHECK_COUNT. */
static enum policy_check first_with_mode(const struct policy_verdict *verdict, enum config_mode mode)
{
	enum policy_check check = POLICY_INTEGRITY;
	while (check < POLICY_CHECK_COUNT) {
		const struct policy_check_result *result = &verdict->checks[check];
		if (has_failed(result) && result->mode == mode)
			break;
		check++;
	}
	return check;
}

static void decide(const struct policy_finding *findings, struct policy_verdict *ret)
{
	enum policy_check refusing = first_with_mode(ret, CONFIG_ENFORCE);
	enum policy_check warning = first_with_mode(ret, CONFIG_WARN);
	bool refused = refusing < POLICY_CHECK_COUNT;
	bool warned = !refused && warning < POLICY_CHECK_COUNT;

	if (!refused && !warned) {
		for (size_t i = 0; i < POLICY_CHECK_COUNT; i++)
			ASSERT(has_passed(&ret->checks[i]) || ret->checks[i].mode == CONFIG_IGNORE);
		ret->outcome = POLICY_ACCEPTED;
		ret->reason = POLICY_REASON_NONE;
		return;
	}
	ret->outcome = refused ? POLICY_REFUSED : POLICY_WARNED;
	ret->deciding = refused ? refusing : warning;
	ret->reason = ret->checks[ret->deciding].reason;
	memcpy(ret->detail, findings[ret->deciding].detail, sizeof(ret->detail));
	memcpy(ret->remedy, findings[ret->deciding].remedy, sizeof(ret->remedy));
}

static void refuse_too_large(const struct policy_facts *facts, struct policy_verdict *ret)
{
	char detail[POLICY_DETAIL_SIZE];
	SAY(detail, "the artifact has %llu bytes, at most %llu are allowed (max_artifact_size)",
	    (unsigned long long)facts->size_bytes, (unsigned long long)facts->max_bytes);
	policy_refuse(POLICY_VF4002_TOO_LARGE, detail,
		      "make the artifact smaller, or ask the host's owner to raise max_artifact_size", ret);
}

void policy_judge(const struct policy_facts *facts, const struct config_code_signing *rules, const char *rules_name,
		  enum policy_moment moment, int64_t now_s, struct policy_verdict *ret)
{
	static void (*const checks[POLICY_CHECK_COUNT])(const struct policy_case *, struct policy_finding *) = {
		[POLICY_INTEGRITY] = policy_check_integrity,   [POLICY_ZIP_RULES] = policy_check_zip_rules,
		[POLICY_SOURCE] = policy_check_source,	       [POLICY_EXPIRY] = policy_check_expiry,
		[POLICY_REVOCATION] = policy_check_revocation,
	};
	struct policy_case c = {
		.facts = facts,
		.rules = rules,
		.rules_name = rules_name ? rules_name : "none",
		.moment = moment,
		.now_s = now_s,
	};
	struct policy_finding findings[POLICY_CHECK_COUNT] = {0};

	*ret = (struct policy_verdict){.outcome = POLICY_REFUSED,
				       .reason = POLICY_VF3001_UNDECIDED,
				       .deciding = POLICY_CHECK_COUNT,
				       .unchecked = rules == NULL};
	if (facts->too_large) {
		refuse_too_large(facts, ret);
		ret->unchecked = rules == NULL;
		return;
	}
	for (enum policy_check check = POLICY_INTEGRITY; check < POLICY_CHECK_COUNT; check++) {
		checks[check](&c, &findings[check]);
		ret->checks[check] = findings[check].result;
		ret->checks[check].mode = mode_of(rules, check, moment);
	}
	decide(findings, ret);
}

void policy_refuse(enum policy_reason reason, const char *detail, const char *remedy, struct policy_verdict *ret)
{
	ASSERT(reason != POLICY_REASON_NONE);
	*ret = (struct policy_verdict){.outcome = POLICY_REFUSED, .reason = reason, .deciding = POLICY_CHECK_COUNT};
	SAY(ret->detail, "%s", detail);
	SAY(ret->remedy, "%s", remedy);
}

bool policy_would_refuse(const struct policy_verdict *verdict, const struct config_code_signing *rules,
			 enum policy_moment moment)
{
	bool refuse = false;
	for (enum policy_check check = POLICY_INTEGRITY; check < POLICY_CHECK_COUNT; check++)
		refuse |= has_failed(&verdict->checks[check]) && mode_of(rules, check, moment) == CONFIG_ENFORCE;
	return refuse;
}

bool policy_signer_is_trusted(const struct policy_verdict *verdict)
{
	const struct policy_check_result *checks = verdict->checks;
	return checks[POLICY_INTEGRITY].state == POLICY_OK && checks[POLICY_SOURCE].state == POLICY_OK &&
	       checks[POLICY_EXPIRY].state == POLICY_OK && has_passed(&checks[POLICY_REVOCATION]);
}

const char *policy_check_name(enum policy_check check)
{
	static const char *const names[] = {"integrity", "zip-rules", "source", "expiry", "revocation"};
	ASSERT((size_t)check < ARRAY_SIZE(names));
	return names[check];
}

const char *policy_state_name(enum policy_state state)
{
	static const char *const names[] = {"not reached", "ok", "FAILED", "could not be checked", "n/a"};
	ASSERT((size_t)state < ARRAY_SIZE(names));
	return names[state];
}

const char *policy_state_word(enum policy_state state)
{
	static const char *const words[] = {"not reached", "ok", "failed", "undecided", "not applicable"};
	ASSERT((size_t)state < ARRAY_SIZE(words));
	return words[state];
}

const char *policy_outcome_name(enum policy_outcome outcome)
{
	static const char *const names[] = {"refused", "warned", "accepted"};
	ASSERT((size_t)outcome < ARRAY_SIZE(names));
	return names[outcome];
}
