/* One signature has one text, in one place: DER, PEM and ZIPs that are nearly that. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "signature_scene.h"
#include "zip_builder.h"

#define BEGIN	  "-----BEGIN CMS-----\n"
#define END_LABEL "-----END CMS-----\n"

/* ---- DER ---- */

static void nothing(struct signature_scene *s UNUSED)
{
}

static void indefinite_length(struct signature_scene *s)
{
	assert_memory_equal(s->der.data, "\x30\x82", 2);
	s->der.data[1] = (char)0x80;
	memmove(s->der.data + 2, s->der.data + 4, s->der.len - 4);
	s->der.len -= 2;
	scene_insert(&s->der, s->der.len, "\0", 2);
}

static void length_in_three_bytes(struct signature_scene *s)
{
	assert_memory_equal(s->der.data, "\x30\x82", 2);
	s->der.data[1] = (char)0x83;
	scene_insert(&s->der, 2, "", 1);
}

static void trailing_der(struct signature_scene *s)
{
	scene_insert(&s->der, s->der.len, "\x05", 2);
}

static void cut_der(struct signature_scene *s)
{
	s->der.len--;
}

static void no_der(struct signature_scene *s)
{
	buf_reset(&s->der);
	scene_append(&s->der, "hello");
}

/* ---- PEM ---- */

static void behind(struct signature_scene *s, const char *text)
{
	scene_append(&s->pem, text);
}
static void line_end_behind(struct signature_scene *s)
{
	behind(s, "\n");
}
static void blank_behind(struct signature_scene *s)
{
	behind(s, " ");
}
static void text_behind(struct signature_scene *s)
{
	behind(s, "released by the build\n");
}
static void nul_behind(struct signature_scene *s)
{
	scene_insert(&s->pem, s->pem.len, "", 1);
}
static void second_block(struct signature_scene *s)
{
	struct buf again = {0};
	scene_append(&again, s->pem.data);
	behind(s, again.data);
	buf_done(&again);
}
static void certificate_behind(struct signature_scene *s)
{
	forge_cert_pem(&s->leaf, &s->pem);
}
static void crlf(struct signature_scene *s)
{
	for (size_t i = 0; i < s->pem.len; i++)
		if (s->pem.data[i] == '\n')
			scene_insert(&s->pem, i++, "\r", 1);
}
static void no_last_line_end(struct signature_scene *s)
{
	s->pem.len--;
}
static void no_end_line(struct signature_scene *s)
{
	s->pem.len -= strlen(END_LABEL);
}
static void begin_alone(struct signature_scene *s)
{
	s->pem.len = strlen(BEGIN);
}
static void other_end(struct signature_scene *s)
{
	scene_replace(&s->pem, END_LABEL, "-----END PKCS7-----\n");
}
static void header_in_pem(struct signature_scene *s)
{
	scene_replace(&s->pem, BEGIN, BEGIN "Proc-Type: 4,CLEAR\n\n");
}
static void empty_line_in_pem(struct signature_scene *s)
{
	scene_replace(&s->pem, BEGIN, BEGIN "\n");
}
static void blank_in_pem(struct signature_scene *s)
{
	scene_insert(&s->pem, strlen(BEGIN) + 64, " ", 1);
}
static void lines_joined(struct signature_scene *s)
{
	char *end = s->pem.data + strlen(BEGIN) + 64;
	assert_int_equal(*end, '\n');
	memmove(end, end + 1, s->pem.len - (size_t)(end + 1 - s->pem.data));
	s->pem.len--;
}
static void line_broken(struct signature_scene *s)
{
	scene_insert(&s->pem, strlen(BEGIN) + 60, "\n", 1);
}
static void not_base64(struct signature_scene *s)
{
	s->pem.data[strlen(BEGIN) + 100] = '*';
}

