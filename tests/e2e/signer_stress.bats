#!/usr/bin/env bats
# Many signer commands at once lose nothing of one another.

load lib

@test "50 jobs and 10 revocations at once: every job listed, every entry on the list, every signature good" {
	local i job before ids=() pids=()
	mk_account
	mk_profile release >/dev/null
	mk_zip "$T/app.zip"
	mkdir "$T/out" "$T/first"
	export VOUCHFS_SIGNER_HOME
	VOUCHFS_SIGNER_HOME=$(home_of)
	for ((i = 0; i < 10; i++)); do
		ids+=("$("$VOUCHFS" signer start-signing-job --source "file=$T/app.zip" --destination "directory=$T/first" \
			--profile-name release | json_value jobId)")
	done
	before=$("$VOUCHFS" signer refresh-revocations | sed -n 's/.*"sequence": \([0-9]*\).*/\1/p')

	for ((i = 0; i < 50; i++)); do
		"$VOUCHFS" signer start-signing-job --source "file=$T/app.zip" --destination "directory=$T/out" \
			--profile-name release >"$T/started.$i" 3>&- &
		pids+=($!)
		if ((i % 5 == 0)); then
			"$VOUCHFS" signer revoke-signature --job-id "${ids[i / 5]}" --reason "number $((i / 5))" 3>&- &
			pids+=($!)
		fi
	done
	for i in "${pids[@]}"; do wait "$i"; done

	# the list: ten entries, the sequence grew by one each
	"$VOUCHFS" signer export-trust --directory "$T/trust" >/dev/null
	openssl cms -verify -inform PEM -in "$T/trust/$ACCOUNT.revocations" -CAfile "$T/trust/$ACCOUNT.pem" -purpose any \
		-out "$T/list" 2>/dev/null
	grep -qx "sequence: $((before + 10))" "$T/list"
	[ "$(grep -c '^job: ' "$T/list")" = 10 ]
	for ((i = 0; i < 10; i++)); do grep -q "^job: .*/${ids[i]} .* reason=number $i\$" "$T/list"; done

	# the jobs: what was answered, what is listed and what was written are the same sixty, ten of them revoked
	"$VOUCHFS" signer list-signing-jobs | sed -n 's/.*"jobId": "\(.*\)".*/\1/p' | sort >"$T/listed"
	[ "$(wc -l <"$T/listed")" = 60 ]
	{
		printf '%s\n' "${ids[@]}"
		cat "$T"/started.* | sed -n 's/.*"jobId": "\(.*\)".*/\1/p'
	} | sort | diff - "$T/listed"
	[ "$(ls -A "$T/out")" = "$(printf '%s\n' "${ids[@]}" | grep -vxFf - "$T/listed" | sed 's/$/.zip/')" ]
	[ "$("$VOUCHFS" signer list-signing-jobs --is-revoked | grep -c '"jobId"')" = 10 ]
	[ -z "$(find "$VOUCHFS_SIGNER_HOME" -name '.*')" ]

	# as a host sees them
	mk_config </dev/null
	for job in "$T"/out/*.zip; do
		run -0 "$VOUCHFS" verify -c "$CONF" "$job"
	done
	run -15 "$VOUCHFS" verify -c "$CONF" "$T/first/${ids[0]}.zip"
}
