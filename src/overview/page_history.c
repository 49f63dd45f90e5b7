/* page_history.c - of the page: the releases that are kept of each function. */
#include <inttypes.h>

#include "common.h"
#include "page.h"

enum { RELEASE, SINCE, OUTCOME, ARTIFACT, PUBLISHER, BY };

static const struct html_column columns[] = {
	[RELEASE] = {"Release", "number"},
	[SINCE] = {"Since", NULL},
	[OUTCOME] = {"Outcome", NULL},
	[ARTIFACT] = {"Artifact", NULL},
	[PUBLISHER] = {"Signed by", "signer"},
	[BY] = {"Deployed by", NULL},
	{NULL, NULL},
};

static void put_outcome(struct html *html, const struct overview_release *release)
{
	if (release->is_damaged)
		html_badge(html, HTML_BAD, "DAMAGED");
	else if (release->is_blocked)
		html_badge(html, HTML_BAD, "BLOCKED");
	html_put(html, " ");
	html_text(html, release->outcome);
	if (release->reason) {
		html_put(html, " ");
		html_text(html, release->reason);
	}
	if (release->rollback_to > 0)
		html_printf(html, ", rollback to release %" PRIu64, release->rollback_to);
}

static void put_release(struct html *html, const struct overview_release *release)
{
	html_row_begin(html);
	html_cell_begin(html, &columns[RELEASE], true);
	html_printf(html, "<span class=\"number\">%" PRIu64 "</span>%s", release->number,
		    release->is_current ? " current" : "");
	html_cell_end(html, true);
	html_cell_begin(html, &columns[SINCE], false);
	html_time(html, release->since_s);
	html_cell_end(html, false);
	html_cell_begin(html, &columns[OUTCOME], false);
	put_outcome(html, release);
	html_cell_end(html, false);
	html_cell_begin(html, &columns[ARTIFACT], false);
	html_code(html, release->artifact);
	if (release->layers && release->layers[0]) {
		html_put(html, " <span class=\"soft\">with layers ");
		html_text(html, release->layers);
		html_put(html, "</span>");
	}
	html_cell_end(html, false);
	html_cell_begin(html, &columns[PUBLISHER], false);
	page_put_publisher(html, release->profile_version_arn);
	html_cell_end(html, false);
	html_cell_begin(html, &columns[BY], false);
	page_put_by(html, release->uid, release->command);
	html_cell_end(html, false);
	html_row_end(html);
}

static void put_summary(struct html *html, const struct overview_history *history)
{
	size_t kept = history->count + history->left_out;
	html_put(html, "<details>\n<summary><strong>functions/");
	html_text(html, history->function);
	html_printf(html, "</strong> <span class=\"soft\">%zu release%s kept", kept, kept == 1 ? " is" : "s are");
	for (size_t i = 0; i < history->count; i++)
		if (history->releases[i].is_current)
			html_printf(html, ", release %" PRIu64 " is current", history->releases[i].number);
	html_put(html, "</span></summary>\n");
}

static void put_history(struct html *html, const struct overview_history *history)
{
	put_summary(html, history);
	if (history->count > 0) {
		html_table_begin(html, "The newest first.", columns);
		for (size_t i = 0; i < history->count; i++)
			put_release(html, &history->releases[i]);
		html_table_end(html);
	}
	if (history->left_out > 0)
		html_printf(html,
			    "<p class=\"soft\">%zu older release%s kept and not shown here: vouchfs history.</p>\n",
			    history->left_out, history->left_out == 1 ? " is" : "s are");
	html_put(html, "</details>\n");
}

void page_put_histories(struct html *html, const struct page *page)
{
	const struct overview_histories *histories = page->report->histories;
	html_put(html,
		 "<section id=\"history\" aria-labelledby=\"history-title\">\n<h2 id=\"history-title\">History</h2>\n");
	if (histories->count == 0 && histories->left_out == 0)
		html_put(html, "<p>No function has a release yet.</p>\n");
	for (size_t i = 0; i < histories->count; i++)
		put_history(html, &histories->all[i]);
	if (histories->left_out > 0)
		html_printf(html,
			    "<p>The history of %zu more function%s was left out, to keep this page small: vouchfs "
			    "history FUNCTION shows it.</p>\n",
			    histories->left_out, histories->left_out == 1 ? "" : "s");
	html_put(html, "</section>\n");
}
