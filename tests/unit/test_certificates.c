/* What verify and inspect show of a certificate, also of one that somebody has made to be shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/cli/certificates.h"
#include "forge.h"

#define YEAR_S (365 * 86400LL)

static struct crypto_cert *make(const struct forge_cert_spec *spec)
{
	struct forge_cert forged;
	struct buf pem = {0};
	struct crypto_cert *cert = NULL;
	forge_cert(spec, NULL, &forged);
	forge_cert_pem(&forged, &pem);
	assert_int_equal(crypto_cert_from_pem(pem.data, pem.len, &cert, NULL), 0);
	buf_done(&pem);
	forge_cert_done(&forged);
	return cert;
}

/* As people see it; buf_done. */
static struct buf show(const struct forge_cert_spec *spec)
{
	struct crypto_cert *cert = make(spec);
	struct sheet sheet = {0};
	certificate_put(&sheet, "certificate", cert, FORGE_AT_S);
	assert_int_equal(sheet.error, 0);
	crypto_cert_free(cert);
	return sheet.text;
}

static void assert_says(const struct buf *text, const char *part)
{
	if (!strstr(text->data, part))
		fail_msg("%s\ndoes not say %s", text->data, part);
}

static void good_one(void **state UNUSED)
{
	struct buf text = show(&forge_leaf_spec);
	assert_says(&text, "  certificate    CN=leaf\n    speaks for   " FORGE_ARN "\n    issued by    CN=leaf\n");
	assert_says(&text, "    valid        2026-11-20T17:27:12Z to 2026-11-22T17:27:12Z (ends in 24 hours)\n");
	buf_done(&text);
}

static void times_of_every_kind(void **state UNUSED)
{
	static const struct {
		int64_t from_s, to_s;
		const char *says;
	} cases[] = {
		{FORGE_AT_S - 2 * YEAR_S, FORGE_AT_S - YEAR_S, "(ended 12 months ago)"},
		{-10 * YEAR_S, FORGE_AT_S, "1970-01-01T00:00:00Z to 2026-11-21T17:27:12Z (ends now)"},
		{-10 * YEAR_S, -YEAR_S, "never"},
		{FORGE_AT_S + YEAR_S, FORGE_AT_S, "never"},
		{FORGE_AT_S, 253402300799, "to 9999-12-31T23:59:59Z (ends in "},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct forge_cert_spec spec = forge_leaf_spec;
		spec.not_before_s = cases[i].from_s;
		spec.not_after_s = cases[i].to_s;
		struct buf text = show(&spec);
		assert_says(&text, cases[i].says);
		buf_done(&text);
	}
}

/* Nothing of a certificate reaches the terminal as it is. */
static void names_with_control_characters(void **state UNUSED)
{
	struct forge_cert_spec spec = forge_leaf_spec;
	spec.common_name = "\x1b[2J\r\nrefused";
	spec.san = "URI:arn:\x1b]0;owned";
	struct buf text = show(&spec);
	assert_says(&text, "CN=\\1B[2J\\0D\\0Arefused\n");
	assert_says(&text, "speaks for   arn:\\x1b]0;owned\n");
	for (size_t i = 0; i < text.len; i++)
		assert_true(text.data[i] == '\n' || (text.data[i] >= ' ' && text.data[i] < 0x7f));
	buf_done(&text);
}

static void paint_keeps_columns(void **state UNUSED)
{
	struct sheet plain = {0}, coloured = {.coloured = true};
	sheet_paint(&plain, SHEET_BAD, 9, "refused");
	sheet_paint(&coloured, SHEET_BAD, 9, "refused");
	assert_string_equal(plain.text.data, "refused  ");
	assert_string_equal(coloured.text.data, "\033[1;31mrefused\033[0m  ");
	sheet_paint(&plain, SHEET_GOOD, 2, "long");
	assert_string_equal(plain.text.data, "refused  long");
	buf_done(&plain.text);
	buf_done(&coloured.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_one),
		cmocka_unit_test(times_of_every_kind),
		cmocka_unit_test(names_with_control_characters),
		cmocka_unit_test(paint_keeps_columns),
	};
	return cmocka_run_group_tests_name("certificates", tests, NULL, NULL);
}
