/* page_policy.c - of the page: the policy bundle that governs the host. Nothing where no publisher is configured. */
#include <inttypes.h>
#include <stdio.h>

#include "common.h"
#include "page.h"
#include "policy_words.h"

#define SHA256_SHOWN 12

/* ---- the bundle ---- */

static void begin_fact(struct html *html, const char *name)
{
	html_printf(html, "<dt>%s</dt><dd>", name);
}

static void end_fact(struct html *html)
{
	html_put(html, "</dd>\n");
}

static void put_badges(struct html *html, const struct page *page, const struct overview_policy *policy)
{
	const char *alarm = policy_alarm(policy, page->overview->now_s);
	if (policy_is_lost(policy))
		html_badge(html, HTML_BAD, "LOST");
	else if (policy_has_none_yet(policy))
		html_badge(html, HTML_WARNING, "none yet");
	else if (alarm)
		html_badge(html, HTML_BAD, policy_alarm_word(alarm));
	else if (policy->rollback_reason)
		html_badge(html, HTML_WARNING, "rolled back");
	else
		html_badge(html, HTML_GOOD, "in force");
}

static void put_sequence(struct html *html, const struct page *page, const struct overview_policy *policy)
{
	begin_fact(html, "Bundle");
	if (policy->sequence > 0)
		html_printf(html, "%" PRIu64 " ", policy->sequence);
	put_badges(html, page, policy);
	if (policy->highest_sequence > policy->sequence)
		html_printf(html, " bundle %" PRIu64 " was in force before", policy->highest_sequence);
	end_fact(html);
}

static void put_text(struct html *html, const char *name, const char *text)
{
	if (!text)
		return;
	begin_fact(html, name);
	html_text(html, text);
	end_fact(html);
}

static void put_when(struct html *html, const struct page *page, const char *name, int64_t at_s)
{
	if (at_s <= 0)
		return;
	begin_fact(html, name);
	html_time(html, at_s);
	html_put(html, " <span class=\"soft\">(");
	page_put_span(html, page, at_s);
	html_put(html, ")</span>");
	end_fact(html);
}

/* Its beginning tells two apart; NULL: not known. */
static const char *digest(const char *sha256, char ret[SHA256_SHOWN + 1])
{
	(void)snprintf(ret, SHA256_SHOWN + 1, "%s", sha256 ? sha256 : "");
	return sha256 ? ret : NULL;
}

static void put_bundle(struct html *html, const struct page *page, const struct overview_policy *policy)
{
	char shown[SHA256_SHOWN + 1];
	put_text(html, "Description", policy->description);
	begin_fact(html, "Signed by");
	page_put_publisher(html, policy->profile_version_arn);
	end_fact(html);
	put_when(html, page, "Signed until", policy->expires_at_s);
	put_when(html, page, "In force since", policy->applied_at_s);
	begin_fact(html, "Brought by");
	page_put_by(html, policy->applied_by_uid, NULL);
	end_fact(html);
	begin_fact(html, "Digest");
	html_code(html, digest(policy->tree_sha256, shown));
	end_fact(html);
	put_text(html, "Rolled back because", policy->rollback_reason);
}

static void put_source(struct html *html, const struct page *page, const struct overview_policy *policy)
{
	if (!policy->source)
		return;
	begin_fact(html, "Source");
	html_code(html, policy->source);
	if (policy_is_source_silent(page->overview)) {
		html_put(html, " ");
		html_badge(html, HTML_BAD, "silent");
	}
	end_fact(html);
	put_when(html, page, "It answered", policy->fetched_at_s);
	put_text(html, "The last try failed", policy->fetch_error);
}

/* ---- drift ---- */

static void put_drift(struct html *html, const struct page *page, const struct overview_policy *policy)
{
	if (policy->drift_checked_at_s == 0) {
		html_put(html, "<p>Whether the host differs from it was not checked yet.</p>\n");
		return;
	}
	if (policy->drift_count == 0)
		html_put(html, "<p>The host does not differ from it");
	else
		html_printf(html, "<p>The host differs from it in %" PRIu64 " thing%s", policy->drift_count,
			    policy->drift_count == 1 ? "" : "s");
	html_put(html, " <span class=\"soft\">(looked at ");
	page_put_span(html, page, policy->drift_checked_at_s);
	html_put(html, policy->drift_count == 0 ? ")</span>.</p>\n" : ")</span>:</p>\n<ul>\n");
	for (size_t i = 0; i < policy->drift_shown; i++) {
		html_put(html, "<li>");
		html_text(html, policy->drift[i]);
		html_put(html, "</li>\n");
	}
	if (policy->drift_count > policy->drift_shown)
		html_printf(html, "<li>and %" PRIu64 " more</li>\n", policy->drift_count - policy->drift_shown);
	html_put(html, policy->drift_count == 0 ? "" : "</ul>\n");
}

void page_put_policy(struct html *html, const struct page *page)
{
	const struct overview_policy *policy = &page->overview->policy;
	if (!policy->state)
		return;
	html_put(html, "<section id=\"policy\" aria-labelledby=\"policy-title\">\n"
		       "<h2 id=\"policy-title\">Policy</h2>\n<dl class=\"facts\">\n");
	put_sequence(html, page, policy);
	put_text(html, "Why", policy_is_lost(policy) ? policy->detail : policy->alarm_detail);
	if (policy_is_in_force(policy))
		put_bundle(html, page, policy);
	put_source(html, page, policy);
	html_put(html, "</dl>\n");
	put_drift(html, page, policy);
	html_put(html, "</section>\n");
}
