/* page_slots.c - of the page: what needs attention, the slots, and which would fail under Enforce. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common.h"
#include "enforce.h"
#include "page.h"

/* ---- attention ---- */

void page_put_attentions(struct html *html, const struct page *page)
{
	const struct attentions *attentions = &page->attentions;
	html_put(html, "<section id=\"attention\" aria-labelledby=\"attention-title\">\n"
		       "<h2 id=\"attention-title\">What needs attention</h2>\n");
	if (attentions->count == 0)
		html_put(html,
			 "<p class=\"none\">Nothing: every slot is served, no attempt was refused last, lists and "
			 "configuration are in order.</p>\n");
	else
		html_put(html, "<ul class=\"alerts\">\n");
	for (size_t i = 0; i < attentions->count; i++) {
		const struct attention *a = &attentions->all[i];
		bool is_bad = a->level == ATTENTION_BAD;
		html_printf(html, "<li class=\"%s\">", is_bad ? "bad" : "warning");
		html_badge(html, is_bad ? HTML_BAD : HTML_WARNING, a->mark);
		html_put(html, " <strong>");
		html_text(html, a->subject);
		html_put(html, "</strong>\n<p>");
		html_text(html, a->text);
		html_put(html, "</p>\n");
		if (a->remedy) {
			html_put(html, "<p class=\"soft\">To do: ");
			html_text(html, a->remedy);
			html_put(html, "</p>\n");
		}
		html_put(html, "</li>\n");
	}
	html_put(html, attentions->count > 0 ? "</ul>\n</section>\n" : "</section>\n");
}

/* ---- slots ---- */

enum { SLOT, STATE, MODE, RELEASE, SINCE, PUBLISHER, VALID, LAST };

static const struct html_column slot_columns[] = {
	[SLOT] = {"Slot", NULL},	   [STATE] = {"State", NULL},	    [MODE] = {"Mode", NULL},
	[RELEASE] = {"Release", "number"}, [SINCE] = {"Since", NULL},	    [PUBLISHER] = {"Signed by", "signer"},
	[VALID] = {"Valid until", NULL},   [LAST] = {"Last attempt", NULL}, {NULL, NULL},
};

static void put_state(struct html *html, const struct overview_slot *slot)
{
	if (slot->is_damaged)
		html_badge(html, HTML_BAD, "DAMAGED");
	else if (slot->is_blocked)
		html_badge(html, HTML_BAD, "BLOCKED");
	if (slot->break_glass.until_s > 0)
		html_badge(html, HTML_BAD, "BREAK GLASS");
	if (view_is(slot->last.outcome, "refused"))
		html_badge(html, HTML_BAD, "REFUSED last");
	else if (view_is(slot->last.outcome, "failed"))
		html_badge(html, HTML_BAD, "FAILED last");
	if (view_is(slot->outcome, "warned"))
		html_badge(html, HTML_WARNING, "warned");
	else if (enforce_would_fail(slot) && !slot->is_blocked)
		html_badge(html, HTML_WARNING, "would fail");
	if (view_is(slot->mode, "UNCHECKED"))
		html_badge(html, HTML_WARNING, "unchecked");
	else if (slot->rank == OVERVIEW_OK)
		html_badge(html, HTML_GOOD, "ok");
	else if (slot->rank == OVERVIEW_EMPTY)
		html_badge(html, HTML_PLAIN, "empty");
}

static void put_mode(struct html *html, const struct overview_slot *slot)
{
	if (slot->is_layer) {
		html_put(html, "layer");
		return;
	}
	html_text(html, slot->mode);
	if (slot->config) {
		html_put(html, " <span class=\"soft\">");
		html_text(html, slot->config);
		html_put(html, "</span>");
	}
}

static void put_valid(struct html *html, const struct page *page, const struct overview_slot *slot)
{
	if (slot->release == 0 || slot->expires_at_s == 0) {
		html_put(html, "-");
		return;
	}
	html_date(html, slot->expires_at_s);
	html_put(html,
		 slot->expires_at_s <= page->overview->now_s ? " <strong>EXPIRED</strong> " : " <span class=\"soft\">");
	page_put_span(html, page, slot->expires_at_s);
	if (slot->expires_at_s > page->overview->now_s)
		html_put(html, "</span>");
}

static void put_last(struct html *html, const struct overview_attempt *last)
{
	if (!last->outcome) {
		html_put(html, "-");
		return;
	}
	html_text(html, last->outcome);
	if (last->reason) {
		html_put(html, " ");
		html_text(html, last->reason);
	}
	html_put(html, ", ");
	html_time(html, last->at_s);
	html_put(html, " <span class=\"soft\">by ");
	page_put_by(html, last->uid, last->command);
	html_put(html, "</span>");
}

