/*
 * render.h - what the signer's verbs answer with, as JSON of AWS's shape; commands and the signing service print the
 * same. Each writes one value (key NULL: at the top or inside an array).
 */
#ifndef SIGNER_RENDER_H
#define SIGNER_RENDER_H

#include "base/json.h"
#include "signer/signer.h"

/* DescribeSigningJob */
void signer_render_job(struct json *j, const struct signer_job *job);
/* GetSigningProfile */
void signer_render_profile(struct json *j, const struct signer_profile *profile);

/* Parts of such answers that have the same names everywhere. */
void signer_render_version(struct json *j, const struct arn_profile *arn); /* profileVersion, profileVersionArn */
void signer_render_arn(struct json *j, const struct arn_profile *arn);	   /* arn, without the version */
void signer_render_platform(struct json *j);				   /* platformId, platformDisplayName */
void signer_render_validity(struct json *j, const struct signer_validity *validity);
void signer_render_file(struct json *j, const char *key, const char *path); /* {"file": {"path": ...}} */

#endif
