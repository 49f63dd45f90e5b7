/*
 * `verify --all`: one file under every code-signing config of a host. What accepts without looking
 * (code_signing_config = none) is shown, and is no acceptance.
 */
#include "verify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/aws.h"
#include "sheet.h"

#define FILE_SHOWN_SIZE	  1024
#define CONFIG_SHOWN_SIZE 512

/* The verdicts, one for each config in the configuration's order. */
struct survey {
	const struct config *config;
	const char *path;
	struct policy_verdict *verdicts;
	size_t count;
};

static bool takes(const struct policy_verdict *verdict)
{
	return verdict->outcome != POLICY_REFUSED;
}

/* 0 when one takes it, else the code of the refusal that the latest check has decided. */
static int exit_code_of(const struct survey *survey)
{
	const struct policy_verdict *nearest = NULL;
	for (size_t i = 0; i < survey->count; i++) {
		const struct policy_verdict *verdict = &survey->verdicts[i];
		if (takes(verdict))
			return CLI_EXIT_OK;
		if (!nearest || (verdict->deciding != POLICY_CHECK_COUNT && verdict->deciding > nearest->deciding))
			nearest = verdict;
	}
	return nearest ? verify_exit_code(nearest) : policy_reason_info(POLICY_VF4001_NO_SLOT)->exit_code;
}

static size_t count_taking(const struct survey *survey)
{
	size_t count = 0;
	for (size_t i = 0; i < survey->count; i++)
		count += takes(&survey->verdicts[i]);
	return count;
}

/* The functions bound to a config, NULL for "none": "a, b-*"; "-" when there are none. */
static int join_functions(const struct config *config, const struct config_code_signing *rules, struct buf *ret)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < config->function_count; i++)
		if (config->functions[i].code_signing == rules)
			r = buf_printf(ret, "%s%s", ret->len > 0 ? ", " : "", config->functions[i].name);
	return r == 0 && ret->len == 0 ? buf_puts(ret, "-") : r;
}

static void put_functions(struct sheet *sheet, const struct config *config, const struct config_code_signing *rules)
{
	struct buf names = {0};
	int r = join_functions(config, rules, &names);
	sheet_text(sheet, r == 0 ? names.data : "");
	sheet_text(sheet, "\n");
	sheet->error = sheet->error == 0 ? r : sheet->error;
	buf_done(&names);
}

static int width_of_names(const struct survey *survey)
{
	size_t width = strlen("config");
	for (size_t i = 0; i < survey->count; i++) {
		size_t len = strlen(survey->config->code_signing[i].name);
		width = len > width ? len : width;
	}
	return (int)width;
}

static const char *reason_code(const struct policy_verdict *verdict)
{
	return verdict->reason == POLICY_REASON_NONE ? "-" : policy_reason_info(verdict->reason)->code;
}

static void put_table(struct sheet *sheet, const struct survey *survey)
{
	static const enum sheet_colour colours[] = {SHEET_BAD, SHEET_WARNING, SHEET_GOOD};
	int width = width_of_names(survey);
	sheet_put(sheet, "  %-*s  %-9s  %-6s  %s\n", width, "config", "outcome", "reason", "functions");
	for (size_t i = 0; i < survey->count; i++) {
		const struct policy_verdict *verdict = &survey->verdicts[i];
		sheet_put(sheet, "  %-*s  ", width, survey->config->code_signing[i].name);
		sheet_paint(sheet, colours[verdict->outcome], 9, policy_outcome_name(verdict->outcome));
		sheet_put(sheet, "  %-6s  ", reason_code(verdict));
		put_functions(sheet, survey->config, &survey->config->code_signing[i]);
	}
	for (size_t i = 0; i < survey->config->function_count; i++) {
		if (survey->config->functions[i].code_signing)
			continue;
		sheet_put(sheet, "  %-*s  %-9s  %-6s  ", width, CONFIG_NONE, "not asked", "-");
		put_functions(sheet, survey->config, NULL);
		break;
	}
}

