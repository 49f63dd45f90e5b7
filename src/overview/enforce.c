/* enforce.c - if everything were set to Enforce today: which slots would be refused, and what expires soon. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "enforce.h"
#include "overview/expiry.h"
#include "overview/views.h"
#include "policy/reason.h"
#include "screen.h"

#define INDENT	   4
#define WHEN_WIDTH 28
#define SPAN_WIDTH 14 /* "in 29 days", "3 days ago" */

bool enforce_would_fail(const struct overview_slot *slot)
{
	return view_is(slot->enforce_outcome, "refused");
}

struct counts {
	size_t refused;
	size_t judged; /* something is there to be judged */
};

static struct counts count(const struct overview *overview)
{
	struct counts counts = {0};
	for (size_t i = 0; i < overview->slot_count; i++) {
		counts.refused += enforce_would_fail(&overview->slots[i]);
		counts.judged += overview->slots[i].enforce_outcome != NULL;
	}
	return counts;
}

size_t overview_count_enforce(const struct overview *overview)
{
	return count(overview).refused;
}

size_t enforce_count_judged(const struct overview *overview)
{
	return count(overview).judged;
}

const char *enforce_title(const char *code)
{
	size_t known;
	const struct policy_reason_info *reasons = policy_reasons(&known);
	for (size_t i = 0; code && i < known; i++)
		if (strcmp(reasons[i].code, code) == 0)
			return reasons[i].title;
	return "could not be checked";
}

const char *enforce_remedy(const struct overview_slot *slot)
{
	static const struct {
		const char *code;
		const char *remedy;
	} remedies[] = {
		{"VF1001", "make the ZIP anew, sign it and deploy it"},
		{"VF1002", "copy the signed artifact again from where it was signed"},
		{"VF2001", "sign it with a profile that its config allows, and deploy it again"},
		{"VF2002", "sign it with a profile that its config allows, or allow that one and trust its account"},
		{"VF2003", "sign it anew, and deploy it again"},
		{"VF2004", "sign it anew with a profile version that is not revoked, and deploy it again"},
		{"VF2005", "give the function a layer version that passes, or its layer's signer to its config"},
		{"VF3001", "bring the account's current revocation list to this host: vouchfs signer export-trust"},
	};
	if (view_is(slot->mode, "UNCHECKED") || view_is(slot->mode, "NO CONFIG"))
		return "give it a code-signing config, and deploy it signed";
	for (size_t i = 0; i < ARRAY_SIZE(remedies); i++)
		if (view_is(slot->enforce_reason, remedies[i].code))
			return remedies[i].remedy;
	return NULL;
}

/* ---- for people ---- */

static void put_head(struct screen *screen, const struct counts *counts)
{
	char text[128];
	const char *slots = counts->judged == 1 ? "slot" : "slots";
	if (counts->judged == 0)
		(void)snprintf(text, sizeof(text), "Nothing is deployed, so nothing would be refused.");
	else if (counts->refused == 0)
		(void)snprintf(text, sizeof(text), "If everything were set to Enforce today, all %zu %s would pass.",
			       counts->judged, slots);
	else
		(void)snprintf(text, sizeof(text),
			       "If everything were set to Enforce today, %zu of %zu %s would be refused:",
			       counts->refused, counts->judged, slots);
	screen_paint(screen, PAINT_BOLD, 0, text);
	screen_put(screen, "\n%s", counts->refused > 0 ? "\n" : "");
}

static void put_refused(struct screen *screen, const struct overview_slot *slot)
{
	char name[VIEW_SLOT_SIZE], lead[VIEW_SLOT_SIZE + 4], now[64] = "";
	const char *remedy = enforce_remedy(slot), *code = slot->enforce_reason ? slot->enforce_reason : "";
	(void)snprintf(lead, sizeof(lead), "! %s", view_slot_name(slot, name));
	if (!slot->is_layer)
		(void)snprintf(now, sizeof(now), "  (now %s)", slot->mode);
	bool fits = strlen(lead) + 2 + strlen(code) + strlen(now) <= screen->style->columns;
	screen_paint(screen, PAINT_BAD, 0, lead);
	screen_put(screen, "%s%s%s\n", fits ? "  " : "\n    ", code, now);
	screen_wrap(screen, INDENT, PAINT_PLAIN, "    ", "%s", enforce_title(slot->enforce_reason));
	if (slot->enforce_detail)
		screen_wrap(screen, INDENT, PAINT_PLAIN, "    ", "%s", slot->enforce_detail);
	if (remedy)
		screen_wrap(screen, INDENT + 2, PAINT_PLAIN, "    to do: ", "%s", remedy);
}