/* Base64 that leaves bits over takes any in them; the canonical ones are zero. */
static void spare_bits(struct signature_scene *s)
{
	while (s->der.len % 3 != 1) { /* an unsigned attribute of some length would do as well */
		s->message.content = s->text.data;
		buf_reset(&s->der);
		forge_message(&s->message, &s->der); /* the signature's length varies */
	}
	scene_make_pem(s);
	char *padding = strstr(s->pem.data, "==\n");
	assert_non_null(padding);
	padding[-1]++;
}

static void other_label(struct signature_scene *s)
{
	scene_replace(&s->pem, BEGIN, "-----BEGIN PKCS7-----\n");
}
static void text_in_front(struct signature_scene *s)
{
	scene_insert(&s->pem, 0, "# signed\n", 9);
}
static void four_dashes(struct signature_scene *s)
{
	memmove(s->pem.data, s->pem.data + 1, --s->pem.len);
}
static void no_comment(struct signature_scene *s)
{
	s->pem.len = 0;
}

/* ---- the ZIP around it ---- */

static void content_changed(struct signature_scene *s)
{
	char *found = memmem(s->zip.data, s->zip.len, "hello", 5);
	assert_non_null(found);
	found[0] = 'j';
}

static void name_changed(struct signature_scene *s)
{
	char *found = memmem(s->zip.data, s->zip.len, "app.py", 6);
	assert_non_null(found);
	found[0] = 'b';
}

/* A genuine signature on another artifact. */
static void on_another_zip(struct signature_scene *s)
{
	struct zip_builder z = {0};
	(void)zip_builder_add(&z, "app.py", "print('jello')\n");
	struct buf other = zip_builder_finish(&z);
	assert_int_equal(other.len, s->plain.len);
	buf_reset(&s->zip);
	trust_fixture_attach(other.data, other.len, &s->pem, &s->zip);
	buf_done(&other);
}

static void byte_in_front(struct signature_scene *s)
{
	scene_insert(&s->zip, 0, "#", 1);
}

static void trailing_byte(struct signature_scene *s)
{
	scene_append(&s->zip, "\n");
}

static void last_byte_missing(struct signature_scene *s)
{
	s->zip.len--;
}

/* The comment's length says one byte less or more than there are. */
static void comment_length(struct signature_scene *s, int more)
{
	uint8_t *at = (uint8_t *)s->zip.data + s->plain.len - 2;
	unsigned len = (unsigned)(at[0] | at[1] << 8) + (unsigned)more;
	at[0] = (uint8_t)len;
	at[1] = (uint8_t)(len >> 8);
}
static void comment_length_less(struct signature_scene *s)
{
	comment_length(s, -1);
}
static void comment_length_more(struct signature_scene *s)
{
	comment_length(s, 1);
}

/* As other formats do: the signature is an entry. */
static void as_an_entry(struct signature_scene *s)
{
	struct zip_builder z = {0};
	(void)zip_builder_add(&z, "app.py", "print('hello')\n");
	(void)zip_builder_add(&z, "META-INF/SIGNATURE", s->pem.data);
	buf_done(&s->zip);
	s->zip = zip_builder_finish(&z);
}

/* A ZIP that breaks a rule, truly signed. */
static void inadmissible(struct signature_scene *s)
{
	struct zip_builder z = {0};
	struct zip_builder_entry *entry = zip_builder_add(&z, "app.py", "print('hello')\n");
	zip_builder_set_mode(entry, 0120777);
	buf_done(&s->plain);
	s->plain = zip_builder_finish(&z);
	s->statement = trust_fixture_statement(&s->host->alice, s->plain.data, s->plain.len - 2);
}