/* What each config objects to, and what to do. */
static void put_objections(struct sheet *sheet, const struct survey *survey)
{
	for (size_t i = 0; i < survey->count; i++) {
		const struct policy_verdict *verdict = &survey->verdicts[i];
		if (verdict->reason == POLICY_REASON_NONE)
			continue;
		sheet_put(sheet, "\n  %s: %s %s\n", survey->config->code_signing[i].name, reason_code(verdict),
			  policy_reason_info(verdict->reason)->title);
		sheet_row(sheet, "problem", "%s", verdict->detail);
		sheet_row(sheet, "remedy", "%s", verdict->remedy);
	}
}

static int print_text(const struct survey *survey)
{
	struct sheet sheet = sheet_begin();
	char file[FILE_SHOWN_SIZE], conf[CONFIG_SHOWN_SIZE];
	sheet_put(&sheet, "%s: %zu of %zu code-signing configs of %s would take it\n\n",
		  text_escape_print(file, sizeof(file), survey->path, strlen(survey->path)), count_taking(survey),
		  survey->count,
		  text_escape_print(conf, sizeof(conf), survey->config->path, strlen(survey->config->path)));
	put_table(&sheet, survey);
	put_objections(&sheet, survey);
	return sheet_print(&sheet, exit_code_of(survey));
}

static void put_json_functions(struct json *j, const struct config *config, const struct config_code_signing *rules)
{
	json_array(j, "functions");
	for (size_t i = 0; i < config->function_count; i++)
		if (config->functions[i].code_signing == rules)
			json_text(j, NULL, config->functions[i].name);
	json_close(j);
}

static void put_json_config(struct json *j, const struct survey *survey, size_t i)
{
	const struct policy_verdict *verdict = &survey->verdicts[i];
	bool objected = verdict->reason != POLICY_REASON_NONE;
	json_object(j, NULL);
	json_text(j, "config", survey->config->code_signing[i].name);
	json_text(j, "outcome", policy_outcome_name(verdict->outcome));
	json_text(j, "reason", objected ? policy_reason_info(verdict->reason)->code : NULL);
	json_text(j, "title", objected ? policy_reason_info(verdict->reason)->title : NULL);
	json_text(j, "detail", objected ? verdict->detail : NULL);
	json_text(j, "remedy", objected ? verdict->remedy : NULL);
	put_json_functions(j, survey->config, &survey->config->code_signing[i]);
	json_close(j);
}

static int print_json(const struct survey *survey)
{
	struct buf text = {0};
	struct json j = {.out = &text, .pretty = true};
	json_object(&j, NULL);
	json_u64(&j, "schema", 1);
	json_text(&j, "file", survey->path);
	json_i64(&j, "exitCode", exit_code_of(survey));
	json_array(&j, "configs");
	for (size_t i = 0; i < survey->count; i++)
		put_json_config(&j, survey, i);
	json_close(&j);
	json_object(&j, "unchecked");
	put_json_functions(&j, survey->config, NULL);
	json_close(&j);
	json_close(&j);
	int code = cli_print_json(&text, json_end(&j));
	return code == CLI_EXIT_OK ? exit_code_of(survey) : code;
}

int verify_all(const struct trust *trust, const struct verify_file *file, bool full, bool json)
{
	const struct config *config = trust->config;
	struct survey survey = {.config = config, .path = file->path, .count = config->code_signing_count};
	int code = CLI_EXIT_FAILURE;
	survey.verdicts = calloc(survey.count + 1, sizeof(*survey.verdicts));
	if (!survey.verdicts) {
		cli_error("%s", strerror(ENOMEM));
		return code;
	}
	for (size_t i = 0; i < survey.count; i++) {
		struct gate_decision decision;
		if (verify_judge(trust, &config->code_signing[i], file, full, &decision) < 0)
			goto out;
		survey.verdicts[i] = decision.verdict;
	}
	code = json ? print_json(&survey) : print_text(&survey);
out:
	free(survey.verdicts);
	return code;
}
