/* Anybody's text in HTML: markup is text, what hides or turns what follows is shown, what is not UTF-8 too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/overview/html.h"

static void test_text(void **state UNUSED)
{
	static const struct {
		const char *text, *html;
	} cases[] = {
		{"app.zip", "app.zip"},
		{"", ""},
		{"<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"},
		{"\"'&amp;", "&quot;&#39;&amp;amp;"},
		{"-->]]>", "--&gt;]]&gt;"},
		{"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x94\x91", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x94\x91"},
		{"\xd7\xa9\xd7\x9c", "\xd7\xa9\xd7\x9c"}, /* letters that are written from the right are letters */
		{"a\nb\tc\033[31m\x7f", "a\\u{a}b\\u{9}c\\u{1b}[31m\\u{7f}"},
		{"gpj.\xe2\x80\xae"
		 "exe",
		 "gpj.\\u{202e}exe"},
		{"\xe2\x81\xa6x\xe2\x81\xa9\xe2\x80\x8f", "\\u{2066}x\\u{2069}\\u{200f}"},
		{"a\xe2\x80\x8b\xef\xbb\xbf\xc2\xad", "a\\u{200b}\\u{feff}\\u{ad}"},
		{"\xc2\x85\xe2\x80\xa8", "\\u{85}\\u{2028}"},
		{"\xf3\xa0\x80\x81", "\\u{e0001}"},
		/* not UTF-8: alone, cut, too long, a surrogate, too large */
		{"\x80\xff", "\\x80\\xff"},
		{"\xc3", "\\xc3"},
		{"\xe2\x82", "\\xe2\\x82"},
		{"\xc0\xbcscript", "\\xc0\\xbcscript"},
		{"\xe0\x80\xbc", "\\xe0\\x80\\xbc"},
		{"\xed\xa0\x80", "\\xed\\xa0\\x80"},
		{"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},
		{"\xf5\x80\x80\x80", "\\xf5\\x80\\x80\\x80"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buf out = {0};
		struct html html = {.out = &out};
		html_text(&html, cases[i].text);
		assert_int_equal(html.error, 0);
		assert_string_equal(out.data ? out.data : "", cases[i].html);
		buf_done(&out);
	}
}

static void test_parts(void **state UNUSED)
{
	static const struct html_column columns[] = {{"Slot", NULL}, {"Release", "number"}, {NULL, NULL}};
	struct buf out = {0};
	struct html html = {.out = &out};
	html_table_begin(&html, "Slots.", columns);
	html_row_begin(&html);
	html_cell_begin(&html, &columns[0], true);
	html_text(&html, NULL);
	html_cell_end(&html, true);
	html_cell(&html, &columns[1], "<3");
	html_row_end(&html);
	html_table_end(&html);
	html_time(&html, 1795291200);
	html_badge(&html, HTML_BAD, "BLOCKED");
	assert_int_equal(html.error, 0);
	assert_string_equal(out.data, "<table>\n<caption>Slots.</caption>\n"
				      "<thead><tr>"
				      "<th scope=\"col\">Slot</th>"
				      "<th scope=\"col\">Release</th></tr></thead>\n"
				      "<tbody>\n"
				      "<tr><th scope=\"row\" data-label=\"Slot\">-</th>"
				      "<td data-label=\"Release\" class=\"number\">&lt;3</td></tr>\n"
				      "</tbody>\n</table>\n"
				      "<time datetime=\"2026-11-21T20:00:00Z\">2026-11-21 20:00</time>"
				      "<span class=\"badge bad\">BLOCKED</span>");
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_text), cmocka_unit_test(test_parts)};
	return cmocka_run_group_tests_name("html", tests, NULL, NULL);
}
