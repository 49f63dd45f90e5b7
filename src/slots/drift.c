/* Differences of a host as a list in order. */
#include "slots/drift.h"

#include <string.h>

#include "base/text.h"
#include "overview/overview.h"

_Static_assert((int)DRIFT_KIND_COUNT == (int)OVERVIEW_DRIFT_KINDS, "the same kinds in the same order");
_Static_assert((int)DRIFT_UNIT == (int)OVERVIEW_DRIFT_UNIT, "the same kinds in the same order");

const char *drift_kind_name(enum drift_kind kind)
{
	return overview_drift_name((enum overview_drift)kind);
}

size_t drift_item_count(const struct drift *drift)
{
	return drift->count < LIMIT_DRIFT_ITEMS ? drift->count : LIMIT_DRIFT_ITEMS;
}

static bool is_before(const struct drift_item *a, const struct drift_item *b)
{
	if (a->kind != b->kind)
		return a->kind < b->kind;
	return strcmp(a->subject, b->subject) < 0;
}

void drift_add(struct drift *drift, const struct drift_finding *finding)
{
	struct drift_item item = {.kind = finding->kind, .is_remediable = finding->is_remediable};
	text_escape_print(item.subject, sizeof(item.subject), finding->subject, strlen(finding->subject));
	text_escape_print(item.expected, sizeof(item.expected), finding->expected, strlen(finding->expected));
	text_escape_print(item.found, sizeof(item.found), finding->found, strlen(finding->found));

	size_t at = drift_item_count(drift);
	drift->count++;
	while (at > 0 && is_before(&item, &drift->items[at - 1])) {
		if (at < LIMIT_DRIFT_ITEMS)
			drift->items[at] = drift->items[at - 1];
		at--;
	}
	if (at < LIMIT_DRIFT_ITEMS)
		drift->items[at] = item;
}

static bool is_same(const struct drift_item *a, const struct drift_item *b)
{
	return a->kind == b->kind && strcmp(a->subject, b->subject) == 0 && strcmp(a->expected, b->expected) == 0 &&
	       strcmp(a->found, b->found) == 0;
}

bool drift_equal(const struct drift *a, const struct drift *b)
{
	bool equal = a->count == b->count;
	for (size_t i = 0; equal && i < drift_item_count(a); i++)
		equal = is_same(&a->items[i], &b->items[i]);
	return equal;
}
