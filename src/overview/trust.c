/*
 * trust.c - whom a slot trusts, as a tree: slot, its code-signing config, the profile versions that it allows, their
 * account, who may sign with them.
 */
#include "trust.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common.h"
#include "policy_words.h"

/* ---- the config ---- */

static void put_config(struct drawing *d, unsigned depth, const struct overview_config *config)
{
	const struct overview_origin *origin = overview_find_origin(d->trust->signers, config->name);
	char where[SCREEN_LINE_SIZE] = "";
	if (origin)
		(void)snprintf(where, sizeof(where), "  %s:%u", origin->file, origin->line);
	tree_branch(d->tree, depth, depth == 0 ? PAINT_BOLD : PAINT_PLAIN, "code-signing config %s%s", config->name,
		    where);
	if (config->description && config->description[0])
		tree_note(d->tree, depth, PAINT_PLAIN, "%s", config->description);
	tree_note(d->tree, depth, PAINT_PLAIN, "on deployment: mismatch %s, expiry %s, revocation %s", config->mismatch,
		  config->expiry, config->revocation);
	tree_note(d->tree, depth, PAINT_PLAIN, "on load: %s", config->on_load);
	if (depth == 0 && config->function_count == 0)
		tree_note(d->tree, depth, PAINT_WARNING, "no function has it");
	else if (depth == 0)
		tree_note(d->tree, depth, PAINT_PLAIN, "%" PRIu64 " function%s", config->function_count,
			  config->function_count == 1 ? "" : "s");
	for (size_t i = 0; i < config->publisher_count; i++)
		trust_put_publisher(d, depth + 1, config, config->publishers[i]);
}

/* ---- a slot ---- */

static void put_served(struct drawing *d, const struct overview_slot *slot)
{
	char utc[CLOCK_UTC_SIZE];
	const char *noun = slot->is_layer ? "version" : "release";
	if (slot->release == 0) {
		tree_note(d->tree, 0, PAINT_PLAIN, "nothing was deployed there yet");
		return;
	}
	clock_format_utc(slot->since_s, utc);
	bool is_bad = slot->is_damaged || slot->is_blocked;
	tree_note(d->tree, 0, is_bad ? PAINT_BAD : PAINT_PLAIN, "%s %" PRIu64 " since %s, %s%s", noun, slot->release,
		  utc,
		  slot->is_damaged   ? "DAMAGED: not served"
		  : slot->is_blocked ? "BLOCKED: not served"
				     : (slot->outcome ? slot->outcome : "served"),
		  view_is(slot->outcome, "warned") && slot->reason ? " (it would fail under Enforce)" : "");
}

static void put_signer(struct drawing *d, const struct overview_slot *slot)
{
	char name[VIEW_PROFILE_SIZE], date[VIEW_DATE_SIZE], span[VIEW_SPAN_SIZE];
	struct arn_profile profile;
	const char *arn = slot->profile_version_arn;
	if (slot->release == 0)
		return;
	if (!arn) {
		tree_note(d->tree, 0, PAINT_WARNING, "nobody signed it");
		return;
	}
	bool is_parsed = arn_parse_profile(arn, strlen(arn), &profile);
	bool is_over = slot->expires_at_s > 0 && slot->expires_at_s <= d->overview->now_s;
	tree_note(d->tree, 0, is_over ? PAINT_BAD : PAINT_PLAIN, "signed by %s%s%s, %s %s (%s)",
		  view_profile(arn, name), is_parsed ? " of account " : "", is_parsed ? profile.scope.account : "",
		  is_over ? "EXPIRED" : "valid until", view_date(slot->expires_at_s, date),
		  view_span(slot->expires_at_s, d->overview->now_s, span));
}

static void put_break_glass(struct drawing *d, const struct overview_slot *slot)
{
	char utc[CLOCK_UTC_SIZE];
	if (slot->break_glass.until_s == 0)
		return;
	clock_format_utc(slot->break_glass.until_s, utc);
	tree_note(d->tree, 0, PAINT_BAD, "BREAK GLASS until %s: it only warns; %s", utc,
		  slot->break_glass.reason ? slot->break_glass.reason : "no reason was given");
}

