#!/bin/sh
# Run the gate against a real model behind LiteLLM's proxy:
#
#   .ci/real_model.sh --model gemma .ci/litellm.sh
#
# real_model.sh sets SAFETYTEST_BASE_URL and SAFETYTEST_MODEL. What is asserted is in
# safetytest/litellm_test.go. The first run installs the proxy below .ci/cache, in
# about a minute; then it takes a quarter of a minute to start, and the test forty
# calls of the model.
set -eu
cd "$(dirname "$0")/.."
venv=$(.ci/python.sh litellm)

key=sk-canary-$(python3 -c 'import secrets; print(secrets.token_hex(16))')
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
umask 077
cat >"$venv/config.yaml" <<EOF
model_list:
  - model_name: $SAFETYTEST_MODEL
    litellm_params:
      model: openai/$SAFETYTEST_MODEL
      api_base: $SAFETYTEST_BASE_URL
      api_key: none
general_settings:
  master_key: $key
EOF

# The price list that comes with it will do: nothing is fetched.
LITELLM_LOCAL_MODEL_COST_MAP=True "$venv/bin/litellm" --config "$venv/config.yaml" \
	--host 127.0.0.1 --port "$port" --telemetry False >"$venv/log.txt" 2>&1 &
proxy=$!
trap 'kill "$proxy" 2>/dev/null || true' EXIT
trap 'exit 1' INT TERM

export SAFETYSPEC_LITELLM_BASE_URL="http://127.0.0.1:$port/v1" SAFETYSPEC_LITELLM_MODEL="$SAFETYTEST_MODEL" SAFETYSPEC_LITELLM_KEY="$key"
unset SAFETYTEST_BASE_URL SAFETYTEST_MODEL
python3 - "http://127.0.0.1:$port/health/liveliness" "$proxy" <<'EOF' || { tail -n 20 "$venv/log.txt" >&2; exit 1; }
import os, sys, time, urllib.request

opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
# It takes a quarter of a minute of processor time, of which a busy machine gives little.
end = time.monotonic() + 600
while time.monotonic() < end:
    os.kill(int(sys.argv[2]), 0)  # raises when the proxy has ended
    try:
        opener.open(sys.argv[1], timeout=5)
        break
    except OSError:
        time.sleep(0.5)
else:
    sys.exit("litellm.sh: the proxy does not answer")
EOF
go test ./safetytest -run '^TestLiteLLM$' -count 1 -v -timeout 5m
