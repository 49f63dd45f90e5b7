/* signer_profile.h - the parts of an answer that all verbs about profiles have. Private to src/cli. */
#ifndef CLI_SIGNER_PROFILE_PRIVATE_H
#define CLI_SIGNER_PROFILE_PRIVATE_H

#include "base/json.h"
#include "signer/signer.h"

void cli_print_version(struct json *j, const struct arn_profile *arn); /* profileVersion, profileVersionArn */
void cli_print_arn(struct json *j, const struct arn_profile *arn);     /* arn, without the version */
void cli_print_validity(struct json *j, const struct signer_validity *validity);

#endif
