#!/usr/bin/env bats
# conf/completions/vouchfs: what bash offers behind `vouchfs ...`. Every command and option that help or the manual
# names is offered.

load lib

TOP=$BATS_TEST_DIRNAME/../..

setup() {
	lib_setup
	# shellcheck source=/dev/null
	source "$TOP/conf/completions/vouchfs"
}

# offers WORD ...: a line each, for the last word, which may be empty; as bash calls it
offers() {
	COMP_WORDS=("$VOUCHFS" "$@")
	COMP_CWORD=$#
	COMPREPLY=()
	_vouchfs "$VOUCHFS" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}" 2>"$T/stderr"
	[ ! -s "$T/stderr" ]
	[ "${#COMPREPLY[@]}" = 0 ] || printf '%s\n' "${COMPREPLY[@]}"
}

# The names that `vouchfs [GROUP] --help` lists.
listed() { "$VOUCHFS" "$@" --help | awk '/^  [a-z]/ && $1 != "vouchfs" { print $1 }' | sort -u; }

@test "completion is registered" {
	[ "$(complete -p vouchfs)" = "complete -F _vouchfs vouchfs" ]
}

@test "every command and every verb is offered" {
	local group
	diff <("$VOUCHFS" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p; s/^.*vouchfs \(.*\) \.\.\.:$/\1/p; $s/.*/help/p' |
		sort -u) <(offers "" | sort)
	for group in signer lambda audit; do
		[ "$(listed "$group" | wc -l)" -gt 2 ]
		diff <({ listed "$group"; echo help; } | sort) <(offers "$group" "" | sort)
		diff <(offers "$group" "") <(offers help "$group" "")
	done
}

@test "every option that a command's help names is offered" {
	local group command words count=0 option
	while read -r group command; do
		words=("$group" "$command")
		[ "$group" != - ] || words=("$command")
		offers "${words[@]}" -- | sort >"$T/offered"
		for option in $("$VOUCHFS" "${words[@]}" --help | sed -n '/^Options:/,$p' | grep -oE '^ +(-[a-zA-Z], )?--[a-z-]+' | grep -oE -- '--[a-z-]+'); do
			grep -qx -- "$option" "$T/offered" || { echo "${words[*]}: $option is not offered"; return 1; }
			count=$((count + 1))
		done
	done < <(
		"$VOUCHFS" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z-]*\) .*/- \1/p'
		for group in signer lambda audit; do listed "$group" | sed "s/^/$group /"; done
	)
	[ "$count" -gt 150 ]
}

@test "options: the beginning decides, letters and long names" {
	[ "$(offers mount --f)" = --foreground ]
	[ "$(offers mount - | grep -xE -- '--(config|foreground|help)|-[cf]' | sort | tr '\n' ' ')" = "--config --foreground --help -c -f " ]
	[ -z "$(offers mount --nothing)" ]
	[ -z "$(offers nothing --f)" ]
	[ "$(offers signer sta)" = start-signing-job ]
}

@test "files where files are expected, directories where directories are" {
	cd "$T"
	mkdir deep
	touch app.zip app.txt 'with blank.zip'
	run -0 offers sign --profile release ""
	[ "$(sort <<<"$output" | grep -v '^homes$\|^mnt$\|^etc$\|^xdg$')" = "app.zip
deep
with blank.zip" ]
	[ "$(offers verify --config app.t)" = app.txt ]
	[ "$(offers verify --config = app.t)" = app.txt ]
	[ "$(offers mount de)" = deep ]
	[ -z "$(offers mount app)" ]
	[ "$(offers signer start-signing-job --source "")" = file= ]
	[ "$(offers signer start-signing-job --source file = app.z)" = app.zip ]
	[ "$(offers signer start-signing-job --destination directory = de)" = deep ]
	[ "$(offers lambda update-function-code --zip-file "")" = fileb:// ]
	[ "$(offers lambda update-function-code --zip-file fileb : //app.z)" = //app.zip ]
	[ "$(offers signer list-signing-jobs --output "")" = json ]
}

@test "profiles, functions, layers and configs are those of the home and of the mount" {
	mk_account
	mk_profile release >/dev/null
	mk_profile other >/dev/null
	VOUCHFS_SIGNER_HOME=$(home_of) run -0 offers sign --profile ""
	[ "$(sort <<<"$output" | tr '\n' ' ')" = "other release " ]
	[ "$(offers signer get-signing-profile --home "$(home_of)" --profile-name rel)" = release ]
	[ "$(offers sign --home = "$(home_of)" --profile rel)" = release ]

	mk_config <<-END
		[code-signing-config approved]
		allowed_publisher = arn:vouchfs:signer:local:$ACCOUNT:/signing-profiles/release
		[function main-function]
		code_signing_config = approved
		[function team-*]
		code_signing_config = approved
		[layer common]
	END
	[ -z "$(offers why "")" ]
	start_mount
	[ "$(offers why main)" = main-function ]
	[ "$(offers why functions/)" = functions/main-function ]
	[ "$(offers why layers/)" = layers/common ]
	[ "$(offers rollback "")" = main-function ]
	[ "$(offers verify --function "")" = main-function ]
	[ "$(offers verify --code-signing-config "")" = approved ]
	[ "$(offers lambda get-function --function-name m)" = main-function ]
	[ "$(offers lambda list-layer-versions --layer-name "")" = common ]
	[[ " $(offers unmount "" | tr '\n' ' ')" == *" $MNT "* ]]
	[ "$(VOUCHFS_CONF=/nowhere offers why --config "$CONF" main)" = main-function ]
	[ -z "$(VOUCHFS_CONF=/nowhere offers why "")" ]
}

@test "run: behind -- comes a command of its own" {
	[[ $(offers run main -- pytho | tr '\n' ' ') == *"python3 "* ]]
	cd "$T"
	touch app.py
	[ "$(offers run main -- python3 app)" = app.py ]
}

@test "nothing there, nothing said: no home, no mount, no program" {
	[ -z "$(offers sign --profile "")" ]
	[ -z "$(offers why "")" ]
	VOUCHFS=$T/nowhere
	[ -z "$(offers "")" ]
	[ -z "$(offers mount --c)" ]
}
