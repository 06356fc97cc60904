"""Say what the prompt tokens of a gate were evaluated for.

    evaluated.py DIRECTORY-OF-RUNS

Prompts of one arm and draw begin alike: a server with a cache evaluates that beginning
once and of every other prompt only its end. What a prompt takes that directly follows one
with its own beginning is its end. What others take beyond that is their beginning: once,
which these prompts need, or again, which another order of the calls, larger batches or
more memory would save. Where a request brings several replies its prompt is sent for all
of them at once; the share of what they would have been sent for one by one is given, too.
"""

import glob
import json
import sys


def asked(run):
    """Yield the answers to an arm's questions in the order in which they came, with the beginning of their prompts."""
    entries = []
    for path in glob.glob(f"{run}*.jsonl"):
        with open(path) as file:
            for line in file:
                entry = json.loads(line)
                # Questions about the endpoint are no replies of an arm.
                if entry.get("answer") is not None and not entry.get("check"):
                    entries.append(entry)
    for entry in sorted(entries, key=lambda e: e["received"]):
        yield (entry["arm"], entry["cell"].rsplit("/", 1)[-1]), entry["answer"]


def main():
    runs = sorted(glob.glob(f"{sys.argv[1]}/*/"))
    if not runs:
        sys.exit(f"evaluated.py: no record below {sys.argv[1]}")
    calls = list(asked(runs[-1]))  # the last run's: names begin with the time
    sent = sum(answer.get("prompt_tokens", 0) for _, answer in calls)
    if not sent or not any(answer.get("cached_tokens") for _, answer in calls):
        print("prompt tokens: the server reports no cache")
        return
    taken = [answer.get("prompt_tokens", 0) - answer.get("cached_tokens", 0) for _, answer in calls]
    followed = {}  # by beginning, what the prompts took that followed one with the same
    for i, (beginning, _) in enumerate(calls):
        if i > 0 and calls[i - 1][0] == beginning:
            followed.setdefault(beginning, []).append(taken[i])
    ends = first = again = 0
    seen = set()
    for i, (beginning, _) in enumerate(calls):
        usual = followed.get(beginning, [taken[i]])
        end = min(taken[i], sum(usual) / len(usual))
        if i > 0 and calls[i - 1][0] == beginning:
            end = taken[i]
        ends += end
        if beginning in seen:
            again += taken[i] - end
        else:
            first += taken[i] - end
        seen.add(beginning)
    share = [f"{100 * n / sent:.1f} %" for n in (sum(taken), ends, first, again)]
    single = sum(answer.get("prompt_tokens", 0) * (1 + len(answer.get("others") or [])) for _, answer in calls)
    if single > sent:
        share[0] += f" of {sent} evaluated, {100 * sum(taken) / single:.1f} % of what as many replies take one a request"
    else:
        share[0] += f" of {sent} evaluated"
    print(f"prompt tokens: {share[0]}: {share[1]} the ends of prompts, "
          f"{share[2]} {len(seen)} beginnings once, {share[3]} beginnings again")


main()
