/* certificates.h - a certificate for people and for programs. Private to src/cli. */
#ifndef CLI_CERTIFICATES_PRIVATE_H
#define CLI_CERTIFICATES_PRIVATE_H

#include "base/json.h"
#include "crypto/cms.h"
#include "sheet.h"

/* title: "certificate 1", "trusted CA". */
void certificate_put(struct sheet *sheet, const char *title, const struct crypto_cert *cert, int64_t now_s);
/* "certificates": the chain as it is carried, the leaf first. cms may be NULL. */
void certificates_put_json(struct json *j, const struct crypto_cms *cms);
void certificate_put_json(struct json *j, const char *key, const struct crypto_cert *cert);

#endif
