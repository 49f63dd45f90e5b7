/* page_signers.c - of the page: whose signatures count here, and who may sign for them. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "page.h"
#include "policy_words.h"
#include "publisher.h"

enum { PROFILE, ALLOWED, SERVED, WHO };

static const struct html_column columns[] = {
	[PROFILE] = {"Signing profile", "signer"},
	[ALLOWED] = {"Allowed by", NULL},
	[SERVED] = {"In use by", NULL},
	[WHO] = {"Who may sign", NULL},
	{NULL, NULL},
};

/* ---- a publisher, once, however many configs allow it ---- */

static struct overview_trust trust_of(const struct page *page)
{
	return (struct overview_trust){.overview = page->overview, .signers = page->report->signers};
}

static bool allows(const struct overview_config *config, const char *arn)
{
	for (size_t i = 0; i < config->publisher_count; i++)
		if (strcmp(config->publishers[i], arn) == 0)
			return true;
	return false;
}

/* Whether no config before this one allows it. */
static bool is_first(const struct page *page, const struct overview_config *config, const char *arn)
{
	for (const struct overview_config *before = page->overview->configs; before < config; before++)
		if (allows(before, arn))
			return false;
	return true;
}

static void put_allowed(struct html *html, const struct page *page, const char *arn)
{
	size_t count = 0;
	for (size_t i = 0; i < page->overview->config_count; i++) {
		if (!allows(&page->overview->configs[i], arn))
			continue;
		html_put(html, count++ > 0 ? ", " : "");
		html_text(html, page->overview->configs[i].name);
	}
}

static void put_served(struct html *html, const struct page *page, const char *arn)
{
	const struct overview_trust trust = trust_of(page);
	const struct publisher_use use = publisher_find_use(&trust, NULL, arn);
	char name[VIEW_SLOT_SIZE];
	if (use.count == 0)
		html_badge(html, HTML_PLAIN, "unused");
	else
		html_text(html, view_slot_name(use.first, name));
	if (use.count > 1)
		html_printf(html, " and %zu more", use.count - 1);
}

static void put_statements(struct html *html, const struct publisher *publisher)
{
	const struct overview_profile *profile = publisher->at_signer;
	html_put(html, "<ul>\n<li>the owner of the account's home, and root on that host</li>\n");
	for (size_t i = 0; i < profile->statement_count; i++) {
		const struct overview_statement *statement = &profile->statements[i];
		if (!publisher_has_statement(publisher, statement))
			continue;
		html_put(html, "<li>account ");
		html_text(html, statement->principal);
		html_put(html, " ");
		if (publisher_is_foreign(publisher, statement))
			html_badge(html, HTML_WARNING, "another account");
		html_put(html, " ");
		html_text(html, statement->action);
		html_put(html, " <span class=\"soft\">by statement ");
		html_text(html, statement->id);
		html_put(html, "</span></li>\n");
	}
	html_put(html, "</ul>");
}

static void put_who(struct html *html, const struct page *page, const struct publisher *publisher)
{
	const struct overview_profile *profile = publisher->at_signer;
	if (!profile) {
		html_printf(html, "<span class=\"soft\">not seen from here; on the account's signing host: ");
		html_put(html, "</span><code>vouchfs signer list-profile-permissions --profile-name ");
		html_text(html, publisher->profile.name);
		html_put(html, "</code>");
		return;
	}
	if (profile->status) {
		bool is_active = view_is(profile->status, "Active");
		html_put(html, "<p>");
		html_badge(html, is_active ? HTML_GOOD : HTML_WARNING,
			   is_active				  ? "Active"
			   : view_is(profile->status, "Canceled") ? "Canceled"
								  : "Revoked");
		html_put(html, " <span class=\"soft\">as ");
		html_text(html, page->report->signers->source);
		html_put(html, " says</span></p>");
	}
	if (profile->hidden)
		html_text(html, profile->hidden);
	else
		put_statements(html, publisher);
}

static void put_name(struct html *html, const struct publisher *publisher)
{
	char name[VIEW_PROFILE_SIZE];
	html_code(html, view_profile(publisher->arn, name));
	if (!publisher->profile.version[0])
		html_put(html, " <span class=\"soft\">any version</span>");
	if (!publisher->revoked)
		return;
	html_put(html, " ");
	html_badge(html, HTML_BAD, "REVOKED");
	html_put(html, " <span class=\"soft\">from ");
	html_time(html, publisher->revoked->effective_s);
	html_put(html, " on: ");
	html_text(html, publisher->revoked->reason);
	html_put(html, "</span>");
}

static void put_publisher(struct html *html, const struct page *page, const struct publisher *publisher)
{
	html_row_begin(html);
	html_cell_begin(html, &columns[PROFILE], true);
	put_name(html, publisher);
	html_cell_end(html, true);
	html_cell_begin(html, &columns[ALLOWED], false);
	put_allowed(html, page, publisher->arn);
	html_cell_end(html, false);
	html_cell_begin(html, &columns[SERVED], false);
	put_served(html, page, publisher->arn);
	html_cell_end(html, false);
	html_cell_begin(html, &columns[WHO], false);
	put_who(html, page, publisher);
	html_cell_end(html, false);
	html_row_end(html);
}

