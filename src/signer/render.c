/* Answers of the signer's verbs. The order of the members is AWS's. */
#include "signer/render.h"

#include "signature/statement.h"

void signer_render_version(struct json *j, const struct arn_profile *arn)
{
	char text[ARN_TEXT_SIZE];
	arn_print_profile(arn, text);
	json_text(j, "profileVersion", arn->version);
	json_text(j, "profileVersionArn", text);
}

void signer_render_arn(struct json *j, const struct arn_profile *arn)
{
	char text[ARN_TEXT_SIZE];
	struct arn_profile without_version = *arn;
	without_version.version[0] = '\0';
	arn_print_profile(&without_version, text);
	json_text(j, "arn", text);
}

void signer_render_validity(struct json *j, const struct signer_validity *validity)
{
	json_object(j, "signatureValidityPeriod");
	json_u64(j, "value", validity->value);
	json_text(j, "type", signer_unit_name(validity->unit));
	json_close(j);
}

void signer_render_platform(struct json *j)
{
	json_text(j, "platformId", STATEMENT_PLATFORM);
	json_text(j, "platformDisplayName", "AWS Lambda");
}

void signer_render_profile(struct json *j, const struct signer_profile *profile)
{
	json_object(j, NULL);
	json_text(j, "profileName", profile->arn.name);
	signer_render_version(j, &profile->arn);
	if (profile->status == SIGNER_PROFILE_REVOKED) {
		json_object(j, "revocationRecord");
		json_aws_time(j, "revocationEffectiveFrom", profile->revocation_effective_s);
		json_aws_time(j, "revokedAt", profile->revoked_at_s);
		json_text(j, "revokedBy", profile->arn.scope.account);
		json_close(j);
	}
	signer_render_platform(j);
	signer_render_validity(j, &profile->validity);
	json_text(j, "status", signer_status_name(profile->status));
	signer_render_arn(j, &profile->arn);
	json_object(j, "tags");
	json_close(j);
	json_close(j);
}

void signer_render_file(struct json *j, const char *key, const char *path)
{
	json_object(j, key);
	json_object(j, "file");
	json_text(j, "path", path);
	json_close(j);
	json_close(j);
}

void signer_render_job(struct json *j, const struct signer_job *job)
{
	json_object(j, NULL);
	json_text(j, "jobId", job->arn.id);
	signer_render_file(j, "source", job->source);
	signer_render_platform(j);
	json_text(j, "profileName", job->profile_version.name);
	json_text(j, "profileVersion", job->profile_version.version);
	json_aws_time(j, "createdAt", job->created_at_s);
	json_aws_time(j, "completedAt", job->completed_at_s);
	if (job->succeeded)
		json_aws_time(j, "signatureExpiresAt", job->signature_expires_at_s);
	json_text(j, "requestedBy", job->requested_by);
	json_text(j, "status", job->succeeded ? "Succeeded" : "Failed");
	json_text(j, "statusReason", job->status_reason);
	if (job->revoked) {
		json_object(j, "revocationRecord");
		json_text(j, "reason", job->revocation_reason);
		json_aws_time(j, "revokedAt", job->revoked_at_s);
		json_text(j, "revokedBy", job->revoked_by);
		json_close(j);
	}
	if (job->signed_object)
		signer_render_file(j, "signedObject", job->signed_object);
	json_text(j, "jobOwner", job->arn.scope.account);
	json_text(j, "jobInvoker", job->job_invoker);
	json_close(j);
}
