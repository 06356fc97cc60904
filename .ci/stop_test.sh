#!/bin/sh
# Check that the real model's server stops when it is told to, also while a client
# waits for a reply that would take minutes, and that a command's end and status are
# passed on:
#
#   .ci/stop_test.sh [MODEL]
#
# Takes about a quarter of a minute.
set -eu
cd "$(dirname "$0")/.."
exec python3 - "${1:-smollm2}" <<'EOF'
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request

LIMIT = 30  # seconds in which a server must have stopped, on a busy machine too
SCRIPT = [".ci/real_model.sh", "--model", sys.argv[1]]


def check(what, number, waiting):
    """Serve, let a client wait if asked to, send the signal, and see the end."""
    server = subprocess.Popen(SCRIPT, stdout=subprocess.PIPE, text=True)
    try:
        base = server.stdout.readline().strip()
        if not base:
            sys.exit(f"{what}: the server did not start")
        if waiting:
            begin_to_wait(base)
        begin = time.monotonic()
        server.send_signal(number)
        try:
            status = server.wait(LIMIT)
        except subprocess.TimeoutExpired:
            sys.exit(f"{what}: the server still ran {LIMIT} seconds after the signal")
        if status != 0:
            sys.exit(f"{what}: exit status {status}")
        print(f"{what}: ended after {time.monotonic() - begin:.1f} s, status {status}")
    finally:
        if server.poll() is None:
            server.kill()


def begin_to_wait(base):
    """Ask for a reply of thousands of tokens, and return when the first has come."""
    body = {"messages": [{"role": "user", "content": "Count to ten thousand."}],
            "max_tokens": 8000, "ignore_eos": True, "stream": True}
    request = urllib.request.Request(base + "/chat/completions", json.dumps(body).encode(),
                                     {"Content-Type": "application/json"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    begun = threading.Event()

    def wait():
        try:
            with opener.open(request, timeout=600) as answer:
                for line in answer:
                    if line.strip():
                        begun.set()
        except OSError:
            pass  # the server has stopped

    threading.Thread(target=wait, daemon=True).start()
    if not begun.wait(120):
        sys.exit("no reply began")


def check_command(what, code, status, number=None):
    """Run a command under the server and see its status passed on."""
    server = subprocess.Popen([*SCRIPT, sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        server.stdout.readline()  # the command has begun
        if number:
            server.send_signal(number)
        got = server.wait(LIMIT)
    except subprocess.TimeoutExpired:
        sys.exit(f"{what}: still running after {LIMIT} seconds")
    finally:
        if server.poll() is None:
            server.kill()
    if got != status:
        sys.exit(f"{what}: exit status {got}, want {status}")
    print(f"{what}: exit status {got}")


check("idle, SIGTERM", signal.SIGTERM, waiting=False)
check("a client waits, SIGTERM", signal.SIGTERM, waiting=True)
check("a client waits, SIGINT", signal.SIGINT, waiting=True)
check_command("a command that fails", "print('begun', flush=True); raise SystemExit(7)", 7)
check_command("a command, SIGTERM", "import time; print('begun', flush=True); time.sleep(600)", 128 + signal.SIGTERM, signal.SIGTERM)
check_command("a command that takes no notice, SIGTERM",
              "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('begun', flush=True); time.sleep(600)",
              128 + signal.SIGKILL, signal.SIGTERM)
EOF