static bool is_allowed(const struct overview_config *config, const struct overview_slot *slot)
{
	for (size_t i = 0; i < config->publisher_count; i++)
		if (publisher_signed(config->publishers[i], slot))
			return true;
	return false;
}

/* A layer has no config: the functions that have it say whose signature counts. */
static void put_users(struct drawing *d, const struct overview_slot *layer)
{
	if (layer->layers && layer->layers[0])
		tree_branch(
			d->tree, 1, PAINT_PLAIN,
			"judged by the configs of the functions that have it: %s; vouchfs trust FUNCTION shows each",
			layer->layers);
	else
		tree_branch(d->tree, 1, PAINT_PLAIN, "no function has it, so no config judges it");
}

static void put_slot(struct drawing *d, const struct overview_slot *slot)
{
	const struct overview_config *config = view_find_config(d->overview, slot->config);
	char name[VIEW_SLOT_SIZE];
	tree_branch(d->tree, 0, PAINT_BOLD, "%s%s%s", view_slot_name(slot, name), slot->is_layer ? "" : "  ",
		    slot->is_layer ? "" : slot->mode);
	put_served(d, slot);
	put_signer(d, slot);
	put_break_glass(d, slot);
	if (config && slot->profile_version_arn && slot->release > 0 && !is_allowed(config, slot))
		tree_note(d->tree, 0, PAINT_BAD, "who signed it is NOT ALLOWED by config %s", config->name);
	if (slot->is_layer)
		put_users(d, slot);
	else if (config)
		put_config(d, 1, config);
	else
		tree_branch(d->tree, 1, PAINT_BAD, "%s",
			    view_is(slot->mode, "UNCHECKED") ? "NOBODY checks its signature: code_signing_config = none"
							     : trust_missing_section(&d->overview->policy));
}

/* ---- all of them ---- */

static void put_unchecked(struct drawing *d)
{
	size_t count = 0;
	char name[VIEW_SLOT_SIZE];
	for (size_t i = 0; i < d->overview->slot_count; i++) {
		const struct overview_slot *slot = &d->overview->slots[i];
		if (slot->is_layer || slot->config)
			continue;
		if (count++ == 0)
			tree_branch(d->tree, 0, PAINT_BOLD, "functions without a code-signing config");
		tree_branch(d->tree, 1, PAINT_WARNING, "%s  %s", view_slot_name(slot, name), slot->mode);
	}
}

static bool is_account_used(const struct overview *overview, const char *id)
{
	for (size_t i = 0; i < overview->config_count; i++) {
		const struct overview_config *config = &overview->configs[i];
		for (size_t k = 0; k < config->publisher_count; k++) {
			struct arn_profile profile;
			const char *arn = config->publishers[k];
			if (arn_parse_profile(arn, strlen(arn), &profile) && strcmp(profile.scope.account, id) == 0)
				return true;
		}
	}
	return false;
}

static void put_idle_accounts(struct drawing *d)
{
	for (size_t i = 0; i < d->overview->account_count; i++) {
		const struct overview_account *account = &d->overview->accounts[i];
		if (is_account_used(d->overview, account->id))
			continue;
		tree_branch(d->tree, 0, PAINT_BOLD, "account %s %s, and no config names a profile of it", account->id,
			    policy_is_signed_by(&d->overview->policy, account->id) ? "signs the policy" : "is trusted");
		trust_put_account_notes(d, 0, account);
	}
}

static void put_all(struct drawing *d)
{
	trust_put_policy(d);
	for (size_t i = 0; i < d->overview->config_count; i++)
		put_config(d, 0, &d->overview->configs[i]);
	if (d->overview->config_count == 0)
		tree_branch(d->tree, 0, PAINT_PLAIN, "there is no code-signing config");
	put_unchecked(d);
	put_idle_accounts(d);
}

int overview_print_trust(const struct overview_trust *trust, const struct overview_screen *style, bool is_utf8,
			 struct buf *ret)
{
	struct screen screen = {.out = ret, .style = style, .now_s = trust->overview->now_s};
	struct tree tree = {0};
	struct drawing d = {.trust = trust, .overview = trust->overview, .tree = &tree};
	if (trust->slot) {
		put_slot(&d, trust->slot);
		trust_put_policy(&d);
	} else {
		put_all(&d);
	}
	tree_print(&tree, is_utf8, &screen);
	return screen.error;
}
