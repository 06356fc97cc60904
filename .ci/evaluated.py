"""Say what the prompt tokens of a gate were evaluated for.

    evaluated.py DIRECTORY-OF-RUNS

Prompts of one arm and draw begin alike: a server with a cache evaluates that beginning
once and of every other prompt only its end. What it evaluates of a beginning that it has
seen before is what another order of the calls, larger batches or more memory would save;
the rest is the least that these prompts need.
"""

import glob
import json
import sys


def main():
    beginnings = {}
    runs = sorted(glob.glob(f"{sys.argv[1]}/*/"))
    if not runs:
        sys.exit(f"evaluated.py: no record below {sys.argv[1]}")
    for path in glob.glob(f"{runs[-1]}*.jsonl"):  # the last run's: names begin with the time
        with open(path) as file:
            for line in file:
                entry = json.loads(line)
                answer = entry.get("answer")
                # Questions about the endpoint are no replies of an arm.
                if answer is None or entry.get("check"):
                    continue
                draw = entry["cell"].rsplit("/", 1)[-1]
                counts = answer.get("prompt_tokens", 0), answer.get("cached_tokens", 0)
                beginnings.setdefault((entry["arm"], draw), []).append(counts)
    sent = sum(prompt for calls in beginnings.values() for prompt, _ in calls)
    if not sent or not any(cached for calls in beginnings.values() for _, cached in calls):
        print("prompt tokens: the server reports no cache")
        return
    ends = first = again = 0
    for calls in beginnings.values():
        alike = max(cached for _, cached in calls)
        for i, (prompt, cached) in enumerate(calls):
            ends += prompt - max(alike, cached)
            missed = max(0, alike - cached)
            first, again = (first + missed, again) if i == 0 else (first, again + missed)
    share = [f"{100 * n / sent:.1f} %" for n in (ends + first + again, ends, first, again)]
    print(f"prompt tokens: {share[0]} of {sent} evaluated: {share[1]} the ends of prompts, "
          f"{share[2]} {len(beginnings)} beginnings once, {share[3]} beginnings again")


main()
