/* A policy bundle, opened and understood: everything that can be known of it without a host. */
#include "policy_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/cli.h"
#include "signature/signature.h"
#include "verify.h"

/* ---- trust files ---- */

/* A failure becomes a line of errors and -EINVAL. */
static int trust_failed(const char *name, int r, const struct explain *why, struct buf *ret_errors)
{
	if (r == -ENOMEM)
		return r;
	r = buf_printf(ret_errors, "%s: %s\n", name, why->text[0] ? why->text : strerror(-r));
	return r < 0 ? r : -EINVAL;
}

static int read_account(const struct config_account *section, struct policy_account *ret, struct buf *ret_errors)
{
	struct explain why = {0};
	ret->section = section;
	if (!section->certificate_text)
		return 0;
	int r = crypto_trust_from_pem(section->certificate_text, strlen(section->certificate_text), &ret->trust, &why);
	if (r < 0)
		return trust_failed(section->certificate, r, &why, ret_errors);
	if (!section->revocations_text)
		return 0;
	r = revocation_list_read(section->revocations_text, strlen(section->revocations_text), section->id, ret->trust,
				 &ret->list, &why);
	return r < 0 ? trust_failed(section->revocations, r, &why, ret_errors) : 0;
}

static int read_accounts(struct policy_file *file, struct buf *ret_errors)
{
	const struct config *config = file->config;
	int r = 0;
	file->accounts = calloc(config->account_count + 1, sizeof(file->accounts[0]));
	if (!file->accounts)
		return -ENOMEM;
	file->account_count = config->account_count;
	for (size_t i = 0; r != -ENOMEM && i < config->account_count; i++) {
		int one = read_account(&config->accounts[i], &file->accounts[i], ret_errors);
		r = one < 0 ? one : r;
	}
	return r;
}

static int read_timestamp_authority(const struct config *config, struct buf *ret_errors)
{
	struct explain why = {0};
	struct crypto_trust *trust = NULL;
	const char *text = config->timestamp_authority_text;
	int r = text ? crypto_trust_from_pem(text, strlen(text), &trust, &why) : 0;
	crypto_trust_unref(trust);
	return r < 0 ? trust_failed(config->timestamp_authority, r, &why, ret_errors) : 0;
}

/* ---- the whole ---- */

static int fill(struct policy_file *file, struct buf *ret_errors)
{
	int r = config_load_bundle(bundle_members(file->bundle), &file->config, ret_errors);
	if (r == 0)
		r = read_accounts(file, ret_errors);
	if (r == 0 || r == -EINVAL) {
		int authority = file->config ? read_timestamp_authority(file->config, ret_errors) : 0;
		r = authority < 0 ? authority : r;
	}
	return r;
}

int policy_file_of(struct bundle *bundle, struct policy_file *ret, struct buf *ret_errors)
{
	struct policy_file file = {.bundle = bundle};
	int r = fill(&file, ret_errors);
	if (r == 0) {
		*ret = file;
		file = (struct policy_file){0};
	}
	policy_file_done(&file);
	return r;
}

void policy_file_done(struct policy_file *file)
{
	for (size_t i = 0; i < file->account_count; i++) {
		crypto_trust_unref(file->accounts[i].trust);
		revocation_list_free(file->accounts[i].list);
	}
	free(file->accounts);
	config_free(file->config);
	bundle_unref(file->bundle);
	crypto_cms_free(file->signature.cms);
	*file = (struct policy_file){0};
}

/* An artifact could look like a bundle; what it was signed as decides. */
static int check_content(const struct inspection *in, struct explain *why)
{
	if (!in->cms || in->content == SIGNATURE_OF_BUNDLE)
		return 0;
	explain_set(why, "it is signed as an artifact, not as a policy bundle");
	return -EBADMSG;
}

static int read_copy(const struct verify_file *copy, struct policy_file *ret)
{
	int fd = copy->copy_fd;
	struct io_reader reader = io_reader_fd(&fd, copy->size_bytes);
	struct inspection in = {.path = copy->path, .size_bytes = copy->size_bytes, .now_s = clock_now_s()};
	struct bundle *bundle = NULL;
	struct explain why = {0};
	struct buf errors = {0};
	char shown[256];
	text_escape_print(shown, sizeof(shown), copy->path, strlen(copy->path));
	int r = inspect_file(&reader, &in, &why);
	if (r == 0)
		r = check_content(&in, &why);
	if (r == 0)
		r = bundle_read(&reader, &bundle, &why);
	if (r == 0)
		r = policy_file_of(bundle, ret, &errors);
	if (r == -EINVAL && errors.data)
		cli_error("%s cannot be used:\n%s", shown, errors.data);
	else if (r < 0)
		cli_error("%s: %s", shown, why.text[0] ? why.text : strerror(-r));
	if (r == 0) {
		ret->signature = in;
		(void)snprintf(ret->shown, sizeof(ret->shown), "%s", shown);
	} else {
		crypto_cms_free(in.cms);
	}
	buf_done(&errors);
	return r;
}

int policy_file_open(const char *path, struct policy_file *ret)
{
	struct verify_file copy;
	int r = verify_file_open(path, LIMIT_ARTIFACT_BYTES_DEFAULT, &copy);
	if (r < 0)
		return r;
	r = read_copy(&copy, ret);
	verify_file_close(&copy);
	return r;
}
