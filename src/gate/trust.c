/*
 * trust.c - makes a trust of a configuration: certificates first (they must be good), then lists.
 */
#include "gate/trust.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/limits.h"
#include "base/text.h"
#include "lists.h"

/* The one variable of this module: numbers have to grow over all trusts that a process makes. */
static uint64_t next_generation(void)
{
	static _Atomic uint64_t last;
	return atomic_fetch_add(&last, 1) + 1;
}

/* Room for the accounts of a configuration; they are empty yet. */
static struct trust *trust_new(size_t account_count)
{
	struct trust *trust = calloc(1, sizeof(*trust));
	if (!trust)
		return NULL;
	trust->refs = 1;
	trust->generation = next_generation();
	trust->accounts = calloc(account_count + 1, sizeof(*trust->accounts));
	trust->list_files = calloc(account_count + 1, sizeof(*trust->list_files));
	if (!trust->accounts || !trust->list_files) {
		trust_unref(trust);
		return NULL;
	}
	trust->account_count = account_count;
	return trust;
}

uint64_t trust_family(const struct trust *trust)
{
	return trust->origin ? trust->origin->generation : trust->generation;
}

struct trust *trust_ref(struct trust *trust)
{
	(void)__atomic_add_fetch(&trust->refs, 1, __ATOMIC_RELAXED);
	return trust;
}

void trust_unref(struct trust *trust)
{
	if (!trust || __atomic_sub_fetch(&trust->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	for (size_t i = 0; i < trust->account_count; i++) {
		crypto_trust_unref(trust->accounts[i].trust);
		revocation_list_free(trust->accounts[i].list);
	}
	crypto_trust_unref(trust->timestamp_authority);
	free(trust->accounts);
	free(trust->list_files);
	if (trust->origin)
		trust_unref(trust->origin);
	else
		config_free(trust->config);
	free(trust);
}

/* Reads a PEM file of CA certificates; a failure becomes a line of errors and -EINVAL. */
static int read_trust(const char *file, const char *place, const char *expected, struct crypto_trust **ret,
		      struct buf *ret_errors)
{
	struct buf pem = {0};
	struct explain why = {0};
	int r = io_read_path(file, LIMIT_PEM_FILE_BYTES, &pem);
	if (r < 0)
		explain_set(&why, "%s", strerror(-r));
	else
		r = crypto_trust_from_pem(pem.data, pem.len, ret, &why);
	buf_done(&pem);
	if (r == 0 || r == -ENOMEM)
		return r;

	char path[512];
	text_escape_print(path, sizeof(path), file, strlen(file));
	r = buf_printf(ret_errors, "%s = %s: %s; expected %s\n", place, path, why.text, expected);
	return r < 0 ? r : -EINVAL;
}

static int read_account(const struct config *config, const struct config_account *account,
			struct signature_account *ret, struct buf *ret_errors)
{
	char place[PATH_MAX + 64];
	memcpy(ret->id, account->id, sizeof(ret->id));
	ret->revocations_required = account->revocations_required;
	(void)snprintf(place, sizeof(place), "%s: [account %s] certificate", config->path, account->id);
	return read_trust(account->certificate, place,
			  "the PEM file of the account's CA, which vouchfs signer export-trust writes", &ret->trust,
			  ret_errors);
}

static int read_timestamp_authority(const struct config *config, struct crypto_trust **ret, struct buf *ret_errors)
{
	char place[PATH_MAX + 64];
	if (!config->timestamp_authority)
		return 0;
	(void)snprintf(place, sizeof(place), "%s: [vouchfs] timestamp_authority", config->path);
	return read_trust(config->timestamp_authority, place, "the PEM file of the time stamp authority's root CA", ret,
			  ret_errors);
}

static void read_lists(struct trust *trust, struct store *store)
{
	for (size_t i = 0; i < trust->account_count; i++) {
		const struct config_account *account = &trust->config->accounts[i];
		/* Identified before it is read: a change in between is found by the next refresh. */
		trust->list_files[i] = lists_identify(account);
		lists_read(account, store, &trust->accounts[i]);
	}
}

int trust_from_config(struct config *config, struct store *store, struct trust **ret, struct buf *ret_errors)
{
	struct trust *trust = trust_new(config->account_count);
	if (!trust) {
		config_free(config);
		return -ENOMEM;
	}
	trust->config = config;

	int r = 0;
	for (size_t i = 0; i < trust->account_count; i++) {
		int failed = read_account(config, &config->accounts[i], &trust->accounts[i], ret_errors);
		r = failed < 0 ? failed : r;
	}
	int failed = read_timestamp_authority(config, &trust->timestamp_authority, ret_errors);
	r = failed < 0 ? failed : r;
	if (r < 0) {
		trust_unref(trust);
		return r;
	}
	read_lists(trust, store);
	*ret = trust;
	return 0;
}

int trust_load(const char *config_path, struct store *store, struct trust **ret, struct buf *ret_errors)
{
	struct config *config = NULL;
	int r = config_load(config_path, &config, ret_errors);
	return r < 0 ? r : trust_from_config(config, store, ret, ret_errors);
}

static bool lists_have_changed(const struct trust *trust)
{
	for (size_t i = 0; i < trust->account_count; i++) {
		struct trust_list_file now = lists_identify(&trust->config->accounts[i]);
		if (!lists_is_same_file(&now, &trust->list_files[i]))
			return true;
	}
	return false;
}

int trust_refresh(struct trust *trust, struct store *store, struct trust **ret)
{
	if (!lists_have_changed(trust)) {
		*ret = trust_ref(trust);
		return 0;
	}
	struct trust *next = trust_new(trust->account_count);
	if (!next)
		return -ENOMEM;
	next->origin = trust_ref(trust->origin ? trust->origin : trust);
	next->config = trust->config;
	next->timestamp_authority = trust->timestamp_authority ? crypto_trust_ref(trust->timestamp_authority) : NULL;
	for (size_t i = 0; i < trust->account_count; i++) {
		const struct signature_account *account = &trust->accounts[i];
		memcpy(next->accounts[i].id, account->id, sizeof(account->id));
		next->accounts[i].revocations_required = account->revocations_required;
		next->accounts[i].trust = crypto_trust_ref(account->trust);
	}
	read_lists(next, store);
	*ret = next;
	return 0;
}
