/* page.h - the parts of the page that `vouchfs report --html` writes. Private to src/overview. */
#ifndef OVERVIEW_PAGE_PRIVATE_H
#define OVERVIEW_PAGE_PRIVATE_H

#include "attention.h"
#include "html.h"
#include "overview/expiry.h"
#include "overview/views.h"

struct page {
	const struct overview_report *report;
	const struct overview *overview;
	struct attentions attentions;
	struct overview_expiry *expiries;
	size_t expiry_count;
};

extern const char page_style[];
extern const size_t page_style_len;

void page_put_attentions(struct html *html, const struct page *page);
void page_put_slots(struct html *html, const struct page *page);
void page_put_policy(struct html *html, const struct page *page);
void page_put_signers(struct html *html, const struct page *page);
void page_put_calendar(struct html *html, const struct page *page);
void page_put_enforce(struct html *html, const struct page *page);
void page_put_histories(struct html *html, const struct page *page);

/* "release/a1B2c3D4e5" in code, or that nobody signed. */
void page_put_publisher(struct html *html, const char *profile_version_arn);
/* "uid 1001 (cp)" */
void page_put_by(struct html *html, uint64_t uid, const char *command);
/* "in 12 days", "3 days ago" */
void page_put_span(struct html *html, const struct page *page, int64_t at_s);

#endif
