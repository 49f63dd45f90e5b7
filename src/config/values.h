/*
 * values.h - from text to values, one function for each form that a value can have (keys.h, key_set). Internal to
 * config.
 */
#ifndef CONFIG_VALUES_H
#define CONFIG_VALUES_H

#include "keys.h"

key_set value_set_text;		    /* char *: any text */
key_set value_set_word;		    /* char *: without blanks */
key_set value_set_path;		    /* char *: made absolute from the file that names it */
key_set value_set_account;	    /* char[ARN_ACCOUNT_SIZE] */
key_set value_set_organization;	    /* char[ARN_ORGANIZATION_SIZE] */
key_set value_set_region;	    /* char[ARN_REGION_SIZE] */
key_set value_set_unsigned;	    /* unsigned in [min, max] */
key_set value_set_u64;		    /* uint64_t in [min, max] */
key_set value_set_duration;	    /* uint64_t, seconds in [min, max] */
key_set value_set_choice;	    /* an enum */
key_set value_set_flag;		    /* bool, by a choice of 0 or 1 */
key_set value_set_formats;	    /* nothing: only one form is implemented */
key_set value_set_mode;		    /* mode_t */
key_set value_set_owner;	    /* uid_t */
key_set value_set_group;	    /* gid_t */
key_set value_add_publisher;	    /* into a struct config_code_signing */
key_set value_add_policy_publisher; /* into a struct config_policy */
key_set value_add_user;		    /* into a struct config_principal */
key_set value_add_group;	    /* into a struct config_principal */
key_set value_set_trust;	    /* char *: a path, or of a bundle a file of it with its content */
key_set value_set_url;		    /* char *: where policy bundles are fetched from */
key_set value_set_host;		    /* char *: what policy bundles call a host */
key_set value_add_hosts;	    /* words into a struct config_terms */
key_set value_add_labels;
key_set value_add_label; /* into a struct config_policy */

/* Says what the value is and what was expected. Returns 0: the load goes on to find more. */
int value_refuse(const struct setting *setting, struct report *report, const char *expected);

#endif
