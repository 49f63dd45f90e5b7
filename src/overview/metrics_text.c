#include "metrics_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define VALUE_SIZE 256 /* of a label, escaped */
#define US	   1000000U

static void keep(struct metrics_text *t, int r)
{
	if (t->error == 0 && r < 0)
		t->error = r;
}

void metrics_family(struct metrics_text *t, const char *name, enum metrics_type type, const char *help)
{
	static const char *const types[] = {
		[METRICS_GAUGE] = "gauge", [METRICS_COUNTER] = "counter", [METRICS_HISTOGRAM] = "histogram"};
	t->name = name;
	keep(t, buf_printf(t->out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, types[type]));
}

/* Printable first, since the format wants UTF-8; then the backslashes of that, and quotes, as the format wants them. */
static void put_label(struct metrics_text *t, const struct metrics_label *label)
{
	char printable[VALUE_SIZE];
	text_escape_print(printable, sizeof(printable), label->value, strlen(label->value));
	keep(t, buf_printf(t->out, "%s=\"", label->name));
	for (const char *c = printable; *c; c++) {
		if (*c == '\\' || *c == '"')
			keep(t, buf_putc(t->out, '\\'));
		keep(t, buf_putc(t->out, *c));
	}
	keep(t, buf_putc(t->out, '"'));
}

/* The name and all labels; the value is for the caller. */
static void put_series(struct metrics_text *t, const char *suffix, const struct metrics_label *labels,
		       size_t label_count)
{
	const struct metrics_label mount = {"mount", t->mount};
	keep(t, buf_printf(t->out, "%s%s{", t->name, suffix));
	put_label(t, &mount);
	for (size_t i = 0; i < label_count; i++) {
		keep(t, buf_putc(t->out, ','));
		put_label(t, &labels[i]);
	}
	keep(t, buf_puts(t->out, "} "));
}

static void put_value(struct metrics_text *t, uint64_t value)
{
	keep(t, buf_printf(t->out, "%" PRIu64 "\n", value));
}

void metrics_sample(struct metrics_text *t, const struct metrics_label *labels, size_t label_count, uint64_t value)
{
	put_series(t, "", labels, label_count);
	put_value(t, value);
}

void metrics_single(struct metrics_text *t, const char *name, enum metrics_type type, const char *help, uint64_t value)
{
	metrics_family(t, name, type, help);
	metrics_sample(t, NULL, 0, value);
}

/* "0.0025": without the zeros that say nothing. */
static void print_seconds(uint64_t us, char *ret, size_t size)
{
	int len = snprintf(ret, size, "%" PRIu64 ".%06u", us / US, (unsigned)(us % US));
	while (len > 0 && ret[len - 1] == '0')
		ret[--len] = '\0';
	if (len > 0 && ret[len - 1] == '.')
		ret[len - 1] = '\0';
}

static void put_bucket(struct metrics_text *t, const char *bound, uint64_t count)
{
	const struct metrics_label label = {"le", bound};
	put_series(t, "_bucket", &label, 1);
	put_value(t, count);
}

void metrics_histogram(struct metrics_text *t, const uint64_t counts[METRICS_BUCKETS + 1], uint64_t sum_us)
{
	char seconds[32];
	uint64_t count = 0;
	for (size_t i = 0; i < METRICS_BUCKETS; i++) {
		count += counts[i];
		print_seconds(metrics_bucket_us[i], seconds, sizeof(seconds));
		put_bucket(t, seconds, count);
	}
	count += counts[METRICS_BUCKETS];
	put_bucket(t, "+Inf", count);
	print_seconds(sum_us, seconds, sizeof(seconds));
	put_series(t, "_sum", NULL, 0);
	keep(t, buf_printf(t->out, "%s\n", seconds));
	put_series(t, "_count", NULL, 0);
	put_value(t, count);
}
