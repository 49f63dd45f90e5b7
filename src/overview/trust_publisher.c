/* trust_publisher.c - of the tree: a publisher, its account, who may sign with it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common.h"
#include "trust.h"

/* ---- who may sign ---- */

static const char *plain_action(const char *action)
{
	const char *colon = strchr(action, ':');
	return colon ? colon + 1 : action;
}

static void put_statement(struct drawing *d, unsigned depth, const struct publisher *publisher,
			  const struct overview_statement *statement)
{
	bool is_foreign = publisher_is_foreign(publisher, statement);
	tree_branch(d->tree, depth, is_foreign ? PAINT_WARNING : PAINT_PLAIN, "account %s%s: %s%s, by statement %s",
		    statement->principal, is_foreign ? " (ANOTHER ACCOUNT)" : "", plain_action(statement->action),
		    statement->version ? " with this version" : "", statement->id);
}

static void put_profile(struct drawing *d, unsigned depth, const struct publisher *publisher)
{
	const struct overview_profile *profile = publisher->at_signer;
	bool is_active = view_is(profile->status, "Active");
	tree_branch(d->tree, depth, PAINT_PLAIN, "who may sign, as %s says", d->trust->signers->source);
	if (profile->status)
		tree_note(d->tree, depth, is_active ? PAINT_PLAIN : PAINT_WARNING, "the profile is %s%s%s%s",
			  profile->status, is_active ? "" : ": nobody signs with it any more",
			  profile->version ? "; its current version is " : "",
			  profile->version ? profile->version : "");
	if (profile->hidden)
		tree_note(d->tree, depth, PAINT_PLAIN, "%s", profile->hidden);
	else
		tree_branch(d->tree, depth + 1, PAINT_PLAIN, "the owner of the account's home, and root on that host");
	for (size_t i = 0; i < profile->statement_count; i++)
		if (publisher_has_statement(publisher, &profile->statements[i]))
			put_statement(d, depth + 1, publisher, &profile->statements[i]);
}

/* A statement may be of one version alone. */
static bool has_own_statements(const struct overview_profile *profile)
{
	for (size_t i = 0; profile && i < profile->statement_count; i++)
		if (profile->statements[i].version)
			return true;
	return false;
}

/* True the first time, of whatever version. */
static bool tell_profile(struct drawing *d, const struct arn_profile *profile)
{
	struct arn_profile any = *profile;
	any.version[0] = '\0';
	for (size_t i = 0; i < d->profile_count; i++)
		if (arn_profile_matches(&d->profiles[i], profile))
			return false;
	if (d->profile_count < TRUST_TOLD_MAX)
		d->profiles[d->profile_count++] = any;
	return true;
}

static void put_who(struct drawing *d, unsigned depth, const struct publisher *publisher)
{
	const struct overview_signers *signers = d->trust->signers;
	const char *account = publisher->profile.scope.account, *name = publisher->profile.name;
	bool is_first = tell_profile(d, &publisher->profile);
	if (!is_first && !has_own_statements(publisher->at_signer))
		tree_branch(d->tree, depth, PAINT_PLAIN, "who may sign: as above, for profile %s", name);
	else if (publisher->at_signer)
		put_profile(d, depth, publisher);
	else if (signers && signers->account && strcmp(signers->account, account) == 0)
		tree_branch(d->tree, depth, PAINT_WARNING, "who may sign: no profile %s is to be seen in %s", name,
			    signers->source);
	else
		tree_branch(d->tree, depth, PAINT_PLAIN,
			    "who may sign: ask on the signing host of account %s: vouchfs signer "
			    "list-profile-permissions --profile-name %s",
			    account, name);
}

/* ---- the account ---- */

static void put_certificate(struct drawing *d, unsigned depth, const struct overview_account *account)
{
	char date[VIEW_DATE_SIZE], span[VIEW_SPAN_SIZE];
	int64_t ends_at_s = account->certificate_expires_at_s;
	bool is_over = ends_at_s > 0 && ends_at_s <= d->overview->now_s;
	tree_note(d->tree, depth, is_over ? PAINT_BAD : PAINT_PLAIN, "certificate: %s, %s %s (%s)",
		  account->certificate_subject ? account->certificate_subject : "-", is_over ? "ENDED" : "until",
		  view_date(ends_at_s, date), view_span(ends_at_s, d->overview->now_s, span));
}

static void put_list(struct drawing *d, unsigned depth, const struct overview_account *account)
{
	int64_t now_s = d->overview->now_s;
	char issued[VIEW_DATE_SIZE], age[VIEW_SPAN_SIZE], next[VIEW_DATE_SIZE], until[VIEW_SPAN_SIZE];
	char list[160] = "";
	if (account->list_sequence > 0)
		(void)snprintf(list, sizeof(list), "list %" PRIu64 " of %s (%s), next update %s (%s)",
			       account->list_sequence, view_date(account->list_issued_at_s, issued),
			       view_span(account->list_issued_at_s, now_s, age),
			       view_date(account->list_next_update_s, next),
			       view_span(account->list_next_update_s, now_s, until));
	if (view_is(account->list_state, "good"))
		tree_note(d->tree, depth, PAINT_PLAIN, "revocations: %s", list);
	else if (view_is_list_excused(account))
		tree_note(d->tree, depth, PAINT_PLAIN, "revocations: no list, and none is required");
	else if (view_is(account->list_state, "stale"))
		tree_note(d->tree, depth, PAINT_BAD, "revocations: STALE, %s", list);
	else
		tree_note(d->tree, depth, PAINT_BAD, "revocations: %s%s%s",
			  view_is(account->list_state, "missing") ? "the list is MISSING" : "the list is REFUSED",
			  account->list_detail ? ": " : "", account->list_detail ? account->list_detail : "");
}

