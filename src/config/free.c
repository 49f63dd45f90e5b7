/* What a load has built, taken down again. */
#include <stdlib.h>

#include "config/policy.h"

static void free_code_signing(struct config_code_signing *code_signing)
{
	free(code_signing->name);
	free(code_signing->description);
	free(code_signing->canonical);
	free(code_signing->origin.file);
}

static void free_policy(struct config_policy *policy)
{
	for (size_t i = 0; i < policy->label_count; i++)
		free(policy->labels[i]);
	free(policy->labels);
	free(policy->source);
	free(policy->source_ca);
	free(policy->host);
	free(policy->slot.name);
	free(policy->slot.origin.file);
}

static void free_overrides(struct config_override *overrides, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(overrides[i].file);
		free(overrides[i].path);
		free(overrides[i].section);
		free(overrides[i].key);
		free(overrides[i].text);
	}
	free(overrides);
}

/* The arrays may be there without items, never the other way round. */
void config_free(struct config *config)
{
	if (!config)
		return;
	for (size_t i = 0; i < config->account_count; i++) {
		free(config->accounts[i].certificate);
		free(config->accounts[i].revocations);
		free(config->accounts[i].certificate_text);
		free(config->accounts[i].revocations_text);
	}
	for (size_t i = 0; i < config->code_signing_count; i++)
		free_code_signing(&config->code_signing[i]);
	for (size_t i = 0; i < config->function_count; i++) {
		free(config->functions[i].name);
		free(config->functions[i].origin.file);
	}
	for (size_t i = 0; i < config->layer_count; i++)
		free(config->layers[i].name);
	for (size_t i = 0; i < config->principal_count; i++) {
		free(config->principals[i].users);
		free(config->principals[i].groups);
	}
	free(config->accounts);
	free(config->code_signing);
	free(config->functions);
	free(config->layers);
	free(config->principals);
	free(config->function_patterns.all);
	free(config->layer_patterns.all);
	free(config->path);
	free(config->store);
	free(config->anchor);
	free(config->metrics_textfile);
	free(config->user);
	free(config->timestamp_authority);
	free(config->timestamp_authority_text);
	free_policy(&config->policy);
	free_overrides(config->overrides, config->override_count);
	config_terms_free(config->terms);
	free(config->hooks);
	free(config->canonical);
	free(config);
}
