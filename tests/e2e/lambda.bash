# What tests of `vouchfs lambda` share. Load it after lib.

HEAD=arn:vouchfs:lambda:local:$ACCOUNT

lambda() { "$VOUCHFS" lambda "$@"; }

# refused NAME ARGUMENTS...: exit 254 with AWS's error of this name; the message is in $output.
refused() {
	local name=$1
	shift
	run -254 --separate-stderr "$VOUCHFS" lambda "$@"
	[ -z "$output" ]
	output=${stderr:?}
	[[ $output == *"An error occurred ($name) when calling the "*" operation: "* ]] || { echo "$output"; return 1; }
}

# member PATH...: values of the JSON in $output, like CodeSigningConfig.Description, on one line
member() {
	python3 -c '
import json, sys
whole, found = json.load(sys.stdin), []
for path in sys.argv[1:]:
    value = whole
    for key in path.split("."):
        value = value[int(key) if isinstance(value, list) else key]
    found.append(value if isinstance(value, str) else json.dumps(value))
print(*found)' "$@" <<<"$output"
}

sha256_of() { openssl dgst -sha256 -binary "$1" | base64; }
