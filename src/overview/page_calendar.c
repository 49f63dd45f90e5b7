/* page_calendar.c - of the page: what ends in which month. */
#include <inttypes.h>
#include <stdio.h>

#include "common.h"
#include "page.h"

#define MONTHS		  12
#define MONTH_ENTRIES_MAX 50

static const struct html_column columns[] = {{"Month", "nowrap"}, {"What ends", NULL}, {NULL, NULL}};

/* Months since the year 0. */
static int month_of(int64_t at_s)
{
	struct tm tm;
	clock_to_tm(at_s, &tm);
	return (tm.tm_year + 1900) * 12 + tm.tm_mon;
}

static void put_entry(struct html *html, const struct page *page, const struct overview_expiry *expiry)
{
	char subject[OVERVIEW_SUBJECT_SIZE];
	bool is_over = expiry->at_s <= page->overview->now_s;
	html_put(html, "<li>");
	html_date(html, expiry->at_s);
	html_put(html, " ");
	if (is_over)
		html_badge(html, HTML_BAD, "EXPIRED");
	html_printf(html, " %s of <strong>", overview_expiry_kind_name(expiry->kind));
	html_text(html, overview_expiry_subject(expiry, subject));
	html_put(html, "</strong> <span class=\"soft\">(");
	page_put_span(html, page, expiry->at_s);
	html_printf(html, "): %s</span></li>\n", overview_expiry_effect(page->overview, expiry));
}

/* The entries [first, end) of the page. */
static void put_month(struct html *html, const struct page *page, const char *name, size_t first, size_t end)
{
	html_row_begin(html);
	html_cell_begin(html, &columns[0], true);
	html_put(html, name);
	html_cell_end(html, true);
	html_cell_begin(html, &columns[1], false);
	html_put(html, first == end ? "<span class=\"soft\">nothing</span>" : "<ul>\n");
	for (size_t i = first; i < end && i < first + MONTH_ENTRIES_MAX; i++)
		put_entry(html, page, &page->expiries[i]);
	if (end > first + MONTH_ENTRIES_MAX)
		html_printf(html, "<li>and %zu more</li>\n", end - first - MONTH_ENTRIES_MAX);
	html_put(html, first == end ? "" : "</ul>");
	html_cell_end(html, false);
	html_row_end(html);
}

static size_t skip_until(const struct page *page, size_t from, int month)
{
	while (from < page->expiry_count && month_of(page->expiries[from].at_s) < month)
		from++;
	return from;
}

static void put_months(struct html *html, const struct page *page)
{
	static const char *const names[] = {"January", "February", "March",	"April",   "May",      "June",
					    "July",    "August",   "September", "October", "November", "December"};
	int this_month = month_of(page->overview->now_s);
	size_t at = 0, end = 0;
	while (end < page->expiry_count && page->expiries[end].at_s <= page->overview->now_s)
		end++;
	if (end > 0)
		put_month(html, page, "Over", at, end);
	for (int i = 0; i < MONTHS; i++) {
		char name[32];
		int month = this_month + i;
		at = end;
		end = skip_until(page, at, month + 1);
		(void)snprintf(name, sizeof(name), "%s %d", names[month % 12], month / 12);
		put_month(html, page, name, at, end);
	}
	if (end < page->expiry_count)
		html_printf(html,
			    "<tr><th scope=\"row\">Later</th><td "
			    "data-label=\"What ends\">%zu more, the last in %d</td></tr>\n",
			    page->expiry_count - end, month_of(page->expiries[page->expiry_count - 1].at_s) / 12);
}

void page_put_calendar(struct html *html, const struct page *page)
{
	html_put(html, "<section id=\"calendar\" aria-labelledby=\"calendar-title\">\n"
		       "<h2 id=\"calendar-title\">What ends when</h2>\n");
	html_table_begin(html,
			 "Signatures of what is served, certificates, and revocation lists, which have to be renewed "
			 "before their next update; twelve months.",
			 columns);
	put_months(html, page);
	html_table_end(html);
	html_put(html, "</section>\n");
}