static const struct signature_case cases[] = {
	{"should-pass-der-as-it-is", PASSES, .der = nothing},
	{"should-pass-pem-as-it-is", PASSES, .pem = nothing},
	{"should-pass-zip-as-it-is", PASSES, .zip = nothing},
	{"should-fail-ber-indefinite-length", INTEGRITY, "in DER", .der = indefinite_length},
	{"should-fail-ber-long-length", INTEGRITY, "in DER", .der = length_in_three_bytes},
	{"should-fail-trailing-der", INTEGRITY, "in DER", .der = trailing_der},
	{"should-fail-cut-der", INTEGRITY, "in DER", .der = cut_der},
	{"should-fail-no-der", INTEGRITY, "in DER", .der = no_der},

	{"should-fail-line-end-behind-pem", INTEGRITY, "one PEM block", .pem = line_end_behind},
	{"should-fail-blank-behind-pem", INTEGRITY, "one PEM block", .pem = blank_behind},
	{"should-fail-text-behind-pem", INTEGRITY, "one PEM block", .pem = text_behind},
	{"should-fail-nul-behind-pem", INTEGRITY, "one PEM block", .pem = nul_behind},
	{"should-fail-two-pem-blocks", INTEGRITY, "one PEM block", .pem = second_block},
	{"should-fail-certificate-behind-pem", INTEGRITY, "one PEM block", .pem = certificate_behind},
	{"should-fail-crlf-in-pem", INTEGRITY, "one PEM block", .pem = crlf},
	{"should-fail-pem-without-last-line-end", INTEGRITY, "one PEM block", .pem = no_last_line_end},
	{"should-fail-pem-without-end", INTEGRITY, "one PEM block", .pem = no_end_line},
	{"should-fail-pem-begin-alone", INTEGRITY, "one PEM block", .pem = begin_alone},
	{"should-fail-pem-ends-otherwise", INTEGRITY, "one PEM block", .pem = other_end},
	{"should-fail-pem-header", INTEGRITY, "one PEM block", .pem = header_in_pem},
	{"should-fail-pem-empty-line", INTEGRITY, "one PEM block", .pem = empty_line_in_pem},
	{"should-fail-pem-blank-in-line", INTEGRITY, "one PEM block", .pem = blank_in_pem},
	{"should-fail-pem-lines-joined", INTEGRITY, "one PEM block", .pem = lines_joined},
	{"should-fail-pem-line-broken", INTEGRITY, "one PEM block", .pem = line_broken},
	{"should-fail-pem-not-base64", INTEGRITY, "one PEM block", .pem = not_base64},
	{"should-fail-pem-spare-bits", INTEGRITY, "one PEM block", .pem = spare_bits},
	{"should-fail-pem-of-another-label", UNSIGNED, "not signed", .pem = other_label},
	{"should-fail-text-before-pem", UNSIGNED, "not signed", .pem = text_in_front},
	{"should-fail-pem-with-four-dashes", UNSIGNED, "not signed", .pem = four_dashes},
	{"should-fail-no-comment", UNSIGNED, "not signed", .pem = no_comment},
	{"should-fail-signature-as-entry", UNSIGNED, "not signed", .zip = as_an_entry},

	{"should-fail-entry-changed", INTEGRITY, "changed after they were signed", .zip = content_changed},
	{"should-fail-entry-renamed", INTEGRITY, "changed after they were signed", .zip = name_changed},
	{"should-fail-signature-of-another-zip", INTEGRITY, "changed after they were signed", .zip = on_another_zip},
	{"should-fail-byte-before-zip", INTEGRITY, "bytes were signed", .zip = byte_in_front},
	{"should-fail-trailing-byte", ZIP_RULES, "ZIP-R02", .zip = trailing_byte},
	{"should-fail-last-byte-missing", ZIP_RULES, "ZIP-R02", .zip = last_byte_missing},
	{"should-fail-comment-length-one-less", ZIP_RULES, "ZIP-R02", .zip = comment_length_less},
	{"should-fail-comment-length-one-more", ZIP_RULES, "ZIP-R02", .zip = comment_length_more},
	{"should-fail-inadmissible-zip-truly-signed", ZIP_RULES, "ZIP-R13", .plan = inadmissible},
};

const struct signature_cases signature_cases_encoding = {cases, ARRAY_SIZE(cases)};
