/*
 * page.c - one static page about a host: what needs attention first. No script, nothing from elsewhere, and a policy in
 * its head that allows neither, so that the page stays what it is whatever somebody has named his artifact.
 */
#include "page.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "common.h"
#include "crypto/digest.h"
#include "enforce.h"

/* ---- words that the parts share ---- */

void page_put_publisher(struct html *html, const char *profile_version_arn)
{
	char name[VIEW_PROFILE_SIZE];
	if (profile_version_arn)
		html_code(html, view_profile(profile_version_arn, name));
	else
		html_badge(html, HTML_WARNING, "unsigned");
}

void page_put_by(struct html *html, uint64_t uid, const char *command)
{
	html_printf(html, "uid %" PRIu64, uid);
	if (command) {
		html_put(html, " (");
		html_code(html, command);
		html_put(html, ")");
	}
}

void page_put_span(struct html *html, const struct page *page, int64_t at_s)
{
	char span[VIEW_SPAN_SIZE];
	html_put(html, view_span(at_s, page->overview->now_s, span));
}

/* ---- head ---- */

/* By its digest the style is the only one that is applied. */
static int put_style(struct html *html)
{
	uint8_t digest[CRYPTO_SHA256_BYTES];
	char base64[TEXT_BASE64_SIZE(CRYPTO_SHA256_BYTES)];
	int r = crypto_sha256(page_style, page_style_len, digest);
	if (r < 0)
		return r;
	text_base64(digest, sizeof(digest), base64);
	html_printf(html,
		    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
		    "'sha256-%s'; base-uri 'none'; form-action 'none'\">\n<style>",
		    base64);
	html_put(html, page_style);
	html_put(html, "</style>\n");
	return 0;
}

