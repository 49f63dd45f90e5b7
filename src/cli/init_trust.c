/* What a signing host has exported, read and proved before anything of it is copied. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/access.h"
#include "base/io.h"
#include "base/limits.h"
#include "base/text.h"
#include "cli/cli.h"
#include "init.h"
#include "signature/revocations.h"

#define PEM	   ".pem"
#define LIST	   ".revocations"
#define SHOWN_SIZE 256

/* "111122223333.pem" */
static bool is_certificate(const char *name)
{
	return arn_is_account(name, strcspn(name, ".")) && text_ends_with(name, PEM) &&
	       strlen(name) == ARN_ACCOUNT_SIZE - 1 + strlen(PEM);
}

static int refuse(const char *directory, const char *name, const char *why)
{
	char shown[SHOWN_SIZE];
	cli_error("%s/%s: %s", text_escape_print(shown, sizeof(shown), directory, strlen(directory)), name, why);
	return -EINVAL;
}

/* The certificate has to be one, and the list of this account and signed under it. */
static int prove(const char *directory, const struct init_account *account)
{
	char name[64];
	struct crypto_trust *trust = NULL;
	struct revocation_list *list = NULL;
	struct explain why = {0};
	(void)snprintf(name, sizeof(name), "%s" PEM, account->id);
	int r = crypto_trust_from_pem(account->certificate.data, account->certificate.len, &trust, &why);
	if (r == 0 && account->revocations.len > 0) {
		(void)snprintf(name, sizeof(name), "%s" LIST, account->id);
		r = revocation_list_read(account->revocations.data, account->revocations.len, account->id, trust, &list,
					 &why);
	}
	revocation_list_free(list);
	crypto_trust_unref(trust);
	return r < 0 ? refuse(directory, name, why.text[0] ? why.text : strerror(-r)) : 0;
}

static int read_account(int dirfd, const char *directory, const char *name, struct init_account *ret)
{
	char list[64];
	(void)snprintf(ret->id, sizeof(ret->id), "%s", name); /* cut before the dot */
	(void)snprintf(list, sizeof(list), "%s" LIST, ret->id);
	int r = io_read_file(dirfd, name, LIMIT_PEM_FILE_BYTES, &ret->certificate);
	if (r < 0)
		return refuse(directory, name, strerror(-r));
	r = io_read_file(dirfd, list, LIMIT_REVOCATION_LIST_BYTES, &ret->revocations);
	if (r < 0 && r != -ENOENT)
		return refuse(directory, list, strerror(-r));
	return prove(directory, ret);
}

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct init_account *)a)->id, ((const struct init_account *)b)->id);
}

static int read_all(int dirfd, const char *directory, const struct io_names *names, struct init_trust *ret)
{
	ret->accounts = calloc(names->count + 1, sizeof(*ret->accounts));
	if (!ret->accounts) {
		cli_error("out of memory");
		return -ENOMEM;
	}
	for (size_t i = 0; i < names->count; i++) {
		if (!is_certificate(names->names[i]))
			continue;
		int r = read_account(dirfd, directory, names->names[i], &ret->accounts[ret->count++]);
		if (r < 0)
			return r;
	}
	qsort(ret->accounts, ret->count, sizeof(*ret->accounts), by_id);
	if (ret->count > 0)
		return 0;
	return refuse(directory, "*" PEM,
		      "there is no certificate; give the directory that `vouchfs signer export-trust --directory DIR` "
		      "wrote, with files like 111122223333" PEM);
}

int init_trust_read(const char *directory, struct init_trust *ret)
{
	char words[ACCESS_WORDS_SIZE];
	struct init_trust trust = {0};
	struct io_names names = {0};
	int dirfd = io_open_dir(directory);
	int r = dirfd < 0 ? dirfd : io_list_dir(dirfd, ".", &names);
	if (r < 0) {
		cli_error("--trust %s: %s", directory, access_words(directory, r, words));
		r = -EINVAL;
	} else {
		r = read_all(dirfd, directory, &names, &trust);
	}
	io_names_done(&names);
	io_close(&dirfd);
	if (r < 0)
		init_trust_done(&trust);
	else
		*ret = trust;
	return r;
}

void init_trust_done(struct init_trust *trust)
{
	for (size_t i = 0; i < trust->count; i++) {
		buf_done(&trust->accounts[i].certificate);
		buf_done(&trust->accounts[i].revocations);
	}
	free(trust->accounts);
	*trust = (struct init_trust){0};
}
