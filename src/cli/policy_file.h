/* policy_file.h - a policy bundle as the commands look at it: its files, what they say, who signed. Private to src/cli.
 */
#ifndef CLI_POLICY_FILE_PRIVATE_H
#define CLI_POLICY_FILE_PRIVATE_H

#include "base/json.h"
#include "bundle/bundle.h"
#include "inspect.h"
#include "sheet.h"
#include "signature/revocations.h"

/* What the trust files of an [account] section are. */
struct policy_account {
	const struct config_account *section;
	struct crypto_trust *trust;
	struct revocation_list *list; /* NULL: the bundle has none of it */
};

struct policy_file {
	char shown[256]; /* its path, escaped */
	struct bundle *bundle;
	struct config *config; /* as config_load_bundle makes it */
	struct policy_account *accounts;
	size_t account_count;
	struct inspection signature; /* of one that was opened */
};

/*
 * What is in a bundle, which is taken over, on failure too: its configuration and its trust files are read. -EINVAL: a
 * line of ret_errors for each error.
 */
int policy_file_of(struct bundle *bundle, struct policy_file *ret, struct buf *ret_errors);
/* Of a packed one, whoever signed it, or nobody. Negative errno after having said why. */
int policy_file_open(const char *path, struct policy_file *ret);
void policy_file_done(struct policy_file *file);

/* Whom it is for, what it does to a host, how many of what are in it; "" and 0 are left out. */
void policy_file_put(struct sheet *sheet, const struct policy_file *file, int64_t now_s);
/* The accounts, each with its certificate's end, its list and that one's dates. */
void policy_file_put_accounts(struct sheet *sheet, const struct policy_file *file, int64_t now_s);
/* All of it, as members of the object that is open. */
void policy_file_put_json(struct json *j, const struct policy_file *file);

#endif