static void put_slot_name(struct html *html, const struct html_column *column, const struct overview_slot *slot)
{
	char name[VIEW_SLOT_SIZE];
	html_cell_begin(html, column, true);
	html_text(html, view_slot_name(slot, name));
	html_cell_end(html, true);
}

static void put_cell_end_begin(struct html *html, const struct html_column *column)
{
	html_cell_end(html, false);
	html_cell_begin(html, column, false);
}

static void put_slot(struct html *html, const struct page *page, const struct overview_slot *slot)
{
	bool is_there = slot->release > 0;
	html_row_begin(html);
	put_slot_name(html, &slot_columns[SLOT], slot);
	html_cell_begin(html, &slot_columns[STATE], false);
	put_state(html, slot);
	put_cell_end_begin(html, &slot_columns[MODE]);
	put_mode(html, slot);
	put_cell_end_begin(html, &slot_columns[RELEASE]);
	html_printf(html, is_there ? "%" PRIu64 : "-", slot->release);
	put_cell_end_begin(html, &slot_columns[SINCE]);
	if (is_there)
		html_time(html, slot->since_s);
	else
		html_put(html, "-");
	put_cell_end_begin(html, &slot_columns[PUBLISHER]);
	if (is_there)
		page_put_publisher(html, slot->profile_version_arn);
	else
		html_put(html, "-");
	put_cell_end_begin(html, &slot_columns[VALID]);
	put_valid(html, page, slot);
	put_cell_end_begin(html, &slot_columns[LAST]);
	put_last(html, &slot->last);
	html_cell_end(html, false);
	html_row_end(html);
}

void page_put_slots(struct html *html, const struct page *page)
{
	const struct overview *overview = page->overview;
	html_put(html, "<section id=\"slots\" aria-labelledby=\"slots-title\">\n<h2 id=\"slots-title\">Slots</h2>\n");
	if (overview->slot_count == 0) {
		html_put(html, "<p>There are none yet.</p>\n</section>\n");
		return;
	}
	html_table_begin(html, "Functions and layers, those with trouble first.", slot_columns);
	for (size_t i = 0; i < overview->slot_count; i++)
		put_slot(html, page, &overview->slots[i]);
	html_table_end(html);
	html_put(html, "</section>\n");
}

/* ---- under Enforce ---- */

static const struct html_column enforce_columns[] = {
	{"Slot", NULL}, {"Mode now", NULL}, {"Code", "nowrap"}, {"Why", NULL}, {"To do", NULL}, {NULL, NULL},
};

static void put_would_fail(struct html *html, const struct overview_slot *slot)
{
	html_row_begin(html);
	put_slot_name(html, &enforce_columns[0], slot);
	html_cell(html, &enforce_columns[1], slot->is_layer ? "layer" : slot->mode);
	html_cell(html, &enforce_columns[2], slot->enforce_reason);
	html_cell_begin(html, &enforce_columns[3], false);
	html_put(html, "<p>");
	html_text(html, enforce_title(slot->enforce_reason));
	html_put(html, "</p>");
	if (slot->enforce_detail) {
		html_put(html, "<p class=\"soft\">");
		html_text(html, slot->enforce_detail);
		html_put(html, "</p>");
	}
	html_cell_end(html, false);
	html_cell(html, &enforce_columns[4], enforce_remedy(slot));
	html_row_end(html);
}

void page_put_enforce(struct html *html, const struct page *page)
{
	const struct overview *overview = page->overview;
	size_t refused = overview_count_enforce(overview), judged = enforce_count_judged(overview);
	char caption[128];
	html_put(html, "<section id=\"enforce\" aria-labelledby=\"enforce-title\">\n"
		       "<h2 id=\"enforce-title\">If everything were set to Enforce today</h2>\n");
	if (judged == 0)
		html_put(html, "<p>Nothing is deployed, so nothing would be refused.</p>\n");
	else if (refused == 0)
		html_printf(html, "<p class=\"none\">Nothing would be refused: all %zu pass.</p>\n", judged);
	else {
		(void)snprintf(caption, sizeof(caption), "%zu of %zu would be refused.", refused, judged);
		html_table_begin(html, caption, enforce_columns);
		for (size_t i = 0; i < overview->slot_count; i++)
			if (enforce_would_fail(&overview->slots[i]))
				put_would_fail(html, &overview->slots[i]);
		html_table_end(html);
	}
	html_put(html, "</section>\n");
}
