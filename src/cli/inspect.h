/* inspect.h - what `vouchfs inspect` finds out about a file, and how it says it. Private to src/cli. */
#ifndef CLI_INSPECT_PRIVATE_H
#define CLI_INSPECT_PRIVATE_H

#include "archive/zip.h"
#include "base/io.h"
#include "crypto/cms.h"
#include "signature/statement.h"

struct inspection {
	const char *path;
	uint64_t size_bytes;
	struct zip_tail tail;
	bool claims_signature;		/* the comment begins like one */
	struct crypto_cms *cms;		/* NULL: the comment is not a signature of the right form */
	enum signature_content content; /* when there is cms */
	bool has_statement;
	struct statement statement;
	bool integrity; /* form, signature, statement, length and both digests of these bytes */
	struct explain integrity_why;
	int64_t now_s;
};

/* Fills all but path, size_bytes and now_s; crypto_cms_free(in->cms), on failure too. -EBADMSG: no ZIP, with why. */
int inspect_file(const struct io_reader *file, struct inspection *in, struct explain *ret_why);

struct sheet;
/* A row: whether these are the bytes that were signed. */
void inspect_put_integrity(struct sheet *sheet, const struct inspection *in);

/* The exit code. */
int inspect_print_text(const struct inspection *in);
int inspect_print_json(const struct inspection *in);

#endif