/* The profiles of an account, as configs name them; how many there are. html NULL: they are counted only. */
static size_t put_publishers(struct html *html, const struct page *page, const char *account)
{
	const struct overview_trust trust = trust_of(page);
	size_t count = 0;
	for (size_t i = 0; i < page->overview->config_count; i++) {
		const struct overview_config *config = &page->overview->configs[i];
		for (size_t k = 0; k < config->publisher_count; k++) {
			const struct publisher publisher = publisher_find(&trust, config->publishers[k]);
			if (!publisher.is_parsed || strcmp(publisher.profile.scope.account, account) != 0 ||
			    !is_first(page, config, publisher.arn))
				continue;
			count++;
			if (html)
				put_publisher(html, page, &publisher);
		}
	}
	return count;
}

static void put_profiles(struct html *html, const struct page *page, const char *account)
{
	if (put_publishers(NULL, page, account) == 0) {
		html_printf(html, "<p class=\"soft\">%sNo code-signing config names a profile of it.</p>\n",
			    policy_is_signed_by(&page->overview->policy, account) ? "It signs the policy. " : "");
		return;
	}
	html_table_begin(html, "Profiles that code-signing configs allow.", columns);
	(void)put_publishers(html, page, account);
	html_table_end(html);
}

/* ---- accounts ---- */

static void put_list(struct html *html, const struct page *page, const struct overview_account *account)
{
	bool is_good = view_is(account->list_state, "good"), is_none = view_is_list_excused(account);
	html_put(html, "<dt>Revocation list</dt><dd>");
	if (is_none)
		html_put(html, "none, and none is required");
	else if (!is_good)
		html_badge(html, HTML_BAD,
			   view_is(account->list_state, "stale")     ? "STALE"
			   : view_is(account->list_state, "missing") ? "MISSING"
								     : "REFUSED");
	if (account->list_sequence > 0) {
		html_printf(html, " sequence %" PRIu64 " of ", account->list_sequence);
		html_date(html, account->list_issued_at_s);
		html_put(html, " (");
		page_put_span(html, page, account->list_issued_at_s);
		html_put(html, "), next update ");
		html_date(html, account->list_next_update_s);
		html_put(html, " (");
		page_put_span(html, page, account->list_next_update_s);
		html_put(html, ")");
	}
	if (account->list_detail) {
		html_put(html, " ");
		html_text(html, account->list_detail);
	}
	html_put(html, "</dd>\n");
}

static void put_account(struct html *html, const struct page *page, const struct overview_account *account)
{
	html_put(html, "<section class=\"card\">\n<h3>Account ");
	html_text(html, account->id);
	if (view_is(page->overview->account, account->id))
		html_put(html, " <span class=\"soft\">this host's own</span>");
	html_put(html, "</h3>\n<dl class=\"facts\">\n<dt>Certificate</dt><dd>");
	html_text(html, account->certificate_subject);
	if (account->certificate_expires_at_s > 0) {
		html_put(html, ", until ");
		html_date(html, account->certificate_expires_at_s);
		html_put(html, account->certificate_expires_at_s <= page->overview->now_s ? " <strong>ENDED</strong> ("
											  : " (");
		page_put_span(html, page, account->certificate_expires_at_s);
		html_put(html, ")");
	}
	html_put(html, "</dd>\n");
	put_list(html, page, account);
	html_put(html, "</dl>\n");
	put_profiles(html, page, account->id);
	html_put(html, "</section>\n");
}

struct place {
	const struct overview_config *config;
	size_t index;
};

/* Whether this publisher's account is trusted, or was met before (configs and publishers in their order). */
static bool is_met(const struct page *page, struct place here, const char *account)
{
	if (view_find_account(page->overview, account))
		return true;
	for (size_t i = 0; i < page->overview->config_count; i++) {
		const struct overview_config *config = &page->overview->configs[i];
		for (size_t k = 0; k < config->publisher_count; k++) {
			struct arn_profile profile;
			const char *arn = config->publishers[k];
			if (config == here.config && k == here.index)
				return false;
			if (arn_parse_profile(arn, strlen(arn), &profile) &&
			    strcmp(profile.scope.account, account) == 0)
				return true;
		}
	}
	return false;
}

static void put_stranger(struct html *html, const struct page *page, struct place here)
{
	struct arn_profile profile;
	const char *arn = here.config->publishers[here.index];
	if (!arn_parse_profile(arn, strlen(arn), &profile) || is_met(page, here, profile.scope.account))
		return;
	html_printf(html, "<section class=\"card\">\n<h3>Account %s ", profile.scope.account);
	html_badge(html, HTML_BAD, "NOT TRUSTED");
	html_put(html, "</h3>\n<p>Configs allow profiles of it, but this host has no [account] section for it: nothing "
		       "of it passes.</p>\n");
	put_profiles(html, page, profile.scope.account);
	html_put(html, "</section>\n");
}

void page_put_signers(struct html *html, const struct page *page)
{
	const struct overview *overview = page->overview;
	html_put(html, "<section id=\"signers\" aria-labelledby=\"signers-title\">\n"
		       "<h2 id=\"signers-title\">Signers, and who may sign</h2>\n");
	if (!page->report->signers || !page->report->signers->account)
		html_put(html,
			 "<p>Who may sign is kept with the keys: give the report --home DIR, or --service DIR, to "
			 "have it here.</p>\n");
	for (size_t i = 0; i < overview->account_count; i++)
		put_account(html, page, &overview->accounts[i]);
	for (size_t i = 0; i < overview->config_count; i++)
		for (size_t k = 0; k < overview->configs[i].publisher_count; k++)
			put_stranger(html, page, (struct place){.config = &overview->configs[i], .index = k});
	html_put(html, "</section>\n");
}