/* True the first time. */
static bool tell_account(struct drawing *d, const struct overview_account *account)
{
	for (size_t i = 0; i < d->account_count; i++)
		if (d->accounts[i] == account)
			return false;
	if (d->account_count < TRUST_TOLD_MAX)
		d->accounts[d->account_count++] = account;
	return true;
}

void trust_put_account_notes(struct drawing *d, unsigned depth, const struct overview_account *account)
{
	put_certificate(d, depth, account);
	put_list(d, depth, account);
}

static void put_account(struct drawing *d, unsigned depth, const struct publisher *publisher)
{
	const struct overview_account *account = publisher->account;
	const char *id = publisher->profile.scope.account;
	if (!account) {
		tree_branch(d->tree, depth, PAINT_BAD,
			    "account %s is NOT TRUSTED by this host: nothing of it passes; an [account %s] section "
			    "changes that",
			    id, id);
		return;
	}
	bool is_first = tell_account(d, account);
	tree_branch(d->tree, depth, PAINT_PLAIN, "account %s%s%s", id,
		    view_is(d->overview->account, id) ? ", this host's own" : "", is_first ? "" : ", as above");
	if (is_first)
		trust_put_account_notes(d, depth, account);
	put_who(d, depth + 1, publisher);
}

/* ---- a publisher ---- */

static void print_use(const struct drawing *d, const struct publisher_use *use, char *ret, size_t ret_size)
{
	char slot[VIEW_SLOT_SIZE];
	if (use->count == 0)
		(void)snprintf(ret, ret_size, "allowed, unused");
	else if (d->trust->slot)
		(void)snprintf(ret, ret_size, "SIGNED WHAT IS SERVED");
	else if (use->count == 1)
		(void)snprintf(ret, ret_size, "SIGNED WHAT IS SERVED by %s", view_slot_name(use->first, slot));
	else
		(void)snprintf(ret, ret_size, "SIGNED WHAT IS SERVED by %s and %zu more",
			       view_slot_name(use->first, slot), use->count - 1);
}

static void put_revoked(struct drawing *d, unsigned depth, const struct overview_revoked *revoked)
{
	char utc[CLOCK_UTC_SIZE];
	clock_format_utc(revoked->effective_s, utc);
	tree_note(d->tree, depth, PAINT_BAD, "what it signed from %s on is REVOKED: %s", utc, revoked->reason);
}

/* Versions of a profile that is allowed as a whole. */
static void put_revoked_versions(struct drawing *d, unsigned depth, const struct publisher *publisher)
{
	const struct overview_signers *signers = d->trust->signers;
	for (size_t i = 0; signers && i < signers->revoked_count; i++) {
		const struct overview_revoked *revoked = &signers->revoked[i];
		struct arn_profile version;
		char utc[CLOCK_UTC_SIZE];
		if (!arn_parse_profile(revoked->profile_version_arn, strlen(revoked->profile_version_arn), &version) ||
		    !arn_profile_matches(&publisher->profile, &version))
			continue;
		clock_format_utc(revoked->effective_s, utc);
		tree_note(d->tree, depth, PAINT_WARNING, "what version %s signed from %s on is REVOKED",
			  version.version, utc);
	}
}

void trust_put_publisher(struct drawing *d, unsigned depth, const struct overview_config *config, const char *arn)
{
	char words[160], name[VIEW_PROFILE_SIZE];
	const struct publisher publisher = publisher_find(d->trust, arn);
	const struct publisher_use use = publisher_find_use(d->trust, config, arn);
	print_use(d, &use, words, sizeof(words));
	bool is_bad = publisher.revoked || (publisher.is_parsed && !publisher.account);
	bool is_used = use.count > 0, is_version = !publisher.is_parsed || publisher.profile.version[0];
	tree_branch(d->tree, depth,
		    is_bad    ? PAINT_BAD
		    : is_used ? PAINT_GOOD
			      : PAINT_PLAIN,
		    "%s%s%s  %s%s",
		    is_bad    ? "! "
		    : is_used ? "* "
			      : "",
		    view_profile(arn, name), is_version ? "" : " (any version)", publisher.revoked ? "REVOKED, " : "",
		    words);
	if (!publisher.is_parsed)
		return;
	if (publisher.revoked)
		put_revoked(d, depth, publisher.revoked);
	else if (!is_version)
		put_revoked_versions(d, depth, &publisher);
	put_account(d, depth + 1, &publisher);
}