/* Enforce changes nothing for those that nobody checks. */
static void put_unchecked(struct screen *screen, const struct overview *overview)
{
	size_t count = 0;
	char name[VIEW_SLOT_SIZE];
	for (size_t i = 0; i < overview->slot_count; i++) {
		const struct overview_slot *slot = &overview->slots[i];
		if (slot->is_layer || !view_is(slot->mode, "UNCHECKED"))
			continue;
		if (count++ == 0)
			screen_put(screen, "\nNo config checks these, so Enforce would not refuse them either:\n");
		screen_put(screen, "~ %s\n", view_slot_name(slot, name));
	}
}

static void put_expiry(struct screen *screen, const struct overview *overview, const struct overview_expiry *expiry)
{
	char date[VIEW_DATE_SIZE], span[VIEW_SPAN_SIZE], subject[OVERVIEW_SUBJECT_SIZE], when[96];
	bool is_over = expiry->at_s <= overview->now_s;
	(void)snprintf(when, sizeof(when), "%s %s  %-*s", is_over ? "!" : " ", view_date(expiry->at_s, date),
		       SPAN_WIDTH, view_span(expiry->at_s, overview->now_s, span));
	screen_wrap(screen, WHEN_WIDTH, is_over ? PAINT_BAD : PAINT_PLAIN, when, "%s%s of %s",
		    is_over ? "EXPIRED: " : "", overview_expiry_kind_name(expiry->kind),
		    overview_expiry_subject(expiry, subject));
	screen_wrap(screen, INDENT + 2, PAINT_PLAIN, is_over ? "    so: " : "    then: ", "%s",
		    overview_expiry_effect(overview, expiry));
	screen_wrap(screen, INDENT + 2, PAINT_PLAIN, "    to do: ", "%s", overview_expiry_remedy(expiry));
}

static bool is_soon(const struct overview *overview, const struct overview_expiry *expiry, unsigned days)
{
	return expiry->at_s <= overview->now_s + (int64_t)days * DAY_S;
}

static void put_expiries(struct screen *screen, const struct overview *overview, unsigned days)
{
	struct overview_expiry *all;
	size_t total, soon = 0;
	int r = overview_list_expiries(overview, &all, &total);
	if (r < 0) {
		screen->error = r;
		return;
	}
	while (soon < total && is_soon(overview, &all[soon], days))
		soon++;
	char text[96];
	(void)snprintf(text, sizeof(text),
		       soon == 0 ? "Nothing expires within %u day%s." : "What expires within %u day%s, or has:", days,
		       days == 1 ? "" : "s");
	screen_put(screen, "\n");
	screen_paint(screen, PAINT_BOLD, 0, text);
	screen_put(screen, "\n%s", soon > 0 ? "\n" : "");
	for (size_t i = 0; i < soon; i++)
		put_expiry(screen, overview, &all[i]);
	free(all);
}

int overview_print_enforce(const struct overview *overview, unsigned days, const struct overview_screen *style,
			   struct buf *ret)
{
	struct screen screen = {.out = ret, .style = style, .now_s = overview->now_s};
	const struct counts counts = count(overview);
	put_head(&screen, &counts);
	for (size_t i = 0; i < overview->slot_count; i++)
		if (enforce_would_fail(&overview->slots[i]))
			put_refused(&screen, &overview->slots[i]);
	put_unchecked(&screen, overview);
	put_expiries(&screen, overview, days);
	return screen.error;
}

/* ---- for programs ---- */

static void put_slot_json(struct json *j, const struct overview_slot *slot)
{
	json_object(j, NULL);
	view_put_slot(j, "slot", slot);
	json_text(j, "mode", slot->mode);
	json_text(j, "codeSigningConfig", slot->config);
	json_u64(j, "release", slot->release);
	json_text(j, "outcome", slot->enforce_outcome);
	json_text(j, "reason", slot->enforce_reason);
	json_text(j, "detail", slot->enforce_detail);
	json_text(j, "remedy", enforce_would_fail(slot) ? enforce_remedy(slot) : NULL);
	json_close(j);
}

void enforce_put_refused(struct json *j, const char *key, const struct overview *overview)
{
	json_array(j, key);
	for (size_t i = 0; i < overview->slot_count; i++)
		if (enforce_would_fail(&overview->slots[i]))
			put_slot_json(j, &overview->slots[i]);
	json_close(j);
}

int overview_put_enforce(struct json *j, const struct overview *overview, unsigned days)
{
	const struct counts counts = count(overview);
	struct overview_expiry *all;
	size_t total;
	int r = overview_list_expiries(overview, &all, &total);
	if (r < 0)
		return r;
	view_put_time(j, "now", overview->now_s);
	json_u64(j, "slots", counts.judged);
	json_u64(j, "refused", counts.refused);
	enforce_put_refused(j, "wouldFail", overview);
	json_u64(j, "days", days);
	json_array(j, "expires");
	for (size_t i = 0; i < total && is_soon(overview, &all[i], days); i++)
		overview_put_expiry(j, overview, &all[i]);
	json_close(j);
	free(all);
	return 0;
}