static int put_head(struct html *html, const struct page *page)
{
	html_put(html, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
	int r = put_style(html);
	html_put(html, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		       "<meta name=\"referrer\" content=\"no-referrer\">\n<title>");
	if (page->attentions.count > 0)
		html_printf(html, "(%zu) ", page->attentions.count);
	html_put(html, "vouchfs on ");
	html_text(html, page->overview->host);
	html_put(html,
		 "</title>\n</head>\n<body>\n<a class=\"skip\" href=\"#attention\">To what needs attention</a>\n");
	return r;
}

static void put_fact(struct html *html, const char *name, const char *text)
{
	html_printf(html, "<dt>%s</dt><dd>", name);
	html_code(html, text);
	html_put(html, "</dd>\n");
}

static void put_facts(struct html *html, const struct page *page)
{
	const struct overview *overview = page->overview;
	html_put(html, "<dl class=\"facts\">\n");
	if (page->report->mountpoint)
		put_fact(html, "Mounted on", page->report->mountpoint);
	else
		html_put(html, "<dt>Mounted on</dt><dd>not mounted: this is the store as it lies</dd>\n");
	put_fact(html, "Configuration", overview->config_path);
	if (overview->config_generation > 0) {
		html_printf(html, "<dt>Generation</dt><dd>%" PRIu64 ", loaded ", overview->config_generation);
		html_time(html, overview->config_loaded_at_s);
		html_put(html, "</dd>\n");
	}
	put_fact(html, "Store", overview->store);
	put_fact(html, "Account", overview->account);
	html_put(html, "<dt>Made at</dt><dd>");
	html_time(html, overview->now_s);
	html_put(html, " UTC, as all times here</dd>\n</dl>\n");
}

/* ---- figures ---- */

static void put_tile(struct html *html, const char *class, size_t count, size_t of, const char *label)
{
	html_printf(html, "<li%s%s%s><strong>%zu", count > 0 && class ? " class=\"" : "",
		    count > 0 && class ? class : "", count > 0 && class ? "\"" : "", count);
	if (of > 0)
		html_printf(html, " of %zu", of);
	html_printf(html, "</strong>%s</li>\n", label);
}

static size_t count_rank(const struct overview *overview, enum overview_rank rank)
{
	size_t count = 0;
	for (size_t i = 0; i < overview->slot_count; i++)
		count += overview->slots[i].rank == rank;
	return count;
}

static size_t count_soon(const struct page *page)
{
	size_t count = 0;
	int64_t now_s = page->overview->now_s, before_s = now_s + (int64_t)OVERVIEW_EXPIRY_DAYS * DAY_S;
	for (size_t i = 0; i < page->expiry_count; i++)
		count += page->expiries[i].at_s > now_s && page->expiries[i].at_s <= before_s;
	return count;
}

static void put_tiles(struct html *html, const struct page *page)
{
	const struct overview *overview = page->overview;
	char soon[32];
	(void)snprintf(soon, sizeof(soon), "end within %d days", OVERVIEW_EXPIRY_DAYS);
	html_put(html, "<ul class=\"tiles\">\n");
	put_tile(html, NULL, overview->slot_count, 0, "slots");
	put_tile(html, "bad", count_rank(overview, OVERVIEW_NOT_SERVED), 0, "not served");
	put_tile(html, "bad", count_rank(overview, OVERVIEW_REFUSED), 0, "last attempt refused or failed");
	put_tile(html, "bad", count_rank(overview, OVERVIEW_RELAXED), 0, "with broken glass");
	put_tile(html, "warning", overview_count_enforce(overview), enforce_count_judged(overview),
		 "would fail under Enforce");
	put_tile(html, "warning", count_soon(page), 0, soon);
	html_put(html, "</ul>\n");
}

static void put_header(struct html *html, const struct page *page)
{
	size_t count = page->attentions.count;
	html_put(html, "<header>\n<h1>vouchfs on ");
	html_text(html, page->overview->host);
	html_put(html, "</h1>\n<p class=\"lead\">");
	if (count == 0)
		html_put(html, "Nothing needs attention.");
	else
		html_printf(html, "<a href=\"#attention\">%zu thing%s attention.</a>", count,
			    count == 1 ? " needs" : "s need");
	html_put(html, "</p>\n");
	put_tiles(html, page);
	put_facts(html, page);
	html_put(html, "<nav aria-label=\"Parts of this page\"><ul>\n"
		       "<li><a href=\"#attention\">Attention</a></li>\n");
	if (page->overview->policy.state)
		html_put(html, "<li><a href=\"#policy\">Policy</a></li>\n");
	html_put(html, "<li><a href=\"#slots\">Slots</a></li>\n"
		       "<li><a href=\"#signers\">Signers</a></li>\n<li><a href=\"#calendar\">Calendar</a></li>\n"
		       "<li><a href=\"#enforce\">Under Enforce</a></li>\n<li><a href=\"#history\">History</a></li>\n"
		       "</ul></nav>\n</header>\n");
}

static void put_footer(struct html *html, const struct page *page)
{
	html_put(html, "<footer>Made by vouchfs ");
	html_text(html, page->overview->version);
	html_put(html, ". This page has no scripts and loads nothing; it shows the host as it was "
		       "when the page was made.</footer>\n</body>\n</html>\n");
}

/* ---- all ---- */

static int put_page(struct html *html, const struct page *page)
{
	int r = put_head(html, page);
	put_header(html, page);
	html_put(html, "<main>\n");
	page_put_attentions(html, page);
	page_put_policy(html, page);
	page_put_slots(html, page);
	page_put_signers(html, page);
	page_put_calendar(html, page);
	page_put_enforce(html, page);
	page_put_histories(html, page);
	html_put(html, "</main>\n");
	put_footer(html, page);
	return r < 0 ? r : html->error;
}

int overview_print_html(const struct overview_report *report, struct buf *ret)
{
	struct page page = {.report = report, .overview = report->overview};
	struct html html = {.out = ret};
	int r = attentions_find(page.overview, &page.attentions);
	if (r == 0)
		r = overview_list_expiries(page.overview, &page.expiries, &page.expiry_count);
	if (r == 0)
		r = put_page(&html, &page);
	attentions_done(&page.attentions);
	free(page.expiries);
	return r;
}
